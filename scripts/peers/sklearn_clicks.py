#!/usr/bin/env python3
"""scikit-learn's logistic regression on the hashed features that a model of Gavel's sees.

    gavel predict ctr.safetensors june.gvlog --to 2013-06-11 --examples train.safetensors
    gavel predict ctr.safetensors june.gvlog --from 2013-06-11 --examples test.safetensors -o test.csv
    sklearn_clicks.py train.safetensors test.safetensors test.csv

Both learn each example once, unweighted; the test's figures are weighted by what a sample stands
for. Prints JSON: the AUC and log loss of both, Gavel's from test.csv. Needs numpy, scipy and
scikit-learn.
"""
import csv
import json
import struct
import sys

import numpy as np
import scipy.sparse
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

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


def main():
    train, texts = read(sys.argv[1])
    test, _ = read(sys.argv[2])
    with open(sys.argv[3], encoding="utf-8") as file:
        own = np.array([float(row["pctr"]) for row in csv.DictReader(file)])
    weight = float(train["weights"].max())
    found = {}
    met = np.unique(train["buckets"])
    train_rows, test_rows = matrix(train, texts, met), matrix(test, texts, met)
    for strength in (0.3, 1.0):
        model = LogisticRegression(C=strength, max_iter=1000)
        model.fit(train_rows, train["clicks"])
        p = shifted(model.predict_proba(test_rows)[:, 1], weight)
        found[f"C={strength:g}"] = p
    truth, weights = test["clicks"], test["weights"].astype(np.float64)
    figures = {name: {"auc": roc_auc_score(truth, p, sample_weight=weights),
                      "log_loss": log_loss(truth, np.clip(p, 1e-15, 1 - 1e-15),
                                           sample_weight=weights)}
               for name, p in {**found, "gavel": own}.items()}
    print(json.dumps({"sklearn": sklearn.__version__, "numpy": np.__version__, "rows": len(truth),
                      "figures": figures}, indent=1))


if __name__ == "__main__":
    main()
