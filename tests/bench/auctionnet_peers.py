"""Peers of bench_auctionnet.c. `csv FILE`: pandas.read_csv; `loop FOLDER`: the published offline
loop as plain NumPy, over columns that the benchmark dumped; `published FOLDER`: the same with the
histories that it keeps for its strategies, a tuple a row. Prints version and median seconds."""

import math
import sys
import time

TURNS = 5
SEATS = 48
MULTIPLIER = 87.3


def median_of(run):
    seconds = []
    for _ in range(TURNS):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return sorted(seconds)[TURNS // 2]


def read_csv(path):
    import pandas

    print(pandas.__version__, median_of(lambda: pandas.read_csv(path)))


def load(folder):
    import numpy as np

    counts = np.fromfile(folder + "/counts.i64", dtype=np.int64)
    columns = [np.fromfile(f"{folder}/{name}.f64") for name in ("values", "sigmas", "costs")]
    bounds = np.concatenate([[0], np.cumsum(counts * SEATS)])
    ticks = [
        [column[first:last].reshape(SEATS, -1) for column in columns]
        for first, last in zip(bounds[:-1], bounds[1:])
    ]
    return np, ticks, np.fromfile(folder + "/budgets.f64")


def play(np, values, sigmas, bids, costs):
    won = bids >= costs
    paid = costs * won
    rates = np.clip(np.random.normal(values, sigmas) * won, 0, 1)
    return won, paid.sum(), np.random.binomial(1, rates).sum()


def remember(np, history, values, sigmas, bids, costs, won):
    rows = range(len(values))
    history.append(np.array([(values[i], sigmas[i]) for i in rows]))
    history.append(np.array([(won[i], won[i], costs[i]) for i in rows]))
    history.append(np.array([(won[i], won[i]) for i in rows]))
    history.append(bids)


def evaluate(np, ticks, seat, left, keeps_history):
    total = 0
    history = []
    for columns in ticks:
        values, sigmas, costs = (column[seat] for column in columns)
        bids = MULTIPLIER * values if left >= 0.1 else np.zeros(len(values))
        won, cost, conversions = play(np, values, sigmas, bids, costs)
        while cost > left:
            winners = np.flatnonzero(won)
            drop = math.ceil(len(winners) * (cost - left) / (cost + 1e-4))
            bids[np.random.choice(winners, drop, replace=False)] = 0
            won, cost, conversions = play(np, values, sigmas, bids, costs)
        left -= cost
        total += conversions
        if keeps_history:
            remember(np, history, values, sigmas, bids, costs, won)
    return total


def loop(folder, keeps_history=False):
    np, ticks, budgets = load(folder)

    def run():
        np.random.seed(1)
        for seat in range(SEATS):
            evaluate(np, ticks, seat, budgets[seat], keeps_history)

    print(np.__version__, median_of(run))


def published(folder):
    loop(folder, keeps_history=True)


{"csv": read_csv, "loop": loop, "published": published}[sys.argv[1]](sys.argv[2])
