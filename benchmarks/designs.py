"""How AutoAL should compose a batch, and what it should search: everything that was tried.

    AUTOAL_DATA=FOLDER python -m benchmarks.designs --keep

The settings are those of `benchmarks.quality` on the data sets of DESIGNED_ON; on all others, which
no choice has seen, `benchmarks.quality` reports.
"""

from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from autoal import Scored, View
from autoal.maths.coverage import NARROWEST, adaptive_width, typical_width
from autoal.maths.geometry import neighbours, unit
from autoal.query import registry
from autoal.query.cover import Space
from autoal.search import compose
from autoal.search.autoal import AutoAL
from benchmarks.paired import Field, Strategies, compare
from benchmarks.quality import settings
from benchmarks.spaces import said

SETTINGS = {
    name: setting
    for name, setting in settings.SETTINGS.items()
    if setting.data in settings.DESIGNED_ON
}
SEEDS = 5


class Kernel(AutoAL):
    """Another rule for the width of the kernel, by the labelled rows' distances to each other."""

    def __init__(self, rule: str, **options: Any) -> None:
        super().__init__(**options)
        self.rule = rule

    def score(self, view: View, budget: int) -> Scored:
        labelled = unit(view.labelled.features.embeddings)
        if self.rule == "nearest two":  # as uherding
            width = adaptive_width(labelled, 1.0)
        else:
            apart = neighbours(labelled, labelled, 2)[0][:, 1]
            found = apart.mean() if self.rule == "mean" else apart.quantile(0.1)
            width = max(float(found), NARROWEST)
        self.composition = replace(self.composition, width=width)
        return super().score(view, budget)


class Scaled(AutoAL):
    """The usual kernel, wider or narrower by a factor."""

    def __init__(self, factor: float, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def score(self, view: View, budget: int) -> Scored:
        def scaled(remote: Tensor, default: float) -> float:
            return self.factor * typical_width(remote, default)

        with patch.object(compose, "typical_width", scaled):
            return super().score(view, budget)


class Placed(AutoAL):
    """Rows lie elsewhere for the herding."""

    def __init__(self, space: Space, **options: Any) -> None:
        super().__init__(**options)
        self.space = space

    def score(self, view: View, budget: int) -> Scored:
        with patch.dict(compose.SPACES, predicted=self.space):
            return super().score(view, budget)


# As designs were chosen before the herding heard what the model says.
ALONE: dict[str, Any] = {"candidates": {"margin": {}}, "steps": 0, "space": "embedded"}


def fixed(**options: Any) -> partial[AutoAL]:
    """AutoAL without a search, on the margin alone unless told otherwise."""
    return partial(AutoAL, **{**ALONE, **options})


def with_margin(name: str) -> partial[AutoAL]:
    """Without a search, with one other candidate beside the margin."""
    return fixed(candidates={"margin": {}, name: {}}, prior={"margin": 0.7})


VARIANTS: Strategies = {
    **{
        name: partial(registry.build, name)
        for name in ("random", "margin", "uherding", "maxherding", "typiclust", "badge")
    },
    # The kernel, on the margin alone, each row covered for its plain worth.
    "kernel: nearest two": partial(Kernel, "nearest two", sharpness=1.0, **ALONE),
    "kernel: labelled, 10 %": partial(Kernel, "10 %", sharpness=1.0, **ALONE),
    "kernel: labelled, mean": partial(Kernel, "mean", sharpness=1.0, **ALONE),
    "kernel: 1": fixed(sharpness=1.0, width=1.0),
    "kernel: remoteness / 2": partial(Scaled, 0.5, sharpness=1.0, **ALONE),
    "kernel: remoteness x 1.4": partial(Scaled, 1.4, sharpness=1.0, **ALONE),
    "kernel: remoteness": fixed(sharpness=1.0),
    # How much more a row counts that is worth more.
    "sharpness 1.5": fixed(sharpness=1.5),
    "sharpness 2": fixed(),
    "sharpness 3": fixed(sharpness=3.0),
    "sharpness 4": fixed(sharpness=4.0),
    # Where rows lie, with the prior and without a search.
    "space: embedded": partial(AutoAL, steps=0, space="embedded"),
    **{
        f"space: {what}{', evenly' * even} x {share}": partial(
            Placed, partial(said, what=what, share=share, even=even), steps=0
        )
        for what, even, shares in (
            ("roots", False, (1.0, 1.5, 2.0)),
            ("roots", True, (1.0, 1.5, 2.0)),
            ("probs", True, (1.0, 2.0)),
            ("logits", True, (0.7, 1.0, 1.5, 2.0)),
        )
        for share in shares
    },
    # Who votes, without a search.
    **{
        f"margin + {name}": with_margin(name)
        for name in ("entropy", "typiclust", "maxherding", "uherding", "badge")
    },
    "prior only": partial(AutoAL, steps=0),
    "prior only, .7": partial(AutoAL, steps=0, prior={"margin": 0.7}),
    "prior only, .5": partial(AutoAL, steps=0, prior={"margin": 0.5}),
    "uniform mix": partial(AutoAL, steps=0, prior={}),
    # The search.
    "autoal": AutoAL,
    "weak pull": partial(AutoAL, pull=0.5),
    "strong pull": partial(AutoAL, pull=8.0),
    "uniform prior": partial(AutoAL, prior={}),
    "16 rehearsals": partial(AutoAL, rehearsals=16),
    "two thirds taught": partial(AutoAL, taught=0.67),
    "weights of rows": partial(AutoAL, searchnet="rows", rehearsals=16),
    "unroll": partial(AutoAL, road="unroll"),
    "paper's objective": partial(AutoAL, road="paper"),
    "topk": partial(AutoAL, compose="topk"),
    "power": partial(AutoAL, compose="power"),
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    compare("designs", SETTINGS, [Field(VARIANTS, SEEDS)])
