#!/usr/bin/env bash
# Markets through gavel run, as a shell sees them: outcomes, contenders, resuming, mistakes.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute
market48=$PWD/scenarios/market48.yaml
week=$PWD/scenarios/week.yaml

# A small market in a folder of its own, which becomes the working directory.
begin() {
    local folder
    folder=$(mktemp -d "$scratch/market.XXXXXX")
    cd "$folder"
    cat >market.yaml <<'YAML'
name: small
seed: 3
market: {periods: 3, ticks: 6, tick: 4h, contenders: [mcpa, abid, pid]}
traffic: {type: auctionnet, opportunities: 4000, value_mean: 0.02}
mechanism: {type: second_price, reserve: 0.1 CPM}
advertisers:
  count: 9
  categories: 3
  budget: [60, 40, 90]
  cpa: [2, 3]
  policies: [mcpa, pid, abid]
policies:
  - {type: mcpa}
  - {type: auctionnet_pid, name: pid, start: 1}
  - {type: abid}
YAML
}

# Outcomes without wall times, in the order of their keys.
dump() {
    local table
    for table in parameter campaign_parameter tick metric seat seat_tick; do
        sqlite3 "$1" "SELECT * FROM $table ORDER BY 1, 2, 3"
    done
    sqlite3 "$1" "SELECT cell, name, policy, budget_nanos, wins, spend_nanos, conversions, event_count
                  FROM campaign ORDER BY run_id, cell"
}

needs_sqlite() {
    command -v sqlite3 >/dev/null || skip "the sqlite3 program is not installed"
}

threads_and_engines_change_no_byte() {
    needs_sqlite
    begin
    "$gavel" run market.yaml -q --jobs 1 --db one.db >table.txt
    "$gavel" run market.yaml -q --jobs 2 --db two.db >/dev/null
    "$gavel" run market.yaml -q --engine reference --db plain.db >/dev/null
    dump one.db >one.txt
    dump two.db >two.txt
    dump plain.db >plain.txt
    test "$(wc -l <one.txt)" -gt 500
    cmp one.txt two.txt
    cmp one.txt plain.txt
}

# An advertiser's own policy as a contender meets just what it met in the market.
a_contender_in_its_own_place_changes_nothing() {
    needs_sqlite
    begin
    for rivals in fixed reacting; do
        "$gavel" run market.yaml -q --set market.rivals=$rivals --db $rivals.db >/dev/null
        sqlite3 $rivals.db "SELECT count(*), sum(a.wins = b.wins AND a.spend_nanos = b.spend_nanos
            AND a.conversions = b.conversions) FROM campaign a JOIN seat s USING (run_id, cell)
            JOIN campaign b ON b.name = a.name AND b.policy = a.policy JOIN seat t ON
            t.cell = b.cell AND t.period = s.period
            WHERE s.rivals = 'market' AND t.rivals = '$rivals'" >pairs.txt
        test "$(cat pairs.txt)" = "27|27"
    done
    # A conversion is worth its CPA unless the scenario says otherwise.
    test "$(sqlite3 fixed.db 'SELECT count(*) FROM market_league WHERE abs(gained_currency -
        cpa_target_currency * conversions) > 1e-9')" = 0
    # A contender's budget is its own affair: the market stays as it was.
    "$gavel" run market.yaml -q --set market.contender_budget=0.5 --db half.db >/dev/null
    for what in "rivals = 'market'|spend_nanos" "rivals = 'fixed'|2 * budget_nanos"; do
        sqlite3 half.db "SELECT cell, ${what#*|} FROM campaign JOIN seat USING (run_id, cell)
            WHERE ${what%|*} ORDER BY cell" >half.txt
        sqlite3 fixed.db "SELECT cell, $(sed 's/2 \* //' <<<"${what#*|}") FROM campaign
            JOIN seat USING (run_id, cell) WHERE ${what%|*} ORDER BY cell" >whole.txt
        cmp half.txt whole.txt
    done
    # In another's place rivals that react matter.
    refute cmp -s <(dump fixed.db | grep -v rivals) <(dump reacting.db | grep -v rivals)
}

