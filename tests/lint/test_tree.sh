#!/usr/bin/env bash
# The quick checks of `make lint` on this very tree, so that they hold wherever the tests pass.
set -u
. tests/shell_test.sh

check() {
    make --no-print-directory BUILD=release "$1"
}

style_is_kept() { check style; }
layers_point_downwards() { check layers; }
headers_stand_alone() { check headers; }
symbols_are_prefixed_and_memory_has_one_source() { check symbols; }

code_is_formatted() {
    command -v clang-format-14 >/dev/null || skip "no clang-format-14"
    check format-check
}

unset MAKEFLAGS MAKELEVEL MFLAGS OUT V
run_tests style_is_kept \
    layers_point_downwards \
    headers_stand_alone \
    symbols_are_prefixed_and_memory_has_one_source \
    code_is_formatted
