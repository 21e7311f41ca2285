"""results/league_learned.md: learned policies, trained here, in markets and on their logs.

Each part (PARTS) is made of runs whose outcome is kept in build/learned/PART/: what is there
already is not made again, what was interrupted goes on. To redo a part, remove its folder. The
table is written of all parts that are complete. GAVEL_JOBS: threads (default: all processors).
"""
import json
import os
import subprocess

from published import order_lines
from tables import (GAVEL, JOBS, commit, interval, number, sets, write)

WORK = "build/learned"
MARKET = "scenarios/market48.yaml"

# Steps of each learner, at its CPU-sized defaults.
LEARNERS = {"bc": 20000, "iql": 20000, "cql": 10000, "td3bc": 10000, "bcq": 10000,
            "dt": 2000}
# A plain return says nothing of the budget that it was got with.
SETTINGS = {"dt": ("relative=on", "returns=score", "constraint=on"),
            "dd": ("relative=on", "returns=score", "completion=on")}
# In a weights file, but only for its training.
UNSERVED = ("bcq.vae.encoder.", "bcq.critic.2.")
SEEDS = (1, 2, 3)
SHIPPED = ("direct", "ebaret", "egdb")  # whose weights the market's scenario names
BESIDE = ("online_lp", "mcpa", "oracle_slot")
RATIOS = ("0.5", "0.75", "1", "1.25", "1.5")
TRAINED = 200  # periods, from FIRST_TRAINED on
FIRST_TRAINED = 1000
VALIDATION = ("market.first_period=500", "market.periods=2")
FIRST_TEST, TESTED = 7, 20
OFFLINE_PERIODS = (7, 8)
OFFLINE_BESIDE = ("auctionnet_pid", "abid", "mcpa")
REACTING_PERIODS = 1
REACTING_BESIDE = ("online_lp", "mcpa")
CURVE = (25, 50, 200)
# Not the transformer, whose trainings take the longest.
CURVE_SEEDS = {"bc": SEEDS, "td3bc": SEEDS}
CURVE_PERIODS = 10
# A decision of the diffuser costs a thousand times the others': fewer periods.
DIFFUSER_STEPS = 1500
DIFFUSER_SEEDS = {"dd": (1,), "dt": SEEDS, "iql": SEEDS}
DIFFUSER_PERIODS = 2
STUDENT = {2: 12.706205, 3: 4.302653}  # its 97.5 %, by the number of values


class Unmade(Exception):
    """What a part's table needs has not been made."""


def kept(name, make=None):
    """The outcome under this name, made and kept where it is not there; {"commit", "value"}."""
    path = f"{WORK}/{name}.json"
    if not os.path.exists(path):
        if make is None:
            raise Unmade
        os.makedirs(os.path.dirname(path), exist_ok=True)
        outcome = {"commit": commit(), "value": make()}
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(outcome, file, indent=1)
        os.replace(path + ".new", path)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def value(name):
    return kept(name)["value"]


def gavel(*words):
    return subprocess.run([GAVEL, *words], check=True, stdout=subprocess.PIPE).stdout


def of_periods(first, count):
    return f"market.first_period={first}", f"market.periods={count}"


# ---- training --------------------------------------------------------------------------------


def trajectories(first, count):
    """Of so many periods; goes on where it was interrupted."""
    database, path = f"{WORK}/train-{first}.db", f"{WORK}/train-{first}.safetensors"
    if not os.path.exists(path):
        gavel("run", MARKET, *JOBS, *sets(of_periods(first, count)), "--set",
              "market.contenders=[]", "--db", database, "--resume")
        gavel("trajectories", database, "-o", path)
    return path


def training_data(periods):
    """Arguments of `gavel train`: the first so many of the training periods."""
    files = [trajectories(FIRST_TRAINED, TRAINED)]
    if periods > TRAINED:
        return files + [trajectories(FIRST_TRAINED + TRAINED, periods - TRAINED)]
    return files + ["--hold-out", str(1 - periods / TRAINED)]


