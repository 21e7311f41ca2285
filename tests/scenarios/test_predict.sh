#!/usr/bin/env bash
# gavel train MODEL, gavel predict and gavel calibrate as a shell sees them, on a log made up.
set -u
. tests/shell_test.sh
gavel=$GAVEL # absolute

# A log of half an advertiser's day, in a folder of its own, which becomes the working directory.
begin() {
    local folder
    folder=$(mktemp -d "$scratch/predict.XXXXXX")
    cd "$folder"
    "$gavel" generate -q --auctions 20000 log.gvlog >/dev/null
}

fields='advertiser, exchange, slot_width*slot_height, hour'

train() {
    "$gavel" train "$1" log.gvlog -o "$2" -q --fields "$fields" --bits 12 "${@:3}"
}

# The figure of a report's JSON.
figure() {
    python3 -c 'import json, sys; print(json.load(sys.stdin)["figures"][sys.argv[1]]["estimate"])' "$1"
}

a_model_goes_from_a_log_to_figures() {
    begin
    train ftrl m.safetensors --epochs 3 >table.txt
    grep -q '^ *3  ' table.txt
    "$gavel" predict m.safetensors log.gvlog -o p.csv -q >report.txt
    grep -q 'AUC' report.txt
    grep -q 'Calibration, by parts of equal weight' report.txt
    head -1 p.csv | grep -qx 'table,row,time,clicked,converted,weight,pctr,pcvr'
    [ "$(wc -l <p.csv)" = 20001 ]
    "$gavel" predict m.safetensors log.gvlog --json -q >report.json
    # What the table says is what the rows say.
    python3 - <<'PY'
import csv, json, math
rows = list(csv.DictReader(open("p.csv")))
loss = 0
for row in rows:
    p, y = float(row["pctr"]), int(row["clicked"])
    loss -= math.log(p if y else 1 - p)
told = json.load(open("report.json"))
assert told["samples"] == len(rows)
assert told["clicks"] == sum(int(row["clicked"]) for row in rows)
assert abs(told["figures"]["log_loss"]["estimate"] - loss / len(rows)) < 1e-6
PY
}

threads_change_no_byte() {
    begin
    local type
    for type in $("$gavel" list models | sed -n 's/^  \([a-z_0-9]*\) .*/\1/p'); do
        train "$type" one.safetensors --epochs 2 --jobs 1 >one.txt
        train "$type" two.safetensors --epochs 2 --jobs 2 >two.txt
        cmp one.safetensors two.safetensors
        cmp one.txt two.txt
        "$gavel" predict one.safetensors log.gvlog -o one.csv --jobs 1 -q >one.txt
        "$gavel" predict one.safetensors log.gvlog -o two.csv --jobs 2 -q >two.txt
        cmp one.csv two.csv
        cmp one.txt two.txt
        train "$type" other.safetensors --epochs 2 --seed 2 >/dev/null
        refute cmp -s one.safetensors other.safetensors
    done
}

