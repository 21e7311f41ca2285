#!/usr/bin/env bash
# gavel experts as a shell sees it, and that nothing is judged by what it has learned from.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute

# A small market in a folder of its own, which becomes the working directory.
begin() {
    local folder
    folder=$(mktemp -d "$scratch/experts.XXXXXX")
    cd "$folder"
    cat >market.yaml <<'YAML'
name: small
seed: 3
market: {periods: 3, first_period: 40, ticks: 6, tick: 4h, contenders: [mcpa, abid, oracle_slot]}
traffic: {type: auctionnet, opportunities: 3000, value_mean: 0.02}
mechanism: {type: second_price, reserve: 0.1 CPM}
advertisers: {count: 9, categories: 3, budget: [60, 40, 90], cpa: [2, 3], policies: [mcpa, abid]}
policies: [{type: mcpa}, {type: abid}, {type: oracle_slot}]
YAML
}

threads_change_no_byte() {
    begin
    "$gavel" experts market.yaml -q --jobs 1 --noise 0.2 --pupil abid -o one.safetensors
    "$gavel" experts market.yaml -q --jobs 2 --noise 0.2 --pupil abid -o two.safetensors
    "$gavel" experts market.yaml -q --jobs 3 --noise 0.2 --pupil abid -o three.safetensors
    cmp one.safetensors two.safetensors
    cmp one.safetensors three.safetensors
    "$gavel" experts market.yaml -q --set seed=4 --noise 0.2 --pupil abid -o other.safetensors
    refute cmp -s one.safetensors other.safetensors
}

the_summary_adds_up() {
    begin
    "$gavel" experts market.yaml -q --json --copies 3 --noise 0.1 --pupil abid --pupil mcpa \
        -o e.safetensors >summary.json
    grep -q '"draws":81,' summary.json
    grep -q '"noisy":81,"pupils":162,' summary.json
    local experts left_out
    experts=$(sed 's/.*"experts":\([0-9]*\).*/\1/' summary.json)
    left_out=$(sed 's/.*"experts_not_kept":\([0-9]*\).*/\1/' summary.json)
    test $((experts + left_out)) = 81
    grep -q "\"trajectories\":$((81 + 162 + 81 + experts))," summary.json
    grep -aq '"provenance":"{\\"version\\"' e.safetensors
    grep -aq '\\"behaviours\\":\[\\"log\\",\\"oracle\\",' e.safetensors
    grep -aq '\\"noisy oracle\\",\\"abid\\",\\"mcpa\\"\]' e.safetensors
    "$gavel" train bc e.safetensors -q --steps 2 -o bc.safetensors >/dev/null
}

# The traffic is told by what it is: who bids there, and how much, is no part of it.
imprint() {
    "$gavel" experts market.yaml -q -o i.safetensors --copies 1 "$@"
    grep -ao '\\"periods\\":{[^}]*}' i.safetensors
}

imprints_are_of_the_traffic_alone() {
    begin
    local own
    own=$(imprint)
    test "$own" = "$(imprint --set 'advertisers.policies=[abid]' --set 'advertisers.budget=[10]')"
    test "$own" = "$(imprint --set market.contender_budget=0.5 --set 'advertisers.cpa=[1]')"
    test "$own" != "$(imprint --set seed=4)"
    test "$own" != "$(imprint --set traffic.value_mean=0.03)"
    # Those of single periods are those of all, and no two are the same.
    local period hashes
    for period in 40 41 42; do
        imprint --set market.periods=1 --set market.first_period=$period |
            grep -o '"[0-9a-f]\{16\}\\"' >>hashes.txt
    done
    hashes=$(sort -u hashes.txt | wc -l)
    test "$hashes" = 3
    for period in $(cat hashes.txt); do
        grep -qF -- "$period" <<<"$own"
    done
}

nothing_is_judged_by_what_it_learned_from() {
    begin
    "$gavel" experts market.yaml -q -o e.safetensors
    sed 's/first_period: 40/first_period: 43/' market.yaml >test.yaml
    "$gavel" train bc e.safetensors -q --steps 4 -o bc.safetensors --validate test.yaml >/dev/null
    expect_failure 2 'market.yaml: its period 40 is one that the trajectories were made of' \
        "$gavel" train bc e.safetensors -q --steps 4 -o no.safetensors --validate market.yaml
    test ! -e no.safetensors
    # One period of several, whatever its number is.
    sed 's/first_period: 40/first_period: 42/' market.yaml >part.yaml
    expect_failure 2 'its period 42 is one that' "$gavel" train bc e.safetensors -q --steps 4 \
        -o no.safetensors --validate part.yaml
    # Periods that were held out are for judging.
    sed 's/first_period: 40/first_period: 42/; s/periods: 3/periods: 1/' market.yaml >last.yaml
    "$gavel" train bc e.safetensors -q --steps 4 -o bc.safetensors --hold-out 0.34 \
        --validate last.yaml >/dev/null
    # Another seed is other traffic.
    sed 's/seed: 3/seed: 4/' market.yaml >other.yaml
    "$gavel" train bc e.safetensors -q --steps 4 -o bc.safetensors --validate other.yaml >/dev/null
}

