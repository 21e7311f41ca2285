#!/usr/bin/env bash
# gavel sweep and gavel compare --sweep as a shell sees them: points, kills, changes, failures.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute
scenarios=$PWD/scenarios
golden=$PWD/tests/golden

# A made-up log in the test's own folder, which becomes the working directory.
begin() {
    local folder
    folder=$(mktemp -d "$scratch/sweep.XXXXXX")
    cd "$folder"
    "$gavel" generate --quiet --auctions "${1:-3000}" --seed 2 demo.gvlog >/dev/null
    export GAVEL_DEMO_LOG=$PWD/demo.gvlog
}

# Two policies, one of which draws numbers, so that seeds matter.
write_sweep() {
    cat >small.yaml <<END
log: {path: $PWD/demo.gvlog}
campaigns: [{name: all, budget_share: 1/8, tick: ${1:-1 h}}]
policies:
  - {name: lin, type: constant, bid: 20}
  - {type: random, low: 0, high: 90}
END
    cat >small_sweep.yaml <<END
name: small
scenario: small.yaml
replications: ${2:-2}
axes:
  - {name: share, set: campaigns.all.budget_share, list: [1/2, 1/8]}
  - {set: policies.lin.bid, range: {from: 10, to: 30, step: ${3:-10}}}
END
}

needs_sqlite() {
    command -v sqlite3 >/dev/null || skip "the sqlite3 program is not installed"
}

