#!/usr/bin/env bash
# Each check of `make lint` is shown a small sound tree, which it accepts, and the same tree with
# one fault planted, which it must refuse for that reason.
set -u
. tests/shell_test.sh
source=$PWD

# A tree with the build of this one and as little code as it needs; the test goes on inside it.
sound_tree() {
    local tree
    tree=$(mktemp -d "$scratch/tree.XXXXXX")
    cp -r "$source/Makefile" "$source/scripts" "$source/.clang-format" "$source/.clang-tidy" "$tree/"
    cd "$tree"
    mkdir -p include/sim/base include/sim/market include/models sim/base sim/log sim/market \
        scenarios/cli tests/sim
    cp "$source"/include/sim/base/{mem,status}.h include/sim/base/
    cp "$source"/sim/base/{mem,status}.c sim/base/
    printf '#ifndef SIM_MARKET_LOT_H\n#define SIM_MARKET_LOT_H\n\nint gv_lot_size(void);\n\n#endif\n' \
        >include/sim/market/lot.h
    printf '#include "sim/market/lot.h"\n\nint gv_lot_size(void)\n{\n    return 1;\n}\n' >sim/market/lot.c
    printf '#include "sim/market/lot.h"\n\nint main(void)\n{\n    return gv_lot_size() - 1;\n}\n' \
        >scenarios/cli/main.c
}

check() {
    make --no-print-directory "$@"
}

every_check_accepts_a_sound_tree() {
    sound_tree
    check style layers headers symbols linkage
    command -v clang-format-14 >/dev/null || skip "no clang-format-14, so format-check is untried"
    check format-check
    command -v clang-tidy-14 >/dev/null || skip "no clang-tidy-14, so tidy is untried"
    check tidy
}

layers_refuses_an_include_that_points_upwards() {
    sound_tree
    sed -i '1i #include "sim/market/lot.h"' sim/base/mem.c
    expect_failure any 'sim/base is below it' check layers
    sound_tree
    sed -i '4i #include "models/nn/net.h"' include/sim/market/lot.h
    expect_failure any 'sim/market is below it' check layers
    sound_tree
    printf '#include "policies/linear.h"\n' >tests/sim/test_lot.c
    expect_failure any 'a test of sim cannot link it' check layers
    sound_tree
    mkdir scenarios/run
    printf '#include "scenarios/cli/cli.h"\n' >scenarios/run/run.c
    expect_failure any 'scenarios/cli is above it' check layers
    sound_tree
    mkdir -p sim/tools
    printf 'extern int gv_tools;\n' >sim/tools/tools.c
    expect_failure any 'sim/tools is no layer' check layers
}

layers_refuses_what_has_its_home_elsewhere() {
    sound_tree
    printf '#include "sim/base/mem_impl.h"\n' >>sim/market/lot.c
    expect_failure any 'private to sim/base' check layers
    sound_tree
    printf '#include <csv.h>\n' >>sim/market/lot.c
    expect_failure any 'only sim/log/' check layers
    sound_tree
    printf '#include <sqlite3.h>\n' >>sim/market/lot.c
    expect_failure any '_sqlite' check layers
    sound_tree
    printf '#include <cblas.h>\n' >>sim/market/lot.c
    expect_failure any 'models/nn/blas' check layers
    sound_tree
    printf '#include <csv.h>\n' >sim/log/csv.c
    check layers
}

an_upward_call_of_a_test_does_not_link() {
    sound_tree
    mkdir -p policies
    printf 'int gv_policy_count(void);\n\nint gv_policy_count(void)\n{\n    return 0;\n}\n' \
        >policies/policies.c
    printf 'int gv_policy_count(void);\n\nint main(void)\n{\n    return gv_policy_count();\n}\n' \
        >tests/sim/test_up.c
    expect_failure any "undefined reference to \`gv_policy_count'" check build/release/tests/sim/test_up
}

symbols_refuses_a_bare_name() {
    sound_tree
    printf '\nint size_of_lot(void);\n\nint size_of_lot(void)\n{\n    return 2;\n}\n' >>sim/market/lot.c
    expect_failure any 'size_of_lot' check symbols
    sound_tree
    printf '\nextern int lots;\nint lots = 2;\n' >>sim/market/lot.c
    expect_failure any 'do not start with gv_' check symbols
}

