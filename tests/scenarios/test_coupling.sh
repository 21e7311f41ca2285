#!/usr/bin/env bash
# belief and response of a scenario, as a shell sees them: what they change, and what is refused.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute
scenarios=$PWD/scenarios

begin() {
    local folder
    folder=$(mktemp -d "$scratch/coupling.XXXXXX")
    cd "$folder"
    "$gavel" generate --quiet --auctions 6000 --seed 2 demo.gvlog >generated.txt
}

demo() {
    GAVEL_DEMO_LOG=$PWD/demo.gvlog "$gavel" run "$scenarios/demo.yaml" --quiet "$@" >table.txt || return
    tail -n +2 table.txt # the first line names the scenario's identity
}


an_exact_belief_changes_nothing() {
    begin
    demo >plain.txt
    demo --set belief.scale=1 >exact.txt
    cmp plain.txt exact.txt
}

# Who bids by no prediction wins the same under any belief; who does, does not.
noise_touches_only_those_that_predict() {
    begin
    demo >plain.txt
    demo --set belief.noise=1 >noisy.txt
    grep '^  constant ' plain.txt >constant.txt
    grep -qxFf constant.txt noisy.txt
    grep '^  linear ' plain.txt >linear.txt
    refute grep -qxFf linear.txt noisy.txt
}

drawn_clicks_are_the_same_for_any_threads() {
    begin
    local settings=(--set response.type=predicted --set belief.noise=0.5 --set
        response.click_delay=1h)
    demo "${settings[@]}" --jobs 1 >one.txt
    demo "${settings[@]}" --jobs 2 >two.txt
    cmp one.txt two.txt
    refute cmp -s one.txt <(demo --set belief.noise=0.5)
}

a_truth_may_be_a_predictor_of_its_own() {
    begin
    demo --set response.type=historical_rate --set response.strength=1 --print-config >/dev/null
    mv table.txt resolved.yaml
    grep -q 'strength: 1 .*# --set' resolved.yaml
    grep -q 'click_delay: 0 s .*# default' resolved.yaml
    demo --set response.type=historical_rate --set response.strength=1 >once.txt
    "$gavel" run resolved.yaml --quiet | tail -n +2 >again.txt
    cmp once.txt again.txt
}

mistakes_are_refused_where_they_stand() {
    begin
    expect_failure 2 "did you mean 'predicted'?" demo --set response.type=predictd
    expect_failure 2 "did you mean 'noise'?" demo --set belief.nois=1
    expect_failure 2 "there is no column foo" demo --set belief.cold=0.5 --set belief.cold_by=foo
    expect_failure 2 "nothing of the history is left" demo --set belief.stale=30d
    expect_failure 2 "the truth cannot be drawn by it" demo --set belief.stale=1d --set \
        response.type=predicted
    expect_failure 2 "belief belongs to the replay of a log" "$gavel" run "$scenarios/market48.yaml" --set \
        belief.noise=1
}

run_tests an_exact_belief_changes_nothing noise_touches_only_those_that_predict \
    drawn_clicks_are_the_same_for_any_threads a_truth_may_be_a_predictor_of_its_own \
    mistakes_are_refused_where_they_stand
