"""results/league_planners.md: EBaReT and EGDB, whole, and with each of their parts left out.

Networks are those of scripts/models, which trains what build/models/ does not hold. Every run's
outcome is kept in build/planners/ until its settings change, so an interrupted table goes on.
"""
import json
import os
import subprocess

import learned
from tables import GAVEL, interval, league, number, write

MARKET = "scenarios/market48.yaml"
WORK = "build/planners"
SEEDS = (1, 2, 3)
FIRST_PERIOD, PERIODS = 7, 20
PART_SEEDS, PART_PERIODS = {"ebaret": (1, 2, 3), "egdb": (1, 2)}, 5
RETURN_PERIODS = 2
JUMPS, JUMP_PERIODS = (1, 2, 5, 10, 20, 50, 100), 2
BESIDE = ("direct", "online_lp", "mcpa")
ORACLE = "oracle_slot"
DT_STEPS = learned.LEARNERS["dt"]

# Parts of which kind of planner: network, how it is asked, what it is. The first is the one to
# compare with; networks are those of scripts/models.
PARTS = {
    "ebaret": (
        ("ebaret.guided", "tilt: expertness", "all that the paper names"),
        ("ebaret.no_experts", "tilt: expertness",
         "no experts: taught by the log alone, what it played"),
        ("ebaret.no_pu", "tilt: expertness",
         "no discriminator: every transition weighs the same"),
        ("ebaret.no_bag", "tilt: expertness",
         "no bags: rewards tick by tick, conversions as they came"),
        ("ebaret.guided", "tilt: 'off', target: 0.6", "plain inference: a fixed target, no tilt"),
        ("ebaret.guided", "tilt: expertness, expertness: 1", "asked to be an expert"),
        ("ebaret", "", "as shipped: returns hidden from it, every weight 1, 1,500 steps"),
        ("ebaret", "expertness: 1", "as shipped, asked to be an expert"),
    ),
    "egdb": (
        ("egdb", "", "whole, as shipped"),
        ("egdb.no_experts", "", "no experts: taught by the log alone, no embedding"),
        ("egdb.no_forcing", "",
         "no decode forcing: in training the embedding is always the teacher's"),
        ("egdb.no_completion", "", "no completion: the past is noise in training, too"),
        ("egdb.return_only", "",
         "the return alone: CBD's planner at these sizes, of the same episodes"),
        ("egdb.return_only", "target: 0.5", "the return alone, a lower one asked for"),
        ("egdb", "replan: 4", "whole, a plan every four ticks"),
        ("egdb", "shade: 0.95", "whole, with a shade"),
    ),
}


def train(names):
    subprocess.run(["scripts/models", *names], check=True)


def policy(name, network, more=""):
    kind = network.split(".")[0].split("-")[0]
    path = os.path.abspath(f"build/models/{network}.safetensors")
    return f'policies.+={{name: "{name}", type: {kind}, weights: "{path}"{more and ", " + more}}}'


def decision_transformers():
    """Of the table of learned policies: rows of --set, by name."""
    rows = {}
    for seed in SEEDS:
        learned.train("dt", seed, DT_STEPS)
        path = learned.weights_path("dt", seed)
        rows[f"dt-{seed}"] = f'policies.+={{name: "dt-{seed}", type: dt, weights: "{path}"}}'
    return rows


def played(name, rows, beside, settings, resumes=True):
    """The outcome of one run with these networks (tables.league)."""
    words = [*rows.values(), *settings, "market.keep_ticks=off",
             f"market.contenders=[{', '.join([*map(json.dumps, rows), *beside])}]"]
    return league(MARKET, f"{WORK}/{name}", words, resumes)


def of_periods(count):
    return [f"market.first_period={FIRST_PERIOD}", f"market.periods={count}"]


def figures(outcome):
    return {row["policy"]: row["figures"] for row in outcome["league"]["policies"]}


COLUMNS = (("score", "score", 2, 1), ("of the oracle's, %", "score_share", 1, 100),
           ("conversions", "conversions", 2, 1), ("CPA of its target, %", "cpa_of_target", 1, 100),
           ("over CPA, %", "over_cpa", 1, 100), ("budget used, %", "budget_used", 1, 100))


def heading(first):
    return [f"| {first} | " + " | ".join(title for title, _, _, _ in COLUMNS) + " |",
            "|---|" + "---|" * len(COLUMNS)]


def seeds_row(title, by_policy, names):
    """The mean over seeds with Student's interval."""
    shown = [learned.spread([by_policy[name][figure]["estimate"] for name in names], decimals,
                            scale) for _, figure, decimals, scale in COLUMNS]
    return f"| {title} | " + " | ".join(shown) + " |"