symbols_refuses_memory_from_elsewhere() {
    for call in 'malloc(8)' 'strdup("lot")' 'calloc(1, 8)' 'aligned_alloc(64, 64)'; do
        sound_tree
        printf '#include <stdlib.h>\n#include <string.h>\n\nvoid *gv_lot_new(void);\n\nvoid *gv_lot_new(void)\n{\n    return %s;\n}\n' \
            "$call" >sim/market/lot.c
        expect_failure any 'memory comes from sim/base/mem.c alone' check symbols
    done
}

headers_refuses_one_that_leans_on_others() {
    sound_tree
    sed -i 's/int gv_lot_size(void)/size_t gv_lot_size(void)/' include/sim/market/lot.h
    expect_failure any 'size_t' check headers
}

linkage_refuses_gslcblas() {
    sound_tree
    printf '#include <gsl/gsl_cblas.h>\n\n#include "sim/market/lot.h"\n\nint gv_lot_size(void)\n{\n    const double one = 1;\n    return (int)cblas_ddot(1, &one, 1, &one, 1);\n}\n' \
        >sim/market/lot.c
    check linkage
    rm -r build
    expect_failure any 'gslcblas' check linkage 'LIBS=-lgsl -lgslcblas -lm'
}

# gsl_rng is all that this uses of GSL; the linker must still put OpenBLAS in front of the
# gslcblas that libgsl brings along.
gsl_itself_gets_openblas() {
    sound_tree
    printf '#include <gsl/gsl_rng.h>\n\n#include "sim/market/lot.h"\n\nint gv_lot_size(void)\n{\n    return gsl_rng_default == NULL;\n}\n' \
        >sim/market/lot.c
    check linkage
    rm -r build
    expect_failure any 'gslcblas' check linkage 'LIBS=-lgsl -lm'
}

style_refuses_what_the_house_does_not_write() {
    sound_tree
    printf '\n/* TO''DO: more. */\n' >>sim/market/lot.c
    expect_failure any 'lot.c:8: a word for an issue' check style
    sound_tree
    printf '\n// Short.\n' >>sim/market/lot.c
    expect_failure any 'lot.c:8: a // comment' check style
    sound_tree
    printf '\n/* %0100d */\n' 0 >>sim/market/lot.c
    expect_failure any 'lot.c:8: the line has more than 100 columns' check style
    sound_tree
    printf '\n/* A blank behind. */ \n' >>sim/market/lot.c
    expect_failure any 'ends in a blank' check style
    sound_tree
    printf '/* See https://example.org and "// here". /tmp/x.XXXXXX */\n' >>sim/market/lot.c
    check style
}

style_refuses_long_files_and_functions() {
    sound_tree
    yes '' | head -n 600 >>sim/market/lot.c
    expect_failure any 'lot.c:601: the file has more than 600 lines' check style
    sound_tree
    { printf '\nint gv_lot_sum(int sum)\n{\n'; yes '    sum++;' | head -n 66; printf '    return sum;\n}\n'; } \
        >>sim/market/lot.c
    check style
    sed -i '0,/    sum++;/s//    sum++;\n    sum++;/' sim/market/lot.c
    expect_failure any 'the function has 71 lines' check style
}

format_check_refuses_other_shapes() {
    command -v clang-format-14 >/dev/null || skip "no clang-format-14"
    sound_tree
    sed -i 's/    return/  return/' sim/market/lot.c
    expect_failure any 'lot.c:4' check format-check
}

tidy_refuses_what_clang_tidy_finds() {
    command -v clang-tidy-14 >/dev/null || skip "no clang-tidy-14"
    sound_tree
    sed -i 's/    return 1;/    int unset;\n    return unset;/; ' sim/market/lot.c
    expect_failure any 'lot.c' check tidy CFLAGS=-Wno-error
    sound_tree
    printf '\nint gv_lot_sum(int n);\n\nint gv_lot_sum(int n)\n{\n    if (n == 0) return 0;\n    return n + gv_lot_sum(n - 1);\n}\n' \
        >>sim/market/lot.c
    expect_failure any 'misc-no-recursion' check tidy
    expect_failure any 'readability-braces-around-statements' check tidy
}

