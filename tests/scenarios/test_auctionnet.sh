#!/usr/bin/env bash
# gavel auctionnet as people type it: scores and trajectories of a small log, and what is refused.
. tests/shell_test.sh

gavel=$(realpath "${GAVEL:-build/gavel}")

# Two periods of six advertisers; what costs 0.1 x k is worth k / 10.
make_log() {
    echo "deliveryPeriodIndex,advertiserNumber,advertiserCategoryIndex,budget,CPAConstraint,timeStepIndex,remainingBudget,pvIndex,pValue,pValueSigma,bid,xi,adSlot,cost,isExposed,conversionAction,leastWinningCost,isEnd"
    for period in 7 8; do
        for tick in 0 1; do
            for pv in 1 2 3; do
                for advertiser in 0 1 2 3 4 5; do
                    echo "$period.0,$advertiser.0,0.0,10.0,2.0,$tick.0,10.0,$pv.0,0.$pv,0.0,0.5,1.0,1.0,0.$pv,1.0,1.0,0.$pv,0.0"
                done
            done
        done
    done
}

a_policy_is_scored_at_every_budget_ratio() {
    make_log >"$scratch/a.csv"
    "$gavel" auctionnet score "$scratch/a.csv" -p auctionnet_pid --set start=1 \
        --budget-ratio 0.5,1 >"$scratch/shown" 2>"$scratch/talk"
    grep -qF 'auctionnet_pid, offline on 12 campaigns (advertiser x period), overspend auctionnet' "$scratch/shown"
    grep -qE '^ +50 % ' "$scratch/shown"
    grep -qE '^ +100 % ' "$scratch/shown"
    [ ! -s "$scratch/talk" ]
}

json_says_the_same_and_the_same_again() {
    make_log >"$scratch/a.csv"
    "$gavel" auctionnet score "$scratch/a.csv" --policy abid --json -q >"$scratch/one"
    gzip -c "$scratch/a.csv" >"$scratch/a.csv.gz"
    "$gavel" auctionnet score "$scratch/a.csv.gz" --policy abid --json -q >"$scratch/two"
    cmp "$scratch/one" "$scratch/two"
    grep -qF '"campaigns": 12' "$scratch/one"
    grep -qF '"budget_ratio": 1.0' "$scratch/one"
    python3 -m json.tool "$scratch/one" >/dev/null 2>&1 || ! command -v python3 >/dev/null
}

trajectories_are_written_whole_or_not_at_all() {
    make_log >"$scratch/a.csv"
    "$gavel" auctionnet trajectories "$scratch/a.csv" -o "$scratch/a.safetensors" 2>"$scratch/talk"
    grep -qF 'a.safetensors: 12 trajectories' "$scratch/talk"
    head -c 8 "$scratch/a.safetensors" | od -An -t u8 | grep -qE '^ +[0-9]+$'
    sed '$s/0.0$/x/' "$scratch/a.csv" >"$scratch/bad.csv"
    sed -i '$d' "$scratch/bad.csv"
    expect_failure 1 "ends with 2 rows of advertiser 5, expected 3" \
        "$gavel" auctionnet trajectories "$scratch/bad.csv" -q -o "$scratch/bad.safetensors"
    [ ! -e "$scratch/bad.safetensors" ]
    ln "$scratch/a.csv" "$scratch/link.csv"
    expect_failure 2 "link.csv would be written over $scratch/a.csv" \
        "$gavel" auctionnet trajectories "$scratch/a.csv" -q -o "$scratch/link.csv"
}

what_is_mistyped_is_refused_with_a_hint() {
    make_log >"$scratch/a.csv"
    expect_failure 2 "there is no 'scor'; did you mean 'score'?" "$gavel" auctionnet scor
    expect_failure 2 "Usage: gavel auctionnet" "$gavel" auctionnet
    expect_failure 2 "there is no policy 'abit', perhaps abid?" \
        "$gavel" auctionnet score "$scratch/a.csv" -p abit
    expect_failure 2 "--set cpb: the policy abid has no such parameter, perhaps cpa?" \
        "$gavel" auctionnet score "$scratch/a.csv" -p abid --set cpb=2
    expect_failure 2 "--set cpa: expected KEY=VALUE" \
        "$gavel" auctionnet score "$scratch/a.csv" -p abid --set cpa
    expect_failure 2 "--set cpa=dear: " "$gavel" auctionnet score "$scratch/a.csv" -p abid --set cpa=dear
    expect_failure 2 "expected numbers above 0 such as 0.5,1,1.5, found '0'" \
        "$gavel" auctionnet score "$scratch/a.csv" -p abid --budget-ratio 1,0
    expect_failure 2 "expected auctionnet or exact" \
        "$gavel" auctionnet score "$scratch/a.csv" -p abid --overspend never
    expect_failure 2 "which policy?" "$gavel" auctionnet score "$scratch/a.csv"
    expect_failure 2 "which log?" "$gavel" auctionnet score -p abid
    expect_failure 2 "where to?" "$gavel" auctionnet trajectories "$scratch/a.csv"
}

what_a_log_cannot_give_is_said() {
    make_log >"$scratch/a.csv"
    expect_failure 1 "absent.csv: cannot be opened" "$gavel" auctionnet score "$scratch/absent.csv" -p abid
    expect_failure 1 "lacks pValue" "$gavel" auctionnet score <(make_log | sed 1s/pValue,/p,/) -p abid
    expect_failure 1 "bids by click probabilities or floors" \
        "$gavel" auctionnet score "$scratch/a.csv" -p linear --set b0=1 --set mean_pctr=0.1
    expect_failure 1 "use the exact overspend rule" \
        "$gavel" auctionnet score "$scratch/a.csv" -p min_pacing
    "$gavel" auctionnet score "$scratch/a.csv" -p min_pacing --overspend exact >/dev/null
}

run_tests a_policy_is_scored_at_every_budget_ratio json_says_the_same_and_the_same_again \
    trajectories_are_written_whole_or_not_at_all what_is_mistyped_is_refused_with_a_hint \
    what_a_log_cannot_give_is_said
