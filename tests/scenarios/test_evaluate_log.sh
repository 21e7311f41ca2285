#!/usr/bin/env bash
# gavel evaluate on a .gvlog: against the same table as a CSV, against replays, and what is refused.
. tests/shell_test.sh

gavel=$(realpath "${GAVEL:-build/gavel}")
weights=$PWD/models/weights

# Bids of 20, 30 and 40 in turn; prices of 10 to 35, empty where they were above the bid.
make_table() {
    echo "when,cpm,paid,click"
    for i in $(seq 600); do
        local bid=$((20 + i % 3 * 10)) price=$((10 + i * 7 % 26)) paid='' click=0
        [ "$price" -le "$bid" ] && paid=$price && [ $((i % 4)) = 0 ] && click=1
        printf '2013-06-06 %02d:%02d:00,%s,%s,%s\n' $((i / 60)) $((i % 60)) "$bid" "$paid" "$click"
    done
}

ingest() {
    make_table >"$scratch/table.csv"
    cat >"$scratch/map.yaml" <<'END'
columns:
  when: time
  cpm: bid
  paid: {role: price, empty: "1000000"}
  click: clicks
END
    "$gavel" ingest csv "$scratch/table.csv" --mapping "$scratch/map.yaml" --quiet \
        -o "$scratch/table.gvlog" >/dev/null 2>&1
}

methods() {
    "$gavel" evaluate "$@" --json | sed -n '/"methods"/,/"logged"/p'
}

a_log_is_judged_as_its_table_is() {
    ingest
    local columns=(--column bid=cpm --column price=paid --column reward=click)
    for factor in 0.5 1 1.3; do
        methods "scale:$factor" --log "$scratch/table.csv" "${columns[@]}" >"$scratch/one" || true
        methods "scale:$factor" --log "$scratch/table.gvlog" --cluster none >"$scratch/two" || true
        grep -q '"km"' "$scratch/one"
        cmp "$scratch/one" "$scratch/two"
    done
    methods scale:1 --log "$scratch/table.csv" "${columns[@]}" --cluster when:13 >"$scratch/one"
    methods scale:1 --log "$scratch/table.gvlog" >"$scratch/two" # by hours where there are no users
    cmp "$scratch/one" "$scratch/two"
}

# iPinYou's impressions were won, whatever their price: nine in ten for 20 of 30, the others for 40.
a_log_of_impressions_was_won() {
    for i in $(seq 1000); do
        echo "$((i % 7 == 0)) $((i % 10 == 0 ? 40 : 20)) 30 1:1"
    done >"$scratch/rows.yzbx.txt"
    "$gavel" ingest yzbx "$scratch/rows.yzbx.txt" --quiet -o "$scratch/won.gvlog" >/dev/null 2>&1
    "$gavel" evaluate scale:0.9 --log "$scratch/won.gvlog" >"$scratch/shown"
    grep -qE '^  replay +0.9 ' "$scratch/shown"
    grep -qE "^  \(the log's own\) +1 +22 " "$scratch/shown"
    grep -qF '100 auctions were won for more than was bid' "$scratch/shown"
    expect_failure 3 "too thin: in 100.0 % of auctions the bid is above the logged one" \
        "$gavel" evaluate scale:1.1 --log "$scratch/won.gvlog"
    expect_failure 2 "has no times, only an order" \
        "$gavel" evaluate scale:1 --log "$scratch/won.gvlog" --cluster hour
}

demo_log() {
    [ -f "$scratch/demo.gvlog" ] ||
        "$gavel" generate --quiet --auctions 20000 --seed 3 "$scratch/demo.gvlog" >/dev/null
}

# What `gavel run` says that the policy wins, pays and is clicked, an auction.
a_policy_wins_what_its_replay_does() {
    demo_log
    cat >"$scratch/run.yaml" <<'END'
log: {path: demo.gvlog, format: gvlog}
campaigns: [{name: all, budget: 300}]
policies: [{type: constant, bid: 30}]
END
    "$gavel" run "$scratch/run.yaml" --quiet --json >"$scratch/run.json"
    "$gavel" evaluate constant --log "$scratch/demo.gvlog" --set constant.bid=30 \
        --set campaign.budget=300 --json >"$scratch/judged.json" || [ $? = 3 ]
    command -v python3 >/dev/null || skip "no python3"
    python3 - "$scratch" <<'END'
import json, sys
run = json.load(open(sys.argv[1] + "/run.json"))["cells"][0]["metrics"]
judged = json.load(open(sys.argv[1] + "/judged.json"))
replay = {name: figure["value"] * judged["auctions"]
          for name, figure in judged["methods"]["replay"].items()}
assert judged["auctions"] == 20000
assert round(replay["wins"]) == run["impressions"] > 1000, (replay, run)
assert round(replay["reward"]) == run["clicks"] > 0
assert abs(replay["spend"] - run["spend_cpm"]) < 1e-9 * run["spend_cpm"]
assert abs(1000 * judged["spent"] - run["spend_cpm"]) < 1e-6
END
}

