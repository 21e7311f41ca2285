#!/usr/bin/env bash
# gavel run, list and generate as a shell sees them: exit codes, sentences, interruptions, kills.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute
scenarios=$PWD/scenarios

# A made-up log in the test's own folder, which becomes the working directory.
begin() {
    local folder
    folder=$(mktemp -d "$scratch/run.XXXXXX")
    cd "$folder"
    "$gavel" generate --quiet --auctions "${1:-3000}" --seed 2 demo.gvlog >generated.txt
}

demo() {
    GAVEL_DEMO_LOG=$PWD/demo.gvlog "$gavel" run "$scenarios/demo.yaml" "$@"
}

# The outcomes of a database without wall times, in the order of their keys.
dump() {
    local table
    for table in parameter campaign_parameter tick metric; do
        sqlite3 "$1" "SELECT * FROM $table ORDER BY 1, 2, 3"
    done
    sqlite3 "$1" "SELECT cell, name, policy, budget_nanos, wins, spend_nanos, clicks, event_count
                  FROM campaign ORDER BY run_id, cell"
}

needs_sqlite() {
    command -v sqlite3 >/dev/null || skip "the sqlite3 program is not installed"
}

the_demo_runs_and_ranks_five_policies() {
    begin
    demo >table.txt 2>talk.txt
    for policy in constant mcpc linear ortb1 pid; do
        grep -q "^ *$policy " table.txt
    done
    demo --json --quiet >outcome.json 2>silence.txt
    grep -q '"policy": "pid"' outcome.json
    test ! -s silence.txt
}

