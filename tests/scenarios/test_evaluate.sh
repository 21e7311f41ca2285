#!/usr/bin/env bash
# gavel evaluate as people type it: a table of decisions, Open Bandit's logs, and what is refused.
. tests/shell_test.sh

gavel=$(realpath "${GAVEL:-build/gavel}")
data=${GAVEL_DATA:-../shared/data}/open-bandit

# 400 decisions of two actions, a with 3/4: a earns in every second round, b in each.
make_log() {
    echo "when,what,p,got"
    for i in $(seq 100); do
        printf '%s,a,0.75,1\n%s,a,0.75,0\n%s,b,0.25,1\n' "$i" "$i" "$i"
        [ $((i % 2)) = 0 ] && echo "$i,a,0.75,1" || echo "$i,a,0.75,0"
    done
}

columns=(--column action=what --column propensity=p --column reward=got --cluster when)

a_better_policy_is_seen_to_be_better() {
    make_log >"$scratch/log.csv"
    printf 'what,got\na,0\nb,0\nb,0\nb,0\n' >"$scratch/policy.csv"
    "$gavel" evaluate "$scratch/policy.csv" --log "$scratch/log.csv" "${columns[@]}" \
        >"$scratch/shown"
    grep -qE '^  ips +0.875 ' "$scratch/shown" # 1/4 of a's 1/2 and 3/4 of b's 1
    grep -qF 'verdict   better than the logged policy by 0.25 a round (+40.0 %)' "$scratch/shown"
    grep -qE 'sees such a difference 80 times in 100 after [0-9.]+ times this log' "$scratch/shown"
}

json_says_the_same_and_the_same_again() {
    make_log >"$scratch/log.csv"
    "$gavel" evaluate uniform --log "$scratch/log.csv" "${columns[@]}" --json >"$scratch/one"
    gzip -c "$scratch/log.csv" >"$scratch/log.csv.gz"
    "$gavel" evaluate uniform --log "$scratch/log.csv.gz" "${columns[@]}" --json >"$scratch/two"
    sed -i 's/log.csv.gz/log.csv/' "$scratch/two"
    cmp "$scratch/one" "$scratch/two"
    grep -qF '"value": 0.75' "$scratch/one"
    python3 -m json.tool "$scratch/one" >/dev/null 2>&1 || ! command -v python3 >/dev/null
}

too_thin_an_overlap_exits_with_3() {
    make_log | head -41 >"$scratch/short.csv"
    expect_failure 3 "too thin: the weighted log is worth" \
        "$gavel" evaluate uniform --log "$scratch/short.csv" "${columns[@]}"
    printf 'what,got\na,0\nc,0\n' >"$scratch/policy.csv"
    make_log >"$scratch/log.csv"
    expect_failure 3 "too thin: the policy gives 50.0 % of its chances to actions" \
        "$gavel" evaluate "$scratch/policy.csv" --log "$scratch/log.csv" "${columns[@]}"
}

propensities_that_were_not_logged_are_estimated_and_told() {
    make_log >"$scratch/log.csv"
    "$gavel" evaluate uniform --log "$scratch/log.csv" "${columns[@]}" --column propensity= \
        >"$scratch/shown"
    grep -qF 'propensities were not logged' "$scratch/shown"
    grep -qE '^  ips +0.75 ' "$scratch/shown"
}

