#!/usr/bin/env python3
"""Open Bandit Pipeline's side of bench_evaluate.c: the same rounds, policy and modelled values.

bench_evaluate.py FILE REPLICATES prints VERSION, then NAME SECONDS VALUE a line: the processor
time of an estimate with its bootstrap interval.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../scripts/peers"))
import obp_values  # noqa: E402


def main():
    given = obp_values.feedback(obp_values.read_tensors(sys.argv[1]))
    print("version", obp_values.VERSIONS["obp"])
    for name, (estimator, has_model) in obp_values.peers().items():
        if not has_model:
            continue
        began = time.process_time()
        interval = estimator.estimate_interval(**given, n_bootstrap_samples=int(sys.argv[2]),
                                               random_state=1)
        print(name, time.process_time() - began, interval["mean"], flush=True)


if __name__ == "__main__":
    main()
