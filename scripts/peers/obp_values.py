"""Open Bandit Pipeline's estimators on arrays that Gavel wrote: see obp_check."""
import json

import numpy as np
import obp
import obp.ope

TAU, LAMBDA = 10, 100
DTYPES = {"F64": "<f8", "U32": "<u4"}
VERSIONS = {"obp": obp.__version__, "numpy": np.__version__}


def read_tensors(path):
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    return {name: np.frombuffer(data[8 + size:][slice(*at["data_offsets"])],
                                dtype=DTYPES[at["dtype"]]).reshape(at["shape"])
            for name, at in header.items() if name != "__metadata__"}


def feedback(tensors):
    """What obp's estimators take: every array by round, action and position."""
    rows = tensors["row"].astype(int)
    count, positions = len(rows), len(tensors["policy"])
    policy = np.broadcast_to(tensors["policy"].T[None], (count, *tensors["policy"].T.shape))
    values = np.repeat(tensors["value"][:, :, None], positions, axis=2)
    return {"reward": tensors["reward"], "action": tensors["action"].astype(int),
            "position": rows, "pscore": tensors["propensity"], "action_dist": policy,
            "estimated_rewards_by_reg_model": values}


def peers():
    """By Gavel's names; obp's shrunk IPS is its shrunk DR without a model."""
    ope = obp.ope
    return {"dm": (ope.DirectMethod(), True),
            "ips": (ope.InverseProbabilityWeighting(), True),
            "snips": (ope.SelfNormalizedInverseProbabilityWeighting(), True),
            "shrunk_ips": (ope.DoublyRobustWithShrinkage(lambda_=LAMBDA), False),
            "switch": (ope.SwitchDoublyRobust(tau=TAU), True),
            "dr": (ope.DoublyRobust(), True),
            "sndr": (ope.SelfNormalizedDoublyRobust(), True),
            "dros": (ope.DoublyRobustWithShrinkage(lambda_=LAMBDA), True)}


def values_of(tensors):
    given = feedback(tensors)
    bare = dict(given, estimated_rewards_by_reg_model=np.zeros_like(
        given["estimated_rewards_by_reg_model"]))
    return {name: float(estimator.estimate_policy_value(**(given if has_model else bare)))
            for name, (estimator, has_model) in peers().items()}