# Every rule of the market, by batches and one by one.
rules_change_the_outcome_and_engines_do_not() {
    needs_sqlite
    begin
    for rule in market.overspend=auctionnet market.repeat_draws=on mechanism.type=vcg \
        mechanism.type=first_price mechanism.soft_reserve='30 CPM' market.reserve_unsold=on; do
        "$gavel" run market.yaml -q --set "$rule" --db rule.db >/dev/null
        "$gavel" run market.yaml -q --set "$rule" --engine reference --db plain.db >/dev/null
        dump rule.db >rule.txt
        dump plain.db >plain.txt
        cmp rule.txt plain.txt
        rm rule.db plain.db
        cksum <rule.txt >>sums.txt
    done
    test "$(sort -u sums.txt | wc -l)" = 6
    expect_failure any 'slot 2 is seen more often' "$gavel" run market.yaml \
        --set mechanism.type=vcg --set market.cascade=off --set market.exposure='[0.5, 0.8, 0.6]'
}

# Outcomes of one kind of rivals, in the order of their keys.
outcomes() {
    sqlite3 "$1" "SELECT t.* FROM seat_tick t JOIN seat USING (run_id, cell) WHERE rivals = '$2'
        ORDER BY 1, 2, 3"
}

# Factors of 1 change nothing; others change what they should and nothing else.
knobs_of_robustness_disturb_what_they_name_alone() {
    needs_sqlite
    begin
    sed -i 's/contenders: .*}/contenders: [mcpa, abid, pid, oracle]}/' market.yaml
    echo '  - {type: oracle_slot, name: oracle}' >>market.yaml
    local shock="--set traffic.shock_from=3 --set traffic.shock_to=5"
    "$gavel" run market.yaml -q --db plain.db >/dev/null
    "$gavel" run market.yaml -q $shock --set advertisers.bid_scale=[1,1] \
        --set advertisers.bid_scale_from=2 --db ones.db >/dev/null
    for rivals in market fixed; do
        cmp <(outcomes plain.db $rivals) <(outcomes ones.db $rivals)
    done
    # All of them at once, by batches and one by one.
    for engine in batch reference; do
        "$gavel" run market.yaml -q $shock --set traffic.shock_volume=2 \
            --set traffic.shock_value=1.5 \
            --set advertisers.bid_scale=[2,1,1] --set advertisers.bid_scale_from=2 \
            --set advertisers.belief_scale=[1,0.5] --set market.contender_belief=1.4 \
            --set advertisers.belief_noise=[0.3,0] --set market.contender_noise=0.4 \
            --set advertisers.belief_cold=[0,0.5] --set market.contender_cold=0.2 \
            --set advertisers.belief_stale=[2,0,9] --set market.contender_stale=1 \
            --engine $engine --db $engine.db >/dev/null
        dump $engine.db >$engine.txt
    done
    cmp batch.txt reference.txt
    # Rivals do not notice what a contender believes, and the oracle is not deceived.
    local belief
    for belief in belief=0.7 cold=0.4 stale=2; do
        "$gavel" run market.yaml -q --set market.contender_$belief --db $belief.db >/dev/null
        cmp <(outcomes plain.db market) <(outcomes $belief.db market)
        for who in "= 'oracle'" "!= 'oracle'"; do
            for db in plain $belief; do
                sqlite3 $db.db "SELECT cell, wins, spend_nanos FROM campaign JOIN seat
                    USING (run_id, cell) WHERE rivals = 'fixed' AND policy $who ORDER BY 1" >$db.txt
            done
            cmp -s plain.txt $belief.txt && echo same || echo other
        done >verdicts.txt
        test "$(tr '\n' ' ' <verdicts.txt)" = "same other "
    done
    "$gavel" run market.yaml -q --set market.contender_cold=0 --set market.contender_stale=0 \
        --set advertisers.belief_cold=[0,0] --set advertisers.belief_stale=0 --db zero.db >/dev/null
    for rivals in market fixed; do
        cmp <(outcomes plain.db $rivals) <(outcomes zero.db $rivals)
    done
}

