#!/usr/bin/env bash
# gavel inspect as people type it: a log that it shows, and files that are none.
. tests/shell_test.sh

gavel=$(realpath "${GAVEL:-build/gavel}")
data=$(realpath "${GAVEL_DATA:-../shared/data}" 2>/dev/null || echo absent)

make_log() {
    printf '0 7 0.5\n1 9 0.25\nnonsense\n' >"$scratch/a.txt"
    "$gavel" ingest rlb "$scratch/a.txt" -o "$scratch/a.gvlog" --max-rejects 50% -q
}

tables_columns_prices_and_rejects_are_shown() {
    make_log
    "$gavel" inspect "$scratch/a.gvlog" --rejects >"$scratch/shown"
    grep -qE '^ +impression +2( |$)' "$scratch/shown"
    grep -qF 'mean 8 ' "$scratch/shown"
    grep -qF 'a.txt:3' "$scratch/shown"
}

json_holds_the_same_counts() {
    make_log
    "$gavel" inspect "$scratch/a.gvlog" --json >"$scratch/json"
    python3 -m json.tool "$scratch/json" >/dev/null 2>&1 || ! command -v python3 >/dev/null
    grep -qF '"impression"' "$scratch/json"
}

season_two_has_its_known_prices() {
    [ -d "$data/ipinyou-season2" ] || skip "no ipinyou-season2 under GAVEL_DATA or ../shared/data"
    "$gavel" ingest ipinyou "$data"/ipinyou-season2/{imp,clk,conv}.* -q -o "$scratch/two.gvlog"
    "$gavel" inspect "$scratch/two.gvlog" | grep -qE 'mean 78\.6 .*quartiles 39 / 70 / 93'
}

what_is_no_log_is_refused_in_a_sentence() {
    make_log
    : >"$scratch/empty.gvlog"
    head -c 400 "$scratch/a.gvlog" >"$scratch/cut.gvlog"
    expect_failure 1 "empty.gvlog: is empty" "$gavel" inspect "$scratch/empty.gvlog"
    expect_failure 1 "cut.gvlog" "$gavel" inspect "$scratch/cut.gvlog"
    expect_failure 1 "is no .gvlog file" "$gavel" inspect "$scratch/a.txt"
    expect_failure 1 "cannot open" "$gavel" inspect "$scratch/absent.gvlog"
    expect_failure 1 "$scratch" "$gavel" inspect "$scratch"
    printf '\010\0\0\0\0\0\0\0{}      ' >"$scratch/none.safetensors"
    expect_failure 1 "it is no model of clicks" "$gavel" inspect "$scratch/none.safetensors"
}

a_flipped_byte_is_told_with_its_place() {
    make_log
    cp "$scratch/a.gvlog" "$scratch/bad.gvlog"
    local size
    size=$(stat -c %s "$scratch/bad.gvlog")
    printf '\377' | dd of="$scratch/bad.gvlog" bs=1 seek=$((size / 2)) conv=notrunc status=none
    cmp -s "$scratch/a.gvlog" "$scratch/bad.gvlog" && return 1
    expect_failure 1 "bad.gvlog" "$gavel" inspect "$scratch/bad.gvlog"
}

wrong_usage_is_exit_2() {
    expect_failure 2 "inspect" "$gavel" inspect
    expect_failure 2 "unrecognized option" "$gavel" inspect --jsno
}

run_tests tables_columns_prices_and_rejects_are_shown json_holds_the_same_counts \
    season_two_has_its_known_prices what_is_no_log_is_refused_in_a_sentence \
    a_flipped_byte_is_told_with_its_place wrong_usage_is_exit_2
