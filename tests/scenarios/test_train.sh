#!/usr/bin/env bash
# gavel train as a shell sees it: from a market's trajectories to weights, and back into a market.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute

# A small market and its trajectories in a folder of its own, which becomes the working directory.
begin() {
    local folder
    folder=$(mktemp -d "$scratch/train.XXXXXX")
    cd "$folder"
    cat >market.yaml <<'YAML'
name: small
seed: 3
market: {periods: 4, ticks: 6, tick: 4h, contenders: [mcpa]}
traffic: {type: auctionnet, opportunities: 3000, value_mean: 0.02}
mechanism: {type: second_price, reserve: 0.1 CPM}
advertisers: {count: 9, categories: 3, budget: [60, 40, 90], cpa: [2, 3], policies: [mcpa, abid]}
policies: [{type: mcpa}, {type: abid}]
YAML
    "$gavel" run market.yaml -q --db market.db >/dev/null
    "$gavel" trajectories market.db -o t.safetensors -q
}

# A scenario that replays a log.
begin_replay() {
    "$gavel" generate -q --auctions 2000 log.gvlog >/dev/null
    cat >replay.yaml <<'YAML'
name: replay
log: {path: log.gvlog, format: gvlog}
campaigns: [{name: c, budget: 100 CPM}]
policies: [{type: constant}]
YAML
}

each_learner_goes_from_trajectories_into_a_market() {
    begin
    local type
    for type in bc iql cql td3bc bcq; do
        "$gavel" train "$type" t.safetensors -o "$type.safetensors" --steps 20 --set batch=20 -q \
            >table.txt
        grep -q '^ *20 ' table.txt
        "$gavel" run market.yaml -q --set "policies.+={type: $type, weights: $type.safetensors}" \
            --set "market.contenders=[$type]" >league.txt
        grep -q "$type" league.txt
    done
}

threads_and_resuming_change_no_byte() {
    begin
    "$gavel" train iql t.safetensors -o one.safetensors --steps 60 --jobs 1 -q >/dev/null
    "$gavel" train iql t.safetensors -o two.safetensors --steps 60 --jobs 2 -q >/dev/null
    cmp one.safetensors two.safetensors
    "$gavel" train iql t.safetensors -o part.safetensors --steps 23 -q >/dev/null
    "$gavel" train iql t.safetensors -o part.safetensors --steps 60 --resume -q >/dev/null
    cmp one.safetensors part.safetensors
    "$gavel" train iql t.safetensors -o other.safetensors --steps 60 --seed 2 -q >/dev/null
    refute cmp -s one.safetensors other.safetensors
}

the_best_is_kept_and_rows_are_json() {
    begin
    "$gavel" train bc t.safetensors -o bc.safetensors --steps 40 --every 10 --validate market.yaml \
        --json -q >rows.json
    test "$(wc -l <rows.json)" = 4
    grep -q '"step":40' rows.json
    grep -q '"score":[0-9]' rows.json
    grep -q '"best":true' rows.json
    test ! -e bc.safetensors.candidate
    local best
    best=$(grep '"best":true' rows.json | tail -1 | sed 's/.*"step":\([0-9]*\).*/\1/')
    grep -aq "\"trained.step\":\"$best\"" bc.safetensors
}

held_out_periods_are_not_learnt_from() {
    begin
    "$gavel" train bc t.safetensors -o bc.safetensors --steps 2 --hold-out 0.5 2>talk.txt >/dev/null
    grep -q '18 trajectories of 6 ticks' talk.txt
    grep -aq '"trained.periods":"7..8"' bc.safetensors
}

an_interrupt_saves_and_exits_130() {
    begin
    "$gavel" train td3bc t.safetensors -o a.safetensors --steps 100000000 --every 1000 -q \
        >/dev/null &
    local pid=$! tries=0 code=0
    while [ ! -e a.safetensors ] && [ $tries -lt 600 ]; do
        tries=$((tries + 1))
        read -r -t 0.1 <> <(:) || true
    done
    kill -INT $pid
    wait $pid || code=$?
    test "$code" = 130
    test -e a.safetensors.resume
}