def policy_row(title, by_policy, name):
    shown = [interval(by_policy[name][figure], decimals, scale)
             for _, figure, decimals, scale in COLUMNS]
    return f"| {title} | " + " | ".join(shown) + " |"


def paired(database, run_of, baseline):
    """Differences over all advertisers and periods: {metric: figures}."""
    report = json.loads(subprocess.run(
        [GAVEL, "compare", f"{WORK}/{database}.db", "--baseline", baseline, "--metric",
         "score,conversions,over_cpa,cpa_of_target", "--json"], check=True,
        stdout=subprocess.PIPE).stdout)
    (row,) = [row for row in report["comparisons"]
              if row["campaign"] is None and row["policy"] == run_of]
    return {metric["metric"]: metric for metric in row["metrics"]}


# ---- whole -----------------------------------------------------------------------------------


def seeded(network):
    return {f"{network}-{seed}": policy(f"{network}-{seed}", f"{network}-{seed}") for seed in SEEDS}


def whole_lines():
    rows = {**seeded("ebaret"), **seeded("egdb"), **decision_transformers()}
    outcome = played("whole", rows, (*BESIDE, ORACLE), of_periods(PERIODS))
    by_policy = figures(outcome)
    lines = [f"## Whole, periods {FIRST_PERIOD} to {FIRST_PERIOD + PERIODS - 1}", "",
             f"Commit {outcome['commit']}. Rivals fixed to the record. Of networks the mean over "
             "three seeds with Student's 95 % interval over the seeds; then each seed, and the "
             "others, with a bootstrap over whole periods (BCa). `dt` is the best decision "
             "transformer of [league_learned.md](league_learned.md).", "", *heading("policy")]
    for network in ("ebaret", "egdb", "dt"):
        lines.append(seeds_row(network, by_policy, [f"{network}-{seed}" for seed in SEEDS]))
    lines += [policy_row(name, by_policy, name) for name in (*rows, *BESIDE, ORACLE)]
    lines += ["", "Paired by advertiser and period:", ""]
    for network in ("ebaret", "egdb"):
        for baseline in ("dt", "online_lp", "direct"):
            other = f"{baseline}-1" if baseline == "dt" else baseline
            metrics = paired("whole", f"{network}-1", other)
            lines.append(f"- {network}-1 over {other}: score "
                         f"{interval(metrics['score']['relative'], 1, 100)} %, conversions "
                         f"{interval(metrics['conversions']['relative'], 1, 100)} %.")
    return lines + [""]


def reacting_lines():
    rows = {f"{network}-1": policy(f"{network}-1", f"{network}-1")
            for network in ("ebaret", "egdb")}
    outcome = played("reacting", rows, (), [*of_periods(1), "market.rivals=reacting"])
    fixed = figures(played("reacting_fixed", {}, (ORACLE,), of_periods(1)))[ORACLE]["score"]
    by_policy = figures(outcome)
    lines = [f"## Rivals that react, period {FIRST_PERIOD}", "",
             "The market is sold anew for each policy in each of the 48 places. The oracle, which "
             f"foresees offers that stand still, has {number(fixed['estimate'], 2)} against fixed "
             "rivals. Brackets: a bootstrap over seats. `direct` and others in the same period: "
             "[league_direct.md](league_direct.md).", "",
             "| policy | score | over the oracle's against fixed rivals, % | conversions "
             "| over CPA, % |", "|---|---|---|---|---|"]
    for name in rows:
        row = by_policy[name]
        lines.append(f"| {name} | {interval(row['score'], 2)} | "
                     f"{number(100 * row['score']['estimate'] / fixed['estimate'], 1)} | "
                     f"{interval(row['conversions'], 2)} | {interval(row['over_cpa'], 1, 100)} |")
    return lines + [""]


# ---- parts left out --------------------------------------------------------------------------


def parts_lines(kind):
    parts = PARTS[kind]
    rows = {f"{kind} {number} of {seed}": policy(f"{kind} {number} of {seed}",
                                                 f"{network}-{seed}", more)
            for number, (network, more, _) in enumerate(parts) for seed in PART_SEEDS[kind]}
    outcome = played(f"parts_{kind}", rows, (ORACLE,), of_periods(PART_PERIODS))
    by_policy = figures(outcome)
    last = FIRST_PERIOD + PART_PERIODS - 1
    lines = [f"## {kind}: parts left out, periods {FIRST_PERIOD} to {last}", "",
             f"Commit {outcome['commit']}, seeds {', '.join(map(str, PART_SEEDS[kind]))}: means "
             "with Student's 95 % interval over the seeds, which is very wide for two.", "",
             *heading("network")]
    for number, (network, more, title) in enumerate(parts):
        names = [f"{kind} {number} of {seed}" for seed in PART_SEEDS[kind]]
        asked = f" (`{more}`)" if more else ""
        lines.append(seeds_row(f"{title}: {network}{asked}", by_policy, names))
    return lines + [""]