# Six ads for each of 500 requests, of one user at one time: to networks a request is one user and
# six candidates. Their order within it changes no price.
candidates_of_a_request_share_its_user() {
    begin
    python3 - <<'PY'
import random
random.seed(3)
rows = []
for request in range(500):
    time = f"2013-06-06 {request // 60:02d}:{request % 60:02d}:00"
    rows.append([f"{time},u{request % 40},e{request % 3},c{ad},{int(random.random() < 0.1 * ad)}"
                 for ad in range(6)])
for name, step in (("one", 1), ("two", -1)):
    with open(f"{name}.csv", "w") as file:
        file.write("when,who,where,ad,clicked\n")
        for request in rows:
            file.write("\n".join(request[::step]) + "\n")
PY
    printf 'columns: {when: time, who: user, where: exchange, ad: creative, clicked: clicks}\n' >m.yaml
    local name type
    for name in one two; do
        "$gavel" ingest csv $name.csv --mapping m.yaml -o $name.gvlog -q >/dev/null
    done
    for type in mlp infnet ftrl; do
        "$gavel" train $type one.gvlog -o m.safetensors --bits 10 --epochs 3 \
            --fields 'exchange, hour, creative; past(4): exchange' >/dev/null 2>trained.txt
        for name in one two; do
            "$gavel" predict m.safetensors $name.gvlog -o $name.csv >/dev/null 2>said.txt
        done
        [ "$(grep -c "the user's part is computed once a request" said.txt)" = \
            "$([ $type = ftrl ] && echo 0 || echo 1)" ]
        "$gavel" inspect m.safetensors >shown.txt
        grep -q "^m.safetensors: $type, " shown.txt
        grep -q '^sees     exchange, hour, creative; past(4): exchange; 2^10 buckets$' shown.txt
        "$gavel" inspect --json m.safetensors >shown.json
        python3 - <<'PY'
import json
told = json.load(open("shown.json"))
said = [line.split(": ", 1)[1] for line in open("said.txt") if "once a request" in line]
assert told["bits"] == 10 and told["parameters"]["epochs"] == "3"
assert told["sharing"] == (said[0].strip() if said else None)
for name, begin in (("trained.txt", "m.safetensors: "), ("shown.txt", "served   ")):
    lines = open(name).read().splitlines()
    assert told["sharing"] is None or begin + told["sharing"] in lines, name
PY
        python3 - <<'PY'
import csv
one, two = ([row["pctr"] for row in csv.DictReader(open(f"{name}.csv"))] for name in ("one", "two"))
assert len(one) == 3000
turned = [p for first in range(0, 3000, 6) for p in two[first:first + 6][::-1]]
assert one == turned and len(set(one[:6])) > 3
PY
    done
    "$gavel" train mlp one.gvlog -o m.safetensors -q --epochs 1 --fields 'exchange@item, creative' \
        >/dev/null
    "$gavel" predict m.safetensors one.gvlog >/dev/null 2>said.txt
    grep -q "each row is priced for itself: no field is the user's" said.txt
    "$gavel" inspect m.safetensors | grep -qF "$(grep 'priced for' said.txt | cut -d: -f2-)"
    expect_failure 2 "expected user or item behind '@'" \
        "$gavel" train mlp one.gvlog -o m --fields 'exchange@both, creative'
}

what_is_wrong_is_said_whole() {
    begin
    expect_failure 2 'price, clicks, bid are known only after the bid' \
        "$gavel" train ftrl log.gvlog -o m --fields 'hour, price, clicks*bid'
    expect_failure 2 'at character 6' "$gavel" train ftrl log.gvlog -o m --fields 'hour,,'
    expect_failure 1 'lacks what ftrl sees: city, domain' \
        "$gavel" train ftrl log.gvlog -o m --fields 'city, hour, city*domain'
    expect_failure 2 "ftrl has no 'gamma'" "$gavel" train ftrl log.gvlog -o m --set gamma=1
    expect_failure 2 'the span holds nothing' "$gavel" train ftrl log.gvlog -o m --to 1990-01-01
    expect_failure 2 "expected a number above 0 or a fraction such as 1/0.00343, found '1/0'" \
        "$gavel" train ftrl log.gvlog -o m --impression-weight 1/0
    expect_failure 2 'comes before all options' "$gavel" train -o m ftrl log.gvlog
    expect_failure 2 "there is no learner 'ftlr'" "$gavel" train ftlr log.gvlog -o m
    # Three heads do not divide what is wide 16: the file is at fault, no word of the command line.
    train infnet infnet.safetensors --epochs 1 >/dev/null
    LC_ALL=C sed 's/\("infnet.heads": *"\)[0-9]*"/\13"/' infnet.safetensors >heads.safetensors
    expect_failure 1 'gavel: heads.safetensors: infnet: a width of 16, expected a multiple of the 3' \
        "$gavel" predict heads.safetensors log.gvlog
    expect_failure 1 'absent.safetensors' "$gavel" predict absent.safetensors log.gvlog
    local said='log.gvlog: is a log (.gvlog), expected tensors (a safetensors file: a model,'
    expect_failure 1 "$said" "$gavel" predict log.gvlog absent.safetensors
    expect_failure 1 "$said" "$gavel" calibrate log.gvlog absent.safetensors
    expect_failure 1 "$said" "$gavel" train ocarm_teacher log.gvlog -o m
    expect_failure 1 "$said" "$gavel" train bc log.gvlog -o m
    cat >replay.yaml <<'YAML'
name: replay
log: {path: log.gvlog, format: gvlog}
campaigns: [{name: c, budget: 1000 CPM}]
policies: [{type: constant, bid: 50 CPM}]
YAML
    expect_failure any "$said" "$gavel" run replay.yaml -q \
        --set 'predictor={type: model, weights: log.gvlog}'
    "$gavel" run replay.yaml -q --db r.db >/dev/null
    expect_failure 1 'r.db: is an SQLite database, expected tensors (a safetensors file: a model,' \
        "$gavel" predict r.db log.gvlog
    [ ! -e m ]
}

# What a command reads stays as it is, whatever name it is written to by.
what_is_read_is_not_written_over() {
    begin
    train ftrl m.safetensors --epochs 1 >/dev/null
    cp m.safetensors m.kept
    cp log.gvlog log.kept
    ln -s log.gvlog link.gvlog
    ln log.gvlog hard.gvlog
    local said='which this command needs: name another file to write' at
    for at in log.gvlog ./log.gvlog link.gvlog hard.gvlog; do
        expect_failure 2 "$at would be written over log.gvlog, $said" \
            "$gavel" train ftrl log.gvlog -o $at
        expect_failure 2 "$said" "$gavel" predict m.safetensors log.gvlog -o $at
        expect_failure 2 "$said" "$gavel" predict m.safetensors log.gvlog --examples $at
        expect_failure 2 "$said" "$gavel" calibrate m.safetensors log.gvlog -o $at
    done
    expect_failure 2 "$said" "$gavel" predict m.safetensors log.gvlog -o m.safetensors
    expect_failure 2 "$said" "$gavel" predict m.safetensors log.gvlog --examples ./m.safetensors
    expect_failure 2 "$said" "$gavel" predict m.safetensors log.gvlog -o new --examples new
    [ ! -e new ]
    cmp log.gvlog log.kept
    cmp m.safetensors m.kept
    "$gavel" predict m.safetensors log.gvlog -q -o new >/dev/null
    "$gavel" predict m.safetensors log.gvlog -q -o new >/dev/null
    "$gavel" calibrate m.safetensors log.gvlog -q -o ./m.safetensors
    refute cmp -s m.safetensors m.kept
}

# A model is asked about a log that has other columns: all that it lacks are named.
a_log_without_the_fields_is_refused() {
    begin
    train ftrl m.safetensors --epochs 1 >/dev/null
    printf 'when,paid\n2013-06-06 12:30:05,2\n2013-06-06 12:30:06,3\n' >poor.csv
    printf 'columns: {when: time, paid: price}\n' >poor.yaml
    "$gavel" ingest csv poor.csv --mapping poor.yaml -o poor.gvlog -q >/dev/null
    expect_failure 1 'lacks what the model m.safetensors sees: advertiser, exchange, slot_width' \
        "$gavel" predict m.safetensors poor.gvlog
}

a_calibration_is_kept_and_told() {
    begin
    train ftrl m.safetensors --epochs 3 --to 2026-06-05 >/dev/null
    cp m.safetensors first.safetensors
    "$gavel" calibrate m.safetensors log.gvlog --from 2026-06-05 --method prior 2>said.txt
    grep -q 'log loss of the' said.txt
    # Over the samples that it was fitted on, as many clicks are expected as were made.
    "$gavel" predict m.safetensors log.gvlog --from 2026-06-05 --json -q | figure bias >bias.txt
    python3 -c 'assert abs(float(open("bias.txt").read()) - 1) < 1e-4'
    local method
    for method in platt isotonic; do
        "$gavel" calibrate m.safetensors log.gvlog --from 2026-06-05 --method "$method" -q
        "$gavel" predict m.safetensors log.gvlog --from 2026-06-05 --json -q | figure log_loss >after
        "$gavel" predict first.safetensors log.gvlog --from 2026-06-05 --json -q |
            figure log_loss >before
        python3 -c 'assert float(open("after").read()) < float(open("before").read())'
    done
    "$gavel" calibrate m.safetensors log.gvlog --from 2026-06-05 --method none -q
    cmp m.safetensors first.safetensors
    # Thirty rows, of which the one that the model thinks most of was clicked.
    seq 30 | awk 'BEGIN {print "when,ad,clicked"} {
        printf "2013-06-06 12:00:%02d,c%d,%d\n", $1, $1 == 30, $1 == 30}' >few.csv
    printf 'columns: {when: time, ad: creative, clicked: clicks}\n' >m.yaml
    "$gavel" ingest csv few.csv --mapping m.yaml -o few.gvlog -q >/dev/null
    "$gavel" train ftrl few.gvlog -o few.safetensors -q --fields creative --hold-out 0 >/dev/null
    cp few.safetensors few.kept
    expect_failure 1 'the 1 of 30 examples that were clicked have the highest predictions of all' \
        "$gavel" calibrate few.safetensors few.gvlog
    cmp few.safetensors few.kept
    "$gavel" calibrate few.safetensors few.gvlog --method prior -q
    expect_failure 2 'expected platt, isotonic, prior or none' \
        "$gavel" calibrate m.safetensors log.gvlog --method best
}