# Constant bids twice as high from the start are a scale of 2; a contender has none of it.
a_bid_scale_is_the_advertisers_own() {
    needs_sqlite
    begin
    sed -i -e 's/policies: .*/policies: [low]/' -e 's/contenders: .*}/contenders: [low]}/' \
        market.yaml
    cat >>market.yaml <<'YAML'
  - {type: constant, name: low, bid: 20 CPM}
  - {type: constant, name: high, bid: 40 CPM}
YAML
    "$gavel" run market.yaml -q --set advertisers.bid_scale=[2,1,1] --db scaled.db >/dev/null
    "$gavel" run market.yaml -q --set advertisers.policies=[high,low,low] --db high.db >/dev/null
    for rivals in market fixed; do
        cmp <(outcomes scaled.db $rivals) <(outcomes high.db $rivals)
    done
}

# A shock or a scale that begins in the last tick cannot have been learnt from.
policies_learn_from_a_period_without_disturbance() {
    needs_sqlite
    begin
    sed -i -e 's/policies: .*/policies: [lp, abid]/' -e 's/contenders: .*}/contenders: [lp]}/' \
        market.yaml
    echo '  - {type: online_lp, name: lp}' >>market.yaml
    "$gavel" run market.yaml -q --db plain.db >/dev/null
    "$gavel" run market.yaml -q --set traffic.shock_from=5 --set traffic.shock_value=3 \
        --set advertisers.bid_scale=3 --set advertisers.bid_scale_from=5 --db late.db >/dev/null
    for ticks in "< 5" "= 5"; do
        for db in plain late; do
            sqlite3 $db.db "SELECT t.* FROM seat_tick t WHERE tick $ticks ORDER BY 1, 2, 3" >$db.txt
        done
        test "$(wc -l <plain.txt)" -gt 50
        cmp -s plain.txt late.txt && echo same || echo other
    done >verdicts.txt
    test "$(tr '\n' ' ' <verdicts.txt)" = "same other "
}

# The lists of 48 serve 12, and 96 by going through them twice.
the_shipped_market_has_any_number_of_advertisers() {
    needs_sqlite
    begin
    for count in 12 96; do
        "$gavel" run "$market48" -q --set advertisers.count=$count --set traffic.opportunities=500 \
            --set market.contenders=[] --db $count.db >/dev/null
        sqlite3 $count.db "SELECT budget_nanos, policy FROM campaign ORDER BY cell" >$count.txt
        test "$(wc -l <$count.txt)" -eq $count
    done
    cmp <(head -12 96.txt) 12.txt
    cmp <(head -48 96.txt) <(tail -48 96.txt)
    test "$(sqlite3 12.db 'SELECT count(DISTINCT category) FROM seat')" -eq 6
}

# Half of the advertisers by each policy, then swapped: differences are of the same seats.
a_swapped_run_compares_each_advertiser_with_itself() {
    needs_sqlite
    begin
    for policies in mcpa,abid abid,mcpa; do
        "$gavel" run market.yaml -q --set market.contenders=[] --set market.periods=12 \
            --set advertisers.count=10 --set "advertisers.policies=[$policies]" --db ab.db >/dev/null
    done
    ab() { "$gavel" compare ab.db --run 1 --baseline mcpa --csv "$@"; }
    ab --swapped-run 2 -m conversions,spend,score >ab.csv
    sqlite3 -separator ' ' ab.db "SELECT b.policy, sum(a.run_id = 1), count(DISTINCT s.period),
            sum(b.conversions) - sum(a.conversions), sum(b.spend_nanos) - sum(a.spend_nanos)
        FROM campaign a JOIN seat s USING (run_id, cell) JOIN campaign b ON b.run_id = 3 - a.run_id
            AND b.name = a.name JOIN seat t ON t.run_id = b.run_id AND t.cell = b.cell
            AND t.period = s.period
        WHERE a.policy = 'mcpa'" >sums.txt
    awk -F, '$2 == "" && $4 == "abid" { difference[$5] = $13; parts = $7; blocks = $8 }
        END { printf "abid %d %d %d %.0f\n", parts / 2, blocks, difference["conversions"],
              difference["spend"] * 1e9 }' ab.csv >said.txt
    cmp sums.txt said.txt
    "$gavel" compare ab.db --run 1 --swapped-run 2 --baseline mcpa --json >ab.json
    grep -q '"swapped_run": {' ab.json
    "$gavel" compare ab.db --run 1 --swapped-run 2 --baseline mcpa >table.txt
    grep -q 'each advertiser and period with itself in run 2' table.txt
    grep -q 'what a policy takes from the other group' table.txt
    expect_failure 2 "no advertiser bids by mcpa in one of runs 1 and 1" ab --swapped-run 1
    expect_failure 2 "stands neither beside" ab --swapped-run 2 --baseline-run 2
    expect_failure 1 "holds no run 7" ab --swapped-run 7
}