# Bids of 1 to 5 with density 1/4, which earn what they are: at 3 the value is 3.
bids_are_judged_by_those_near() {
    { echo "bid,plan,density,got"; for i in $(seq 0 400); do
        echo "$((100 + i))e-2,3,0.25,$((100 + i))e-2"; done; } >"$scratch/bids.csv"
    "$gavel" evaluate column --log "$scratch/bids.csv" --column bid=bid --column target=plan \
        --column propensity=density --column reward=got --kernel triangular --bandwidth 1 \
        >"$scratch/shown"
    grep -qE '^  snips +3 ' "$scratch/shown"
    grep -qF 'bids within a bandwidth of 1 stand for one another' "$scratch/shown"
    expect_failure 3 "too thin: the policy gives 100.0 % of its chances" \
        "$gavel" evaluate scale:2 --log "$scratch/bids.csv" --column bid=bid --column target=plan \
        --column propensity=density --column reward=got
    expect_failure 2 "planned before they were varied: --column target=NAME" \
        "$gavel" evaluate scale:2 --log "$scratch/bids.csv" --column bid=bid \
        --column propensity=density --column reward=got
    expect_failure 2 "there is no kernel 'cosin', perhaps cosine?" \
        "$gavel" evaluate column --log "$scratch/bids.csv" --column bid=bid --column target=plan \
        --column propensity=density --column reward=got --kernel cosin
}

# 200 days of two decisions, each a or b by half, b earns 1: under b alone a day is worth 2.
episodes_are_judged_whole() {
    { echo "day,action,propensity,reward"; for i in $(seq 200); do
        [ $((i % 2)) = 0 ] && echo "$i,a,0.5,0" || echo "$i,b,0.5,1"
        [ $((i / 2 % 2)) = 0 ] && echo "$i,a,0.5,0" || echo "$i,b,0.5,1"; done; } \
        >"$scratch/days.csv"
    printf 'action,reward\nb,0\n' >"$scratch/policy.csv"
    "$gavel" evaluate "$scratch/policy.csv" --log "$scratch/days.csv" --cluster day --episodes \
        >"$scratch/shown"
    grep -qF '200 episodes of 2 decisions' "$scratch/shown"
    for name in is wis pdis wpdis dr wdr; do grep -qE "^  $name +2 " "$scratch/shown"; done
    grep -qF 'worth 50.0 of its episodes' "$scratch/shown"
    grep -qE 'better than the logged policy by 1 an episode \(\+100.0 %\), .* \(dr\)$' "$scratch/shown"
    grep -qE 'test      an A/B split of whole episodes .* after 0.0[0-9]+ times' "$scratch/shown"
    printf 'action,reward\na,0\n' >"$scratch/other.csv"
    "$gavel" evaluate "$scratch/other.csv" --log "$scratch/days.csv" --cluster day --episodes \
        --by wis >"$scratch/shown"
    grep -qE 'worse than the logged policy by 1 an episode .* \(wis\)$' "$scratch/shown"
    expect_failure 3 "too thin: whole episodes share too little with the policy" "$gavel" evaluate \
        "$scratch/policy.csv" --log <(head -21 "$scratch/days.csv") --cluster day --episodes
    "$gavel" evaluate "$scratch/policy.csv" --log "$scratch/days.csv" --cluster day --episodes \
        --json | grep -qF '"horizon": 2'
    echo "200,a,0.5,0" >>"$scratch/days.csv"
    expect_failure 2 "401 decisions are no episodes of one length" "$gavel" evaluate \
        "$scratch/policy.csv" --log "$scratch/days.csv" --cluster day --episodes
}