def validation():
    """The market of the validation periods, as a scenario of its own."""
    path = f"{WORK}/validation.yaml"
    # A path in a scenario is one beside its file, which this one has left.
    weights = [f"policies.{name}.weights={os.path.abspath(f'models/weights/{name}.safetensors')}"
               for name in SHIPPED]
    text = gavel("run", MARKET, "--print-config", *sets((*VALIDATION, *weights)))
    with open(path, "wb") as file:
        file.write(text)
    return path


def weights_path(learner, seed, periods=TRAINED):
    return os.path.abspath(f"{WORK}/weights/{learner}-{periods}-{seed}.safetensors")


def train(learner, seed, steps, periods=TRAINED, judged=True):
    """The weights, and of their training the rows of steps, losses and scores."""
    path = weights_path(learner, seed, periods)
    os.makedirs(os.path.dirname(path), exist_ok=True)

    def work():
        judge = ("--validate", validation()) if judged else ()
        with open(f"{path}.rows", "a", encoding="utf-8") as rows:
            subprocess.run([GAVEL, "train", learner, *training_data(periods), "-o", path, "--json",
                            "--quiet", "--resume", "--seed", str(seed), "--steps", str(steps),
                            "--every", str(round(steps / 5)), *JOBS, *judge,
                            *sets(SETTINGS.get(learner, ()))], check=True, stdout=rows)
        with open(f"{path}.rows", encoding="utf-8") as rows:
            return [json.loads(row) for row in rows]

    kept(f"training/{learner}-{periods}-{seed}", work)


def make_training():
    for learner, steps in LEARNERS.items():
        for seed in SEEDS:
            train(learner, seed, steps)


def weight_count(path):
    """Of the network that is served."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    shapes = [tensor["shape"] for name, tensor in header.items()
              if name != "__metadata__" and tensor["dtype"] == "F32"
              and not name.startswith(UNSERVED)]
    count = 0
    for shape in shapes:
        size = 1
        for extent in shape:
            size *= extent
        count += size
    return count


def training_lines():
    lines = ["| learner | weights that are served | steps | of them kept, by seed "
             "| score in validation, by seed |", "|---|---|---|---|---|"]
    for learner, steps in LEARNERS.items():
        best = [max(value(f"training/{learner}-{TRAINED}-{seed}"), key=lambda row: row["score"])
                for seed in SEEDS]
        lines.append(f"| {learner} | {weight_count(weights_path(learner, SEEDS[0])):,} | {steps:,} "
                     f"| {', '.join(format(row['step'], ',') for row in best)} "
                     f"| {', '.join(number(row['score'], 2) for row in best)} |")
    return lines + [
        "",
        "Learners at their CPU-sized defaults (`gavel list learners`), which are smaller than the "
        "published networks for cql (128-128 for 256-256), td3bc (128-128 for 756-756), bcq "
        "(128-128 for 1400-1300, and a VAE of 128 for one of 1750) and dt (two layers of width 64 "
        "for AuctionNet's three, or the eight of width 512 of GAS and GAVE); "
        f"{SETTINGS['dt'][0]}, {SETTINGS['dt'][1]}, {SETTINGS['dt'][2]} for dt."]


# ---- leagues ---------------------------------------------------------------------------------


def trained(learners, seeds=SEEDS, periods=TRAINED):
    """Type and weights by the policy's name."""
    return {f"{learner}-{seed}": (learner, weights_path(learner, seed, periods))
            for learner in learners for seed in seeds}


