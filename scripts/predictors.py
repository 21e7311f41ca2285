"""Click predictors on iPinYou's second season: results/predictors.md.

Variables: TYPES, the models between blanks (all of them); PEER_PYTHON, a Python with scikit-learn,
whose logistic regression is set beside FTRL on the same hashed features."""
import glob
import gzip
import json
import os
import subprocess

from tables import DATA, GAVEL, JOBS, commit, interval, say, write

WEIGHT = "1/0.00343"
SPLIT = "2013-06-11"
LATE = "2013-06-10"
PARTS = {"early": ("--to", LATE), "late": ("--from", LATE, "--to", SPLIT), "train": ("--to", SPLIT),
         "test": ("--from", SPLIT)}
PEER_PASSES = (3, 6, 9, 12, 18, 24, 36)
FOLDER = "build/predictors"
PLAIN = ("advertiser, exchange, region, city, domain, slot, slot_width*slot_height, "
         "slot_visibility, slot_format, creative, hour, weekday, advertiser*exchange, "
         "advertiser*domain")
FIELDS = {"without tags": PLAIN, "with tags": PLAIN + ", tags, advertiser*tags"}
# Passes at most; the best by the latest tenth of the training span is kept.
PASSES = {"ftrl": 20, "fm": 10, "mlp": 10, "infnet": 10}
COLUMNS = {"users": 3, "user agents": 4, "tags": 23}


def gavel(*words):
    return subprocess.run([GAVEL, *words], check=True, stdout=subprocess.PIPE).stdout


def types():
    known = [entry["name"] for entry in json.loads(gavel("list", "models", "--json"))]
    return os.environ.get("TYPES", " ".join(name for name in PASSES if name in known)).split()


def train(kind, log, fields, path, *words):
    """Up to SPLIT, unless `words`, which come last, say otherwise."""
    gavel("train", kind, log, "-o", path, "--to", SPLIT, "--impression-weight", WEIGHT,
          "--fields", fields, "-q", *JOBS, *words)


def predict(path, log, *words):
    return json.loads(gavel("predict", path, log, "--json", "-q", *JOBS, *words))


def rows_of(fields, log):
    """The figures of every type, and those of the last report."""
    lines, report = [], None
    for kind in types():
        path = f"{FOLDER}/{kind}.safetensors"
        say(f"make results: {kind}")
        train(kind, log, fields, path, "--epochs", str(PASSES.get(kind, 10)), "--patience", "4")
        report = predict(path, log, "--from", SPLIT)
        figures = report["figures"]
        lines.append("| " + " | ".join([
            kind, interval(figures["auc"], 4), interval(figures["log_loss"], 3, 1000),
            interval(figures["rig"], 1, 100), interval(figures["bias"], 2),
            interval(figures["relative_ece"], 0, 100)]) + " |")
    return lines, report


def table(fields, log):
    lines, report = rows_of(fields, log)
    return report, [
        "| model | AUC | log loss, thousandths | relative information gain, % | predicted over "
        "observed | calibration error, % of the rate |", "|---|---|---|---|---|---|", *lines]


def chosen_passes(log, path):
    """FTRL's, after 6 to 9 June, by the log loss of 10 June."""
    losses = {}
    for passes in PEER_PASSES:
        train("ftrl", log, PLAIN, path, "--to", LATE, "--epochs", str(passes), "--hold-out", "0")
        report = predict(path, log, "--from", LATE, "--to", SPLIT, "--replicates", "100")
        losses[passes] = report["figures"]["log_loss"]["estimate"]
    return min(losses, key=losses.get)


def peer(log):
    """FTRL and scikit-learn's logistic regression, each example once: each chooses how strongly it
    fits by 10 June, then learns all of 6 to 10 June."""
    python = os.environ.get("PEER_PYTHON")
    if python is None:
        say("make results: no PEER_PYTHON, so scikit-learn's row is left out")
        return ["Not made: `PEER_PYTHON` named no Python with scikit-learn."]
    path = f"{FOLDER}/peer.safetensors"
    passes = chosen_passes(log, path)
    train("ftrl", log, PLAIN, path, "--epochs", str(passes), "--hold-out", "0")
    own = predict(path, log, "--from", SPLIT)["figures"]
    files = []
    for part, words in PARTS.items():
        files.append(f"{FOLDER}/{part}.safetensors")
        predict(path, log, *words, "--replicates", "100", "--examples", files[-1])
    command = [python, "scripts/peers/sklearn_clicks.py", *files]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    apart = own["auc"]["estimate"] - found["auc"]
    return [
        "Each chooses how strongly it fits by 10 June, after 6 to 9 June, and then learns 6 to 10 "
        "June whole: FTRL the number of its passes, logistic regression its C.", "",
        "| | AUC | log loss, thousandths |", "|---|---|---|",
        f"| ftrl, {passes} passes | {own['auc']['estimate']:.4f} | "
        f"{1000 * own['log_loss']['estimate']:.3f} |",
        f"| scikit-learn {found['sklearn']}, C = {found['strength']:g} | {found['auc']:.4f} | "
        f"{1000 * found['log_loss']:.3f} |", "",
        f"FTRL's AUC less scikit-learn's: {apart:+.4f}."]


