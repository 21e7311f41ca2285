#!/usr/bin/env bash
# Explored bids and their log, as a shell sees them.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute
scenarios=$PWD/scenarios
explored=(--set exploration.jitter=0.3 --set exploration.epsilon=0.2)

begin() {
    local folder
    folder=$(mktemp -d "$scratch/exploration.XXXXXX")
    cd "$folder"
    "$gavel" generate --quiet --auctions 20000 --seed 2 demo.gvlog >generated.txt
}

demo() {
    GAVEL_DEMO_LOG=$PWD/demo.gvlog "$gavel" run "$scenarios/demo.yaml" --quiet "$@" \
        >table.txt || return
    tail -n +3 table.txt # the first line tells the time
}

# Sum of a column of a log, by its number.
total() {
    awk -F, -v column="$1" 'NR > 1 { sum += $column } END { printf "%.0f", sum }' "$2"
}

nothing_changes_where_it_is_off() {
    begin
    mkdir logs
    demo >plain.txt
    demo --set exploration.jitter=0 --set exploration.low=0.1 --logs logs >off.txt
    cmp plain.txt off.txt
    awk -F, 'NR > 1 && ($3 != $4 || $5 != "") { exit 1 }' logs/cell-2.csv
    refute cmp -s plain.txt <(demo "${explored[@]}")
}

logs_are_the_same_for_any_threads_and_engine() {
    begin
    mkdir one two plain
    demo "${explored[@]}" --jobs 1 --logs one >one.txt
    demo "${explored[@]}" --jobs 2 --logs two >two.txt
    demo "${explored[@]}" --engine reference --logs plain >plain.txt
    cmp one.txt two.txt
    cmp one.txt plain.txt
    diff -r one two
    diff -r one plain
    [ "$(ls one | tr '\n' ' ')" = "cell-0.csv cell-1.csv cell-2.csv cell-3.csv cell-4.csv " ]
}

# The outcome of linear, cell 2, in its log.
a_log_adds_up_to_the_outcome() {
    command -v sqlite3 >/dev/null || skip "the sqlite3 program is not installed"
    begin
    mkdir logs
    demo "${explored[@]}" --logs logs --db demo.db >/dev/null
    head -1 logs/cell-2.csv |
        grep -qx 'time,opportunity,intended,bid,propensity,offer,won,price,click,multiplier'
    sqlite3 demo.db "SELECT wins, clicks FROM campaign WHERE cell = 2" >stored.txt
    [ "$(total 7 logs/cell-2.csv)|$(total 9 logs/cell-2.csv)" = "$(cat stored.txt)" ]
}

# Bids of 30, explored, tell how often 30 and 39 win: 95 % intervals hold what they did.
other_bids_are_judged_by_an_explored_log() {
    begin
    mkdir at_30 at_39 logs
    local all=(--set 'campaigns.0.budget_share=[100]' --set)
    demo "${all[@]}" 'policies=[{type: constant, bid: 30}]' --logs at_30 >/dev/null
    demo "${all[@]}" 'policies=[{type: constant, bid: 39}]' --logs at_39 >/dev/null
    demo "${all[@]}" 'policies=[{type: constant, bid: 30}]' "${explored[@]}" --logs logs >/dev/null
    is_judged 1 at_30
    is_judged 1.3 at_39
}

# is_judged FACTOR FOLDER: the interval of dr holds the share that the bids of FOLDER did win.
is_judged() {
    local share low high
    "$gavel" evaluate "scale:$1" --log logs/cell-0.csv --column bid=bid --column target=intended \
        --column propensity=propensity --column reward=won >shown.txt
    read -r low high < <(awk '$1 == "dr" { print $3, $5 }' shown.txt)
    share=$(awk -F, 'NR > 1 { won += $7 } END { print won / (NR - 1) }' "$2/cell-0.csv")
    awk "BEGIN { exit !($low < $share && $share < $high && $high - $low < 0.1) }"
}