# Of conversions after a click, with the truth of a planted log; clicks are left as they are.
conversions_are_calibrated_by_themselves() {
    begin
    "$gavel" generate -q --planted --auctions 20000 planted.gvlog >/dev/null
    "$gavel" train mlp planted.gvlog -o m.safetensors -q --epochs 2 --bits 12 --to 2026-06-05 \
        --fields 'user, advertiser, creative, exchange, tags' >/dev/null
    cp m.safetensors first.safetensors
    "$gavel" predict m.safetensors planted.gvlog --from 2026-06-05 -q -o first.csv >/dev/null
    "$gavel" calibrate m.safetensors planted.gvlog --from 2026-06-05 -q
    local method
    for method in prior platt isotonic; do
        "$gavel" calibrate m.safetensors planted.gvlog --from 2026-06-05 --conversions \
            --method $method -o $method.safetensors 2>said.txt
        grep -q "conversions: $method.* log loss of the [0-9]* clicks" said.txt
        "$gavel" predict $method.safetensors planted.gvlog --from 2026-06-05 -q -o $method.csv \
            >/dev/null
    done
    "$gavel" predict m.safetensors planted.gvlog --from 2026-06-05 -q -o clicks.csv >/dev/null
    python3 - <<'PY'
import csv, math
def rows(name):
    return list(csv.DictReader(open(f"{name}.csv")))
def loss(name):
    of = [(float(r["pcvr"]), int(r["converted"])) for r in rows(name) if r["clicked"] == "1"]
    return -sum(math.log(p if y else 1 - p) for p, y in of) / len(of)
def column(name, which):
    return [r[which] for r in rows(name)]
clicked = [r for r in rows("prior") if r["clicked"] == "1"]
expected = sum(float(r["pcvr"]) for r in clicked)
assert abs(expected / sum(int(r["converted"]) for r in clicked) - 1) < 1e-4
assert loss("platt") < loss("first") and loss("isotonic") < loss("first")
assert loss("platt") <= loss("prior") + 1e-9
assert column("clicks", "pcvr") == column("first", "pcvr")
assert column("clicks", "pctr") != column("first", "pctr")
for method in ("prior", "platt", "isotonic"):
    assert column(method, "pctr") == column("clicks", "pctr")
PY
    for method in prior platt isotonic; do
        "$gavel" inspect $method.safetensors >$method.txt
        "$gavel" inspect --json $method.safetensors >$method.json
    done
    "$gavel" inspect first.safetensors | grep -q '^clicks   as learnt$'
    "$gavel" inspect first.safetensors | grep -q '^converts as learnt$'
    python3 - <<'PY'
import bisect, csv, json, math, struct
def told(name):
    return json.load(open(f"{name}.json"))
def logit(p):
    return math.log(p / (1 - p))
def sigmoid(z):
    return 1 / (1 + math.exp(-z))
def rates(name, which):
    rows = csv.DictReader(open(f"{name}.csv"))
    return [struct.unpack("f", struct.pack("f", float(row[which])))[0] for row in rows]
def close(name, which, map, of):
    for p, q in zip(rates("first", which), rates(name, which)):
        assert abs(map(of, p) - q) < 1e-6, (name, p, q)
def platt(of, p):
    return sigmoid(of["slope"] * (logit(p) + of["shift"]) + of["offset"])
def shift(of, p):
    return sigmoid(logit(p) + of["shift"])
def isotonic(of, p):
    knots, values = of["knots"], of["values"]
    at = bisect.bisect_left(knots, p)
    if at in (0, len(knots)):
        return values[0 if at == 0 else -1]
    share = (p - knots[at - 1]) / (knots[at] - knots[at - 1])
    return values[at - 1] + share * (values[at] - values[at - 1])
maps = {"prior": shift, "platt": platt, "isotonic": isotonic}
for method, map in maps.items():
    about, text = told(method), open(f"{method}.txt").read()
    of = about["recalibration_of_conversions"]
    assert of["kind"] == ("none" if method == "prior" else method)
    close(method, "pcvr", map, of)
    close(method, "pctr", platt, about["recalibration_of_clicks"])
    line = next(l for l in text.splitlines() if l.startswith("converts "))
    assert f"shifted by {of['shift']:.10g}" in line
    for key in ("slope", "offset"):
        assert method != "platt" or f"{key} {of[key]:.10g}" in line
    assert method != "isotonic" or f"{len(of['knots'])} knots" in line
PY
    "$gavel" calibrate isotonic.safetensors planted.gvlog --conversions --method none -q
    "$gavel" calibrate isotonic.safetensors planted.gvlog --method none -q
    cmp isotonic.safetensors first.safetensors
    train ftrl f.safetensors --epochs 1 >/dev/null
    expect_failure 1 'a model of type ftrl tells of no conversions: train one that does' \
        "$gavel" calibrate f.safetensors log.gvlog --conversions
    "$gavel" inspect f.safetensors >shown.txt
    grep -q ', 1 pass, seed 1, ' shown.txt
    [ "$(grep -c '^converts' shown.txt)" = 0 ]
    "$gavel" inspect f.safetensors --json | grep -q '"recalibration_of_conversions": null'
    seq 100 | awk 'BEGIN {print "when,ad,clicked"} {
        printf "2013-06-06 12:%02d:%02d,c%d,%d\n", $1 / 60, $1 % 60, $1 % 3, $1 % 2}' >few.csv
    printf 'columns: {when: time, ad: creative, clicked: clicks}\n' >m.yaml
    "$gavel" ingest csv few.csv --mapping m.yaml -o few.gvlog -q >/dev/null
    "$gavel" train mlp few.gvlog -o n.safetensors -q --fields creative >/dev/null
    expect_failure 1 'none of the 50 examples to calibrate on converted: give a span with both' \
        "$gavel" calibrate n.safetensors few.gvlog --conversions
}