mistakes_are_named() {
    begin
    expect_failure 2 "there is no learner 'bcc'; did you mean 'bc'?" \
        "$gavel" train bcc t.safetensors -o x
    expect_failure 2 "which TRAJECTORIES?" "$gavel" train bc -o x
    expect_failure 2 "give -o FILE" "$gavel" train bc t.safetensors
    expect_failure 2 "./t.safetensors would be written over t.safetensors" \
        "$gavel" train bc t.safetensors -o ./t.safetensors
    expect_failure 2 "would be written over market.yaml" \
        "$gavel" train bc t.safetensors -o ./market.yaml --validate market.yaml
    expect_failure 2 "would be written over market.db" "$gavel" trajectories market.db -o ./market.db
    expect_failure 2 "would be written over market.yaml" \
        "$gavel" landscapes market.yaml -o ./market.yaml
    expect_failure 2 "would be written over market.yaml" \
        "$gavel" experts market.yaml -o ./market.yaml
    expect_failure 2 "bc has no 'hiden_1'" \
        "$gavel" train bc t.safetensors -o x --set hiden_1=3
    expect_failure 2 "batch" "$gavel" train bc t.safetensors -o x --set batch=0
    expect_failure 2 "make batch a multiple of shards" \
        "$gavel" train bc t.safetensors -o x --set batch=7
    expect_failure 2 "bc has no preset 'mine'; there are: published" \
        "$gavel" train bc t.safetensors -o x --preset mine
    expect_failure 1 "missing.safetensors" "$gavel" train bc missing.safetensors -o x
    begin_replay
    expect_failure 2 "weights are judged in a scenario with \`market:\`" \
        "$gavel" train bc t.safetensors -o x --steps 3 --validate replay.yaml
    sed 's/ticks: 6/ticks: 5/' market.yaml >shorter.yaml
    expect_failure 2 "its periods have 5 ticks, and the trajectories 6" \
        "$gavel" train bc t.safetensors -o x --steps 3 --validate shorter.yaml
    test ! -e x
}

weights_need_a_market_of_their_ticks() {
    begin
    "$gavel" train bc t.safetensors -o bc.safetensors --steps 3 -q >/dev/null
    expect_failure any "trained on periods of 6 ticks, and this campaign has 12" \
        "$gavel" run market.yaml -q --set "policies.+={type: bc, weights: bc.safetensors}" \
        --set market.contenders=[bc] --set market.ticks=12
    begin_replay
    expect_failure 2 "give it a scenario with \`market:\`" \
        "$gavel" run replay.yaml -q --set "policies.+={type: bc, weights: bc.safetensors}"
}

# Budgets 40 to 90 and CPAs 2 and 3 were learned from, of 9 advertisers three each.
a_run_tells_what_was_not_learned() {
    begin
    local plays=(run market.yaml --json --set "policies.+={type: bc, weights: bc.safetensors}")
    "$gavel" train bc t.safetensors -o bc.safetensors --steps 2 -q >/dev/null
    grep -aq '"trained.budget":"40 90","trained.cpa":"2 3"' bc.safetensors
    "$gavel" "${plays[@]}" --set 'market.contenders=[bc]' --db runs.db 2>talk.txt >plain.json
    refute grep -q warning talk.txt
    "$gavel" "${plays[@]}" --set 'market.contenders=[bc]' --set market.contender_budget=0.5 \
        --db runs.db 2>talk.txt >half.json
    grep -q "warning: policy 'bc': 6 of 9 campaigns have a budget outside what its weights were \
trained on (40 to 90): 20 to 30; it has not learnt them" talk.txt
    test "$(grep -c warning talk.txt)" = 1
    refute grep -q warning half.json
    if command -v sqlite3 >/dev/null; then
        test "$(sqlite3 runs.db "SELECT value FROM provenance WHERE name LIKE 'unlearned.%'" |
            grep -c '^bc$\|^6 of 9 campaigns have')" = 2
    fi
    # As an advertiser's own policy, its own budget counts; as a contender, the scaled one.
    "$gavel" "${plays[@]}" --set 'market.contenders=[bc]' --set market.contender_budget=1000 \
        --set 'advertisers.policies=[bc, mcpa, mcpa]' --set 'advertisers.cpa=[3, 0.5]' \
        2>talk.txt >/dev/null
    grep -q "'bc': 9 of 12 campaigns have a budget .* (40 to 90): 40000 to 90000;" talk.txt
    grep -q "'bc': [0-9]* of 12 campaigns have a CPA .* (2 to 3): 0.5;" talk.txt
    test "$(grep -c warning talk.txt)" = 2
    "$gavel" "${plays[@]}" --set 'market.contenders=[bc]' --set market.contender_budget=0.5 -q \
        2>talk.txt >/dev/null
    test ! -s talk.txt
    # Whoever bids for nobody is not asked.
    "$gavel" "${plays[@]}" --set 'market.contenders=[mcpa]' --set market.contender_budget=0.5 \
        2>talk.txt >/dev/null
    refute grep -q warning talk.txt
}

