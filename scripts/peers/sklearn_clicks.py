#!/usr/bin/env python3
"""scikit-learn's logistic regression on the hashed features that a model of Gavel's sees.

    gavel predict ctr.safetensors june.gvlog --to 2013-06-10 --examples early.safetensors
    gavel predict ctr.safetensors june.gvlog --from 2013-06-10 --to 2013-06-11 --examples late.safetensors
    gavel predict ctr.safetensors june.gvlog --to 2013-06-11 --examples train.safetensors
    gavel predict ctr.safetensors june.gvlog --from 2013-06-11 --examples test.safetensors
    sklearn_clicks.py early.safetensors late.safetensors train.safetensors test.safetensors

Each example is learnt once, unweighted. The strength C is the one that predicts `late` best after
`early`; then it learns `train`. Figures on `test` are weighted by what a sample stands for. Prints
JSON. Needs numpy, scipy and scikit-learn.
"""
import json
import struct
import sys

import numpy as np
import scipy.sparse
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
TYPES = {"U32": "<u4", "F32": "<f4"}


def read(path):
    """The tensors and texts of a safetensors file."""
    with open(path, "rb") as file:
        data = file.read()
    size, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    texts = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[8 + size + first:8 + size + end], TYPES[entry["dtype"]])
    return tensors, texts


def matrix(tensors, texts, met):
    """One row an example, one column a bucket that training met; a value that is there twice is 2."""
    count = len(tensors["clicks"])
    width = (len(tensors["starts"]) - 1) // count
    ends = tensors["starts"][::width]
    values = np.ones(len(tensors["buckets"]), np.float64)
    whole = scipy.sparse.csr_matrix((values, tensors["buckets"], ends),
                                    shape=(count, 1 << int(texts["bits"])))
    return whole.tocsc()[:, met].tocsr()


def shifted(p, weight):
    """Odds of a sample that holds one negative in `weight`, brought back to the whole's."""
    odds = p / (1 - p) / weight
    return odds / (1 + odds)


def fitted(train, tests, texts, strength):
    """What is predicted of each of `tests`."""
    weight = float(train["weights"].max())
    met = np.unique(train["buckets"])
    model = LogisticRegression(C=strength, max_iter=1000)
    model.fit(matrix(train, texts, met), train["clicks"])
    return [shifted(model.predict_proba(matrix(test, texts, met))[:, 1], weight) for test in tests]


def figures(test, p):
    weights = test["weights"].astype(np.float64)
    return {"auc": roc_auc_score(test["clicks"], p, sample_weight=weights),
            "log_loss": log_loss(test["clicks"], np.clip(p, 1e-15, 1 - 1e-15),
                                 sample_weight=weights)}


def main():
    (early, texts), (late, _), (train, _), (test, _) = map(read, sys.argv[1:5])
    tried = {strength: figures(late, fitted(early, [late], texts, strength)[0])
             for strength in STRENGTHS}
    chosen = min(tried, key=lambda strength: tried[strength]["log_loss"])
    found = figures(test, fitted(train, [test], texts, chosen)[0])
    print(json.dumps({"sklearn": sklearn.__version__, "numpy": np.__version__, "strength": chosen,
                      **found}, indent=1))


if __name__ == "__main__":
    main()