def league(name, networks, beside, *settings):
    """Figures by policy of one run of the market; kept under `name`."""
    policies = [f'policies.+={{name: {policy}, type: {learner}, weights: "{path}"}}'
                for policy, (learner, path) in networks.items()]
    contenders = f"market.contenders=[{', '.join([*networks, *beside])}]"

    def work():
        os.makedirs(os.path.dirname(f"{WORK}/{name}"), exist_ok=True)
        report = json.loads(gavel("run", MARKET, *JOBS, "--json", "--resume", "--db",
                                  f"{WORK}/{name}.db", *sets(["market.keep_ticks=off", *policies,
                                                              *settings, contenders])))
        (table,) = [table for table in report["league"] if table["rivals"] != "market"]
        return table

    return kept(name, work)["value"]


def figures(name):
    return {row["policy"]: row["figures"] for row in value(name)["policies"]}


def spread(values, decimals, scale=1):
    """The mean over seeds with Student's 95 % interval; of one seed its figure."""
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{scale * mean:,.{decimals}f} (one seed)"
    variance = sum((one - mean) ** 2 for one in values) / (len(values) - 1)
    half = STUDENT[len(values)] * (variance / len(values)) ** 0.5
    return f"{scale * mean:,.{decimals}f} +- {scale * half:,.{decimals}f}"


def seeds_of(by_policy, learner, figure, seeds=SEEDS):
    return [by_policy[f"{learner}-{seed}"][figure]["estimate"] for seed in seeds]