# IPS on the log of strata is, over seeds, what each multiplier's own bids win, and each interval of
# dr that is not one of bad luck holds it: 30 seeds, four standard errors.
strata_judge_their_multipliers_without_bias() {
    begin
    local all=(--set 'campaigns.0.budget_share=[100]' --set)
    local strata=(--set exploration.strata=3 --set exploration.low=0.8 --set exploration.high=1.25)
    for bid in 24 30 37.5; do
        mkdir "at_$bid"
        demo "${all[@]}" "policies=[{type: constant, bid: $bid}]" --logs "at_$bid" >/dev/null
        awk -F, -v bid="$bid" 'NR > 1 { won += $7 } END { print bid / 30, won / (NR - 1) }' \
            "at_$bid/cell-0.csv" >>truth.txt
    done
    for seed in $(seq 30); do
        mkdir "logs_$seed"
        demo "${all[@]}" 'policies=[{type: constant, bid: 30}]' "${strata[@]}" --set seed="$seed" \
            --logs "logs_$seed" --db strata.db >/dev/null
        awk -F, 'NR > 1 { sum[$10] += $7 / $5; n++ } END { for (k in sum) print k, sum[k] / n }' \
            "logs_$seed/cell-0.csv" >>ips.txt
    done
    awk 'NR == FNR { truth[$1] = $2; next }
         { sum[$1] += $2; square[$1] += $2 * $2; n[$1]++ }
         END { for (k in truth) {
                   mean = sum[k] / n[k]; spread = sqrt((square[k] / n[k] - mean * mean) / n[k])
                   if (n[k] != 30 || spread <= 0 || (mean - truth[k]) ^ 2 > 16 * spread ^ 2) {
                       print k, truth[k], mean, spread; exit 1 } } }' truth.txt ips.txt
    awk -F, 'NR > 1 && ($5 < 0.33333333 || $5 > 0.33333334 || $4 / $3 / $10 < 0.9999999 ||
                        $4 / $3 / $10 > 1.0000001) { exit 1 }' logs_1/cell-0.csv
    "$gavel" evaluate scale:1.25 --log strata.db --run 1 --column reward=won >shown.txt
    read -r low high < <(awk '$1 == "dr" { print $3, $5 }' shown.txt)
    awk -v low="$low" -v high="$high" '$1 == 1.25 { exit !(low < $2 && $2 < high) }' truth.txt
    grep -qE 'verdict +better than the logged policy' shown.txt
    expect_failure 2 "has no action '1.3'; it has: " "$gavel" evaluate scale:1.3 --log strata.db
}

# Whenever the signal comes, the logs are whole in the end.
an_interrupted_cell_is_logged_from_its_beginning() {
    begin
    mkdir whole parts
    demo "${explored[@]}" --logs whole >/dev/null
    GAVEL_DEMO_LOG=$PWD/demo.gvlog timeout -s INT 0.1 "$gavel" run "$scenarios/demo.yaml" --quiet \
        "${explored[@]}" --logs parts --db demo.db >/dev/null || true
    demo "${explored[@]}" --logs parts --db demo.db --resume >/dev/null
    diff -r whole parts
}

# sell ARGUMENT...: twenty small periods of eight advertisers, the fourth of which explores.
sell() {
    printf '%s\n' 'market: {periods: 20, slots: 2, exposure: [1, 0.7], ticks: 12}' \
        'traffic: {opportunities: 4000}' \
        'advertisers: {count: 8, categories: 2, budget: 100000, cpa: 100, policies: [mcpa]}' \
        'policies: [{type: mcpa}]' >market.yaml
    "$gavel" run market.yaml --quiet "$@" >sold.txt
}

grid=(--set exploration.strata=3 --set exploration.low=0.8 --set exploration.high=1.25
    --set exploration.advertiser=3)