# Bids of 1, 2, 3 in turn at prices of 1.5: what a bid of 2 wins is known where 1 lost, too.
auctions_show_their_price_to_the_winner() {
    { echo "cpm,paid,click,plan"; for i in $(seq 100); do
        printf '1,,,2\n2,1.5,1,2\n3,1.5,0,2\n'; done; } >"$scratch/auctions.csv"
    columns=(--column bid=cpm --column price=paid --column reward=click)
    "$gavel" evaluate column --log "$scratch/auctions.csv" "${columns[@]}" --column target=plan \
        >"$scratch/shown"
    grep -qE '^  replay +0.6667 +1 +0.3333$' "$scratch/shown"
    grep -qE '^  km +1 +1.5 +0.5$' "$scratch/shown"
    grep -qE '^  ipc +1 +1.5 +0.5$' "$scratch/shown"
    "$gavel" evaluate scale:0.9 --log "$scratch/auctions.csv" "${columns[@]}" --json |
        grep -qF '"raised": 0.0'
    sed 's/^3,1.5/1,1.5/' "$scratch/auctions.csv" >"$scratch/wrong.csv"
    expect_failure 2 "decision 3 won at a price of 1.5 with a bid of 1" \
        "$gavel" evaluate scale:2 --log "$scratch/wrong.csv" "${columns[@]}"
    # Where lost auctions show their prices too, what 2 in place of 1 wins and pays is seen by all.
    { echo "cpm,paid,click,plan"; for i in $(seq 100); do
        printf '1,1.5,0,2\n2,1.5,1,2\n3,1.5,0,2\n'; done; } >"$scratch/shown.csv"
    "$gavel" evaluate column --log "$scratch/shown.csv" "${columns[@]}" --column target=plan \
        --all-prices >"$scratch/shown"
    grep -qE '^  replay +1 +1.5 +0.3333$' "$scratch/shown"
    grep -qE '^  km +1 +1.5 +0.5$' "$scratch/shown"
    expect_failure 2 "decision 1 has no price: with --all-prices each auction has one" \
        "$gavel" evaluate scale:2 --log "$scratch/auctions.csv" "${columns[@]}" --all-prices
}

# In each of 50 days the first 8 to 12 rounds of 20 win and pay 1 or, with b, 2; then money is out.
budgets_that_run_out_are_warned_of() {
    { echo "day,what,p,got,cost"; for i in $(seq 50); do for k in $(seq 20); do
        row="$i,a,0.5" cost=1
        [ $((k % 2)) = 0 ] || row="$i,b,0.5" cost=2
        [ "$k" -le $((8 + i % 5)) ] && echo "$row,$((k % 2)),$cost" || echo "$row,0,"
    done; done; } >"$scratch/days.csv"
    columns=(--column action=what --column propensity=p --column reward=got --cluster day)
    printf 'what,got\na,0\nb,0\nb,0\nb,0\n' >"$scratch/policy.csv"
    "$gavel" evaluate "$scratch/policy.csv" --log "$scratch/days.csv" "${columns[@]}" \
        >"$scratch/shown"
    grep -qF 'note      whether budgets run out or rivals would answer was not' "$scratch/shown"
    "$gavel" evaluate "$scratch/policy.csv" --log "$scratch/days.csv" "${columns[@]}" \
        --column spend=cost >"$scratch/shown"
    grep -qF 'warning   spend falls by 93 % within clusters' "$scratch/shown"
    grep -qF 'warning   the policy would spend +18 % of what the log did' "$scratch/shown"
    "$gavel" evaluate uniform --log "$scratch/days.csv" "${columns[@]}" --column spend=cost --json |
        grep -qF '"fade": {'
}

# Bids of 1, 2, 3 in turn at prices of 1.5, a click in seven: 0.7 times loses those of 2.
auctions_have_a_verdict() {
    { echo "cpm,paid,click"; for i in $(seq 700); do
        [ $((i % 3)) = 0 ] && echo '1,,' || echo "$((i % 3 + 1)),1.5,$((i % 7 == 1))"; done; } \
        >"$scratch/auctions.csv"
    columns=(--column bid=cpm --column price=paid --column reward=click)
    judge() { "$gavel" evaluate "$1" --log "$scratch/auctions.csv" "${columns[@]}"; }
    judge scale:0.7 >"$scratch/shown"
    grep -qE 'worse than the logged policy by 0.04[0-9]+ rewards an auction \(-[45][0-9.]+ %\)' \
        "$scratch/shown"
    grep -qE 'cost +it spends 50.1 % less than the log did' "$scratch/shown"
    grep -qE 'test +an A/B split of the clusters sees .* times this log' "$scratch/shown"
    judge scale:1.5 >"$scratch/shown"
    grep -qE 'better than the logged policy by 0.04[0-9]+ rewards an auction \(\+[45][0-9.]+ %\)' \
        "$scratch/shown"
    judge scale:0.9 >"$scratch/shown"
    grep -qF 'verdict   unclear: ' "$scratch/shown"
    grep -vE '^1,' "$scratch/auctions.csv" >"$scratch/won.csv"
    expect_failure 3 "too thin: in 100.0 % of auctions the bid is above the logged one" \
        "$gavel" evaluate scale:1.2 --log "$scratch/won.csv" "${columns[@]}"
    { cat "$scratch/auctions.csv"; yes 1,, | head -700; } >"$scratch/few.csv"
    expect_failure 3 "too thin: 67 % of what it wins the log lost: inferred" \
        "$gavel" evaluate scale:1.5 --log "$scratch/few.csv" "${columns[@]}"
}

