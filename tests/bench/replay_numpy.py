"""The replay of bench_replay.c as a NumPy loop over hours; prints version, seconds, outcome."""

import sys
import time

import numpy as np

HOUR_US = 3_600_000_000
TURNS = 5
FACTOR = 1e8 / 0.001
CAP = 300_000_000

folder = sys.argv[1]
times = np.fromfile(folder + "/time.i64", dtype=np.int64)
prices = np.fromfile(folder + "/price.i64", dtype=np.int64)
rates = np.fromfile(folder + "/pctr.f64", dtype=np.float64)


def replay():
    wins = spend = expected = 0
    bounds = np.searchsorted(times, np.arange(0, times[-1] + HOUR_US + 1, HOUR_US))
    for first, last in zip(bounds[:-1], bounds[1:]):
        rate, price = rates[first:last], prices[first:last]
        bid = np.minimum((rate * FACTOR).astype(np.int64), CAP)
        won = bid >= price
        wins += int(np.count_nonzero(won))
        spend += int(price[won].sum())
        expected += int(np.rint(rate[won] * 1e9).astype(np.int64).sum())
    return wins, spend, expected


seconds = []
for _ in range(TURNS):
    start = time.process_time()
    outcome = replay()
    seconds.append(time.process_time() - start)
print(np.__version__, sorted(seconds)[TURNS // 2], *outcome)
