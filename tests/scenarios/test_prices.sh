#!/usr/bin/env bash
# gavel prices as a shell sees it: laws fitted to what some offers saw, beside all prices.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute

# Counts of whole prices 0 .. 200, dearer ones rarer.
begin() {
    local folder
    folder=$(mktemp -d "$scratch/prices.XXXXXX")
    cd "$folder"
    awk 'BEGIN { printf "{\"imp_train\": 1, \"clk_train\": 1, \"cost_train\": 1, "
        printf "\"price_counter_train\": ["
        for (i = 0; i <= 200; i++) printf "%s%d", i ? ", " : "", 400 / (1 + i / 20)
        print "]}" }' >made.info.json
}

# farthest FILE COLUMN: percent between that column and all prices where they differ most.
farthest() {
    awk -v column="$2" '$1 ~ /^[0-9.]+$/ && NF == 6 {
        apart = $column - $2
        most = apart > most ? apart : -apart > most ? -apart : most
    } END { print most + 0 }' "$1"
}

below() {
    awk -v one="$1" -v other="$2" 'BEGIN { exit !(one < other) }'
}

limit=3
won=6

the_product_limit_finds_what_won_prices_miss() {
    begin
    "$gavel" prices made.info.json --offer '40 CPM' --spread 0.8 >seen.txt
    below "$(farthest seen.txt $limit)" 3
    below 10 "$(farthest seen.txt $won)"
    "$gavel" prices made.info.json >all.txt
    grep -q '(100.0 %) won' all.txt
    test "$(farthest all.txt $won)" = 0
}

rlb_histograms_come_out_of_simulated_losses() {
    local data=${GAVEL_DATA:-$PWD/../shared/data}/ipinyou-rlb name
    [ -d "$data" ] || skip "there is no ipinyou-rlb"
    begin
    for name in 2259 2997; do
        "$gavel" prices "$data/$name.info.json" --offer '60 CPM' --spread 0.8 >seen.txt
        below "$(farthest seen.txt $limit)" 2
        below 10 "$(farthest seen.txt $won)"
    done
}

it_prints_a_table_and_draws() {
    begin
    "$gavel" prices made.info.json --offer '40 CPM' >table.txt
    grep -q 'product limit' table.txt
    grep -q 'won and their prices seen' table.txt
    command -v gnuplot >/dev/null || skip "gnuplot is not installed"
    "$gavel" prices made.info.json --offer '40 CPM' --plot p >/dev/null
    test -s p.png && test -s p.svg
}

# Exchanges and slots of a log that Gavel makes up differ in price.
a_network_tells_later_auctions_better_than_one_law() {
    begin
    "$gavel" generate --quiet --auctions 20000 --seed 3 made.gvlog >/dev/null
    "$gavel" prices made.gvlog --offer '50 CPM' --fields 'exchange, slot_width*slot_height, hour' \
        --jobs 1 >one.txt
    sed -n 's/.*mean log-likelihood is \([-0-9.]*\),/\1/p; s/.*for all of them \([-0-9.]*[0-9]\)\./\1/p' \
        one.txt >likelihoods.txt
    test "$(wc -l <likelihoods.txt)" = 2
    below "$(tail -n 1 likelihoods.txt)" "$(head -n 1 likelihoods.txt)"
    "$gavel" prices made.gvlog --offer '50 CPM' --fields 'exchange, slot_width*slot_height, hour' \
        --jobs 2 >two.txt
    cmp one.txt two.txt
    expect_failure 2 "known only after the bid" "$gavel" prices made.gvlog --fields 'exchange, price'
    expect_failure 2 "a network of prices sees no past: leave out what follows ';'" \
        "$gavel" prices made.gvlog --fields 'exchange; past(5): exchange'
    local several
    for several in tags 'exchange*tags' features; do
        expect_failure 2 "$several can have several values in a row" \
            "$gavel" prices made.gvlog --fields "exchange, $several"
    done
    expect_failure 2 "have no fields" "$gavel" prices made.info.json --fields exchange
}

mistakes_are_told_in_a_sentence() {
    begin
    expect_failure 2 "which log?" "$gavel" prices
    expect_failure 2 "an amount above 0" "$gavel" prices made.info.json --offer 0
    expect_failure 2 "a number from 0 to 100" "$gavel" prices made.info.json --spread wide
    expect_failure 1 "bid more" "$gavel" prices made.info.json --offer '0.001 CPM' --spread 0
    expect_failure 1 "missing.gvlog" "$gavel" prices missing.gvlog
}

run_tests the_product_limit_finds_what_won_prices_miss \
    rlb_histograms_come_out_of_simulated_losses it_prints_a_table_and_draws \
    a_network_tells_later_auctions_better_than_one_law mistakes_are_told_in_a_sentence