def bids(pattern):
    for path in sorted(glob.glob(os.path.join(DATA, "ipinyou-season2", pattern))):
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            for line in file:
                yield line.rstrip("\n").split("\t")


def differences():
    """Of clicks whose impression is in the sample: how many have another value there."""
    impressions = {row[0]: row for row in bids("imp.*.gz")}
    joined = [row for row in bids("clk.*.gz") if row[0] in impressions]
    other = {name: sum(row[at] != impressions[row[0]][at] for row in joined)
             for name, at in COLUMNS.items()}
    return len(joined), other


def conclusions(report):
    joined, other = differences()
    told = ", ".join(f"{count} have other {name}" for name, count in other.items())
    return [
        "## What this can and cannot say", "",
        f"- All clicks are there, and the unclicked are a sample: {report['samples'] - report['clicks']:,}"
        f" unclicked impressions of the test stand for 292 each, beside {report['clicks']:,} clicked "
        "bids. AUC and log loss are weighed by that, and their intervals (over hours of traffic) "
        "show what the sample leaves open. Models whose intervals lie far apart do differ here; "
        "for those that overlap, the table decides nothing.",
        f"- The fields of a click row were logged at the click, not at the bid. Of the {joined} "
        f"click rows whose impression is in the sample, {told} than their impression. So a model may "
        "learn how click rows differ from impression rows, which no bidder can use: figures with "
        "tags are not to be trusted for a bid; those without are the ones to read.",
        "- A rate far below one in 40,000 cannot be told from 0 by so few unclicked impressions: "
        "calibration in the lowest parts rests on a handful of clicks.",
        "- Nearly every user is there once, so nothing is learnt of a user's past, and models of "
        "sequences can show nothing of what they are for.",
        "- Two days of test and one split: how another week, or another training, would come out "
        "is in no interval.",
    ]


def make():
    if not os.path.isdir(os.path.join(DATA, "ipinyou-season2")):
        say(f"make results: there is no {DATA}/ipinyou-season2, so predictors.md stays as it is")
        return
    os.makedirs(FOLDER, exist_ok=True)
    log = f"{FOLDER}/june.gvlog"
    inputs = [path for kind in ("imp", "clk", "conv")
              for path in sorted(glob.glob(os.path.join(DATA, "ipinyou-season2", f"{kind}.*")))]
    gavel("ingest", "ipinyou", *inputs, "-o", log, "-q")
    sections = []
    for title, fields in FIELDS.items():
        report, lines = table(fields, log)
        sections += [f"## Fields {title}", "", f"`{fields}`", "", *lines, ""]
    write("results/predictors.md", [
        "# Predicting clicks: iPinYou, season 2", "",
        f"Seed 1, commit {commit()}. Made by `make results RESULTS=predictors`, that is, for each "
        "model and list of fields:", "",
        f"    gavel train MODEL june.gvlog -o m.safetensors --to {SPLIT} --impression-weight {WEIGHT} "
        "--fields LIST", f"    gavel predict m.safetensors june.gvlog --from {SPLIT}", "",
        "Trained on 6 to 10 June 2013, the latest tenth of that held out to choose the pass; tested "
        f"on 11 and 12 June: {report['samples']:,} samples, {report['clicks']:,} clicked, rate "
        f"{100 * report['rate']:.4f} % as they weigh. Models learn each sample once, and the odds "
        f"are shifted by the sampling rate. Brackets hold {100 * report['level']:g} % intervals: "
        f"{report['replicates']:,} bootstrap resamples of {report['clusters']} hours.", "",
        *sections,
        "## Beside scikit-learn, fields without tags", "", *peer(log), "", *conclusions(report)])
