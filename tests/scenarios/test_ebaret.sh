#!/usr/bin/env bash
# EBaReT as a shell sees it: what it reduces to, from experts into a market, mistakes.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute

# A small market and its log in a folder of its own, which becomes the working directory.
begin() {
    local folder
    folder=$(mktemp -d "$scratch/ebaret.XXXXXX")
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

# league TYPE WEIGHTS: what the market says of it under the name x.
league() {
    "$gavel" run market.yaml -q --set market.first_period=20 --db "$1.db" \
        --set "policies.+={name: x, type: $1, weights: $2$3}" \
        --set market.contenders=[x,mcpa] | tail -n +2 >"$1.league"
    sqlite3 "$1.db" "SELECT * FROM tick" >"$1.ticks"
}

reduced_it_bids_as_the_decision_transformer() {
    command -v sqlite3 >/dev/null || skip "the sqlite3 program is not installed"
    begin
    local sizes=(--set width=16 --set inner=32 --set batch=8 --steps 200 -q)
    "$gavel" train dt t.safetensors -o dt.weights "${sizes[@]}" >/dev/null
    "$gavel" train ebaret t.safetensors -o ebaret.weights --preset ebaret-dt "${sizes[@]}" \
        >/dev/null
    league dt dt.weights ""
    league ebaret ebaret.weights ", tilt: off"
    cmp dt.league ebaret.league
    cmp dt.ticks ebaret.ticks
    test "$(wc -l <dt.ticks)" -gt 100
}

from_experts_into_a_market() {
    begin
    "$gavel" experts market.yaml -o e.safetensors -q >/dev/null
    "$gavel" train ebaret e.safetensors -o one.weights --steps 40 --jobs 1 -q --set pu_steps=20 \
        --set batch=8 >losses.txt
    grep -q 'pu_prior' losses.txt
    "$gavel" train ebaret e.safetensors -o two.weights --steps 25 --jobs 2 -q --set pu_steps=20 \
        --set batch=8 >/dev/null
    "$gavel" train ebaret e.safetensors -o two.weights --steps 40 --jobs 2 -q --set pu_steps=20 \
        --set batch=8 --resume >/dev/null
    cmp one.weights two.weights
    league ebaret one.weights ", candidates: 8"
    grep -q '^ *x' ebaret.league
}

mistakes_are_named() {
    begin
    expect_failure 1 "none of the 36 episodes is an expert's: add a set of \`gavel experts\`" \
        "$gavel" train ebaret t.safetensors -o x
    "$gavel" experts market.yaml -o e.safetensors -q >/dev/null
    "$gavel" train ebaret e.safetensors -o e.weights --steps 2 --set pu_steps=0 -q >/dev/null
    expect_failure any "trained on periods of 6 ticks, and this campaign has 12" \
        "$gavel" run market.yaml -q --set "policies.+={type: ebaret, weights: e.weights}" \
        --set market.contenders=[ebaret] --set market.ticks=12
    expect_failure any "trained without a discriminator" \
        "$gavel" run market.yaml -q --set market.contenders=[ebaret] \
        --set "policies.+={type: ebaret, weights: e.weights, candidates: 8}"
}

run_tests \
    reduced_it_bids_as_the_decision_transformer \
    from_experts_into_a_market \
    mistakes_are_named