def return_only_lines():
    """Beside the planner that is told the return alone as it is published, not of EGDB's sizes."""
    rows = {"egdb-1": policy("egdb-1", "egdb-1"), "dd-1": policy("dd-1", "dd-1")}
    outcome = played("return_only", rows, (ORACLE,), of_periods(RETURN_PERIODS))
    by_policy = figures(outcome)
    metrics = paired("return_only", "egdb-1", "dd-1")
    last = FIRST_PERIOD + RETURN_PERIODS - 1
    return [
        f"## egdb beside the return alone, periods {FIRST_PERIOD} to {last}", "",
        f"Commit {outcome['commit']}. The rows above that learn the labels that were played lose "
        "almost all, for a reason that was not found, so they are no yardstick. `dd-1` is the "
        "learner `dd` with completion, told the "
        "return alone, 1,500 steps on the log of the same 90 periods, served as it is by default.",
        "", *heading("policy"), *(policy_row(name, by_policy, name) for name in (*rows, ORACLE)),
        "", "egdb-1 over dd-1, paired by advertiser and period: conversions "
        f"{interval(metrics['conversions']['relative'], 1, 100)} %, score "
        f"{interval(metrics['score']['relative'], 1, 100)} %, advertisers over their CPA "
        f"{interval(metrics['over_cpa']['difference'], 1, 100)} points, CPA "
        f"{interval(metrics['cpa_of_target']['difference'], 1, 100)} points of its target.", ""]


# ---- jumps -----------------------------------------------------------------------------------


def jumps_lines():
    """One run for each number of jumps: processor time less that of a run without the planner."""
    settings = of_periods(JUMP_PERIODS)
    idle = played("jumps_none", {}, ("mcpa",), settings, False)["seconds"]
    lines = [f"## Skip-step sampling: jumps of 100 steps, period{'s' * (JUMP_PERIODS > 1)} "
             f"{FIRST_PERIOD} to {FIRST_PERIOD + JUMP_PERIODS - 1}", "",
             "`egdb-1` with a plan at every tick, 48 campaigns in one batch. Time: that of the "
             "processor for all decisions of the periods, less that of the same run under `mcpa` "
             "(both on one machine, beside other work: the ratio says more than the figure).", "",
             "| jumps | score | of 100 jumps' score, % | seconds | faster than 100 jumps, x |",
             "|---|---|---|---|---|"]
    outcomes = {}
    for jumps in JUMPS:
        name = f"egdb at {jumps}"
        rows = {name: policy(name, "egdb-1", f"jumps: {jumps}, replan: 1")}
        outcomes[jumps] = played(f"jumps_{jumps}", rows, (), settings, False)
    most = figures(outcomes[JUMPS[-1]])[f"egdb at {JUMPS[-1]}"]["score"]["estimate"]
    whole = outcomes[JUMPS[-1]]["seconds"] - idle
    for jumps, outcome in outcomes.items():
        score = figures(outcome)[f"egdb at {jumps}"]["score"]
        seconds = outcome["seconds"] - idle
        lines.append(f"| {jumps} | {interval(score, 2)} | "
                     f"{number(100 * score['estimate'] / most, 1)} | {number(seconds, 1)} | "
                     f"{number(whole / seconds, 1)} |")
    return lines + [""]


def make():
    train([f"{network}-{seed}" for network in ("ebaret", "egdb") for seed in SEEDS])
    for kind, rows in PARTS.items():
        parts = dict.fromkeys(network for network, _, _ in rows)
        train([f"{network}-{seed}" for network in parts for seed in PART_SEEDS[kind]])
    train(["dd-1"])
    lines = [
        "# The expert-guided planners: EBaReT and EGDB",
        "",
        "Made by `make results RESULTS=planners` from networks that `scripts/models` trains: on "
        "periods from 1000 on, under `gavel experts`, nothing of which is tested here; how they "
        "are asked was chosen in periods 500 to 509. How they are made is a choice of ours where "
        "the papers do not say (`gavel list learners ebaret`, `egdb`).",
        "",
        *whole_lines(),
        *reacting_lines(),
        *parts_lines("ebaret"),
        *parts_lines("egdb"),
        *return_only_lines(),
        *jumps_lines(),
    ]
    write("results/league_planners.md", lines[:-1])