a_killed_run_resumes_period_by_period() {
    needs_sqlite
    begin
    sed -i 's/periods: 3/periods: 60/' market.yaml
    "$gavel" run market.yaml -q --db whole.db >/dev/null
    local part=0 done=0
    for delay in 0.02 0.04 0.06; do
        "$gavel" run market.yaml -q --resume --db cut.db >/dev/null 2>&1 &
        local child=$!
        sleep $delay
        kill -9 $child 2>/dev/null || true
        wait $child 2>/dev/null || true
        done=$(sqlite3 cut.db 'SELECT count(*) FROM campaign' 2>/dev/null || true)
        test $((${done:-0} % 36)) -eq 0 # whole periods only
        [ "${done:-0}" -eq 2160 ] && break # too fast to be killed: another --resume would begin anew
        part=1
    done
    [ "${done:-0}" -eq 2160 ] || "$gavel" run market.yaml -q --resume --db cut.db >/dev/null
    dump whole.db >whole.txt
    dump cut.db >cut.txt
    cmp whole.txt cut.txt
    [ $part = 1 ] || skip "the machine finished before it could be killed"
}

print_config_reads_back_to_the_same_market() {
    begin
    "$gavel" run market.yaml --set advertisers.budget=[50,70] --print-config >resolved.yaml
    grep -q 'budget: \[50, 70\] .*# --set' resolved.yaml
    grep -q 'periods: 3 .*# scenario' resolved.yaml
    "$gavel" run market.yaml -q --set advertisers.budget=[50,70] >one.txt
    "$gavel" run resolved.yaml -q >two.txt
    cmp <(tail -n +2 one.txt) <(tail -n +2 two.txt)
    "$gavel" run market.yaml --dry-run >cells.txt
    test "$(wc -l <cells.txt)" -eq 109
}

trajectories_are_those_of_the_stored_run() {
    needs_sqlite
    begin
    "$gavel" run market.yaml -q --db run.db >/dev/null
    "$gavel" trajectories run.db -q -o all.safetensors
    "$gavel" trajectories run.db --rivals fixed --policies abid,pid -o some.safetensors 2>talk.txt
    grep -q '54 trajectories' talk.txt
    head -c 4000 all.safetensors | grep -qa '"shape":\[27,6,16\]'
    # What was spent, added up from the file's own numbers.
    python3 - all.safetensors >spend.txt <<'PYTHON' || skip "python3 is not installed"
import json, struct, sys
data = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", data[:8])[0]
begin, end = json.loads(data[8:8 + size])["spend"]["data_offsets"]
print(round(sum(struct.unpack(f"<{(end - begin) // 8}d", data[8 + size:][begin:end])) * 1e6))
PYTHON
    test "$(cat spend.txt)" = "$(sqlite3 run.db "SELECT CAST(round(sum(spend_nanos) / 1e3) AS INTEGER) FROM campaign
        JOIN seat USING (run_id, cell) WHERE rivals = 'market'")"
    expect_failure 1 "no campaign of that policy" "$gavel" trajectories run.db --policies x -o x
    "$gavel" run market.yaml -q --set market.keep_ticks=off --db bare.db >/dev/null
    expect_failure 1 "kept no ticks" "$gavel" trajectories bare.db -o x
    expect_failure 2 "expected market, fixed" "$gavel" trajectories run.db --rivals none -o x
}

