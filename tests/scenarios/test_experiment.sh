#!/usr/bin/env bash
# gavel experiment as people type it: plans from a small log, and what is refused.
. tests/shell_test.sh

gavel=$(realpath "${GAVEL:-build/gavel}")

# 40 users on four days, each of whom buys or does not by habit, in two hours.
make_log() {
    echo "time,user,bought"
    for day in 1 2 3 4; do
        for user in $(seq 40); do
            echo "2026-11-0$day 0$((user % 2)):00,$user,$((user % 4 == 0 || (user + day) % 7 == 0))"
        done
    done
}

plan=(--reward bought --unit user=user --unit switchback=time:13 --day time:10)

designs_are_told_with_their_duration() {
    make_log >"$scratch/log.csv"
    "$gavel" experiment "$scratch/log.csv" "${plan[@]}" --effect 0.3 >"$scratch/shown"
    grep -qF ': 160 rounds in 4 days' "$scratch/shown"
    grep -qE '^  user +40 ' "$scratch/shown"
    grep -qE '^  switchback +8 ' "$scratch/shown"
    grep -qF 'arms spend one budget' "$scratch/shown"
    grep -qE 'verdict   switchback split, [0-9]+ days' "$scratch/shown"
    "$gavel" experiment "$scratch/log.csv" "${plan[@]}" --json >"$scratch/one"
    "$gavel" experiment "$scratch/log.csv" "${plan[@]}" --json | cmp - "$scratch/one"
    grep -qF '"recommended": "switchback"' "$scratch/one"
    python3 -m json.tool "$scratch/one" >/dev/null 2>&1 || ! command -v python3 >/dev/null
}

# Four times the days see half the effect, but for Student's few degrees of freedom.
a_longer_test_sees_less() {
    make_log >"$scratch/log.csv"
    least() {
        "$gavel" experiment "$scratch/log.csv" "${plan[@]}" --for "$1" --json |
            grep -m1 least_effect | tr -dc 0-9.
    }
    awk "BEGIN { ratio = $(least 100) / $(least 400); exit !(ratio > 1.99 && ratio < 2.01) }"
}

what_is_wrong_is_refused_with_a_hint() {
    make_log >"$scratch/log.csv"
    expect_failure 2 "which log?" "$gavel" experiment --unit user=user --days 4
    expect_failure 2 "how long is the log?" "$gavel" experiment "$scratch/log.csv" --unit user=user
    expect_failure 2 "which designs?" "$gavel" experiment "$scratch/log.csv" --days 4
    expect_failure 2 "there is no design 'users', perhaps user?" \
        "$gavel" experiment "$scratch/log.csv" --days 4 --unit users=user
    expect_failure 2 "log.csv:1: no column 'cookie'; the header has: time, user, bought" \
        "$gavel" experiment "$scratch/log.csv" --days 4 --reward bought --unit user=cookie
    expect_failure 2 "--share is '1', expected a number above 0 and below 1" \
        "$gavel" experiment "$scratch/log.csv" "${plan[@]}" --share 1
}

run_tests designs_are_told_with_their_duration a_longer_test_sees_less \
    what_is_wrong_is_refused_with_a_hint
