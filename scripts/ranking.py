"""results/ranking.md: whether the log of a market says which of two policies is better in it.

The log knows what rivals offered while others bid; the truth is the market itself, sold anew in
other periods with the policy in an advertiser's place and all rivals answering.
"""
import contextlib
import itertools
import os
import sqlite3

from interference import COMMON, STUDENT, WHOLE, mean_and_half, start
from tables import commit, number, say, write

WORK = "build/ranking"
POLICIES = ("mcpa", "auctionnet_pid", "abid", "online_lp", "online_lp_window", "m_pid", "ta_pid",
            "mystique", "dual_pacing", "min_pacing")
BUDGETS = ("0.03", "0.1", "0.3")  # of market48's; with a tenth of its opportunities
METRICS = (("exposed_value", "conversions to be expected"), ("score", "score"))
LOG = (7, 8)  # the first period, and how many
TRUTH = (107, 20)


def play(rivals, budget, periods):
    """{policy: {metric: [sums over the advertisers' places, a period each]}}"""
    database = f"{WORK}/{rivals}-{budget}.db"
    words = [word for word in (*COMMON, *WHOLE)
             if not word.startswith(("market.contenders", "advertisers.budget_scale"))]
    words += [f"market.contenders=[{', '.join(POLICIES)}]", f"market.rivals={rivals}",
              f"advertisers.budget_scale={budget}"]
    start(database, words, *periods)
    sums = {}
    with contextlib.closing(sqlite3.connect(database)) as connection:
        for metric, _ in METRICS:
            for policy, _, value in connection.execute(
                    f"SELECT policy, period, sum({metric}) FROM market_league WHERE rivals = ? "
                    "GROUP BY policy, period ORDER BY policy, period", (rivals,)):
                sums.setdefault(policy, {}).setdefault(metric, []).append(value)
    return sums


def difference(sums, metric, first, second):
    """Of the second over the first, in percent of the first's mean, a period each."""
    mean = sum(sums[first][metric]) / len(sums[first][metric])
    return [100 * (b - a) / mean for a, b in zip(sums[first][metric], sums[second][metric])]


def judge(logged, real, metric):
    """[(first, second, (mean, half) by the log, (mean, half) in truth)]"""
    return [(first, second, mean_and_half(difference(logged, metric, first, second)),
             mean_and_half(difference(real, metric, first, second)))
            for first, second in itertools.combinations(POLICIES, 2)]


def is_clear(judged):
    mean, half = judged
    return abs(mean) > half


def agrees(pair):
    _, _, (said, _), (true, _) = pair
    return said * true > 0


def totals(title, pairs):
    clear = [pair for pair in pairs if is_clear(pair[2])]
    right = sum(map(agrees, clear))
    small = [pair for pair in clear if not agrees(pair) and not is_clear(pair[3])]
    inside = sum(abs(said - true) <= half for _, _, (said, half), (true, _) in pairs)
    share = 100 * right / len(clear) if clear else None
    return (f"| {title} | {len(pairs)} | {len(pairs) - len(clear)} | {len(clear)} | {right} "
            f"| {number(share, 1)} | {len(small)} | {number(100 * inside / len(pairs), 0)} |")


def wrong_lines(title, pairs):
    return [f"| {title} | {second} over {first} | {number(said, 1)} +- {number(half, 1)} "
            f"| {number(true, 1)} +- {number(true_half, 1)} |"
            for first, second, (said, half), (true, true_half) in pairs
            if abs(said) > half and said * true <= 0]


def make():
    os.makedirs(WORK, exist_ok=True)
    judged = {metric: {} for metric, _ in METRICS}
    for budget in BUDGETS:
        say(f"make results: ranking, budgets of {budget}")
        logged, real = play("fixed", budget, LOG), play("reacting", budget, TRUTH)
        for metric, _ in METRICS:
            judged[metric][budget] = judge(logged, real, metric)
    lines, wrong = [], []
    for metric, name in METRICS:
        for budget, pairs in judged[metric].items():
            title = f"{name}, budgets of {budget}"
            lines.append(totals(title, pairs))
            wrong += wrong_lines(title, pairs)
        lines.append(totals(f"**{name}, all**", sum(judged[metric].values(), [])))
    assert LOG[1] in STUDENT and TRUTH[1] in STUDENT
    settings = " ".join(f"`{word}`" for word in (*COMMON[1:], *WHOLE[:-1]))
    write("results/ranking.md", [
        "# Which of two policies is better, by the log and in the market",
        "",
        f"Commit {commit()}. Made by `make results RESULTS=ranking`: `scenarios/market48.yaml` with "
        f"{settings}, `market.contenders=[{', '.join(POLICIES)}]` and budgets of "
        f"{', '.join(BUDGETS)} of its own (where a tenth of its opportunities makes 0.1 as tight as "
        f"that market): {len(POLICIES) * (len(POLICIES) - 1) // 2} pairs of policies in each of "
        f"{len(BUDGETS)} markets.",
        "",
        f"- By the log: periods {LOG[0]} to {LOG[0] + LOG[1] - 1}, each policy in each of the 12 "
        "advertisers' places against the offers that the log holds (`market.rivals=fixed`). The "
        "verdict is clear where Student's 95 % interval over these periods leaves out 0.",
        f"- In truth: periods {TRUTH[0]} to {TRUTH[0] + TRUTH[1] - 1}, the market sold anew for each "
        "policy and place, every rival answering (`market.rivals=reacting`).",
        "",
        "Asked: that 95 % of the clear verdicts have the sign of the truth. *truth unclear* are those "
        "of the wrong ones whose true difference is itself within its error. *inside*: pairs whose "
        "interval holds the true difference, which it need not, since it knows nothing of rivals "
        "that answer.",
        "",
        "| by | pairs | unclear | clear | right | right, % of clear | wrong, truth unclear "
        "| inside, % |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *lines,
        "",
        "## Clear and wrong",
        "",
        *(["| by | pair | by the log, % | in truth, % |", "|---|---|---:|---:|", *wrong] if wrong
          else ["None."]),
    ])
