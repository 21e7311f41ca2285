"""results/coupling.md: what a worse predictor costs a campaign, by policy; and the league table
with predicted click rates.

Each level of each disturbance is a run of scenarios/ipinyou.yaml in which clicks are drawn by the
undisturbed prediction, so the truth is known and only what is believed differs. Figures are kept
in build/coupling/.
"""
import json
import os
import subprocess

from predictors import PASSES, PLAIN
from tables import DATA, GAVEL, commit, number, say, sets, write

WORK = "build/coupling"
SEEDS = (1, 2, 3, 4, 5)
STUDENT = 2.776445  # its 97.5 % of 4 degrees of freedom
POLICIES = ("constant", "mcpc", "linear", "ortb1", "rlb", "pid", "adaptive")
SHARE = "1/8"
SCENARIO = "scenarios/ipinyou.yaml"
CAMPAIGNS = ("a1458", "a3358", "a3386", "a3427", "a3476")

# What is set, and at which levels; the first is none. Noise and cold are drawn: by seed.
DISTURBANCES = {
    "noise": ("noise, standard deviation of the log-odds", ("0", "0.25", "0.5", "1", "1.5", "2"),
              True),
    "scale": ("scale, factor of the odds", ("1", "0.25", "0.5", "0.7", "1.4", "2", "4"), False),
    "slope": ("slope of the log-odds", ("1", "0.25", "0.5", "0.75", "1.5", "2"), False),
    "cold": ("cold, share of opportunities believed average",
             ("0", "0.25", "0.5", "0.75", "1"), True),
}
STALE = ("0 d", "1 d", "2 d", "3 d")
# Without tags, which tell click rows from impression rows (results/predictors.md).
PREDICTORS = {"historical_rate": ("predictor.type=historical_rate",),
              **{name: ("predictor.type=trained", f"predictor.model={name}",
                        f'predictor.fields="{PLAIN}"', f"predictor.set=epochs={passes}")
                 for name, passes in PASSES.items()}}


def log_words():
    """The scenario, and words of --set that name its log, ingested once, and the budgets."""
    os.makedirs(WORK, exist_ok=True)
    path = f"{WORK}/june.gvlog"
    folder = os.path.join(DATA, "ipinyou-season2")
    if os.path.isdir(folder):
        if not os.path.exists(path):
            files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))
                     if name.startswith(("imp.", "clk.", "conv."))]
            subprocess.run([GAVEL, "ingest", "ipinyou", *files, "-o", path, "--quiet"], check=True)
        budgets = [f"campaigns.{name}.budget_share={SHARE}" for name in CAMPAIGNS]
        return SCENARIO, [f"log.path={os.path.abspath(path)}", "log.format=gvlog", *budgets]
    raise ValueError(f"there is no {folder}")


def outcome(name, words):
    """Expected clicks by policy, over all campaigns at the budget; kept until the words change."""
    path = f"{WORK}/{name}.json"
    scenario, log = log_words()
    words = [*log, *words]
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            kept = json.load(file)
        if kept["words"] == words:
            return kept["clicks"]
    say(f"make results: {name}")
    report = json.loads(subprocess.run([GAVEL, "run", scenario, "--json", "--quiet", *sets(words)],
                                       check=True, stdout=subprocess.PIPE).stdout)
    clicks = {}
    for cell in report["cells"]:
        if cell["budget_label"] == SHARE:
            clicks.setdefault(cell["policy"], 0.0)
            clicks[cell["policy"]] += cell["metrics"]["expected_clicks"]
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump({"words": words, "commit": commit(), "clicks": clicks}, file, indent=1)
    os.replace(f"{path}.new", path)
    return clicks


def told(values):
    """The mean over seeds with Student's 95 % interval, or the one value."""
    mean = sum(values) / len(values)
    if len(values) == 1:
        return number(mean, 1)
    spread = (sum((one - mean) ** 2 for one in values) / (len(values) - 1)) ** 0.5
    return f"{number(mean, 1)} +- {number(STUDENT * spread / len(values) ** 0.5, 1)}"


