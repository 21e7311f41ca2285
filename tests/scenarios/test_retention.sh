#!/usr/bin/env bash
# gavel retention, and gavel train ocarm_..., as a shell sees them.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute
scenario=$PWD/scenarios/retention.yaml

# A folder of its own, which becomes the working directory.
begin() {
    cd "$(mktemp -d "$scratch/retention.XXXXXX")"
}

play() {
    "$gavel" retention play "$scenario" -q --set campaign.users=500 --set campaign.days=12 \
        --set campaign.budget=10 "$@"
}

# Every ad is bought: many re-entries, as examples.
examples() {
    "$gavel" retention play "$scenario" -q --set 'policies=[{name: all, aim: reach}]' \
        --set campaign.click_value=1 --set campaign.budget=auto --set campaign.users=900 \
        --set campaign.first_user="$1" -o "$2" >/dev/null
}

train() {
    "$gavel" train "$1" x.safetensors -q --set epochs=4 --set batch=64 "${@:2}" >/dev/null
}

users_go_from_examples_to_a_campaign_and_its_database() {
    begin
    examples 10000 x.safetensors
    examples 20000 y.safetensors
    train ocarm_teacher -o t.safetensors
    train ocarm_student --teacher t.safetensors -o s.safetensors
    "$gavel" retention judge y.safetensors t.safetensors s.safetensors --json >judged.json
    "$gavel" retention judge y.safetensors s.safetensors | grep -q '^truth with content  *0\.'
    play --set 'policies.+={name: taught, aim: retention, model: s.safetensors}' --db r.db \
        --json >played.json
    python3 - <<'PY'
import json, sqlite3
judged = {row["name"]: row for row in json.load(open("judged.json"))}
assert judged["truth with content"]["auc"] > judged["truth at the bid"]["auc"]
assert judged["s.safetensors"]["log_loss"] > judged["truth at the bid"]["log_loss"]
# GAUC anew, pair by pair, from the examples: AUC within users, weighted by their re-entries.
import collections, struct
data = open("y.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
head = json.loads(data[8:8 + size])
def column(name, kind, width):
    first, end = (8 + size + at for at in head[name]["data_offsets"])
    return struct.unpack(f"<{(end - first) // width}{kind}", data[first:end])
users, kept = column("user", "q", 8), column("retained", "f", 4)
for name, truth in (("truth at the bid", "truth_bid"), ("truth with content", "truth_content")):
    of = collections.defaultdict(list)
    for user, y, p in zip(users, kept, column(truth, "d", 8)):
        of[user].append((y, struct.unpack("f", struct.pack("f", p))[0]))
    total = weight = groups = 0
    for rows in of.values():
        pairs = [(a[1] > b[1]) + (a[1] == b[1]) / 2 for a in rows for b in rows if a[0] > b[0]]
        if pairs:
            total += len(rows) * sum(pairs) / len(pairs)
            weight += len(rows)
            groups += 1
    found = judged[name]
    assert groups > 10 and found["gauc_users"] == groups
    assert abs(found["gauc"] - total / weight) < 1e-9
    assert found["gauc_low"] < found["gauc"] < found["gauc_high"]
played = json.load(open("played.json"))
assert [row["policy"] for row in played["policies"]] == ["clicks", "truth", "taught"]
db = sqlite3.connect("r.db")
rows = db.execute("SELECT policy, reentries, retained, spend_currency FROM retention_league ORDER BY cell").fetchall()
assert rows == [(row["policy"], row["reentries"], row["retained"], row["spend_currency"])
                for row in played["policies"]]
days = db.execute("SELECT sum(retained), sum(spend_nanos) FROM winback_day GROUP BY cell ORDER BY cell").fetchall()
total = db.execute("SELECT retained, spend_nanos FROM winback ORDER BY cell").fetchall()
assert days == total
first = played["policies"][0]
assert abs(first["retained_per_currency"]["estimate"] - first["retained"] / first["spend_currency"]) < 1e-9
assert first["difference"]["estimate"] == 0
PY
}

threads_and_engine_change_no_byte() {
    begin
    play --jobs 1 --json >one.json
    play --jobs 2 --json >two.json
    play --engine reference --json >three.json
    cmp one.json two.json
    cmp one.json three.json
    examples 10000 x.safetensors
    train ocarm_teacher -o one.safetensors --jobs 1
    train ocarm_teacher -o two.safetensors --jobs 3
    cmp one.safetensors two.safetensors
}

a_teacher_cannot_bid() {
    begin
    examples 10000 x.safetensors
    train ocarm_teacher -o t.safetensors
    expect_failure 1 'the model ocarm_teacher cannot be asked at a bid' \
        play --set 'policies.+={name: t, aim: retention, model: t.safetensors}'
}

what_cannot_be_is_refused_with_its_place() {
    begin
    expect_failure 2 "did you mean 'users'" play --set campaign.usrs=5
    expect_failure 2 'that aim needs one' play --set 'policies.+={name: r, aim: retention}'
    expect_failure 2 "two policies are called 'clicks'" play --set 'policies.+={name: clicks}'
    expect_failure 2 'policies must be given' play --set 'policies=[]'
    expect_failure 2 "no policy 'other'" play --baseline other
    expect_failure 1 'No such file' play --set 'policies.+={name: r, aim: retention, model: no.st}'
    "$gavel" generate -q --auctions 100 log.gvlog >/dev/null
    expect_failure 1 'log.gvlog: is a log (.gvlog), expected tensors' \
        play --set 'policies.+={name: r, aim: retention, model: log.gvlog}'
    examples 10000 x.safetensors
    expect_failure 1 'there is no teacher' train ocarm_student -o s.safetensors
    cp x.safetensors x.kept
    train ocarm_teacher -o t.safetensors
    expect_failure 2 './x.safetensors would be written over x.safetensors, which this command' \
        train ocarm_teacher -o ./x.safetensors
    expect_failure 2 'would be written over t.safetensors' \
        train ocarm_student --teacher t.safetensors -o t.safetensors
    train ocarm_student --teacher t.safetensors -o s.safetensors
    expect_failure 2 'would be written over s.safetensors' play -o s.safetensors \
        --set 'policies.+={name: taught, aim: retention, model: s.safetensors}'
    expect_failure 2 'would be written over new.db' play -o new.db --db new.db
    [ ! -e new.db ]
    cp "$scenario" own.yaml
    expect_failure 2 'would be written over own.yaml' \
        "$gavel" retention play own.yaml -o ./own.yaml
    cmp "$scenario" own.yaml
    cmp x.safetensors x.kept
    "$gavel" retention judge x.safetensors t.safetensors s.safetensors >/dev/null
    "$gavel" retention judge x.safetensors t.safetensors x.safetensors >told.txt 2>/dev/null || true
    [ ! -s told.txt ]
    expect_failure 1 'expected weights, as `gavel train ocarm_teacher` and `gavel train' \
        "$gavel" retention judge x.safetensors x.safetensors
    expect_failure 2 'Usage: gavel retention' "$gavel" retention
}

values_are_shown_and_listed() {
    begin
    play --print-config | grep -qx 'campaign.users: 500'
    "$gavel" list retention | grep -q ocarm_student
    "$gavel" list retention ocarm_student | grep -q temperature
}

needs_sqlite() {
    command -v sqlite3 >/dev/null || skip "the sqlite3 program is not installed"
}

# All that does not tell the time, nor the command's own words.
dump() {
    local table
    for table in parameter winback winback_day winback_cluster; do
        sqlite3 "$1" "SELECT * FROM $table"
    done
    sqlite3 "$1" "SELECT id, name, scenario, scenario_hash, seed, cell_count, state FROM run"
    sqlite3 "$1" "SELECT * FROM provenance WHERE name <> 'argv' ORDER BY run_id, name"
    sqlite3 "$1" "SELECT count(*) FROM checkpoint"
}

run_plays_what_retention_play_does() {
    needs_sqlite
    begin
    local small=(--set campaign.users=500 --set campaign.days=12 --set campaign.budget=10)
    play --db one.db >one.txt
    "$gavel" run "$scenario" -q "${small[@]}" --db two.db >two.txt
    cmp one.txt two.txt
    dump one.db >one.dump
    dump two.db >two.dump
    cmp one.dump two.dump
    play --json >one.json
    "$gavel" run /dev/stdin -q "${small[@]}" --json <"$scenario" >two.json # read once
    cmp one.json two.json
    "$gavel" run "$scenario" -q "${small[@]}" --dry-run | grep -q '^ *1  truth  *retention  *500 '
    "$gavel" run "$scenario" "${small[@]}" --print-config | grep -qx 'campaign.users: 500'
    [ "$(sqlite3 two.db 'SELECT state, cells_done FROM run_wide')" = 'done|2' ]
    local sums='SELECT cell, sum(spend_nanos), sum(retained) FROM'
    [ "$(sqlite3 two.db "$sums winback_cluster GROUP BY cell")" = \
        "$(sqlite3 two.db "$sums winback GROUP BY cell")" ]
}

what_makes_no_sense_of_it_is_refused() {
    begin
    play --db r.db >/dev/null
    expect_failure 2 'keeps no log of its auctions' "$gavel" run "$scenario" --logs .
    expect_failure 2 'needs --db FILE' "$gavel" run "$scenario" --resume
    expect_failure 2 "did you mean 'users'" "$gavel" run "$scenario" --set campaign.usrs=5
    printf 'scenario: %s\naxes:\n  - {set: campaign.days, list: [5, 6]}\n' "$scenario" >sweep.yaml
    expect_failure 2 'this is a scenario of retention' "$gavel" sweep sweep.yaml --db s.db
    expect_failure 2 'this is a scenario of retention' "$gavel" experts "$scenario" -o x.safetensors
    expect_failure 2 'is of a scenario of retention' "$gavel" compare r.db --baseline clicks
    expect_failure 2 'is of a scenario of retention' "$gavel" plot r.db -o x
    expect_failure 2 'is of a scenario of retention' "$gavel" explain r.db clicks
    expect_failure 2 'is of a scenario of retention' "$gavel" trajectories r.db -o x.safetensors
    expect_failure 2 'r.db is a database of outcomes, no log: run 1 of r.db is of a scenario of' \
        "$gavel" inspect r.db
    expect_failure 2 'the view retention_league' "$gavel" inspect r.db
    "$gavel" generate -q --auctions 500 log.gvlog >/dev/null
    printf '%s\n' 'name: replay' 'log: {path: log.gvlog, format: gvlog}' \
        'campaigns: [{name: c, budget: 100 CPM}]' 'policies: [{type: constant, bid: 50 CPM}]' \
        >replay.yaml
    "$gavel" run replay.yaml -q --db r.db >/dev/null
    expect_failure 2 '`gavel compare r.db --baseline POLICY` or any SQLite client reads it' \
        "$gavel" inspect r.db
    "$gavel" compare r.db --baseline constant >/dev/null
}

# Eight policies, one after another, so that there is a half-way.
long=("$gavel" run "$scenario" -q --jobs 1 --set campaign.budget=10 --set "policies=[
    {name: a, aim: clicks}, {name: b, aim: retention, model: truth}, {name: c, aim: reach},
    {name: d, aim: clicks}, {name: e, aim: reach}, {name: f, aim: retention, model: truth},
    {name: g, aim: reach}, {name: h, aim: clicks}]")

policies_done() {
    sqlite3 -readonly "$1" 'SELECT count(*) FROM winback' 2>/dev/null || echo 0
}

# To the process $2 as soon as the database $3 holds a policy.
stop_half_way() {
    while [ "$(policies_done "$3")" = 0 ] && kill -0 "$2" 2>/dev/null; do
        sleep 0.02
    done
    kill -"$1" "$2" 2>/dev/null || true
}

interrupted_runs_resume_to_the_same_outcome() {
    needs_sqlite
    begin
    "${long[@]}" --db whole.db >whole.txt
    dump whole.db >whole.dump
    local signal expected child status half=0
    for signal in KILL INT TERM; do
        case $signal in
        KILL) expected=137 ;;
        INT) expected=130 ;;
        TERM) expected=75 ;;
        esac
        # A background job ignores SIGINT unless it is given its default back.
        env --default-signal=INT "${long[@]}" --db $signal.db >/dev/null 2>&1 &
        child=$!
        stop_half_way $signal $child $signal.db
        status=0
        wait $child 2>/dev/null || status=$?
        test "$status" = "$expected" || test "$status" = 0 # a fast machine may be done
        test "$(sqlite3 $signal.db 'PRAGMA integrity_check')" = ok
        if [ "$status" != 0 ]; then
            half=$((half + 1))
            test "$(policies_done $signal.db)" -lt 8
            test "$(sqlite3 $signal.db "SELECT count(*) FROM run WHERE state <> 'done'")" = 1
            "${long[@]}" --db $signal.db --resume >resumed.txt
            cmp whole.txt resumed.txt
        fi
        dump $signal.db >$signal.dump
        cmp whole.dump $signal.dump
    done
    test $half -gt 0 || skip "the machine finished before it could be interrupted"
}

