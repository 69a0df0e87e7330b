"""Whether a data set keeps its promises."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch

from autoal.data.contract import Data
from autoal.data.rows import UNKNOWN, Rows
from autoal.testing.promises import demand, keep_promises, seed_streams, unmoved_streams


def check_data(data: Data) -> None:
    """Raise `BrokenPromiseError` for the first promise that the data set does not keep.

    Give one that is not set up yet; it is left as it is.
    """
    keep_promises(type(data).__name__, data, PROMISES)


def _ready(data: Data) -> Data:
    fresh = deepcopy(data)
    fresh.setup()
    return fresh


def _parts(data: Data) -> dict[str, Rows]:
    ready = _ready(data)
    parts = {"train": ready.train, "test": ready.test, "validation": ready.validation}
    return {name: rows for name, rows in parts.items() if rows is not None}


def _rows(data: Data) -> None:
    for name, rows in _parts(data).items():
        demand(isinstance(rows, Rows), f"`{name}` is a {type(rows).__name__}, not Rows")
        demand(len(rows) > 0, f"`{name}` has no rows")
        demand(
            rows.labels.dtype == torch.long and rows.labels.shape == (len(rows),),
            f"the labels of `{name}` are {rows.labels.dtype} {tuple(rows.labels.shape)}",
        )


def _same_kind(data: Data) -> None:
    kinds = {name: (rows.inputs.dtype, rows.shape) for name, rows in _parts(data).items()}
    demand(len(set(kinds.values())) == 1, f"its parts are of different kinds: {kinds}")


def _classes(data: Data) -> None:
    ready = _ready(data)
    names = tuple(ready.classes)
    demand(len(names) > 1, f"it has {len(names)} classes")
    demand(len(set(names)) == len(names), f"a class is named twice: {names}")
    for name, rows in _parts(data).items():
        least = UNKNOWN if name == "train" else 0
        low, high = int(rows.labels.min()), int(rows.labels.max())
        demand(
            least <= low and high < len(names),
            f"the labels of `{name}` go from {low} to {high}, the classes to {len(names) - 1}",
        )


def _finite(data: Data) -> None:
    for name, rows in _parts(data).items():
        if rows.inputs.is_floating_point():
            demand(bool(rows.inputs.isfinite().all()), f"`{name}` has inputs that are not finite")


def _shown(data: Data) -> None:
    for name, rows in _parts(data).items():
        for what in ("shown", "names"):
            given = getattr(rows, what)
            fits = given is None or len(given) == len(rows)
            demand(fits, f"`{what}` of `{name}` has not one entry for each row")


def _repeatable(data: Data) -> None:
    seed_streams(1)
    first = _parts(data)
    seed_streams(2)
    for name, rows in _parts(data).items():
        same = torch.equal(rows.inputs, first[name].inputs)
        same = same and torch.equal(rows.labels, first[name].labels)
        demand(same, f"`{name}` was another one at a second time")


def _streams_stay(data: Data) -> None:
    with unmoved_streams():
        _ready(data)


def _preprocessed(data: Data) -> None:
    ready = _ready(data)
    preprocess = ready.preprocess().eval()
    for name, rows in _parts(data).items():
        given = preprocess(rows.inputs[:8])
        demand(len(given) == len(rows.inputs[:8]), f"it turned rows of `{name}` into {len(given)}")
        demand(bool(given.float().isfinite().all()), f"`{name}` became numbers that are not finite")


PROMISES: dict[str, Callable[[Data], None]] = {
    "its parts are Rows with a label each": _rows,
    "all parts are of one kind": _same_kind,
    "labels are classes, or -1 in the pool": _classes,
    "inputs are finite": _finite,
    "what a person sees is there for every row": _shown,
    "the same rows come every time, whatever the global seed": _repeatable,
    "the global streams stay where they are": _streams_stay,
    "`preprocess` turns rows into finite numbers": _preprocessed,
}
