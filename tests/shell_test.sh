# shell_test.sh - for test_*.sh: functions as tests, which close as cmocka's programs do.
#
#   . tests/shell_test.sh
#   an_unknown_option_is_refused() { ... }
#   run_tests an_unknown_option_is_refused
#
# Each test runs in a shell of its own with `set -eu` and fails where a command fails. $scratch is
# a folder for the whole program, removed at its end. `skip SENTENCE` leaves a test undecided.

scratch=$(mktemp -d "${TMPDIR:-/tmp}/gavel-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

skip() {
    echo "skipped: $*"
    exit 77
}

# expect_failure STATUS PHRASE COMMAND...: it exits so (any: not 0) and its output holds PHRASE.
expect_failure() {
    local expected=$1 phrase=$2 status=0 output
    shift 2
    output=$("$@" 2>&1 </dev/null) || status=$?
    if [ "$expected" = any ] && [ "$status" -ne 0 ]; then
        expected=$status
    fi
    if [ "$status" != "$expected" ]; then
        printf '%s\nexit status %s, expected %s: %s\n' "$output" "$status" "$expected" "$*"
        return 1
    fi
    if ! grep -qF -- "$phrase" <<<"$output"; then
        printf '%s\nno "%s" in the output of: %s\n' "$output" "$phrase" "$*"
        return 1
    fi
}

# refute COMMAND...: it fails. A bare `! COMMAND` could not: `set -e` does not look at it.
refute() {
    if "$@"; then
        echo "not expected to succeed: $*"
        return 1
    fi
}

run_tests() {
    local test status passed=0 failed=() skipped=()
    echo "[==========] Running $# test(s)."
    for test in "$@"; do
        echo "[ RUN      ] $test"
        (
            set -eu
            "$test"
        )
        status=$?
        case $status in
        0) passed=$((passed + 1)) && echo "[       OK ] $test" ;;
        77) skipped+=("$test") && echo "[  SKIPPED ] $test" ;;
        *) failed+=("$test") && echo "[  FAILED  ] $test" ;;
        esac
    done
    echo "[==========] $# test(s) run."
    echo "[  PASSED  ] $passed test(s)."
    [ ${#skipped[@]} -eq 0 ] || echo "[  SKIPPED ] ${#skipped[@]} test(s): ${skipped[*]}"
    [ ${#failed[@]} -eq 0 ] || echo "[  FAILED  ] ${#failed[@]} test(s): ${failed[*]}"
    [ ${#failed[@]} -eq 0 ]
}