a_run_tells_whom_it_knows() {
    begin
    "$gavel" experts market.yaml -q -o e.safetensors
    "$gavel" train bc e.safetensors -q --steps 2 -o bc.safetensors >/dev/null
    sed 's/first_period: 40/first_period: 42/' market.yaml >part.yaml
    "$gavel" run part.yaml --set 'policies.+={type: bc, weights: bc.safetensors}' --db r.db \
        --set 'market.contenders=[bc, mcpa]' 2>talk.txt >/dev/null
    grep -q 'warning: bc learned from the traffic of period 42 of this run' talk.txt
    test "$(sqlite3 r.db "SELECT value FROM provenance WHERE name = 'leak.0.periods'")" = 42
    # Not where it does not bid, nor in periods that it has not seen.
    "$gavel" run part.yaml --set 'policies.+={type: bc, weights: bc.safetensors}' \
        --set 'market.contenders=[mcpa]' 2>talk.txt >/dev/null
    refute grep -q "learned from" talk.txt
    "$gavel" run part.yaml --set 'policies.+={type: bc, weights: bc.safetensors}' \
        --set market.first_period=43 --set 'market.contenders=[bc]' 2>talk.txt >/dev/null
    refute grep -q "learned from" talk.txt
}

a_network_may_be_a_pupil() {
    begin
    "$gavel" experts market.yaml -q -o e.safetensors
    "$gavel" train bc e.safetensors -q --steps 2 -o bc.safetensors >/dev/null
    "$gavel" experts market.yaml -q --set 'policies.+={type: bc, weights: bc.safetensors}' \
        --pupil bc -o next.safetensors
    "$gavel" train bc e.safetensors next.safetensors -q --steps 2 -o bc.safetensors >/dev/null
}

bad_input_is_refused() {
    begin
    expect_failure 2 'name a scenario and the file to write' "$gavel" experts market.yaml
    expect_failure 2 'expected a range above 0' "$gavel" experts market.yaml -o x --budget 1.5..0.5
    expect_failure 2 'expected a range above 0' "$gavel" experts market.yaml -o x --cpa 0..3
    expect_failure 2 'a whole number from 1' "$gavel" experts market.yaml -o x --copies 0
    expect_failure 2 'expected a standard deviation' "$gavel" experts market.yaml -o x --noise -1
    expect_failure 2 "no policy 'nobody'" "$gavel" experts market.yaml -o x --pupil nobody
    expect_failure 2 'bid by true values: leave market.contender_belief' \
        "$gavel" experts market.yaml -o x --set market.contender_belief=0.7
    expect_failure 2 'bid by true values' "$gavel" experts market.yaml -o x \
        --set advertisers.belief_scale=[1,1.4]
    expect_failure 2 'contender_noise and belief_noise at 0' \
        "$gavel" experts market.yaml -o x --set advertisers.belief_noise=0.5
    expect_failure 2 'a pupil must not' "$gavel" experts market.yaml -o x --pupil oracle_slot
    expect_failure any 'pays its own bid' "$gavel" experts market.yaml -o x.safetensors \
        --set mechanism.type=first_price
    expect_failure 1 'nowhere' "$gavel" experts market.yaml -q -o nowhere/x.safetensors
    test ! -e x.safetensors
    "$gavel" generate -q --auctions 2000 log.gvlog >/dev/null
    cat >replay.yaml <<'YAML'
name: replay
log: {path: log.gvlog, format: gvlog}
campaigns: [{name: c, budget: 100 CPM}]
policies: [{type: constant}]
YAML
    expect_failure 2 'it replays a log' "$gavel" experts replay.yaml -o x.safetensors
}

run_tests threads_change_no_byte \
    the_summary_adds_up \
    imprints_are_of_the_traffic_alone \
    nothing_is_judged_by_what_it_learned_from \
    a_run_tells_whom_it_knows \
    a_network_may_be_a_pupil \
    bad_input_is_refused
