#!/usr/bin/env bash
# gavel landscapes as a shell sees it, and a policy from it to a market.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute

# A small market in a folder of its own, which becomes the working directory.
begin() {
    local folder
    folder=$(mktemp -d "$scratch/landscapes.XXXXXX")
    cd "$folder"
    cat >market.yaml <<'YAML'
name: small
seed: 3
market: {periods: 3, first_period: 40, ticks: 6, tick: 4h, contenders: [oracle_slot]}
traffic: {type: auctionnet, opportunities: 3000, value_mean: 0.02}
mechanism: {type: second_price, reserve: 0.1 CPM}
advertisers: {count: 9, categories: 3, budget: [60, 40, 90], cpa: [2, 3], policies: [mcpa, abid]}
policies: [{type: mcpa}, {type: abid}, {type: oracle_slot}]
YAML
}

threads_change_no_byte() {
    begin
    "$gavel" landscapes market.yaml -q --jobs 1 -o one.safetensors
    "$gavel" landscapes market.yaml -q --jobs 3 -o three.safetensors
    cmp one.safetensors three.safetensors
    "$gavel" landscapes market.yaml -q --set seed=4 -o other.safetensors
    refute cmp -s one.safetensors other.safetensors
    grep -aq '\\"behaviours\\":\[\\"log\\"\]' one.safetensors
}

teach() {
    "$gavel" train direct l.safetensors -q --set batch=24 --set steps=40 --set hidden_1=16 \
        --set hidden_2=16 --every 20 -o d.safetensors "$@"
}

a_policy_is_taught_judged_and_sold() {
    begin
    "$gavel" landscapes market.yaml -q -o l.safetensors
    expect_failure 2 'is one that the trajectories were made of' teach --validate market.yaml
    sed 's/first_period: 40/first_period: 50/' market.yaml >later.yaml
    teach --validate later.yaml >/dev/null
    "$gavel" run later.yaml -q --set 'policies.+={type: direct, weights: d.safetensors}' \
        --set 'market.contenders=[direct,oracle_slot]' --db m.db >league.txt
    test "$(sqlite3 m.db "SELECT count(*) > 0 FROM market_league WHERE policy = 'direct'")" = 1
}

# The rate falls over the steps, however they were asked for.
steps_are_those_that_the_rate_falls_over() {
    begin
    "$gavel" landscapes market.yaml -q -o l.safetensors
    teach --set steps=60 >/dev/null && mv d.safetensors set.safetensors
    teach --steps 60 >/dev/null
    cmp d.safetensors set.safetensors
}

what_cannot_be_used_is_named() {
    begin
    "$gavel" experts market.yaml -q --copies 1 -o e.safetensors
    expect_failure any '`gavel landscapes`' "$gavel" train direct e.safetensors -q -o d.safetensors
    expect_failure 2 'cpa: expected an amount' "$gavel" landscapes market.yaml -q \
        -o x.safetensors --set 'advertisers.cpa=[0]'
    expect_failure any 'own bid' "$gavel" landscapes market.yaml -q -o x.safetensors \
        --set mechanism.type=first_price
    expect_failure 1 'nowhere' "$gavel" landscapes market.yaml -q -o nowhere/x.safetensors
    test ! -e x.safetensors
    # Periods of another length are not what the network was taught in.
    "$gavel" landscapes market.yaml -q -o l.safetensors
    teach >/dev/null
    expect_failure any 'trained on periods of 6 ticks' "$gavel" run market.yaml \
        --set 'policies.+={type: direct, weights: d.safetensors}' --set market.ticks=12 \
        --set market.tick=2h --set 'market.contenders=[direct]'
}

run_tests threads_change_no_byte a_policy_is_taught_judged_and_sold \
    steps_are_those_that_the_rate_falls_over what_cannot_be_used_is_named