logs_hold_the_market_that_was_sold() {
    needs_sqlite
    begin
    mkdir logs
    "$gavel" run market.yaml -q --jobs 2 --logs logs --db run.db >/dev/null
    test "$(ls logs | tr '\n' ' ')" = "period-7.csv period-8.csv period-9.csv "
    for period in 7 8 9; do # what was spent and won, from the log's own columns
        awk -F, 'NR > 1 { wins += $12; spend += $14 * $15; gains += $16 }
                 END { printf "%d %.0f %d\n", wins, spend * 1e3, gains }' logs/period-$period.csv
        sqlite3 -separator ' ' run.db "SELECT sum(wins), CAST(round(sum(spend_nanos) / 1e6) AS INTEGER),
            sum(conversions) FROM campaign JOIN seat USING (run_id, cell)
            WHERE rivals = 'market' AND period = $period"
    done >sums.txt
    test "$(uniq sums.txt | wc -l)" -eq 3
    "$gavel" auctionnet score logs/period-7.csv --policy mcpa -q >scores.txt
    grep -q 'on 9 campaigns' scores.txt
    # Values are those that were believed: half of the true ones for every other advertiser.
    mkdir half
    "$gavel" run market.yaml -q --set market.periods=1 --set advertisers.belief_scale=[0.5,1] \
        --logs half >/dev/null
    paste -d, <(cut -d, -f2,9 logs/period-7.csv) <(cut -d, -f9 half/period-7.csv) |
        awk -F, 'NR > 1 { want = $2 * ($1 % 2 == 0 ? 0.5 : 1); rows++
                          bad += $3 - want > 1e-12 || want - $3 > 1e-12 }
                 END { exit bad > 0 || rows < 30000 }'
    expect_failure 1 "no-such-folder" "$gavel" run market.yaml --logs no-such-folder
}

mistakes_are_told_in_their_places() {
    begin
    run() { "$gavel" run market.yaml --dry-run "$@"; }
    expect_failure 2 "market.slots" run --set market.slots=0
    expect_failure 2 "expected a probability for each of the 4 slots" run --set market.slots=4
    expect_failure 2 "exposure" run --set market.exposure=[1,2,0.5]
    expect_failure 2 "did you mean 'abid'" run --set market.contenders=[abidd]
    expect_failure 2 "given twice" run --set market.contenders=[abid,abid]
    expect_failure 2 "no policy 'nobody'" run --set advertisers.policies=[nobody]
    expect_failure 2 "did you mean 'auctionnet'" run --set traffic.type=auctionet
    expect_failure 2 "10 categories of 9 advertisers" run --set advertisers.categories=10
    expect_failure 2 "belongs to the replay of a log" run --set log.path=x.gvlog
    expect_failure 2 "judged by" run --set market.history_period=8
    expect_failure 2 "no beginning: give shock_from" run --set traffic.shock_volume=2
    expect_failure 2 "shock_to is 3, expected one of 5 to 6" run --set traffic.shock_from=4 \
        --set traffic.shock_to=3
    expect_failure 2 "bid_scale_from is 6, expected a tick of the period: 0 to 5" run \
        --set advertisers.bid_scale_from=6
    expect_failure 2 "bid_scale: expected a number from 0 to 1000" run \
        --set advertisers.bid_scale=[1,-2]
    expect_failure 2 "contender_belief: expected a number" run --set market.contender_belief=low
    expect_failure 2 "market has no key 'slot'" run --set market.slot=3
    expect_failure 2 "advertisers.cpa" run --set advertisers.cpa=[]
    sed -i '/^market:/d' market.yaml
    expect_failure 2 "belongs to a simulated market" run
}

what_a_market_cannot_give_is_refused() {
    begin
    sed -i 's/{type: abid}/{type: linear, name: abid}/' market.yaml
    expect_failure 2 "bids by click probabilities" "$gavel" run market.yaml
    sed -i 's/{type: linear, name: abid}/{type: oracle_slot, name: abid}/' market.yaml
    sed -i 's/policies: .*/policies: [mcpa]/' market.yaml
    for rule in type=first_price 'soft_reserve=50 CPM'; do
        expect_failure 2 "abid: oracle_slot foresees the others' offers" \
            "$gavel" run market.yaml --set "mechanism.$rule"
    done
    "$gavel" run market.yaml --set mechanism.type=vcg --dry-run >/dev/null
    sed -i 's/{type: oracle_slot, name: abid}/{type: dual_pacing, name: abid}/' market.yaml
    expect_failure 2 "abid: dual_pacing bids on one auction after another" \
        "$gavel" run market.yaml --set market.overspend=auctionnet
}