def curve(key):
    """Rows of policies, a column a level: expected clicks in percent of an undisturbed belief's."""
    title, levels, is_drawn = DISTURBANCES[key]
    lines = [f"## {title[0].upper()}{title[1:]}", "",
             "| policy | " + " | ".join(levels) + " |", "|---|" + "---|" * len(levels)]
    by_level = {}
    for level in levels:
        seeds = SEEDS if is_drawn and level != levels[0] else SEEDS[:1]
        by_level[level] = [outcome(f"{key}-{level}-{seed}", [
            "response.type=predicted", f"belief.{key}={level}", f"seed={seed}"]) for seed in seeds]
    for policy in POLICIES:
        whole = by_level[levels[0]][0][policy]
        lines.append(f"| {policy} | " + " | ".join(
            told([100 * one[policy] / whole for one in by_level[level]])
            for level in levels) + " |")
    return lines + [""]


def stale_lines():
    lines = ["## Staleness: the predictor was fitted so long before the history's end", "",
             "| policy | " + " | ".join(STALE) + " |", "|---|" + "---|" * len(STALE)]
    by_level = [outcome(f"stale-{level}", ["response.type=historical_rate",
                                           f"belief.stale={level}"]) for level in STALE]
    for policy in POLICIES:
        lines.append(f"| {policy} | " + " | ".join(
            number(100 * one[policy] / by_level[0][policy], 1) for one in by_level) + " |")
    return lines + [""]


def league_lines():
    lines = ["## The league by predictor", "",
             "Fields of models as in [predictors.md](predictors.md), without tags. "
             "Expected clicks at that budget, each judged by the prediction that it bid by: columns "
             "are worlds of their own, to be read from top to bottom.", "",
             "| policy | " + " | ".join(PREDICTORS) + " |", "|---|" + "---|" * len(PREDICTORS)]
    by_predictor = [outcome(f"league-{name}", words) for name, words in PREDICTORS.items()]
    for policy in sorted(by_predictor[0], key=lambda name: -by_predictor[0][name]):
        lines.append(f"| {policy} | " + " | ".join(
            number(clicks[policy], 2) for clicks in by_predictor) + " |")
    lines += ["", "The same when a fitted smoothed rate is the truth (`response: {type: "
              "historical_rate}`) and each predictor is only believed: what it costs to bid by "
              "another.", "",
              "| policy | " + " | ".join(PREDICTORS) + " |", "|---|" + "---|" * len(PREDICTORS)]
    by_predictor = [outcome(f"believed-{name}", [*words, "response.type=historical_rate"])
                    for name, words in PREDICTORS.items()]
    for policy in sorted(by_predictor[0], key=lambda name: -by_predictor[0][name]):
        lines.append(f"| {policy} | " + " | ".join(
            number(clicks[policy], 2) for clicks in by_predictor) + " |")
    return lines + [""]


def make():
    lines = [
        "# What a worse predictor costs",
        "",
        f"Commit {commit()}. Made by `make results RESULTS=coupling`: `{SCENARIO}` on iPinYou's "
        f"second season (five advertisers, fitted on 6 to 10 June 2013, replayed on 11 and 12 "
        f"June) at {SHARE} of what their impressions cost. Clicks are drawn by the undisturbed "
        "prediction (`response: {type: predicted}`), policies bid by the disturbed one (`belief`) "
        "and are fitted on a history in which they believed the same. Figures are the true "
        "expected clicks in percent of those with an undisturbed belief; where the disturbance "
        f"is drawn, the mean over {len(SEEDS)} seeds with Student's 95 % interval.",
        "",
    ]
    for key in DISTURBANCES:
        lines += curve(key)
    write("results/coupling.md", (lines + stale_lines() + league_lines())[:-1])
