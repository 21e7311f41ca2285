#!/usr/bin/env bash
# gavel explain as a shell sees it: the same campaign again, beside the oracle.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute

# A small market, a run of it with a trained policy, in a folder that becomes the working directory.
begin() {
    local folder
    folder=$(mktemp -d "$scratch/explain.XXXXXX")
    cd "$folder"
    cat >market.yaml <<'YAML'
name: small
seed: 3
market: {periods: 2, first_period: 40, ticks: 6, tick: 4h, contenders: [mcpa, oracle_slot]}
traffic: {type: auctionnet, opportunities: 3000, value_mean: 0.02}
mechanism: {type: second_price, reserve: 0.1 CPM}
advertisers: {count: 4, categories: 2, budget: [60, 40, 90], cpa: [2, 3], policies: [mcpa, abid]}
policies: [{type: mcpa}, {type: abid}, {type: oracle_slot}]
YAML
}

begin_trained() {
    begin
    "$gavel" experts market.yaml --set market.first_period=1 -q -o e.safetensors
    "$gavel" train bc e.safetensors -q --steps 4 --jobs 1 -o bc.safetensors >/dev/null
    "$gavel" train dt e.safetensors -q --steps 4 --jobs 1 --set width=16 --set layers=1 \
        --set heads=2 --set batch=4 -o dt.safetensors >/dev/null
    "$gavel" train dd e.safetensors -q --steps 4 --jobs 1 --set base=8 --set levels=1 \
        --set batch=4 --set inverse=16 -o dd.safetensors >/dev/null
    "$gavel" run market.yaml -q --db r.db --set 'policies.+={type: bc, weights: bc.safetensors}' \
        --set 'policies.+={type: dt, weights: dt.safetensors}' \
        --set 'policies.+={type: dd, weights: dd.safetensors, jumps: 2}' \
        --set 'market.contenders=[mcpa, bc, dt, dd, oracle_slot]' >/dev/null
}

# The JSON's figures of one name, one a line.
figures() {
    grep -o "\"$1\": [-0-9.e]*" | sed 's|.*: ||'
}

what_is_told_is_what_the_run_has() {
    begin_trained
    local policy
    for policy in mcpa bc dt dd oracle_slot abid; do
        "$gavel" explain r.db a03 --policy "$policy" --period 41 --json -q >told.json
        sqlite3 r.db "SELECT tick.spend_nanos / 1e9 FROM tick JOIN campaign USING (run_id, cell)
            JOIN seat USING (run_id, cell) WHERE policy = '$policy' AND name = 'a03'
            AND period = 41 AND (policy != 'mcpa' OR rivals = 'fixed') ORDER BY tick" >stored.txt
        figures spend <told.json | head -6 | awk '{printf "%.6f\n", $1}' >one.txt
        head -6 stored.txt | awk '{printf "%.6f\n", $1}' >two.txt
        cmp one.txt two.txt
    done
}

# The oracle's own bids are its answers.
the_oracle_agrees_with_itself() {
    begin
    "$gavel" run market.yaml -q --db r.db >/dev/null
    "$gavel" explain r.db a01 --policy oracle_slot --json -q >told.json
    figures action <told.json | awk '{printf "%.5f\n", $1}' | head -4 >one.txt
    figures oracle <told.json | awk '{printf "%.5f\n", $1}' | head -4 >two.txt
    cmp one.txt two.txt
    test "$(figures score <told.json)" = "$(figures oracle_score <told.json)"
}

columns_are_those_that_are_known() {
    begin_trained
    "$gavel" explain r.db a03 --policy dd -q >dd.txt
    grep -q 'planned' dd.txt
    grep -q 'return' dd.txt
    "$gavel" explain r.db a03 --policy dt -q >dt.txt
    refute grep -q 'planned' dt.txt
    grep -q 'return' dt.txt
    "$gavel" explain r.db a03 --policy mcpa -q >mcpa.txt
    refute grep -q 'planned\|return\|expert' mcpa.txt
    # Who has something to tell comes first, whatever the order of contenders.
    "$gavel" explain r.db a03 -q | grep -q 'Campaign a03 under bc (bc), period 40'
}

rivals_that_react_are_explained_too() {
    begin
    "$gavel" run market.yaml -q --db r.db --set market.rivals=reacting \
        --set 'market.contenders=[abid]' >/dev/null
    "$gavel" explain r.db a02 --policy abid -q | grep -q 'rivals that react'
}

a_picture_is_drawn() {
    command -v gnuplot >/dev/null || skip 'no gnuplot'
    begin_trained
    "$gavel" explain r.db a03 --policy dd -q --plot told >/dev/null
    test -s told.png
    grep -q 'Campaign a03 under dd' told.svg
    grep -q 'planned for the tick' told.svg
}

what_is_not_there_is_named() {
    begin
    "$gavel" run market.yaml -q --db r.db >/dev/null
    expect_failure 2 'name a database and one of its campaigns' "$gavel" explain r.db
    expect_failure any "no campaign 'a99'; it has a00, a01, a02, a03" "$gavel" explain r.db a99
    expect_failure any "no policy 'dt'; it has abid, mcpa, oracle_slot" \
        "$gavel" explain r.db a01 --policy dt
    expect_failure any 'no period 7; it has 40, 41' "$gavel" explain r.db a01 --period 7
    expect_failure any 'no run 9' "$gavel" explain r.db a01 --run 9
    expect_failure any 'nowhere.db' "$gavel" explain nowhere.db a01
    "$gavel" generate -q --auctions 2000 log.gvlog >/dev/null
    cat >replay.yaml <<'YAML'
name: replay
log: {path: log.gvlog, format: gvlog}
campaigns: [{name: c, budget: 100 CPM}]
policies: [{type: constant, bid: 50 CPM}]
YAML
    "$gavel" run replay.yaml -q --db replay.db >/dev/null
    expect_failure any 'replays a log' "$gavel" explain replay.db c
}

what_has_changed_since_is_refused() {
    begin_trained
    cp bc.safetensors kept.safetensors
    "$gavel" train bc e.safetensors -q --steps 6 --jobs 1 -o bc.safetensors >/dev/null
    expect_failure any 'bc.safetensors has changed since run 1' "$gavel" explain r.db a03
    rm bc.safetensors
    expect_failure any 'from the folder where it was made' "$gavel" explain r.db a03
    mv kept.safetensors bc.safetensors
    "$gavel" explain r.db a03 -q >/dev/null
    # A figure that the campaign does not come to again.
    sqlite3 r.db "UPDATE seat SET exposures = exposures + 1"
    expect_failure any 'played again' "$gavel" explain r.db a03
}

run_tests what_is_told_is_what_the_run_has \
    the_oracle_agrees_with_itself \
    columns_are_those_that_are_known \
    rivals_that_react_are_explained_too \
    a_picture_is_drawn \
    what_is_not_there_is_named \
    what_has_changed_since_is_refused
