#!/usr/bin/env bash
# A log in which one user has a million events and others have one: models with a past learn from
# it and price it.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute

# The last day has rows of both kinds of user.
begin() {
    cd "$scratch"
    [ ! -e long.gvlog ] || return 0
    python3 - <<'PY'
import datetime
start = datetime.datetime(2026, 6, 1)
with open("long.csv", "w") as file:
    file.write("when,who,where,clicked\n")
    for i in range(1000000):
        when = start + datetime.timedelta(seconds=i // 4)
        file.write(f"{when},always,e{i % 7},{int(i % 7 == 3 and i % 2 == 0)}\n")
        if i >= 999000:
            file.write(f"{when},new{i},e{i % 7},{int(i % 3 == 0)}\n")
PY
    printf 'columns: {when: time, who: user, where: exchange, clicked: clicks}\n' >long.yaml
    "$gavel" ingest csv long.csv --mapping long.yaml -o long.gvlog -q >/dev/null
    rm long.csv
}

# Everybody's price is a number between 0 and 1.
prices_are_sound() {
    python3 - "$1" <<'PY'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
assert len(rows) > 2000, len(rows)
assert all(0 < float(row["pctr"]) < 1 for row in rows)
PY
}

a_line_learns_from_all_of_them() {
    begin
    "$gavel" train ftrl long.gvlog -o ftrl.safetensors -q --bits 12 --epochs 1 \
        --fields 'exchange; past(50): exchange' --to 2026-06-03T21:00 >/dev/null
    "$gavel" predict ftrl.safetensors long.gvlog -q --from 2026-06-03T21:22 -o ftrl.csv >/dev/null
    prices_are_sound ftrl.csv
}

a_network_reads_thousands_by_codes() {
    begin
    "$gavel" train infnet long.gvlog -o codes.safetensors -q --bits 12 --epochs 1 \
        --fields 'exchange; past(1000): exchange' --set sequence=codes --set batch=64 \
        --set width=8 --set codes=8 --from 2026-06-03T21:20 --to 2026-06-03T21:21 >/dev/null
    "$gavel" predict codes.safetensors long.gvlog -q --from 2026-06-03T21:22 -o codes.csv \
        >/dev/null
    prices_are_sound codes.csv
}

run_tests a_line_learns_from_all_of_them a_network_reads_thousands_by_codes
