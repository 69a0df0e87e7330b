"""The preprocessing of stored rows into a network's input, kept beside the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from autoal.data.contract import Standardise
from autoal.data.images import Preprocess
from autoal.errors import UserError

PICTURES, NUMBERS, READY = "pictures", "numbers", "ready"


def preprocessing_state(preprocess: nn.Module) -> dict[str, Any]:
    """Everything needed to rebuild it, except training augmentation."""
    if type(preprocess) is Preprocess:
        kept = {"mean": preprocess.mean, "std": preprocess.std, "scale": preprocess.scale}
        return {"kind": PICTURES, **kept}
    if type(preprocess) is Standardise:
        return {"kind": NUMBERS, "mean": preprocess.mean, "std": preprocess.std}
    if type(preprocess) is nn.Identity:  # for whole numbers from an encoder
        return {"kind": READY}
    raise UserError(
        f"rows go through {type(preprocess).__name__} before training, and only AutoAL's "
        "Preprocess and Standardise, or none, can be kept beside a model"
    )


def preprocessing_of(state: Mapping[str, Any]) -> nn.Module:
    """The preprocessing with this state, without augmentation."""
    if state["kind"] == READY:
        return nn.Identity()
    if state["kind"] == NUMBERS:
        return Standardise(state["mean"], state["std"])
    mean, std = (state[name].flatten().tolist() for name in ("mean", "std"))
    return Preprocess(mean, std, scale=state["scale"])
