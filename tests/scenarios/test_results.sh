#!/usr/bin/env bash
# The tables of `make results` that are made of markets alone, at a small size.
set -u
. tests/shell_test.sh
export GAVEL # absolute
tree=$PWD
export PERIODS=2
export SETTINGS="traffic.opportunities=2000 traffic.value_mean=0.02 advertisers.cpa_scale=0.05"

# A folder in which scripts find what they expect beside them, and leave what they make.
begin() {
    command -v python3 >/dev/null || skip "python3 is not installed"
    cd "$(mktemp -d "$scratch/tables.XXXXXX")"
    ln -s "$tree/scripts" "$tree/scenarios" .
    mkdir results
}

# The cell of a Markdown table: cell FILE HEADING ROW COLUMN.
cell() {
    awk -F' *[|] *' -v heading="## $2" -v row="$3" -v column="$4" '
        $0 == heading { inside = 1; next } /^## / { inside = 0 }
        inside && $2 == row { print $column; exit }' "$1"
}

robustness_shows_each_condition_beside_its_oracle() {
    begin
    export POLICIES="mcpa online_lp" CONDITIONS="budget 100 %,values x 0.7,12 advertisers"
    scripts/results robustness 2>talk.txt
    grep -q 'results/robustness.md' talk.txt
    test "$(grep -c '^| budget 100 %' results/robustness.md)" -eq 4
    test "$(grep -c '^## ' results/robustness.md)" -eq 4
    # What the run itself says of the same condition.
    "$GAVEL" run scenarios/market48.yaml -q --json --set market.periods=2 \
        --set market.contenders=[mcpa,online_lp,oracle_slot] --set market.contender_belief=0.7 \
        $(printf -- '--set %s ' $SETTINGS) >run.json
    python3 - run.json >score.txt <<'PYTHON'
import json, sys
league = [table for table in json.load(open(sys.argv[1]))["league"] if table["rivals"] == "fixed"]
(row,) = [row for row in league[0]["policies"] if row["policy"] == "online_lp"]
print(f"{row['figures']['score']['estimate']:.2f}")
PYTHON
    test "$(cell results/robustness.md Score 'values x 0.7' 4 | cut -d' ' -f1)" = "$(cat score.txt)"
    # Nothing is run again while nothing has changed, and all is the same.
    cp results/robustness.md before.md
    GAVEL=/bin/false scripts/results robustness 2>talk.txt
    cmp before.md results/robustness.md
    export CONDITIONS="budget 101 %"
    expect_failure 2 "there is no condition 'budget 101 %'; there are budget 50 %" \
        scripts/results robustness
}

weights_in_a_folder_enter_under_their_names() {
    begin
    "$GAVEL" run scenarios/market48.yaml -q --set market.contenders=[] \
        --set market.first_period=90 $(printf -- '--set %s ' $SETTINGS) --db train.db >/dev/null
    "$GAVEL" trajectories train.db -q -o train.safetensors
    mkdir mine
    "$GAVEL" train bc train.safetensors -q --steps 20 -o mine/clone-1.safetensors >/dev/null
    export WEIGHTS=mine POLICIES=mcpa CONDITIONS="demand shock"
    scripts/results robustness 2>/dev/null
    grep -q '^| condition | mcpa | clone-1 | oracle_slot |' results/robustness.md
}

an_ab_test_shows_the_uplift_of_pairs() {
    begin
    export POLICIES="online_lp abid"
    scripts/results ab 2>talk.txt
    test "$(grep -c '^## .* against mcpa' results/ab.md)" -eq 2
    grep -q 'Both halves share one market' results/ab.md
    grep -q '^96 pairs of one advertiser in one period' results/ab.md
    # In this market no budget binds, so online LP bids as mcpa does, and the uplift is nothing.
    test "$(cell results/ab.md 'online_lp against mcpa' score 6)" = "0.0 (0.0 to 0.0)"
    # The value of a metric and of its baseline differ by what is said.
    for metric in "conversions of all" "spend of all"; do
        for column in 3 4 5; do
            cell results/ab.md "abid against mcpa" "$metric" $column | cut -d' ' -f1 |
                tr -d ',+'
        done | tr '\n' ' ' | awk '{ exit $2 - $1 - $3 > 1.5 || $3 - $2 + $1 > 1.5 || $2 == $1 }'
    done
}

# A program that makes nothing: what is left is whether each network has a recipe.
every_network_of_the_planners_table_can_be_made() {
    begin
    python3 - >networks.txt <<'PYTHON'
import sys
sys.path.insert(0, "scripts")
sys.dont_write_bytecode = True
import planners
rows = [row for rows in planners.PARTS.values() for row in rows]
print(*sorted({f"{network}-2" for network, _, _ in rows}), sep="\n")
PYTHON
    test "$(wc -l <networks.txt)" -ge 8
    mkdir -p models/weights && touch models/weights/direct.safetensors
    for name in $(cat networks.txt) direct-1 imitator; do
        GAVEL=true scripts/models "$name"
        test -f "build/models/$name.done"
    done
    expect_failure 2 "there is no 'nobody': direct, ebaret, egdb" scripts/models nobody
}

run_tests \
    every_network_of_the_planners_table_can_be_made \
    robustness_shows_each_condition_beside_its_oracle \
    weights_in_a_folder_enter_under_their_names \
    an_ab_test_shows_the_uplift_of_pairs
