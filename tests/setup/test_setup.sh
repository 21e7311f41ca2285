#!/usr/bin/env bash
# What scripts/setup says and does on machines that lack things. The machine is made of stand-ins:
# a PATH that holds the few programs that the script uses, and an apt-get that notes its arguments.
set -u
. tests/shell_test.sh
setup=$PWD/scripts/setup

stand_in() { # stand_in NAME BODY
    printf '#!/bin/bash\n%s\n' "$2" >"$machine/$1"
    chmod +x "$machine/$1"
}

# A machine where everything for a build is there.
complete_machine() {
    machine=$(mktemp -d "$scratch/machine.XXXXXX")
    local program
    for program in bash env tail mktemp rm cat; do
        ln -s "$(command -v $program)" "$machine/$program"
    done
    stand_in gcc 'case "$*" in *print-file-name*) echo /usr/lib/libopenblas.so ;; *) cat >/dev/null ;; esac'
    stand_in ar :
    stand_in id 'echo 0'
    stand_in apt-get "echo \"\$*\" >>'$machine/apt.log'"
}

run_setup() {
    env -i PATH="$machine" GAVEL_YES="${yes-}" "$setup" "$@" </dev/null
}

apt_was_not_called() {
    [ ! -e "$machine/apt.log" ]
}

nothing_is_said_or_done_when_nothing_is_missing() {
    complete_machine
    [ -z "$(run_setup build 2>&1)" ]
    apt_was_not_called
}

a_missing_library_is_named_by_its_package() {
    complete_machine
    stand_in gcc 'case "$*" in *print-file-name*) echo /usr/lib/libopenblas.so ;; *) while read -r if what; do case $if in missing) [[ $what != *libcsv* ]] || echo "missing $what" ;; esac; done ;; esac'
    yes=0 expect_failure 1 'which are not installed: libcsv-dev' run_setup build
    apt_was_not_called
}

openblas_is_looked_for_by_the_linkers_eye() {
    complete_machine
    stand_in gcc 'case "$*" in *print-file-name*) echo libopenblas.so ;; *) cat >/dev/null ;; esac'
    yes=0 expect_failure 1 'not installed: libopenblas-dev' run_setup build
}

without_a_compiler_everything_is_named_at_once() {
    complete_machine
    rm "$machine/gcc"
    yes=0 expect_failure 1 'gcc pkgconf libc6-dev libgsl-dev libsqlite3-dev libcsv-dev libarchive-dev libxxhash-dev libyaml-dev libjansson-dev libcmocka-dev libglpk-dev libopenblas-dev' \
        run_setup build test
}

root_without_a_terminal_says_and_installs() {
    complete_machine
    rm "$machine/ar"
    run_setup build 2>"$machine/talk"
    grep 'not installed: binutils' "$machine/talk"
    [ "$(cat "$machine/apt.log")" = "-qq -o DPkg::Lock::Timeout=120 update
-qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends binutils" ]
}

neither_root_nor_sudo_gets_the_line_to_run() {
    complete_machine
    rm "$machine/ar"
    stand_in id 'echo 1000'
    expect_failure 1 'apt-get install --no-install-recommends binutils' run_setup build
    stand_in sudo 'exit 1'
    expect_failure 1 'sudo would ask for a password' run_setup build
    apt_was_not_called
}

sudo_that_asks_nothing_is_used() {
    complete_machine
    rm "$machine/ar"
    stand_in id 'echo 1000'
    stand_in true :
    stand_in sudo '[ "$1" != -n ] || shift; exec "$@"'
    run_setup build
    grep 'install -y --no-install-recommends binutils' "$machine/apt.log"
}

a_failure_of_apt_is_shown() {
    complete_machine
    rm "$machine/ar"
    stand_in apt-get 'echo "E: no network"; exit 100'
    expect_failure 1 'E: no network' run_setup build
}

another_system_is_told_the_packages() {
    complete_machine
    rm "$machine/ar" "$machine/apt-get"
    expect_failure 1 'There is no apt-get here' run_setup build
}

an_answer_on_the_terminal_is_heeded() {
    script -qec true /dev/null </dev/null >/dev/null 2>&1 || skip "script(1) can make no terminal here"
    complete_machine
    rm "$machine/ar"
    echo n | script -qec "env -i PATH='$machine' '$setup' build" /dev/null >"$machine/talk" && return 1
    grep 'Nothing is installed.' "$machine/talk"
    apt_was_not_called
    echo y | script -qec "env -i PATH='$machine' '$setup' build" /dev/null
    grep install "$machine/apt.log"
}

run_tests nothing_is_said_or_done_when_nothing_is_missing \
    a_missing_library_is_named_by_its_package \
    openblas_is_looked_for_by_the_linkers_eye \
    without_a_compiler_everything_is_named_at_once \
    root_without_a_terminal_says_and_installs \
    neither_root_nor_sudo_gets_the_line_to_run \
    sudo_that_asks_nothing_is_used \
    a_failure_of_apt_is_shown \
    another_system_is_told_the_packages \
    an_answer_on_the_terminal_is_heeded
