#!/usr/bin/env bash
# Installs into a folder of its own, as a packager would, and builds a small program against what
# is there, with pkg-config alone to tell how: once with the shared library, once with the static.
set -u
. tests/shell_test.sh
prefix=$scratch/usr

install_once() {
    make --no-print-directory -s BUILD="$BUILD" prefix="$prefix" "$@" install
}

user_program() {
    cat >"$scratch/user.c" <<'END'
#include <stdio.h>

#include "sim/base/random.h"
#include "sim/market/policy.h"

int main(void)
{
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, 2);
    printf("%d %s\n", gv_random_uniform(&random, 3) < 1, gv_status_text(GV_OK));
    return 0;
}
END
}

package() {
    PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@" gavel
}

# Compiled strictly, for the headers must bear a user's warnings.
build_user() {
    # shellcheck disable=SC2086
    ${CC:-gcc} -std=c17 -Wall -Wextra -Wpedantic -Werror $sanitize "$scratch/user.c" -o "$scratch/user" "$@"
}

everything_is_where_it_belongs() {
    install_once
    test -x "$prefix/bin/gavel"
    test -f "$prefix/lib/libgavel.a"
    test -f "$prefix/include/gavel/sim/market/policy.h"
    [ "$(readlink -f "$prefix/lib/libgavel.so")" = "$(readlink -f "$prefix"/lib/libgavel.so.*.*.*)" ]
    objdump -p "$prefix/lib/libgavel.so" | grep -q 'SONAME *libgavel\.so\.[0-9]*$'
    "$prefix/bin/gavel" --help | grep -q '^Usage: gavel'
}

a_program_links_the_shared_library() {
    user_program
    build_user $(package --cflags --libs)
    objdump -p "$scratch/user" | grep -q 'NEEDED *libgavel.so'
    [ "$(LD_LIBRARY_PATH=$prefix/lib "$scratch/user")" = "1 success" ]
}

a_program_links_the_static_library() {
    user_program
    build_user $(package --cflags) "$prefix/lib/libgavel.a" \
        $(package --libs --static | sed 's/-L[^ ]*//; s/-lgavel//')
    objdump -p "$scratch/user" | refute grep 'NEEDED *libgavel.so'
    [ "$("$scratch/user")" = "1 success" ]
}

blas_is_openblas() {
    [ -z "$sanitize" ] || skip "a sanitizer must be loaded first"
    scripts/check-linkage "$prefix/bin/gavel" "$prefix/lib/libgavel.so"
}

destdir_and_libdir_are_heeded() {
    make --no-print-directory -s BUILD="$BUILD" DESTDIR="$scratch/stage" prefix=/usr libdir=/usr/lib/any install
    test -f "$scratch/stage/usr/lib/any/libgavel.so"
    grep -q '^libdir=/usr/lib/any$' "$scratch/stage/usr/lib/any/pkgconfig/gavel.pc"
    refute grep -q stage "$scratch/stage/usr/lib/any/pkgconfig/gavel.pc"
    make --no-print-directory -s BUILD="$BUILD" DESTDIR="$scratch/stage" prefix=/usr libdir=/usr/lib/any uninstall
    [ -z "$(find "$scratch/stage" -type f -o -type l)" ]
}

case $BUILD in
san) sanitize=-fsanitize=address,undefined ;;
tsan) sanitize=-fsanitize=thread ;;
coverage) sanitize=--coverage ;;
*) sanitize= ;;
esac
unset MAKEFLAGS MAKELEVEL MFLAGS OUT V
run_tests everything_is_where_it_belongs \
    a_program_links_the_shared_library \
    a_program_links_the_static_library \
    blas_is_openblas \
    destdir_and_libdir_are_heeded
