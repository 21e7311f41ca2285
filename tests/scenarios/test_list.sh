#!/usr/bin/env bash
# gavel list as people type it: kinds, their members, what can be set on one, and wrong names.
. tests/shell_test.sh

gavel=$(realpath "${GAVEL:-build/gavel}")

traffic_is_listed_with_its_parameters() {
    "$gavel" list traffic >"$scratch/kind"
    for name in auctionnet poisson log; do
        grep -qE "^  $name +[A-Z]" "$scratch/kind"
        "$gavel" list traffic $name >"$scratch/$name"
        grep -qE '^  preset +sparse +choice, sparse\|dense$' "$scratch/$name"
        grep -qE '^  value_mean +auto +number, 0 to 1$' "$scratch/$name"
        grep -qF '60 to 130 in sparse data' "$scratch/$name"
    done
    grep -qE '^  path +\(required\) +path$' "$scratch/log"
    grep -qE '^  curve +flat +path, flat\|auctionnet$' "$scratch/poisson"
    grep -qF 'Source: AuctionNet, NeurIPS 2024' "$scratch/auctionnet"
}

json_says_the_same() {
    "$gavel" list --json >"$scratch/json"
    python3 -m json.tool "$scratch/json" >/dev/null 2>&1 || ! command -v python3 >/dev/null
    for kind in policies mechanisms traffic predictors readers scenario; do
        grep -qE "^  \"$kind\": \[" "$scratch/json"
    done
    "$gavel" list traffic poisson --json | grep -qF '"name": "curve_region"'
}

wrong_names_are_refused_with_the_nearest() {
    expect_failure 2 "did you mean 'poisson'?" "$gavel" list traffic poison
    expect_failure 2 "did you mean 'traffic'?" "$gavel" list trafic
    expect_failure 2 "there is no 'ftr' under models; did you mean 'ftrl'?" "$gavel" list models ftr
    expect_failure 2 "there is no kind 'trafic'; did you mean 'traffic'?" "$gavel" list trafic
    expect_failure 2 "there are: auctionnet poisson log" "$gavel" list traffic xyzzy
}

run_tests traffic_is_listed_with_its_parameters json_says_the_same \
    wrong_names_are_refused_with_the_nearest
