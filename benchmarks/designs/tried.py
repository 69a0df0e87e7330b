"""What else was tried with AutoAL: kernels, sharpness, spaces, shares of the prior, and searches.

    AUTOAL_DATA=FOLDER python -m benchmarks.designs.tried --keep

In the settings of `benchmarks.designs`, beside the design that is shipped.
"""

from functools import partial
from typing import Any

from autoal.search.autoal import AutoAL
from benchmarks.designs import compositions, spaces
from benchmarks.designs.__main__ import LEADS, SETTINGS, SHIPPED, shares, tables
from benchmarks.designs.compositions import Placed, composed
from benchmarks.designs.ridges import TunedFitNet
from benchmarks.paired import Field, Strategies, compare

# The version with which designs were chosen, whose herding ignored the model's predictions.
ALONE: dict[str, Any] = {"candidates": {"margin": {}}, "steps": 0, "space": "embedded"}
PLAIN: dict[str, Any] = {**ALONE, "sharpness": 1.0}

BESIDE: Strategies = {name: LEADS[name] for name in ("random", "uherding", "prior only")}

TRIED: Strategies = {
    # The kernel, on the margin alone, with the worth of rows as it is.
    **{
        f"kernel: labelled, {rule}": composed(compositions.ByLabelled, PLAIN, rule=rule)
        for rule in ("nearest two", "10 %", "mean")
    },
    "kernel: 1": partial(AutoAL, width=1.0, **PLAIN),
    "kernel: remoteness / 2": composed(compositions.Scaled, PLAIN, factor=0.5),
    "kernel: remoteness x 1.4": composed(compositions.Scaled, PLAIN, factor=1.4),
    "kernel: remoteness": partial(AutoAL, **PLAIN),
    # How strongly worth counts.
    **{
        f"sharpness {sharpness}": partial(AutoAL, sharpness=sharpness, **ALONE)
        for sharpness in (1.5, 2.0, 3.0, 4.0)
    },
    # Other positions of rows, with the prior.
    **{
        f"space: {what}{', evenly' * even} x {share}": partial(
            Placed, partial(spaces.said, what=what, share=share, even=even), **SHIPPED
        )
        for what, even, scales in (
            ("roots", False, (1.0, 1.5, 2.0)),
            ("roots", True, (1.0, 1.5, 2.0)),
            ("probs", True, (1.0, 2.0)),
            ("logits", True, (0.7, 1.0, 1.5, 2.0)),
        )
        for share in scales
    },
    "prior .7": shares(margin=0.7),
    "prior .5": shares(margin=0.5),
    "topk": partial(AutoAL, compose="topk", **SHIPPED),
    "power": partial(AutoAL, compose="power", **SHIPPED),
}

SEARCHED: Strategies = {
    "autoal": AutoAL,
    "weak pull": partial(AutoAL, pull=0.5),
    "strong pull": partial(AutoAL, pull=8.0),
    "even prior": partial(AutoAL, prior={}),
    "16 rehearsals": partial(AutoAL, rehearsals=16),
    "two thirds taught": partial(AutoAL, taught=0.67),
    "FitNet's ridge tuned": TunedFitNet,
    "weights of rows": partial(AutoAL, searchnet="rows", rehearsals=16),
}


if __name__ == "__main__":
    compare("designs_tried", SETTINGS, [Field({**BESIDE, **TRIED, **SEARCHED}, 3)], tables)
