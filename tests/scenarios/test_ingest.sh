#!/usr/bin/env bash
# gavel ingest as people type it: real logs, bad input, exit codes, interruption.
. tests/shell_test.sh

gavel=$(realpath "${GAVEL:-build/gavel}")
data=$(realpath "${GAVEL_DATA:-../shared/data}" 2>/dev/null || echo absent)

real_season_two_is_counted() {
    [ -d "$data/ipinyou-season2" ] || skip "no ipinyou-season2 under GAVEL_DATA or ../shared/data"
    cd "$scratch"
    "$gavel" ingest ipinyou "$data"/ipinyou-season2/{imp,clk,conv}.* 2>said
    grep -qF "42,000 impressions, 9,978 click rows (8,838 bid ids), 493 conversion rows" said
    grep -qF "ipinyou-season2/conv.20130606.txt:15: expected 24 columns, found 23" said
    [ -s ipinyou.gvlog ]
    "$gavel" ingest ipinyou "$data"/ipinyou-season2/{imp,clk,conv}.* -q -o other.gvlog -j 1 >out 2>&1
    [ ! -s out ]
    cmp ipinyou.gvlog other.gvlog
}

json_goes_to_stdout_alone() {
    printf '0 7 0.5\n1 9 0.25\n' >"$scratch/a.txt"
    "$gavel" ingest rlb "$scratch/a.txt" -o "$scratch/a.gvlog" --json -q 2>"$scratch/talk" \
        >"$scratch/json"
    grep -qF '"impression": 2' "$scratch/json"
    grep -qF '"click": 1' "$scratch/json"
    [ ! -s "$scratch/talk" ]
}

wrong_usage_is_exit_2() {
    printf '0 7 0.5\n' >"$scratch/a.txt"
    expect_failure 2 "did you mean 'ipinyou'" "$gavel" ingest ipinyu "$scratch/a.txt"
    expect_failure 2 "expected a format and at least one file" "$gavel" ingest rlb
    expect_failure 2 "--jobs: expected" "$gavel" ingest rlb "$scratch/a.txt" --jobs 0
    expect_failure 2 "--max-rejects: expected" "$gavel" ingest rlb "$scratch/a.txt" --max-rejects 2
    expect_failure 2 "--mapping" "$gavel" ingest csv "$scratch/a.txt" -o "$scratch/x.gvlog"
    printf 'columns: {a: prise}\n' >"$scratch/m.yaml"
    expect_failure 2 "m.yaml:1:14: there is no role 'prise': did you mean 'price'?" \
        "$gavel" ingest csv "$scratch/a.txt" --mapping "$scratch/m.yaml" -o "$scratch/x.gvlog"
    [ ! -e "$scratch/x.gvlog" ]
}

bad_input_is_exit_1_and_a_sentence() {
    cd "$scratch"
    : >empty
    seq 100000 | gzip >whole.gz
    head -c 9000 whole.gz >cut.gz
    printf '0 7 0.5\nnonsense\n' >bad.txt
    printf '0 7 0.5\n' >good.txt
    expect_failure 1 "empty: holds no row" "$gavel" ingest rlb empty -o x.gvlog
    expect_failure 1 "is a directory" "$gavel" ingest rlb . -o x.gvlog
    expect_failure 1 "absent: cannot be opened" "$gavel" ingest rlb good.txt absent -o x.gvlog
    expect_failure 1 "truncated gzip input" "$gavel" ingest rlb cut.gz -o x.gvlog
    expect_failure 1 "bad.txt:2: expected 3 columns, found 1" "$gavel" ingest rlb bad.txt -o x.gvlog
    expect_failure 1 "no/such" "$gavel" ingest rlb good.txt -o no/such/x.gvlog
    "$gavel" ingest rlb bad.txt -o y.gvlog --max-rejects 50% -q
    [ -s y.gvlog ]
    [ ! -e x.gvlog ]
}

a_foreign_file_is_not_replaced_unasked() {
    cd "$scratch"
    printf '0 7 0.5\n' >good.txt
    printf 'mine' >rlb.gvlog
    expect_failure 2 "is no log of Gavel's" "$gavel" ingest rlb good.txt
    [ "$(cat rlb.gvlog)" = mine ]
    expect_failure 2 "./good.txt would be written over good.txt" \
        "$gavel" ingest rlb good.txt -o ./good.txt
    printf 'when,ad\n2013-06-06 12:00:00,c\n' >good.csv
    printf 'columns: {when: time, ad: creative}\n' >map.yaml
    expect_failure 2 "would be written over map.yaml" \
        "$gavel" ingest csv good.csv --mapping map.yaml -o ./map.yaml
    [ "$(cat good.txt)" = '0 7 0.5' ]
    grep -q creative map.yaml
}

# A pipe that gives rows and then waits: the ingest is in the middle of its work.
an_interrupt_is_exit_130_and_leaves_nothing() {
    mkdir "$scratch/work"
    cd "$scratch/work"
    mkfifo rows
    "$gavel" ingest rlb rows -o x.gvlog -q &
    local gavel_process=$! status=0
    exec 9>rows
    yes '0 7 0.5' | head -n 400000 >&9
    kill -INT "$gavel_process"
    yes '0 7 0.5' | head -n 400000 >&9 2>/dev/null || true
    exec 9>&-
    wait "$gavel_process" || status=$?
    [ "$status" = 130 ]
    rm rows
    [ -z "$(ls)" ]
}

run_tests real_season_two_is_counted json_goes_to_stdout_alone wrong_usage_is_exit_2 \
    bad_input_is_exit_1_and_a_sentence a_foreign_file_is_not_replaced_unasked \
    an_interrupt_is_exit_130_and_leaves_nothing
