"""results/planted.md: networks on planted impressions, whose law of clicks is known.

The study program (tests/bench/study_planted.c) trains every variant in turn on the first 80 % of
the rows of each seed and prices the rest. ROWS (120000), SEEDS ("2 3 4"), JOBS (1) and STUDY (the
program, built otherwise) may be set. Finished seeds are kept and not run again.
"""
import json
import os
import subprocess

from retention import over_seeds, seeds_interval
from tables import commit, number, say, write

WORK = "build/results/planted"
COMMON = "rate=0.003,batch=256,start=0.3,epochs=3"
ROWS = int(os.environ.get("ROWS", "120000"))
JOBS = os.environ.get("JOBS", "1")
# Name: type, parameters, words. The first is what the others are held against.
SHORT = {
    "infnet": ("infnet", "", "INFNet"),
    "mlp": ("mlp", "", "MLP beside a factorisation machine (DeepFM's class)"),
    "fm": ("mlp", "deep=off", "factorisation machine alone"),
    "mean": ("infnet", "hubs=mean", "INFNet, hubs get mean tokens (no attention)"),
    "learned": ("infnet", "hub_start=learned", "INFNet, hubs start the same for all rows"),
    "off": ("infnet", "broadcast=off", "INFNet without broadcast"),
    "token": ("infnet", "broadcast=token", "INFNet, a gate of each token's own"),
    "end": ("infnet", "tasks=end", "INFNet, tasks at the end alone"),
    "events": ("infnet", "sequence=events", "INFNet, events read by attention"),
    "codes": ("infnet", "sequence=codes", "INFNet, events read by 64 codes (VQL)"),
    "codes16": ("infnet", "sequence=codes,codes=16", "INFNet, events read by 16 codes (VQL)"),
}
LONG = {name: SHORT[name] for name in ("infnet", "mlp", "events", "codes", "codes16")}
STUDIES = ((12, SHORT), (48, LONG))


def program():
    """The study program; STUDY names one that is built already."""
    built = "build/release/tests/bench/study_planted"
    if "STUDY" not in os.environ:
        subprocess.run(["make", "-s", built], check=True)
    return os.environ.get("STUDY", built)


def study(past, variants, seed):
    """A dictionary of each variant's figures, and of the truth's."""
    path = f"{WORK}/{past}-{seed}.json"
    asked = [ROWS, COMMON, json.loads(json.dumps(variants))]
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            kept = json.load(file)
        if kept["asked"] == asked:
            return kept
    say(f"planted: pasts of {past}, seed {seed}")
    words = [f"{name}:{kind}:{COMMON}{',' if flags else ''}{flags}"
             for name, (kind, flags, _) in variants.items()]
    printed = subprocess.run([program(), str(ROWS), str(past), seed, JOBS, *words], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    lines = (line.split("\t") for line in printed.splitlines())
    found = {"asked": asked, "commit": commit(),
             "figures": {line[0]: [float(cell) for cell in line[1:]] for line in lines}}
    os.makedirs(WORK, exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
    os.replace(path + ".new", path)
    return found


def row(name, words, found):
    figures = [seed["figures"][name] for seed in found]
    truths = [seed["figures"]["truth"] for seed in found]

    def mean(index, decimals):
        return number(sum(one[index] for one in figures) / len(figures), decimals)

    apart = ", ".join(f"{number(one[5], 4)} ({number(one[6], 4)}, {number(one[7], 4)})"
                      for one in figures)
    is_first = all(one[5] == 0 for one in figures)
    below_best = over_seeds([truth[2] - one[2] for truth, one in zip(truths, figures)], 4)
    return (f"| {words} | {mean(0, 0)} | {mean(1, 1)} | {mean(2, 4)} | {mean(3, 4)} "
            f"| {mean(4, 4)} | {'-' if is_first else over_seeds([one[5] for one in figures], 4)} "
            f"| {'-' if is_first else apart} | {below_best} |")


def verdict(variants, found):
    """Which variants are told apart from the first over the seeds, in words."""
    named = {"Below the INFNet": [], "Above it": [], "Not told apart from it": []}
    for name in list(variants)[1:]:
        low, high = seeds_interval([seed["figures"][name][5] for seed in found])
        side = 0 if low > 0 else 1 if high < 0 else 2
        list(named.values())[side].append(variants[name][2].removeprefix("INFNet, "))
    said = [f"{title}: {'; '.join(words)}." for title, words in named.items() if words]
    return "Over the seeds. " + " ".join(said)


def table(past, variants, found):
    truths = [seed["figures"]["truth"] for seed in found]
    means = [sum(truth[i] for truth in truths) / len(truths) for i in range(5)]
    lines = [
        "", f"## Pasts of up to {past} events", "",
        "| variant | numbers | s a pass | AUC, clicks | AUC, conversions of clicks "
        "| log loss, clicks | below the INFNet | the same by seed | below the best |",
        "|---|---:|---:|---:|---:|---:|---:|---|---:|",
        f"| the truth | | | {number(means[2], 4)} | {number(means[3], 4)} "
        f"| {number(means[4], 4)} | | | 0 |",
    ]
    lines += [row(name, words, found) for name, (_, _, words) in variants.items()]
    return lines + (["", verdict(variants, found)] if len(found) > 1 else [])


def make():
    seeds = os.environ.get("SEEDS", "2 3 4").split()
    studies = [(past, variants, [study(past, variants, seed) for seed in seeds])
               for past, variants in STUDIES]
    commits = sorted({one["commit"] for _, _, found in studies for one in found})
    lines = [
        "# Planted interactions",
        "",
        f"Seeds {', '.join(seeds)}, commit {', '.join(commits)}. Written by `make results "
        f"RESULTS=planted`. {ROWS:,} rows a seed, each user some five times as many as a past "
        "holds, the first 80 % learnt, the rest priced; the law is in include/sim/log/planted.h: "
        "crosses of interest, advertiser, exchange, slot and creative, and a past that acts by an "
        "event's advertiser and exchange together, held against the advertiser at hand, and fades "
        "within a day. The law's constants and the INFNet's start were chosen on seed 1, which is "
        "not shown. A reader's kernel can be the law's (one of its three rates is one a day), and "
        "64 codes can hold the 32 kinds of event; 16 cannot. All variants with "
        f"`{COMMON}`; an embedding has 16 numbers. Numbers: of the network beside the table. s a "
        "pass: processor seconds, while other programs ran. Below the INFNet: the area of the "
        "INFNet's clicks less the variant's; in brackets the 95 % interval, Student's over the "
        "seeds, and by seed that of 400 resamples of the rows, paired. Below the best: the area "
        "of the true probabilities less the variant's.",
    ]
    for past, variants, found in studies:
        lines += table(past, variants, found)
    write("results/planted.md", lines)