def heading(columns):
    return ["| policy | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]


def percent(ratio):
    return f"{100 * float(ratio):g} %"


def figure_table(by_column, learners, beside, figure, decimals, scale=1):
    """Rows of policies, a column for each {policy: figures}."""
    lines = heading(by_column)
    for learner in learners:
        lines.append("| " + " | ".join([learner, *(
            spread(seeds_of(by_policy, learner, figure), decimals, scale)
            for by_policy in by_column.values())]) + " |")
    for policy in beside:
        lines.append("| " + " | ".join([policy, *(
            interval(by_policy[policy][figure], decimals, scale)
            for by_policy in by_column.values())]) + " |")
    return lines


def means(by_policy, figure, learners, beside=()):
    """One number for each learner and policy."""
    of_learners = {}
    for learner in learners:
        seeds = DIFFUSER_SEEDS.get(learner, SEEDS)
        of_learners[learner] = sum(seeds_of(by_policy, learner, figure, seeds)) / len(seeds)
    return of_learners | {policy: by_policy[policy][figure]["estimate"] for policy in beside}


def make_budgets():
    make_training()
    for ratio in RATIOS:
        league(f"budgets/{ratio}", trained(LEARNERS), BESIDE, *of_periods(FIRST_TEST, TESTED),
               f"market.contender_budget={ratio}")


def budgets_lines():
    by_ratio = {percent(ratio): figures(f"budgets/{ratio}") for ratio in RATIOS}
    lines = [
        f"Periods {FIRST_TEST} to {FIRST_TEST + TESTED - 1} x 48 advertisers, each in turn against "
        "the others' recorded offers. The budget of the advertiser whose place is taken is scaled, "
        "and no other's; networks were trained at 100 %."]
    for title, figure, decimals, scale in (
            ("Score", "score", 2, 1), ("Score over the oracle's, %", "score_share", 1, 100),
            ("Conversions", "conversions", 2, 1),
            ("Advertisers over their CPA, %", "over_cpa", 1, 100)):
        lines += ["", f"### {title}", "",
                  *figure_table(by_ratio, LEARNERS, BESIDE, figure, decimals, scale)]
    scores, conversions = ({ratio: means(by_policy, figure, LEARNERS)
                            for ratio, by_policy in by_ratio.items()}
                           for figure in ("score", "conversions"))
    shares = means(by_ratio["100 %"], "score_share", LEARNERS, ("online_lp",))
    return lines + ["", "### Where the order differs from the published tables", "",
                    *order_lines(scores, conversions, shares)]


# ---- AuctionNet's offline loop ---------------------------------------------------------------


def offline_policies():
    """Arguments of `gavel auctionnet score` by the policy's name."""
    networks = {policy: ("--policy", learner, "--set", f"weights={path}")
                for policy, (learner, path) in trained(LEARNERS).items()}
    return networks | {policy: ("--policy", policy) for policy in OFFLINE_BESIDE}


def score_offline(period, policies):
    """Writes the log of one period, scores each policy on it, and removes it: some gigabytes."""
    folder = f"{WORK}/logs"
    log = f"{folder}/period-{period}.csv"
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(log):
        gavel("run", MARKET, *JOBS, *sets(of_periods(period, 1)), "--set", "market.contenders=[]",
              "--logs", folder)
    for policy, words in policies.items():
        kept(f"offline/{period}-{policy}", lambda words=words: json.loads(gavel(
            "auctionnet", "score", log, *words, "--budget-ratio", ",".join(RATIOS), "--json",
            "--quiet")))
    os.remove(log)


def make_offline():
    make_training()
    for period in OFFLINE_PERIODS:
        missing = {policy: words for policy, words in offline_policies().items()
                   if not os.path.exists(f"{WORK}/offline/{period}-{policy}.json")}
        if missing:
            score_offline(period, missing)


def offline_figures(policy, figure):
    """By budget ratio, of each period."""
    reports = [value(f"offline/{period}-{policy}")["budgets"] for period in OFFLINE_PERIODS]
    return [[row[figure] for row in rows] for rows in zip(*reports)]


def offline_means(policy, figure):
    """By budget ratio, over the periods."""
    return [sum(one["estimate"] for one in by_period) / len(by_period)
            for by_period in offline_figures(policy, figure)]


def mean_interval(parts, decimals, scale):
    """The mean of independent figures, with their intervals added up as such."""
    mean = sum(one["estimate"] for one in parts) / len(parts)
    half = sum(((one["high"] - one["low"]) / 2) ** 2 for one in parts) ** 0.5 / len(parts)
    return f"{scale * mean:,.{decimals}f} +- {scale * half:,.{decimals}f}"


def offline_rows(figure, decimals, scale):
    lines = heading([percent(ratio) for ratio in RATIOS])
    for learner in LEARNERS:
        by_seed = [offline_means(f"{learner}-{seed}", figure) for seed in SEEDS]
        lines.append("| " + " | ".join([learner, *(spread(seeds, decimals, scale)
                                                   for seeds in zip(*by_seed))]) + " |")
    for policy in OFFLINE_BESIDE:
        lines.append("| " + " | ".join([policy, *(
            mean_interval(one, decimals, scale)
            for one in offline_figures(policy, figure))]) + " |")
    return lines


def offline_orders(figure):
    """{budget ratio: {learner: mean over seeds}}."""
    by_seed = {learner: [offline_means(f"{learner}-{seed}", figure) for seed in SEEDS]
               for learner in LEARNERS}
    return {percent(ratio): {learner: sum(row[at] for row in rows) / len(rows)
                             for learner, rows in by_seed.items()}
            for at, ratio in enumerate(RATIOS)}


def offline_lines():
    lines = [
        "The log of each of the periods "
        f"{', '.join(map(str, OFFLINE_PERIODS))} (`gavel run --logs`), and on it each advertiser "
        "alone, at its budget times the ratio, by `gavel auctionnet score`: what reaches the "
        "logged least winning cost wins and pays it, without slots and exposure, and so earns more "
        "than in the market. Of learners the mean over seeds with Student's 95 % interval, of "
        "the others the half width of a bootstrap over advertisers."]
    for title, figure, decimals, scale in (("Score", "score", 2, 1),
                                           ("Conversions", "conversions", 2, 1),
                                           ("Advertisers over their CPA, %", "over_cpa_rate", 1,
                                            100)):
        lines += ["", f"### Offline: {title[0].lower()}{title[1:]}", "",
                  *offline_rows(figure, decimals, scale)]
    return lines + ["", "### Offline: where the order differs from the published tables", "",
                    *order_lines(offline_orders("score"), offline_orders("conversions"))]


# ---- rivals that react -----------------------------------------------------------------------


def make_reacting():
    make_training()
    periods = of_periods(FIRST_TEST, REACTING_PERIODS)
    league("reacting/fixed", trained(LEARNERS), BESIDE, *periods)
    league("reacting/beside", {}, REACTING_BESIDE, *periods, "market.rivals=reacting")
    for seed in SEEDS:
        league(f"reacting/{seed}", trained(LEARNERS, (seed,)), (), *periods,
               "market.rivals=reacting")


def reacting_lines():
    fixed, reacting = figures("reacting/fixed"), figures("reacting/beside")
    for seed in SEEDS:
        reacting |= figures(f"reacting/{seed}")
    oracle = fixed["oracle_slot"]["score"]["estimate"]
    lines = heading(("score", "over the oracle's, %", "the same against fixed rivals, %",
                     "conversions", "over CPA, %"))
    for learner in LEARNERS:
        scores = seeds_of(reacting, learner, "score")
        lines.append("| " + " | ".join([
            learner, spread(scores, 2), spread(scores, 1, 100 / oracle),
            spread(seeds_of(fixed, learner, "score_share"), 1, 100),
            spread(seeds_of(reacting, learner, "conversions"), 2),
            spread(seeds_of(reacting, learner, "over_cpa"), 1, 100)]) + " |")
    for policy in REACTING_BESIDE:
        row = reacting[policy]
        lines.append("| " + " | ".join([
            policy, interval(row["score"], 2), interval(row["score"], 1, 100 / oracle),
            interval(fixed[policy]["score_share"], 1, 100), interval(row["conversions"], 2),
            interval(row["over_cpa"], 1, 100)]) + " |")
    last = FIRST_TEST + REACTING_PERIODS - 1
    periods = f"period {last}" if REACTING_PERIODS == 1 else f"periods {FIRST_TEST} to {last}"
    return [
        f"In {periods} alone: the market is sold anew for each contender in each of the 48 places, "
        "so 48 times a period. The oracle is `oracle_slot` against fixed rivals in the same "
        f"periods ({number(oracle, 2)}), since it foresees offers, which stand still only there.",
        "", *lines]


# ---- learning curve --------------------------------------------------------------------------


def make_curve():
    for periods in CURVE:
        for learner, seeds in CURVE_SEEDS.items():
            for seed in seeds:
                train(learner, seed, LEARNERS[learner], periods)
        networks = {}
        for learner, seeds in CURVE_SEEDS.items():
            networks |= trained((learner,), seeds, periods)
        league(f"curve/{periods}", networks, ("oracle_slot",),
               *of_periods(FIRST_TEST, CURVE_PERIODS))


def curve_lines():
    by_size = {periods: figures(f"curve/{periods}") for periods in CURVE}
    lines = heading([f"{periods} periods" for periods in CURVE])
    for learner, seeds in CURVE_SEEDS.items():
        lines.append("| " + " | ".join([learner, *(
            spread(seeds_of(by_policy, learner, "score_share", seeds), 1, 100)
            for by_policy in by_size.values())]) + " |")
    return [
        "Score over the oracle's in %, by the number of training periods (from "
        f"{FIRST_TRAINED} on, 48 trajectories each), in periods {FIRST_TEST} to "
        f"{FIRST_TEST + CURVE_PERIODS - 1} at 100 % of the budget. Steps and choice as above: what "
        "changes is how many different trajectories they see.",
        "", *lines]


# ---- the decision diffuser -------------------------------------------------------------------


def make_diffuser():
    make_training()
    networks = {}
    for learner, seeds in DIFFUSER_SEEDS.items():
        networks |= trained((learner,), seeds)
    for seed in DIFFUSER_SEEDS["dd"]:
        train("dd", seed, DIFFUSER_STEPS, judged=False)
    league("diffuser/fixed", networks, BESIDE, *of_periods(FIRST_TEST, DIFFUSER_PERIODS))


def diffuser_lines():
    last = FIRST_TEST + DIFFUSER_PERIODS - 1
    by_policy = figures("diffuser/fixed")
    by_figure = (("score", 2, 1), ("score_share", 1, 100), ("conversions", 2, 1),
                 ("over_cpa", 1, 100))
    lines = heading(("score", "over the oracle's, %", "conversions", "over CPA, %"))
    for learner, seeds in DIFFUSER_SEEDS.items():
        lines.append("| " + " | ".join([learner, *(
            spread(seeds_of(by_policy, learner, figure, seeds), decimals, scale)
            for figure, decimals, scale in by_figure)]) + " |")
    for policy in BESIDE:
        lines.append("| " + " | ".join([policy, *(
            interval(by_policy[policy][figure], decimals, scale)
            for figure, decimals, scale in by_figure)]) + " |")
    return [
        f"`dd` at its CPU-sized defaults with {', '.join(SETTINGS['dd'])}, {DIFFUSER_STEPS:,} "
        f"steps, no choice by validation, in periods {FIRST_TEST} to {last} alone, since its "
        "decisions cost a thousand times the others'.", "", *lines, "",
        *order_lines({"100 %": means(by_policy, "score", DIFFUSER_SEEDS)})]


# ---- all of it -------------------------------------------------------------------------------

# Name: title, what makes it, what tells of it.
PARTS = {
    "training": ("Training", make_training, training_lines),
    "budgets": ("Fixed rivals, by budget ratio", make_budgets, budgets_lines),
    "offline": ("AuctionNet's offline loop, by budget ratio", make_offline, offline_lines),
    "reacting": ("The full market, whose rivals react", make_reacting, reacting_lines),
    "curve": ("Learning curve", make_curve, curve_lines),
    "diffuser": ("The decision diffuser", make_diffuser, diffuser_lines),
}


def commits_of(part):
    """The commits at which the outcomes of a part were made."""
    folder = f"{WORK}/{part}"
    return sorted({kept(f"{part}/{name[:-5]}")["commit"] for name in os.listdir(folder)
                   if name.endswith(".json")})


def section(part):
    title, _, lines_of = PARTS[part]
    lines = [f"## {title}", ""]
    try:
        told = lines_of()
        return lines + [f"Commit {', '.join(commits_of(part))}.", "", *told, ""]
    except Unmade:
        return lines + [f"Not made yet: `make results RESULTS=learned-{part}`.", ""]


def write_table():
    lines = [
        "# Learned policies in AuctionNet's market",
        "",
        "Made by `make results RESULTS=learned`, which makes anew what `build/learned/` does not "
        "hold, or a part of it by `RESULTS=learned-PART`: "
        f"{', '.join(PARTS)}. Three seeds of each learner. Trajectories are those of {TRAINED} "
        f"periods of `{MARKET}` ({FIRST_TRAINED} to {FIRST_TRAINED + TRAINED - 1}) under its seven "
        "classical policies; the best weights are chosen by simulation in periods 500 and 501; "
        f"figures are of periods from {FIRST_TEST} to {FIRST_TEST + TESTED - 1}, which neither "
        "saw. Of learners the mean over seeds with Student's 95 % interval over the seeds; of the "
        "others, in brackets, a bootstrap. A score is min((target / CPA)^2, 1) x conversions, a "
        "mean over advertisers and periods.",
        "",
    ]
    for part in PARTS:
        lines += section(part)
    write("results/league_learned.md", lines[:-1])


def make(part):
    """A part, or all of them for None."""
    os.makedirs(WORK, exist_ok=True)
    for name in [part] if part else PARTS:
        PARTS[name][1]()
    write_table()