# IPS, in pairs of the same period, of what bids 1.25 times as high win and pay there.
a_market_explores_one_advertiser_without_bias() {
    command -v sqlite3 >/dev/null || skip "the sqlite3 program is not installed"
    begin
    mkdir logs
    sell "${grid[@]}" --logs logs --db explored.db
    sell --set 'advertisers.bid_scale=[1,1,1,1.25,1,1,1,1]' --db higher.db
    [ "$(ls logs | wc -l)" = 20 ]
    for period in $(seq 0 19); do
        local cell=$((8 * period + 3)) sum="SUM(wins), SUM(spend_nanos), SUM(conversions)"
        awk -F, 'NR > 1 { w += $7; p += $8; c += $9 } END { printf "%d|%.0f|%d\n", w, 1e6 * p, c }' \
            "logs/cell-$cell.csv" >logged.txt
        sqlite3 explored.db "SELECT $sum FROM campaign WHERE cell = $cell" | cmp - logged.txt
        sqlite3 higher.db "SELECT wins, spend_nanos / 1e6 FROM campaign WHERE cell = $cell" |
            tr '|' ' ' >truth.txt
        awk -F, 'NR == FNR { split($1, truth, " "); next }
                 $10 == 1.25 { won += $7 / $5; paid += $8 / $5 }
                 END { print won - truth[1], paid - truth[2], truth[1] }' truth.txt \
            "logs/cell-$cell.csv" >>off.txt
    done
    awk '{ for (k = 1; k <= 2; k++) { sum[k] += $k; square[k] += $k * $k } wins += $3 }
         END { for (k = 1; k <= 2; k++) {
                   mean = sum[k] / NR; spread = sqrt((square[k] / NR - mean * mean) / NR)
                   if (NR != 20 || spread <= 0 || mean * mean > 16 * spread * spread || wins < 9999) {
                       print k, mean, spread, wins; exit 1 } } }' off.txt
    "$gavel" evaluate scale:1.25 --log explored.db --cell 3 --column reward=won >shown.txt
    grep -qE 'verdict +better than the logged policy' shown.txt
    expect_failure 1 "in a market of the advertiser alone whose bids are explored" \
        "$gavel" evaluate scale:1.25 --log explored.db --cell 4
    "$gavel" explain explored.db a03 --policy mcpa --quiet >explained.txt # is played again as it was
}

a_market_explores_alike_for_any_threads_and_engine() {
    begin
    mkdir one two plain
    local law=(--set exploration.jitter=0.3 --set exploration.advertiser=3)
    sell "${law[@]}" --set advertisers.budget=300 --jobs 1 --logs one
    sell "${law[@]}" --set advertisers.budget=300 --jobs 2 --logs two
    sell "${law[@]}" --set advertisers.budget=300 --engine reference --logs plain
    diff -r one two
    diff -r one plain
    awk -F, 'NR > 1 && ($3 == $4 || $5 <= 0 || $6 > $4) { exit 1 }' one/cell-3.csv
    tail -n +2 sold.txt >varied.txt
    sell --set advertisers.budget=300
    refute cmp -s varied.txt <(tail -n +2 sold.txt)
    tail -n +2 sold.txt >plain.txt
    sell --set exploration.advertiser=3 --set advertisers.budget=300
    cmp plain.txt <(tail -n +2 sold.txt)
}

mistakes_are_refused_where_they_stand() {
    begin
    expect_failure 2 "bids have no density: give exploration.jitter" demo --set \
        exploration.epsilon=0.5
    expect_failure 2 "exploration.low is 3, expected less than high, 2" demo --set \
        exploration.low=3 --set exploration.jitter=1
    expect_failure 1 "nowhere: No such file or directory, where logs are to be written" demo --logs nowhere
    expect_failure 2 "exploration.strata deals out fixed factors" demo --set \
        exploration.strata=4 --set exploration.jitter=1
    expect_failure 2 "exploration.strata is 1" demo --set exploration.strata=1
    local market=("$gavel" run "$scenarios/market48.yaml" --set exploration.jitter=1)
    expect_failure 2 "exploration.advertiser must be given in a market, of 0 to 47" "${market[@]}"
    expect_failure 2 "exploration.advertiser must be given" "${market[@]}" \
        --set exploration.advertiser=48
    expect_failure 2 "market.overspend: auctionnet drops bids" "${market[@]}" \
        --set exploration.advertiser=1 --set market.overspend=auctionnet
    expect_failure 2 "exploration.advertiser is one of a market" demo --set exploration.jitter=1 \
        --set exploration.advertiser=1
}

run_tests nothing_changes_where_it_is_off logs_are_the_same_for_any_threads_and_engine \
    a_log_adds_up_to_the_outcome other_bids_are_judged_by_an_explored_log \
    strata_judge_their_multipliers_without_bias \
    an_interrupted_cell_is_logged_from_its_beginning \
    a_market_explores_one_advertiser_without_bias \
    a_market_explores_alike_for_any_threads_and_engine \
    mistakes_are_refused_where_they_stand
