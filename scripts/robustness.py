"""results/robustness.md: policies on days that nobody planned for.

One run a condition, in which every policy takes every advertiser's place against the others'
recorded offers; its outcome is kept in build/robustness/ until its settings change.
"""
import math
import os

import entrants
from tables import interval, league, write

WORK = "build/robustness"
POLICIES = "direct ebaret egdb mcpa online_lp oracle_slot"
DELAY_S = 6 * 3600 / math.log(2)  # the mean of an exponential whose median is 6 h

# What is set, and what it is, by the condition's name.
CONDITIONS = {
    "budget 50 %": (("market.contender_budget=0.5",),
                    "the budget of the advertiser whose place is taken, and no other's"),
    "budget 75 %": (("market.contender_budget=0.75",), ""),
    "budget 100 %": ((), "the market as published: what all others are to be compared with"),
    "budget 125 %": (("market.contender_budget=1.25",), ""),
    "budget 150 %": (("market.contender_budget=1.5",), ""),
    "demand shock": (("traffic.shock_from=24", "traffic.shock_to=30", "traffic.shock_volume=2"),
                     "twice the opportunities from 12:00 to 15:00"),
    "rivals double": (("advertisers.bid_scale=[2, 1, 1, 1, 1, 1, 1, 1]",
                       "advertisers.bid_scale_from=24"),
                      "one rival in eight, one of each category, bids twice as high from 12:00 on"),
    "values x 0.7": (("market.contender_belief=0.7",),
                     "the policy takes its values for 0.7 times what they are"),
    "values x 1.4": (("market.contender_belief=1.4",), "or for 1.4 times"),
    "knows 75 %": (("market.contender_cold=0.25",),
                   "of a quarter of opportunities it knows nothing, and takes them to be worth "
                   "what one is on the period's average"),
    "knows 50 %": (("market.contender_cold=0.5",), "or of half of them"),
    "knows nothing": (("market.contender_cold=1",), "or of any"),
    "1 tick old": (("market.contender_stale=1",),
                   "it takes each half hour to be as good, on average, as the one before was; "
                   "levels change every four hours"),
    "3 ticks old": (("market.contender_stale=3",), "or as an hour and a half ago"),
    "conversions late": ((f"market.delay={DELAY_S:.0f}s",),
                         "conversions become known after an exponential delay of median 6 h; those "
                         "behind the period's end count, too"),
    "12 advertisers": (("advertisers.count=12",),
                       "the first 12 budgets and CPAs, two advertisers of each category"),
    "96 advertisers": (("advertisers.count=96",),
                       "each budget and CPA twice, sixteen advertisers of each category"),
}

FIGURES = (("Score", "score", 2, 1), ("Score over the oracle's of the same condition, %",
                                      "score_share", 1, 100),
           ("Advertisers over their CPA, %", "over_cpa", 1, 100),
           ("CPA, % of its target", "cpa_of_target", 1, 100))


def slug(condition):
    return "".join(c if c.isalnum() else "_" for c in condition)


def policies():
    """The oracle is always there, and last: it is what the others are measured by."""
    named = [name for name in entrants.words("POLICIES", POLICIES) if name != entrants.ORACLE]
    return [*named, *(name for name in entrants.networks() if name not in named), entrants.ORACLE]


def conditions():
    """Those of the variable CONDITIONS, as "12 advertisers,demand shock", or all."""
    chosen = [name.strip() for name in os.environ.get("CONDITIONS", "").split(",") if name.strip()]
    for name in chosen:
        if name not in CONDITIONS:
            raise ValueError(f"there is no condition '{name}'; there are {', '.join(CONDITIONS)}")
    return {name: CONDITIONS[name] for name in chosen or CONDITIONS}


def table(title, outcomes, figure, decimals, scale):
    names = policies()
    lines = [f"## {title}", "", "| condition | " + " | ".join(names) + " |",
             "|---|" + "---|" * len(names)]
    for condition, outcome in outcomes.items():
        figures = {row["policy"]: row["figures"] for row in outcome["league"]["policies"]}
        shown = [interval(figures[name][figure], decimals, scale) for name in names]
        lines.append(f"| {condition} | " + " | ".join(shown) + " |")
    return lines + [""]


def make():
    common = [*entrants.settings(), f"market.contenders=[{', '.join(policies())}]"]
    outcomes = {name: league(entrants.MARKET, f"{WORK}/{slug(name)}", common + list(words))
                for name, (words, _) in conditions().items()}
    commits = sorted({outcome["commit"] for outcome in outcomes.values()})
    lines = [
        "# Policies on days that nobody planned for",
        "",
        f"Seed 1, commit {', '.join(commits)}. Made by `make results RESULTS=robustness`: "
        f"`{entrants.MARKET}`, {entrants.span()}. In each condition a policy takes every "
        "advertiser's place, one after another, against the others' recorded offers, and the "
        "oracle, which knows that day, does so, too. Nothing that policies learn from has any of "
        "these disturbances. Brackets hold 95 % intervals of a bootstrap (BCa) over whole periods "
        "with all their advertisers, or over advertisers and periods where there are fewer than "
        "ten periods.",
        "",
        *(f"- {name}: {text or 'likewise'}; " + (" ".join(f"`{word}`" for word in words)
                                                   or "nothing is set")
          for name, (words, text) in conditions().items()),
        "",
    ]
    for title, figure, decimals, scale in FIGURES:
        lines += table(title, outcomes, figure, decimals, scale)
    write("results/robustness.md", lines[:-1])