nothing_is_written_without_db() {
    begin
    ls >before.txt
    demo --quiet >/dev/null
    rm -f ./*.txt
    test "$(ls)" = demo.gvlog
}

print_config_is_a_scenario_that_gives_the_same_cells() {
    begin
    demo --set policies.linear.b0=12 --print-config >resolved.yaml
    grep -q 'b0: 12 .*# --set' resolved.yaml
    grep -q 'type: pid .*# scenario' resolved.yaml
    grep -q 'kp: auto .*# fitted' resolved.yaml
    demo --set policies.linear.b0=12 --dry-run >cells.txt
    "$gavel" run resolved.yaml --dry-run >again.txt
    cmp cells.txt again.txt
    test "$(wc -l <cells.txt)" = 6
}

mistakes_are_usage_errors_with_their_place() {
    begin
    expect_failure 2 "--set policies.lienar.b0=3: the list has no item 'lienar'; did you mean" \
        demo --set policies.lienar.b0=3
    expect_failure 2 "did you mean 'linear'?" demo --set policies.linear.type=lineer
    expect_failure 2 "expected a whole number" demo --set seed=x
    printf 'log: {path: demo.gvlog}\ncampaigns: [{name: a, budgt: 3}]\npolicies: [{type: mcpc}]\n' \
        >typo.yaml
    expect_failure 2 "typo.yaml:2:23: campaigns.a has no key 'budgt'; did you mean 'budget'?" \
        "$gavel" run typo.yaml
    expect_failure 2 "      |                       ^" "$gavel" run typo.yaml
    expect_failure 2 "no-such.yaml" "$gavel" run no-such.yaml
    expect_failure 2 "which SCENARIO?" "$gavel" run
    expect_failure 2 "--jobs: expected a whole number" demo --jobs 0
    expect_failure 2 "--engine: expected batch or reference" demo --engine fast
    expect_failure 2 "--resume needs --db" demo --resume
    expect_failure 2 "unrecognized option" demo --frobnicate
    expect_failure 2 "did you mean 'run'?" "$gavel" rn
    expect_failure 2 "there is no kind 'polices'; did you mean 'policies'?" "$gavel" list polices
    expect_failure 2 "did you mean 'linear'?" "$gavel" list policies linaer
    expect_failure 2 "--auctions: expected a whole number" "$gavel" generate x.gvlog --auctions 0
}

what_the_world_refuses_is_a_failure() {
    begin
    expect_failure 1 "none.gvlog" demo --set log.path="$PWD/none.gvlog"
    head -c 2000 demo.gvlog >cut.gvlog
    expect_failure 1 "cut.gvlog" demo --set log.path="$PWD/cut.gvlog"
    expect_failure 1 "there is no such file" \
        demo --set log.path="$PWD/*.none" --set log.format=ipinyou
    expect_failure 1 "nowhere" demo --db nowhere/out.db
    echo "no database" >text.db
    expect_failure 1 "text.db" demo --db text.db
    expect_failure 1 "" "$gavel" generate /no/such/folder/x.gvlog
}

a_full_disk_is_told() {
    test -w /dev/full || skip "there is no /dev/full"
    begin
    expect_failure 1 "writing to stdout failed" bash -c "'$gavel' list >/dev/full"
    expect_failure 1 "full.db" bash -c \
        "ulimit -f 40; GAVEL_DEMO_LOG=$PWD/demo.gvlog '$gavel' run '$scenarios/demo.yaml' \
         --set campaigns.all.tick='1 min' --db full.db >/dev/null"
    rm -f full.db
}

a_budget_of_zero_buys_nothing_and_says_so() {
    begin
    demo --set campaigns.all.budget_share=0 >table.txt 2>talk.txt
    grep -q "a budget of 0 buys nothing" talk.txt
    demo --set campaigns.all.budget_share=0 --db zero.db --quiet >/dev/null
    needs_sqlite
    test "$(sqlite3 zero.db 'SELECT sum(wins), sum(spend_nanos) FROM campaign')" = "0|0"
}

seeds_jobs_and_engines_leave_one_outcome() {
    needs_sqlite
    begin
    demo --quiet --db a.db --jobs 1 >/dev/null
    demo --quiet --db b.db --jobs 2 --engine reference >/dev/null
    dump a.db >a.txt
    dump b.db >b.txt
    cmp a.txt b.txt
    test "$(wc -l <a.txt)" -gt 100
}

# Policies by event, many auctions: seconds of work for one thread, to be stopped in the middle.
long_run() {
    GAVEL_DEMO_LOG=$PWD/demo.gvlog exec "$gavel" run "$scenarios/demo.yaml" --jobs 1 --quiet \
        --engine reference --set campaigns.all.tick='1 min' --set policies.0.type=random "$@"
}

# Waits until the write-ahead log has grown by a finished cell's ticks, then sends the signal.
# (Asking the database itself would take locks that the run is entitled to.)
stop_in_the_middle() {
    local signal=$1 database=$2 child=$3 tries=0
    while [ "$(stat -c %s "$database-wal" 2>/dev/null || echo 0)" -lt 150000 ]; do
        kill -0 "$child" 2>/dev/null || return 0
        tries=$((tries + 1))
        [ $tries -lt 3000 ] || return 1
        read -rt 0.02 <> <(:) || true
    done
    kill -"$signal" "$child" 2>/dev/null || true
}

interrupted_runs_resume_to_the_same_outcome() {
    needs_sqlite
    begin 20000
    (long_run --db whole.db >/dev/null)
    dump whole.db >whole.txt
    local signal expected status child
    for signal in INT TERM KILL; do
        case $signal in
        INT) expected=130 ;;
        TERM) expected=75 ;;
        KILL) expected=137 ;;
        esac
        # A background job ignores SIGINT unless it is given its default back.
        env --default-signal=INT bash -c "$(declare -f long_run)
            gavel='$gavel' scenarios='$scenarios'; long_run --db $signal.db" >/dev/null 2>&1 &
        child=$! # `<(:)` sets it anew
        stop_in_the_middle $signal $signal.db $child
        status=0
        wait $child 2>/dev/null || status=$?
        test "$status" = "$expected" || test "$status" = 0 # a fast machine may be done
        test "$(sqlite3 $signal.db 'PRAGMA integrity_check')" = ok
        (long_run --db $signal.db --resume >/dev/null)
        dump $signal.db >$signal.txt
        cmp whole.txt $signal.txt
        test "$(sqlite3 $signal.db 'SELECT count(*) FROM run')" = 1
    done
}

generated_logs_depend_on_their_seed_alone() {
    begin
    "$gavel" generate --quiet --auctions 3000 --seed 2 again.gvlog >/dev/null
    "$gavel" generate --quiet --auctions 3000 --seed 3 other.gvlog >/dev/null
    cmp demo.gvlog again.gvlog
    refute cmp -s demo.gvlog other.gvlog
    grep -q '3000 impressions' generated.txt
}

every_command_has_help_with_an_example() {
    local command
    for command in $("$gavel" --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p'); do
        "$gavel" "$command" --help >"$scratch/help.txt"
        grep -qiE "^(Example: | *)gavel $command" "$scratch/help.txt"
    done
    "$gavel" --version | grep -q sqlite
    "$gavel" --version --json | grep -q '"openblas_core"'
}

# OpenBLAS may take a processor that is newer than itself for one of 2004.
newer_processors_have_kernels_of_their_own() {
    grep -q '^flags.* avx2.* ' /proc/cpuinfo || skip "a processor without AVX2"
    env -u OPENBLAS_CORETYPE "$gavel" --version | refute grep -qE 'openblas_core +Prescott'
    OPENBLAS_CORETYPE=Prescott "$gavel" --version | grep -qE 'openblas_core +Prescott'
}

every_listed_type_lists_its_parameters() {
    local kind name
    for kind in policies mechanisms predictors readers scenario sweep; do
        for name in $("$gavel" list $kind | sed -n 's/^  \([a-z0-9_-]*\)  .*/\1/p'); do
            "$gavel" list $kind "$name" >"$scratch/one.txt"
            grep -q "^$name: " "$scratch/one.txt"
            "$gavel" list $kind "$name" --json | grep -q '"parameters"'
        done
    done
    "$gavel" list --json | grep -q '"second_price"'
}

run_tests \
    the_demo_runs_and_ranks_five_policies \
    nothing_is_written_without_db \
    print_config_is_a_scenario_that_gives_the_same_cells \
    mistakes_are_usage_errors_with_their_place \
    what_the_world_refuses_is_a_failure \
    a_full_disk_is_told \
    a_budget_of_zero_buys_nothing_and_says_so \
    seeds_jobs_and_engines_leave_one_outcome \
    interrupted_runs_resume_to_the_same_outcome \
    generated_logs_depend_on_their_seed_alone \
    every_command_has_help_with_an_example newer_processors_have_kernels_of_their_own \
    every_listed_type_lists_its_parameters