warnings_are_errors() {
    sound_tree
    printf '\nint gv_lot_cut(long n);\n\nint gv_lot_cut(long n)\n{\n    return n;\n}\n' >>sim/market/lot.c
    expect_failure any 'Werror=conversion' check
}

# A broken test must break `make test`: the runner itself is tested.
make_test_fails_when_a_test_does() {
    sound_tree
    printf '#!/bin/sh\necho fine\n' >tests/sim/test_fine.sh
    printf '#!/bin/sh\necho this went wrong\nexit 3\n' >tests/sim/test_broken.sh
    chmod +x tests/sim/test_*.sh
    expect_failure any 'FAILED: tests/sim/test_broken.sh, exit status 3' check test
    expect_failure any 'this went wrong' check test
    rm tests/sim/test_broken.sh
    check test >log
}

# A target that fails on one byte, which its corpus holds: `make test` sees it without clang, and
# `make fuzz` finds it by itself.
fuzz_targets_fail_where_they_should() {
    sound_tree
    mkdir -p tests/fuzz/corpus/lot
    cp "$source"/tests/fuzz/{fuzz.h,run_corpus.c} tests/fuzz/
    cp "$source"/tests/cmocka_all.h tests/
    printf '#include "fuzz/fuzz.h"\n\nint LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)\n{\n    return size > 0 && data[0] == 1 ? __builtin_trap(), 1 : 0;\n}\n' \
        >tests/fuzz/fuzz_lot.c
    printf '\2' >tests/fuzz/corpus/lot/harmless
    check test >log
    printf '\1' >tests/fuzz/corpus/lot/harmful
    expect_failure any 'FAILED: tests/fuzz/fuzz_lot' check test
    rm tests/fuzz/corpus/lot/harmful
    [ -x /usr/bin/clang-14 ] || skip "no clang-14, so make fuzz is untried"
    expect_failure any 'FAILED: lot' check fuzz FUZZ_SECONDS=20
    [ "$(ls tests/fuzz/corpus/lot)" = harmless ]
}

benchmarks_are_gathered_and_a_failed_one_leaves_no_table() {
    sound_tree
    mkdir tests/bench
    printf '#!/bin/sh\necho "## Lots"\n' >tests/bench/bench_lots.sh
    chmod +x tests/bench/bench_lots.sh
    check bench
    grep '^## Lots$' results/benchmarks.md
    grep '^| compiler | gcc' results/benchmarks.md
    [ "$(check bench BENCH=lots)" = '## Lots' ]
    expect_failure any 'no bench_lot' check bench BENCH=lot
    rm -r results
    printf 'exit 1\n' >>tests/bench/bench_lots.sh
    expect_failure any 'Error 1' check bench
    [ -z "$(ls results)" ]
}

other_flags_and_headers_rebuild_what_they_touch() {
    sound_tree
    check >/dev/null
    [ -z "$(check)" ]
    touch include/sim/market/lot.h
    check >log
    grep 'CC *sim/market/lot.c' log
    [ -z "$(check)" ]
    check CFLAGS=-DOTHER >log
    grep 'CC *sim/base/mem.c' log
    check BUILD=debug >/dev/null
    [ "$(readlink build/gavel)" = debug/gavel ]
    check CFLAGS=-DOTHER >/dev/null
    [ "$(readlink build/gavel)" = release/gavel ]
}

unset MAKEFLAGS MAKELEVEL MFLAGS BUILD OUT V GAVEL TEST
export GAVEL_YES=0
run_tests every_check_accepts_a_sound_tree \
    layers_refuses_an_include_that_points_upwards \
    layers_refuses_what_has_its_home_elsewhere \
    an_upward_call_of_a_test_does_not_link \
    symbols_refuses_a_bare_name \
    symbols_refuses_memory_from_elsewhere \
    headers_refuses_one_that_leans_on_others \
    linkage_refuses_gslcblas \
    gsl_itself_gets_openblas \
    style_refuses_what_the_house_does_not_write \
    style_refuses_long_files_and_functions \
    format_check_refuses_other_shapes \
    tidy_refuses_what_clang_tidy_finds \
    warnings_are_errors \
    make_test_fails_when_a_test_does \
    fuzz_targets_fail_where_they_should \
    benchmarks_are_gathered_and_a_failed_one_leaves_no_table \
    other_flags_and_headers_rebuild_what_they_touch
