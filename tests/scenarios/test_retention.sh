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
    examples 10000 x.safetensors
    expect_failure 1 'there is no teacher' train ocarm_student -o s.safetensors
    expect_failure 1 'expected weights of ocarm_teacher' "$gavel" retention judge x.safetensors \
        x.safetensors
    expect_failure 2 'Usage: gavel retention' "$gavel" retention
}

values_are_shown_and_listed() {
    begin
    play --print-config | grep -qx 'campaign.users: 500'
    "$gavel" list retention | grep -q ocarm_student
    "$gavel" list retention ocarm_student | grep -q temperature
}

run_tests users_go_from_examples_to_a_campaign_and_its_database threads_and_engine_change_no_byte \
    a_teacher_cannot_bid what_cannot_be_is_refused_with_its_place values_are_shown_and_listed