what_a_policy_lacks_is_learnt_before_what_is_judged() {
    demo_log
    "$gavel" evaluate linear --log "$scratch/demo.gvlog" >"$scratch/shown" || [ $? = 3 ]
    grep -qE '^  learnt    .*b0=[0-9.]+.* by demo.gvlog ' "$scratch/shown"
    grep -qE ' on .*demo.gvlog: 1[0-9]{4} auctions, 84 clusters by hour' "$scratch/shown"
    "$gavel" evaluate constant --log "$scratch/demo.gvlog" --set policy.bid=20 >"$scratch/shown" ||
        [ $? = 3 ]
    grep -qF ': 20000 auctions, 168 clusters' "$scratch/shown"
    refute grep -q learnt "$scratch/shown"
    "$gavel" evaluate constant --log "$scratch/demo.gvlog" --set policy.bid=20 --cluster advertiser \
        --set log.where='{exchange: north}' >"$scratch/shown" || [ $? = 3 ]
    grep -qF ' 5 clusters by advertiser' "$scratch/shown"
}

what_a_log_cannot_give_is_refused() {
    demo_log
    local log=(--log "$scratch/demo.gvlog")
    expect_failure 2 "or the name of a policy such as linear" "$gavel" evaluate liner "${log[@]}"
    expect_failure 2 "says itself what it bid and paid" \
        "$gavel" evaluate scale:0.8 "${log[@]}" --column spend=cost
    expect_failure 2 "says itself what it bid and paid" \
        "$gavel" evaluate scale:0.8 "${log[@]}" --all-prices
    expect_failure 2 "expected scale: and a factor" "$gavel" evaluate scale:-1 "${log[@]}"
    expect_failure 2 "expected linear.KEY=VALUE, or log.from" \
        "$gavel" evaluate linear "${log[@]}" --set dros.lambda=1
    expect_failure 2 "b1" "$gavel" evaluate linear "${log[@]}" --set linear.b1=3
    expect_failure 2 "bids by what a market tells it" "$gavel" evaluate direct "${log[@]}" \
        --set "direct.weights=$weights/direct.safetensors"
    expect_failure 2 "--cluster users: expected user, hour, day" \
        "$gavel" evaluate scale:1 "${log[@]}" --cluster users
    expect_failure 2 "it is clicks (the default) or conversions" \
        "$gavel" evaluate scale:1 "${log[@]}" --column reward=sales
    expect_failure 2 "are for tables of decisions" "$gavel" evaluate scale:1 "${log[@]}" --episodes
}

run_demo() {
    "$gavel" run "$scratch/run.yaml" --quiet --db "$scratch/run.db" "$@" >"$scratch/table.txt"
}

# A run's database stands for the log that it kept.
a_database_is_judged_by_the_log_of_its_run() {
    demo_log
    printf '%s\n' 'log: {path: demo.gvlog, format: gvlog}' 'campaigns: [{name: all, budget: 300}]' \
        'policies: [{type: constant, bid: 30}, {name: high, type: constant, bid: 50}]' \
        'exploration: {jitter: 0.3}' >"$scratch/run.yaml"
    mkdir "$scratch/first" "$scratch/second"
    run_demo --logs "$scratch/first"
    run_demo --logs "$scratch/second" --set exploration.jitter=0
    run_demo
    "$gavel" evaluate scale:1.1 --log "$scratch/first/cell-1.csv" --column bid=bid \
        --column target=intended --column propensity=propensity --column reward=click --column spend=price \
        --cluster time:13 >"$scratch/plain" || [ $? = 3 ]
    "$gavel" evaluate scale:1.1 --log "$scratch/run.db" --run 1 --cell 1 >"$scratch/shown" || [ $? = 3 ]
    cmp "$scratch/plain" "$scratch/shown"
    "$gavel" evaluate scale:0.9 --log "$scratch/run.db" --run 2 --cell 0 >"$scratch/shown" || [ $? = 3 ]
    grep -qE 'cell-0.csv: 20000 auctions, 168 clusters' "$scratch/shown"
    expect_failure 2 "run 3 of $scratch/run.db kept no bids: run its scenario again with --logs" \
        "$gavel" evaluate scale:1 --log "$scratch/run.db"
    expect_failure 2 "has 2 cells; say which with --cell: 0 (all at 300 under constant), 1 (all" \
        "$gavel" evaluate scale:1 --log "$scratch/run.db" --run 1
    expect_failure 2 "gavel compare $scratch/run.db" \
        "$gavel" evaluate linear --log "$scratch/run.db" --run 1
    cp "$scratch/second/cell-0.csv" "$scratch/first"
    expect_failure 2 "another run has written there" \
        "$gavel" evaluate scale:1 --log "$scratch/run.db" --run 1 --cell 0
    rm "$scratch/second/cell-0.csv"
    expect_failure 1 "second/cell-0.csv: cannot be read" \
        "$gavel" evaluate scale:1 --log "$scratch/run.db" --run 2 --cell 0
}

run_tests a_log_is_judged_as_its_table_is a_log_of_impressions_was_won a_policy_wins_what_its_replay_does \
    what_a_policy_lacks_is_learnt_before_what_is_judged what_a_log_cannot_give_is_refused \
    a_database_is_judged_by_the_log_of_its_run