a_run_that_differs_is_not_resumed() {
    needs_sqlite
    begin
    cp "$scenario" here.yaml
    play_here() {
        "$gavel" run here.yaml --set campaign.users=500 --set campaign.days=12 "$@" >/dev/null
    }
    play_here --db r.db
    sqlite3 r.db "UPDATE run SET state = 'running'; DELETE FROM winback_cluster WHERE cell = 1;
                  DELETE FROM winback_day WHERE cell = 1; DELETE FROM winback WHERE cell = 1"
    play_here --db r.db --resume --set seed=2 2>said.txt
    grep -q 'r.db holds no unfinished run of this very scenario: run 2 is a new one' said.txt
    test "$(sqlite3 r.db 'SELECT id, state FROM run' | tr '\n' ' ')" = '1|running 2|done '
    play_here --db r.db --resume --set name=other 2>said.txt # a name decides nothing
    grep -q 'run 1 was resumed' said.txt
    test "$(sqlite3 r.db 'SELECT id, state FROM run' | tr '\n' ' ')" = '1|done 2|done '
    sqlite3 r.db "UPDATE run SET state = 'running' WHERE id = 1; DELETE FROM winback_cluster"
    expect_failure 1 'is not as it was written' play_here --db r.db --resume
}

run_tests run_plays_what_retention_play_does what_makes_no_sense_of_it_is_refused \
    interrupted_runs_resume_to_the_same_outcome a_run_that_differs_is_not_resumed \
    users_go_from_examples_to_a_campaign_and_its_database threads_and_engine_change_no_byte \
    a_teacher_cannot_bid what_cannot_be_is_refused_with_its_place values_are_shown_and_listed