a_sweep_tells_where_it_was_not_learned() {
    begin
    "$gavel" train bc t.safetensors -o bc.safetensors --steps 2 -q >/dev/null
    cat >sweep.yaml <<'YAML'
name: budgets
scenario: market.yaml
axes: [{set: market.contender_budget, list: [1, 0.5, 2]}]
YAML
    local jobs
    for jobs in 1 2; do
        "$gavel" sweep sweep.yaml --jobs $jobs --set 'market.contenders=[bc]' \
            --set 'policies.+={type: bc, weights: bc.safetensors}' 2>talk.txt >/dev/null
        grep -q 'warning: in 2 points a .* first: market.contender_budget=0.5 .*: bc$' talk.txt
    done
}

a_spoilt_range_ends_a_run() {
    begin
    "$gavel" train bc t.safetensors -o bc.safetensors --steps 2 -q >/dev/null
    sed 's/"trained.budget":"40 90"/"trained.budget":"40 09"/' bc.safetensors >spoilt.safetensors
    expect_failure 1 'spoilt.safetensors: "trained.budget" is "40 09", expected the least' \
        "$gavel" run market.yaml -q --set "policies.+={type: bc, weights: spoilt.safetensors}" \
        --set market.contenders=[bc]
}

# The same for any number of threads.
a_run_tells_how_many_plans_were_held() {
    begin
    local value
    local small=()
    for value in base=8 groups=4 levels=2 batch=8 inverse=8 diffusion_steps=6 experts=all; do
        small+=(--set $value)
    done
    "$gavel" train egdb t.safetensors -o egdb.safetensors --steps 10 "${small[@]}" -q >/dev/null
    local jobs
    for jobs in 1 2; do
        "$gavel" run market.yaml --jobs $jobs --json --set 'market.contenders=[wild]' \
            --set "policies.+={name: wild, type: egdb, weights: egdb.safetensors, guidance: 900}" \
            2>talk$jobs.txt >outcome.json
        # 4 periods of 9 campaigns and 6 ticks, in the last of which nothing is left to plan
        grep -q "^policy 'wild': [1-9][0-9]* of 180 plans had states out of bounds" talk$jobs.txt
        refute grep -q 'out of bounds' outcome.json
    done
    grep 'out of bounds' talk1.txt >one.txt
    grep -qxFf one.txt talk2.txt
    "$gavel" run market.yaml -q --set 'market.contenders=[wild]' \
        --set "policies.+={name: wild, type: egdb, weights: egdb.safetensors, guidance: 900}" \
        2>talk.txt >/dev/null
    test ! -s talk.txt
}

run_tests \
    each_learner_goes_from_trajectories_into_a_market \
    threads_and_resuming_change_no_byte \
    the_best_is_kept_and_rows_are_json \
    held_out_periods_are_not_learnt_from \
    an_interrupt_saves_and_exits_130 \
    mistakes_are_named \
    weights_need_a_market_of_their_ticks \
    a_run_tells_what_was_not_learned \
    a_sweep_tells_where_it_was_not_learned \
    a_spoilt_range_ends_a_run \
    a_run_tells_how_many_plans_were_held