# AuctionNet's rule asks for a whole tick's bids before any of its auctions is told.
who_hears_of_each_auction_may_overspend() {
    needs_sqlite
    begin
    sed -i 's/{type: abid}/{type: online_lp_window, name: abid}/' market.yaml
    "$gavel" run market.yaml -q --set market.overspend=auctionnet --db over.db >/dev/null
    test "$(sqlite3 over.db 'SELECT sum(wins) > 100 FROM campaign WHERE policy = "abid"')" = 1
}

a_market_of_ten_thousand_runs() {
    begin
    "$gavel" run market.yaml -q --set advertisers.count=10000 --set advertisers.categories=100 \
        --set market.periods=1 --set market.contenders=[] --set traffic.opportunities=200 >many.txt
    grep -q "10000 of 10000 cells" many.txt
}

nothing_reaches_a_reserve_above_every_value() {
    needs_sqlite
    begin
    "$gavel" run market.yaml -q --set mechanism.reserve=900000 --db dear.db >dear.txt
    test "$(sqlite3 dear.db 'SELECT sum(wins) FROM campaign')" = 0
    "$gavel" run market.yaml --set mechanism.reserve=900000 2>talk.txt >dear.txt
    grep -q 'no offer reached the reserve' talk.txt
}

absurd_bids_are_counted_and_clamped() {
    begin
    "$gavel" run market.yaml --set policies.mcpa.factor=1000000 --set advertisers.cpa=100000000 \
        2>talk.txt >table.txt
    grep -q 'bids were clamped: 0 that were no numbers and 0 below 0 .* the first by mcpa' talk.txt
}

the_shipped_markets_are_sound() {
    "$gavel" run "$market48" --dry-run >"$scratch/cells.txt"
    test "$(wc -l <"$scratch/cells.txt")" -gt 48
    "$gavel" run "$week" --set traffic.curve=auctionnet --dry-run >"$scratch/cells.txt"
    test "$(wc -l <"$scratch/cells.txt")" -eq 673
}

a_curve_is_found_beside_its_scenario_and_is_an_input() {
    needs_sqlite
    begin
    mkdir curves
    printf 'hour,share\n' >curves/day.csv
    for hour in $(seq 0 23); do echo "$hour,$((hour / 6 + 1))"; done >>curves/day.csv
    sed -i 's/^traffic:.*/traffic: {type: poisson, rate: 3000, curve: curves\/day.csv}/' market.yaml
    (cd / && "$gavel" run "$OLDPWD/market.yaml" -q --db "$OLDPWD/curve.db" >/dev/null)
    sqlite3 curve.db "SELECT value FROM provenance WHERE name LIKE 'input.0.%'" >inputs.txt
    grep -q 'curves/day.csv' inputs.txt
    expect_failure 1 "curves/no.csv" "$gavel" run market.yaml --set traffic.curve=curves/no.csv
}

run_tests \
    threads_and_engines_change_no_byte \
    a_contender_in_its_own_place_changes_nothing \
    rules_change_the_outcome_and_engines_do_not \
    knobs_of_robustness_disturb_what_they_name_alone \
    a_bid_scale_is_the_advertisers_own \
    policies_learn_from_a_period_without_disturbance \
    the_shipped_market_has_any_number_of_advertisers \
    a_swapped_run_compares_each_advertiser_with_itself \
    a_killed_run_resumes_period_by_period \
    print_config_reads_back_to_the_same_market \
    trajectories_are_those_of_the_stored_run \
    logs_hold_the_market_that_was_sold \
    mistakes_are_told_in_their_places \
    what_a_market_cannot_give_is_refused \
    who_hears_of_each_auction_may_overspend \
    a_market_of_ten_thousand_runs \
    nothing_reaches_a_reserve_above_every_value \
    absurd_bids_are_counted_and_clamped \
    the_shipped_markets_are_sound \
    a_curve_is_found_beside_its_scenario_and_is_an_input