# Everything in a database but wall clocks, in the order of its keys.
dump() {
    local table columns
    for table in sweep sweep_cell sweep_value run parameter provenance reject campaign \
        campaign_parameter tick metric checkpoint seat seat_tick; do
        columns=$(sqlite3 "$1" "SELECT group_concat(name) FROM pragma_table_info('$table')
                                WHERE name NOT IN ('wall_us', 'started_us')")
        echo "== $table"
        sqlite3 "$1" "SELECT $columns FROM $table ORDER BY 1, 2, 3"
    done
}

the_points_of_the_example_are_as_they_were() {
    begin
    "$gavel" sweep "$scenarios/budget_sweep.yaml" --dry-run >points.txt
    if [ -n "${GV_GOLDEN_UPDATE:-}" ]; then
        cp points.txt "$golden/budget_sweep_points.txt"
    fi
    cmp points.txt "$golden/budget_sweep_points.txt"
    "$gavel" sweep "$scenarios/budget_sweep.yaml" --dry-run --json | grep -c '"point"' >count.txt
    test "$(cat count.txt)" = 9
    test ! -e sweep.db
}

the_example_runs_and_compares() {
    begin
    "$gavel" sweep "$scenarios/budget_sweep.yaml" --db sweep.db >table.txt 2>talk.txt
    grep -q '9 of 9 points done' table.txt
    grep -q 'sweep 1 is in sweep.db' talk.txt
    "$gavel" compare sweep.db --sweep --baseline linear -m clicks >policies.txt
    grep -qE '1/32 +40 +linear .*baseline' policies.txt
    "$gavel" compare sweep.db --sweep=1 --baseline b0=60 --csv >axis.csv
    test "$(wc -l <axis.csv)" = $((1 + 9 * 5 * 5))
    "$gavel" compare sweep.db --sweep --json | grep -q '"failures": \[\]'
    expect_failure 2 "such as constant, mcpc, linear, ortb1, pid, campaigns.all.budget_share=1/2" \
        "$gavel" compare sweep.db --sweep --baseline b0=61
    expect_failure 1 "holds no sweep 7" "$gavel" compare sweep.db --sweep=7
    "$gavel" sweep "$scenarios/budget_sweep.yaml" --json --quiet >outcome.json 2>silence.txt
    grep -q '"budget_share": "1/32"' outcome.json || grep -q 'budget_share": "1/32"' outcome.json
    test ! -s silence.txt
}

# Where seeds say nothing, intervals are those of `gavel compare` within the run.
single_runs_are_as_sure_as_their_traffic() {
    begin 20000
    "$gavel" sweep "$scenarios/budget_sweep.yaml" --db sweep.db --quiet >/dev/null
    "$gavel" compare sweep.db --run 5 --baseline linear -m clicks --csv |
        awk -F, '$3 == "pid" { print $8, $12, $13, $14 }' >run.txt
    "$gavel" compare sweep.db --sweep --baseline linear -m clicks --csv |
        awk -F, '$1 == "1/8" && $2 == 60 && $3 == "pid" { print $8, $13, $15, $16 }' >sweep.txt
    cmp run.txt sweep.txt
    test -s run.txt
    "$gavel" compare sweep.db --sweep --baseline linear -m clicks | grep -q '4000 resamples'
}

# Another seed is another market: replications differ, and their spread is shown.
markets_are_swept_with_their_scores() {
    begin
    cat >market.yaml <<'END'
market: {periods: 1, ticks: 6, tick: 4h, contenders: [mcpa, abid]}
traffic: {type: auctionnet, opportunities: 3000, value_mean: 0.02}
advertisers: {count: 6, categories: 3, budget: [60, 40, 90], cpa: [2, 3], policies: [mcpa, abid]}
policies: [{type: mcpa}, {type: abid}]
END
    cat >market_sweep.yaml <<'END'
scenario: market.yaml
replications: 4
axes: [{name: reserve, set: mechanism.reserve, list: [0 CPM, 1 CPM]}]
END
    "$gavel" sweep market_sweep.yaml --db one.db --jobs 1 --quiet >one.txt
    "$gavel" sweep market_sweep.yaml --db two.db --jobs 2 --quiet >two.txt
    cmp one.txt two.txt
    grep -qE '1 CPM +abid \(fixed\) +4 .*(±|\+-)' one.txt
    "$gavel" compare two.db --sweep --baseline abid -m score --json >score.json
    grep -q '"intervals_by": "seeds"' score.json
    grep -q '"rivals": "market"' score.json
    "$gavel" compare two.db --sweep --baseline abid -m score >policies.txt
    grep -qE 'mcpa \(market\) .*no partner' policies.txt # other advertisers: no pairs
    grep -qE 'mcpa \(fixed\) .* to ' policies.txt
    expect_failure 2 "the metric expected_clicks is not of a market" \
        "$gavel" compare two.db --sweep -m expected_clicks
    needs_sqlite
    dump one.db >one_dump.txt
    dump two.db >two_dump.txt
    cmp one_dump.txt two_dump.txt
    test "$(sqlite3 two.db "SELECT count(*) > 50 FROM sweep_market WHERE score >= 0")" = 1
}

a_point_is_the_run_that_its_command_would_be() {
    needs_sqlite
    begin
    write_sweep
    "$gavel" sweep small_sweep.yaml --db sweep.db --quiet >/dev/null
    local command
    command=$(sqlite3 sweep.db "SELECT value FROM provenance WHERE run_id = 4 AND name = 'argv'")
    test "$command" = \
        "gavel run small.yaml --set campaigns.all.budget_share=1/2 --set policies.lin.bid=20 --set seed=2"
    "$gavel" ${command#gavel } --db alone.db --quiet >/dev/null
    sqlite3 sweep.db "SELECT cell, name, value FROM metric WHERE run_id = 4" >inside.txt
    sqlite3 alone.db "SELECT cell, name, value FROM metric" >alone.txt
    cmp inside.txt alone.txt
    test -s alone.txt
    sqlite3 sweep.db "SELECT DISTINCT setting, axes FROM sweep_wide WHERE point = 3" >wide.txt
    grep -qF 'share=1/2 policies.lin.bid=20|{"share":"1/2","policies.lin.bid":"20"}' wide.txt
    test "$(sqlite3 sweep.db "SELECT DISTINCT number FROM sweep_long WHERE axis = 'share'" |
        tr '\n' ' ')" = "0.5 0.125 "
}

jobs_leave_one_database() {
    needs_sqlite
    begin
    write_sweep
    "$gavel" sweep small_sweep.yaml --db a.db --jobs 1 --quiet >a_table.txt
    "$gavel" sweep small_sweep.yaml --db b.db --jobs 2 --quiet >b_table.txt
    dump a.db >a.txt
    dump b.db >b.txt
    cmp a.txt b.txt
    cmp a_table.txt b_table.txt
    test "$(grep -c . a.txt)" -gt 1000
}

# Waits until so many bytes lie in the write-ahead log, or the child is gone. Asking the database
# itself would take locks that the sweep is entitled to.
wait_for_bytes() {
    local database=$1 bytes=$2 child=$3
    while [ "$(stat -c %s "$database-wal" 2>/dev/null || echo 0)" -lt "$bytes" ] &&
        kill -0 "$child" 2>/dev/null; do
        read -rt 0.01 <> <(:) || true
    done
}

# Starts the sweep, waits so many hundredths of a second, kills it. False: it had finished.
kill_after() {
    local polls=$1 child status=0
    shift
    "$gavel" sweep small_sweep.yaml --engine reference --quiet "$@" >/dev/null 2>&1 &
    child=$!
    while [ "$polls" -gt 0 ]; do
        polls=$((polls - 1))
        read -rt 0.01 <> <(:) || true
    done
    kill -KILL "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || status=$?
    [ "$status" = 137 ]
}

killed_ten_times_it_equals_the_uninterrupted_one() {
    needs_sqlite
    begin 20000
    write_sweep '10 min' 4 2
    "$gavel" sweep small_sweep.yaml --engine reference --db whole.db --jobs 2 --quiet >whole.txt
    RANDOM=${GV_SEED:-7}
    local kills=0
    while [ $kills -lt 10 ]; do
        kill_after $((RANDOM % 9 + 1)) --db killed.db --resume --jobs $((RANDOM % 2 + 1)) || break
        kills=$((kills + 1))
    done
    echo "killed $kills times"
    test $kills -ge 5 # a fast machine may be done before the tenth
    test "$(sqlite3 killed.db 'PRAGMA integrity_check')" = ok
    "$gavel" sweep small_sweep.yaml --engine reference --db killed.db --resume --quiet >killed.txt
    cmp whole.txt killed.txt
    dump whole.db >whole_dump.txt
    dump killed.db >killed_dump.txt
    cmp whole_dump.txt killed_dump.txt
    test "$(sqlite3 killed.db 'SELECT count(*) FROM sweep')" = 1
}

signals_save_and_say_so() {
    needs_sqlite
    begin 20000
    write_sweep '10 min' 4 4
    local signal expected child status
    "$gavel" sweep small_sweep.yaml --engine reference --db whole.db --jobs 2 --quiet >/dev/null
    dump whole.db >whole.txt
    for signal in INT TERM; do
        expected=$([ $signal = INT ] && echo 130 || echo 75)
        # A background job ignores SIGINT unless it is given its default back.
        env --default-signal=INT "$gavel" sweep small_sweep.yaml --engine reference \
            --db $signal.db --jobs 2 >/dev/null 2>talk.txt &
        child=$!
        wait_for_bytes $signal.db 200000 $child
        kill -$signal $child 2>/dev/null || true
        status=0
        wait $child 2>/dev/null || status=$?
        test "$status" = "$expected" || test "$status" = 0 # a fast machine may be done
        [ "$status" = 0 ] || grep -q 'points done and .* left; the same command with --resume' talk.txt
        "$gavel" sweep small_sweep.yaml --engine reference --db $signal.db --resume --quiet >/dev/null
        dump $signal.db >$signal.txt
        cmp whole.txt $signal.txt
    done
}

# The second point asks for a history, and the scenario has none.
a_failed_point_is_stored_and_the_others_go_on() {
    needs_sqlite
    begin
    write_sweep
    cat >failing.yaml <<END
scenario: small.yaml
axes: [{set: policies.lin.bid, list: [10, auto, 30]}]
END
    expect_failure 3 "1 of 3 points failed; the first: policies.lin.bid=auto seed=1" \
        "$gavel" sweep failing.yaml --db out.db
    test "$(sqlite3 out.db "SELECT group_concat(state) FROM sweep_cell")" = done,failed,done
    sqlite3 out.db "SELECT error FROM sweep_point WHERE state = 'failed'" >error.txt
    grep -q "history" error.txt
    expect_failure 3 "point 1 failed" "$gavel" compare out.db --sweep
    expect_failure 3 "was resumed" "$gavel" sweep failing.yaml --db out.db --resume
    test "$(sqlite3 out.db "SELECT count(*) FROM run")" = 2
    echo "axes: [{set: log.path, list: [none.gvlog]}]
scenario: small.yaml" >none.yaml
    expect_failure 1 "none.gvlog" "$gavel" sweep none.yaml --db none.db
}

what_has_changed_is_refused_unless_forced() {
    needs_sqlite
    begin
    write_sweep
    "$gavel" sweep small_sweep.yaml --db out.db --quiet >/dev/null
    sed -i 's/to: 30/to: 40/' small_sweep.yaml
    expect_failure 2 "small_sweep.yaml has changed since sweep 1 (small) began: --force" \
        "$gavel" sweep small_sweep.yaml --db out.db --resume
    sqlite3 out.db "SELECT run_id, value FROM metric ORDER BY 1, cell, name" >before.txt
    "$gavel" sweep small_sweep.yaml --db out.db --resume --force --quiet >/dev/null
    test "$(sqlite3 out.db "SELECT count(*), sum(state = 'done') FROM sweep_cell")" = "16|16"
    # The twelve points of before stay with their runs; four are new.
    test "$(sqlite3 out.db "SELECT count(*) FROM run")" = 16
    sqlite3 out.db "SELECT run_id, value FROM metric WHERE run_id <= 12 ORDER BY 1, cell, name" \
        >after.txt
    cmp before.txt after.txt

    sed -i 's/high: 90/high: 80/' small.yaml
    expect_failure 2 "the scenario or an input has changed" \
        "$gavel" sweep small_sweep.yaml --db out.db --resume
    sed -i 's/high: 80/high: 90/; 1s/^/# a remark changes nothing\n/' small.yaml
    "$gavel" sweep small_sweep.yaml --db out.db --resume --quiet >/dev/null
    "$gavel" generate --quiet --auctions 3000 --seed 3 demo.gvlog >/dev/null
    expect_failure 2 "the scenario or an input has changed" \
        "$gavel" sweep small_sweep.yaml --db out.db --resume
}

a_run_beside_a_sweep_gets_a_number_of_its_own() {
    needs_sqlite
    begin 20000
    write_sweep '10 min' 4 4
    "$gavel" sweep small_sweep.yaml --engine reference --quiet --db out.db >/dev/null 2>&1 &
    local child=$!
    wait_for_bytes out.db 200000 $child
    kill -KILL $child
    wait $child 2>/dev/null || true
    "$gavel" run small.yaml --db out.db --quiet >/dev/null
    local last
    last=$(sqlite3 out.db "SELECT max(run_id) FROM sweep_cell")
    test "$(sqlite3 out.db "SELECT max(id) FROM run")" = $((last + 1))
    "$gavel" sweep small_sweep.yaml --engine reference --db out.db --resume --quiet >/dev/null
    test "$(sqlite3 out.db "SELECT count(*) FROM run")" = $((last + 1))
}

mistakes_are_usage_errors_with_their_place() {
    begin
    write_sweep
    printf 'scenario: small.yaml\naxes:\n  - {set: policies.lin.bidd, list: [1, 2]}\n' >bad.yaml
    expect_failure 2 "bad.yaml:3:11: policies.lin.bidd=1: policies.lin has no key 'bidd'; did you mean" \
        "$gavel" sweep bad.yaml
    expect_failure 2 "      |           ^" "$gavel" sweep bad.yaml
    printf 'scenario: small.yaml\naxes:\n  - {set: policies.lin.bid, list: [1, -2]}\n' >bad.yaml
    expect_failure 2 "bad.yaml:3:39: policies.lin.bid=-2: bid" "$gavel" sweep bad.yaml
    printf 'scenario: none.yaml\naxes: [{set: a, list: [1]}]\n' >bad.yaml
    expect_failure 2 "bad.yaml:1:11: scenario: " "$gavel" sweep bad.yaml
    expect_failure 2 "no-such.yaml" "$gavel" sweep no-such.yaml
    expect_failure 2 "which sweep FILE?" "$gavel" sweep
    expect_failure 2 "--resume needs --db" "$gavel" sweep small_sweep.yaml --resume
    expect_failure 2 "--force goes with --resume" "$gavel" sweep small_sweep.yaml --force
    echo 'policies: 3' >small.yaml
    expect_failure 2 "small.yaml:1:1:" "$gavel" sweep small_sweep.yaml
}

run_tests \
    the_points_of_the_example_are_as_they_were \
    the_example_runs_and_compares \
    single_runs_are_as_sure_as_their_traffic \
    markets_are_swept_with_their_scores \
    a_point_is_the_run_that_its_command_would_be \
    jobs_leave_one_database \
    killed_ten_times_it_equals_the_uninterrupted_one \
    signals_save_and_say_so \
    a_failed_point_is_stored_and_the_others_go_on \
    what_has_changed_is_refused_unless_forced \
    a_run_beside_a_sweep_gets_a_number_of_its_own \
    mistakes_are_usage_errors_with_their_place