what_is_wrong_is_refused_with_a_hint() {
    make_log >"$scratch/log.csv"
    cp "$scratch/log.csv" "$scratch/kept.csv"
    expect_failure 2 'would be written over' "$gavel" evaluate uniform --log "$scratch/log.csv" \
        "${columns[@]}" --dump "$scratch/./log.csv"
    cmp "$scratch/log.csv" "$scratch/kept.csv"
    expect_failure 2 "which policy?" "$gavel" evaluate --log "$scratch/log.csv"
    expect_failure 2 "on which log?" "$gavel" evaluate uniform
    expect_failure 2 "log.csv:1: no column 'action'; the header has: when, what, p, got" \
        "$gavel" evaluate uniform --log "$scratch/log.csv"
    expect_failure 2 "there is no estimator 'snip', perhaps snips?" \
        "$gavel" evaluate uniform --log "$scratch/log.csv" "${columns[@]}" -e snip,dr
    expect_failure 2 "--by dr is none of" \
        "$gavel" evaluate uniform --log "$scratch/log.csv" "${columns[@]}" -e ips
    expect_failure 2 "--by wis: the table for this log has no such row" \
        "$gavel" evaluate uniform --log "$scratch/log.csv" "${columns[@]}" --by wis
    expect_failure 2 "there is no interval 'bcb', perhaps bca?" \
        "$gavel" evaluate uniform --log "$scratch/log.csv" --interval bcb
    expect_failure 2 "--set dros.lambda=-1: " \
        "$gavel" evaluate uniform --log "$scratch/log.csv" "${columns[@]}" --set dros.lambda=-1
    expect_failure 2 "--all-prices needs the prices: --column price=NAME" \
        "$gavel" evaluate uniform --log "$scratch/log.csv" "${columns[@]}" --all-prices
    echo "7,a,1.5,1" >>"$scratch/log.csv"
    "$gavel" evaluate uniform --log "$scratch/log.csv" "${columns[@]}" >"$scratch/shown"
    grep -qF "log.csv:402: p '1.5' is no probability of (0, 1]" "$scratch/shown"
    for i in 1 2 3 4 5; do echo "7,a,x,1" >>"$scratch/log.csv"; done
    expect_failure 1 "6 of 406 rows cannot be used, more than 1 %" \
        "$gavel" evaluate uniform --log "$scratch/log.csv" "${columns[@]}"
}

open_bandit_is_read_as_it_is() {
    [ -f "$data/random-men.csv.gz" ] || skip "no $data"
    "$gavel" evaluate "$data/bts-men.csv.gz" --log "$data/random-men.csv.gz" --format open-bandit \
        >"$scratch/shown"
    grep -qF ': 10000 rounds, 34 actions, 168 clusters' "$scratch/shown"
    grep -qF 'earned 0.0046 a round' "$scratch/shown"
}

run_tests a_better_policy_is_seen_to_be_better json_says_the_same_and_the_same_again \
    too_thin_an_overlap_exits_with_3 propensities_that_were_not_logged_are_estimated_and_told \
    bids_are_judged_by_those_near episodes_are_judged_whole \
    auctions_show_their_price_to_the_winner auctions_have_a_verdict \
    budgets_that_run_out_are_warned_of \
    what_is_wrong_is_refused_with_a_hint open_bandit_is_read_as_it_is