# Among clicks, by the same figures: what the rows of -o say.
conversions_are_judged_among_clicks() {
    begin
    "$gavel" generate -q --planted --auctions 20000 planted.gvlog >/dev/null
    "$gavel" train mlp planted.gvlog -o m.safetensors -q --epochs 2 --bits 12 --to 2026-06-05 \
        --fields 'user, advertiser, creative, exchange, tags' >/dev/null
    ask() {
        "$gavel" predict m.safetensors planted.gvlog --from 2026-06-05 -q "$@"
    }
    ask -o rows.csv --json >clicks.json
    ask --conversions --json -o again.csv --group advertiser >conversions.json
    cmp rows.csv again.csv
    ask --conversions >table.txt
    grep -q '^[0-9,]* clicks, [0-9,]* converted, rate' table.txt
    grep -q 'of conversions' table.txt
    python3 - <<'PY'
import csv, json, math
rows = list(csv.DictReader(open("rows.csv")))
of = [(float(r["pcvr"]), int(r["converted"])) for r in rows if r["clicked"] == "1"]
told = json.load(open("conversions.json"))
clicks = json.load(open("clicks.json"))
kept = sum(y for _, y in of)
assert 20 < kept < len(of) < len(rows)
assert told["of"] == "conversions" and clicks["of"] == "clicks"
assert told["samples"] == told["clicks"] == clicks["clicks"] == len(of)
assert told["conversions"] == clicks["conversions"] == kept
figures = {name: figure["estimate"] for name, figure in told["figures"].items()}
loss = -sum(math.log(p if y else 1 - p) for p, y in of) / len(of)
rate = kept / len(of)
entropy = -rate * math.log(rate) - (1 - rate) * math.log(1 - rate)
pairs = sum((a > b) + (a == b) / 2 for a, y in of if y for b, z in of if not z)
assert abs(told["rate"] - rate) < 1e-12
assert abs(figures["log_loss"] - loss) < 1e-6
assert abs(figures["rig"] - (1 - loss / entropy)) < 1e-5
assert abs(figures["bias"] - sum(p for p, _ in of) / kept) < 1e-5
assert abs(figures["auc"] - pairs / kept / (len(of) - kept)) < 1e-9
assert sum(part["count"] for part in told["calibration"]) == len(of)
assert told["groups"] > 1 and told["figures"]["auc"]["low"] < figures["auc"]
assert figures["auc"] != clicks["figures"]["auc"]["estimate"]
PY
    "$gavel" calibrate m.safetensors planted.gvlog --from 2026-06-05 --conversions --method prior -q
    ask --conversions --json | figure bias >bias.txt
    python3 -c 'assert abs(float(open("bias.txt").read()) - 1) < 1e-4'
    train ftrl f.safetensors --epochs 1 >/dev/null
    expect_failure 1 'f.safetensors: a model of type ftrl tells of no conversions: train one that' \
        "$gavel" predict f.safetensors log.gvlog --conversions
    seq 100 | awk 'BEGIN {print "when,ad,clicked"} {
        printf "2013-06-06 12:%02d:%02d,c%d,%d\n", $1 / 60, $1 % 60, $1 % 3, $1 % 2}' >few.csv
    printf 'columns: {when: time, ad: creative, clicked: clicks}\n' >m.yaml
    "$gavel" ingest csv few.csv --mapping m.yaml -o few.gvlog -q >/dev/null
    "$gavel" train mlp few.gvlog -o n.safetensors -q --fields creative >/dev/null
    expect_failure 1 'few.gvlog: none of its 50 clicks in the span converted' \
        "$gavel" predict n.safetensors few.gvlog --conversions
    "$gavel" predict n.safetensors few.gvlog -q >/dev/null
}

