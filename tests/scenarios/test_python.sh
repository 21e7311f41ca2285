#!/usr/bin/env bash
# What Gavel trains and records, opened from Python: scripts/python.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute
open_weights=$PWD/scripts/python/open_weights.py
market48=$PWD/scenarios/market48.yaml

# The first tick of a period has no past, so all multipliers of one advertiser can be told apart.
numpy_finds_the_multipliers_of_trained_actors() {
    python3 -c 'import numpy' 2>/dev/null || skip "python3 with NumPy is not installed"
    cd "$scratch"
    "$gavel" run "$market48" -q --set market.contenders=[] --set traffic.opportunities=2000 \
        --set advertisers.policies=mcpa --db run.db >/dev/null
    "$gavel" trajectories run.db -q -o run.safetensors
    for learner in bc iql; do
        "$gavel" train $learner run.safetensors -q --steps 300 -o $learner.safetensors >/dev/null
        python3 "$open_weights" $learner.safetensors run.safetensors >$learner.txt
        grep -q "^type: $learner" $learner.txt
        test "$(grep -c '^ *[0-9][0-9]* ' $learner.txt)" -eq 48
        # Cloned from a policy that bids its CPA of 100 times the value, in every tick.
        awk '/^ *[0-9]+ / { if ($2 < 50 || $2 > 150) bad = 1; sum += $4 } END {
            exit bad || sum / 48 < 99 || sum / 48 > 101 }' $learner.txt
    done
}

run_tests numpy_finds_the_multipliers_of_trained_actors
