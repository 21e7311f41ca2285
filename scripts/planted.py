"""results/planted.md: networks on planted impressions, whose law of clicks is known.

The study program (tests/bench/study_planted.c) trains every variant in turn on the first 80 % of
the rows of each seed and prices the rest. ROWS (120000), SEEDS (1) and JOBS (1) may be set.
"""
import os
import subprocess

from tables import commit, number, write

STUDY = "build/release/tests/bench/study_planted"
COMMON = "rate=0.003,batch=256,start=0.3,epochs=3"
VARIANTS = (
    ("infnet", "infnet", "", "INFNet"),
    ("mlp", "mlp", "", "MLP beside a factorisation machine (DeepFM's class)"),
    ("fm", "mlp", "deep=off", "factorisation machine alone"),
    ("mean", "infnet", "hubs=mean", "INFNet, hubs get mean tokens (no attention)"),
    ("learned", "infnet", "hub_start=learned", "INFNet, hubs start the same for all rows"),
    ("off", "infnet", "broadcast=off", "INFNet without broadcast"),
    ("token", "infnet", "broadcast=token", "INFNet, a gate of each token's own"),
    ("end", "infnet", "tasks=end", "INFNet, tasks at the end alone"),
)


def study(rows, seed, jobs):
    """A dictionary of each variant's figures, and of the truth's."""
    subprocess.run(["make", "-s", STUDY], check=True)
    variants = [f"{name}:{kind}:{COMMON}{',' if flags else ''}{flags}"
                for name, kind, flags, _ in VARIANTS]
    printed = subprocess.run([STUDY, str(rows), str(seed), str(jobs), *variants], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    lines = (line.split("\t") for line in printed.splitlines())
    return {line[0]: [float(cell) for cell in line[1:]] for line in lines}


def row(words, figures, truth):
    numbers, seconds, clicks, conversions, loss, apart, low, high = figures
    return (f"| {words} | {number(numbers, 0)} | {number(seconds, 1)} | {number(clicks, 4)} "
            f"| {number(conversions, 4)} | {number(loss, 4)} "
            f"| {number(apart, 4)} ({number(low, 4)}, {number(high, 4)}) "
            f"| {number(truth[2] - clicks, 4)} |")


def make():
    rows = int(os.environ.get("ROWS", "120000"))
    seeds = os.environ.get("SEEDS", "1").split()
    jobs = int(os.environ.get("JOBS", "1"))
    lines = [
        "# Planted interactions",
        "",
        f"Written by `make results RESULTS=planted` at commit {commit()}. {rows:,} rows a seed, 60 "
        "a user, the first 80 % learnt, the rest priced; the law is in include/sim/log/planted.h: "
        "crosses of interest, advertiser, exchange, slot and creative, and a past that acts by an "
        "event's advertiser and exchange together, held against the advertiser at hand. All "
        f"variants with `{COMMON}`; an embedding has 16 numbers. Numbers: of the network beside "
        "the table. Below the INFNet: the area of the INFNet's clicks less the variant's, with the "
        "95 % interval of 400 resamples of the rows, paired. Below the best: the area of the true "
        "probabilities less the variant's.",
    ]
    for seed in seeds:
        found = study(rows, seed, jobs)
        truth = found["truth"]
        lines += [
            "", f"## Seed {seed}", "",
            "| variant | numbers | s a pass | AUC, clicks | AUC, conversions of clicks "
            "| log loss, clicks | below the INFNet | below the best |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            f"| the truth | | | {number(truth[2], 4)} | {number(truth[3], 4)} "
            f"| {number(truth[4], 4)} | | 0 |",
        ]
        lines += [row(words, found[name], truth) for name, _, _, words in VARIANTS]
    write("results/planted.md", lines)