# Ctrl-C in the second pass: the program ends in that pass, and the file holds the first one.
stopped_in_a_pass_it_keeps_those_before() {
    begin
    "$gavel" generate -q --planted --auctions 10000 planted.gvlog >/dev/null
    # A background job ignores SIGINT unless it is given its default back.
    env --default-signal=INT "$gavel" train infnet planted.gvlog -o m.safetensors --epochs 1000 \
        --bits 12 --fields 'user, advertiser, creative; past(10): advertiser' \
        >table.txt 2>said.txt &
    local child=$! turns=0 status=0
    until grep -q '^ *1  ' table.txt; do
        turns=$((turns + 1))
        [ $turns -lt 1200 ]
        sleep 0.1
    done
    kill -INT $child
    wait $child || status=$?
    [ $status = 130 ]
    local passes
    passes=$(tail -n +2 table.txt | wc -l)
    grep -q "stopped; the file holds pass [0-9]* of $passes\$" said.txt
    "$gavel" predict m.safetensors planted.gvlog -q >/dev/null
}

# What is learnt is not to be tested on: predict says so, run refuses.
a_test_on_what_was_learnt_is_told() {
    begin
    train ftrl m.safetensors --epochs 1 --to 2026-06-05 >/dev/null
    "$gavel" predict m.safetensors log.gvlog >/dev/null 2>said.txt
    grep -q 'trained on a part of this span' said.txt
    "$gavel" predict m.safetensors log.gvlog --from 2026-06-05 >/dev/null 2>said.txt
    refute grep -q 'trained on a part' said.txt
    cat >replay.yaml <<'YAML'
name: replay
log: {path: log.gvlog, format: gvlog, from: 2026-06-05}
predictor: {type: model, weights: m.safetensors}
campaigns: [{name: c, budget: 1000 CPM}]
policies: [{type: constant, bid: 50 CPM}]
YAML
    "$gavel" run replay.yaml -q >/dev/null
    expect_failure 2 'm.safetensors was trained on this very log from 2026-06-01' \
        "$gavel" run replay.yaml -q --set log.from=2026-06-04
}

