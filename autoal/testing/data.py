"""Checks that a data set keeps its promises."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch

from autoal.data.contract import Data, Loaded
from autoal.data.rows import Rows
from autoal.data.sound import demand_finite_rows, demand_sound
from autoal.data.texts import are_texts
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
    return Loaded(ready.train, ready.test, ready.validation).there()


def _sound(data: Data) -> None:
    demand_sound(_parts(data), _ready(data).classes)
    demand_finite_rows(_parts(data))


def _repeatable(data: Data) -> None:
    seed_streams(1)
    first = _parts(data)
    seed_streams(2)
    for name, rows in _parts(data).items():
        same = torch.equal(rows.inputs, first[name].inputs)
        same = same and torch.equal(rows.labels, first[name].labels)
        demand(same, f"`{name}` was different the second time")


def _streams_stay(data: Data) -> None:
    with unmoved_streams():
        _ready(data)


def _preprocessed(data: Data) -> None:
    ready = _ready(data)
    if are_texts(ready.train):  # which an encoder reads
        return
    preprocess = ready.preprocess().eval()
    for name, rows in _parts(data).items():
        given = preprocess(rows.inputs[:8])
        demand(len(given) == len(rows.inputs[:8]), f"it turned rows of `{name}` into {len(given)}")
        demand(bool(given.float().isfinite().all()), f"`{name}` became numbers that are not finite")


PROMISES: dict[str, Callable[[Data], None]] = {
    "its parts are rows of one kind, each of a class": _sound,
    "the same rows come every time, whatever the global seed": _repeatable,
    "the global streams stay where they are": _streams_stay,
    "`preprocess` turns rows into finite numbers": _preprocessed,
}