# In a scenario, trained on its history: what `gavel train` and the file give.
a_scenario_trains_as_the_command_does() {
    begin
    train ftrl m.safetensors --to 2026-06-05 >/dev/null
    cat >replay.yaml <<'YAML'
name: replay
log: {path: log.gvlog, format: gvlog, from: 2026-06-05}
history: {to: 2026-06-05}
campaigns: [{name: c, budget: 1000 CPM}]
policies: [{type: mcpc}]
YAML
    "$gavel" run replay.yaml -q --json --db a.db --set 'predictor={type: model, weights: m.safetensors}' \
        >/dev/null
    "$gavel" run replay.yaml -q --json --db b.db --set \
        "predictor={type: trained, model: ftrl, bits: 12, fields: \"$fields\"}" >/dev/null
    local database
    for database in a b; do
        sqlite3 "$database.db" 'SELECT policy, impressions, spend_cpm, expected_clicks FROM league' \
            >"$database.txt"
    done
    cmp a.txt b.txt
    expect_failure 2 'price, clicks are known only after the bid' "$gavel" run replay.yaml -q \
        --set 'predictor={type: trained, fields: "price, clicks"}'
    expect_failure 2 "there is no model 'ftlr'; did you mean 'ftrl'?" "$gavel" run replay.yaml -q \
        --set 'predictor={type: trained, model: ftlr}'
}

run_tests a_calibration_is_kept_and_told stopped_in_a_pass_it_keeps_those_before conversions_are_calibrated_by_themselves a_test_on_what_was_learnt_is_told \
    a_scenario_trains_as_the_command_does a_model_goes_from_a_log_to_figures threads_change_no_byte candidates_of_a_request_share_its_user what_is_wrong_is_said_whole \
    what_is_read_is_not_written_over conversions_are_judged_among_clicks \
    a_log_without_the_fields_is_refused
