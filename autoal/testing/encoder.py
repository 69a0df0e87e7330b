"""Checks that an encoder keeps its promises."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.encoders.encoder import Encoder
from autoal.seeding import generator
from autoal.testing.promises import (
    demand,
    from_file,
    keep_promises,
    seed_streams,
    unmoved_streams,
)

CPU = torch.device("cpu")


def check_encoder(encoder: Encoder, pool: Rows | None = None, others: Rows | None = None) -> None:
    """Raise `BrokenPromiseError` for the first promise that the encoder does not keep.

    Args:
        encoder: to check; only copies of it learn, so it is not changed.
        pool: rows that it can learn from; small pictures if not given.
        others: rows that it can encode, such as a test set; likewise.
    """
    rows = _Sample(pool or _pictures("train", 24), others or _pictures("test", 8))
    checks = {promise: partial(check, rows) for promise, check in PROMISES.items()}
    keep_promises(type(encoder).__name__, encoder, checks)


class _Sample(NamedTuple):
    pool: Rows
    others: Rows


def _pictures(part: str, count: int) -> Rows:
    """Small generated pictures."""
    stream = generator(0, part)
    images = torch.randint(256, (count, 3, 16, 16), generator=stream, dtype=torch.uint8)
    return Rows(images, torch.arange(count) % 2, shown=images, part=part)


def _ready(encoder: Encoder, pool: Rows) -> Encoder:
    """A copy that has learnt from the pool."""
    copy = deepcopy(encoder)
    copy.learn(pool, CPU)
    return copy


def _encoded(encoder: Encoder, rows: _Sample) -> dict[str, Tensor]:
    ready = _ready(encoder, rows.pool)
    return {name: ready.encode(part, CPU) for name, part in rows._asdict().items()}


def _one_for_each(rows: _Sample, encoder: Encoder) -> None:
    encoded = _encoded(encoder, rows)
    for name, part in rows._asdict().items():
        lines = encoded[name]
        demand(isinstance(lines, Tensor), f"the {name} became a {type(lines).__name__}")
        demand(len(lines) == len(part), f"{len(part)} rows of the {name} became {len(lines)}")
    kinds = {name: (tensor.dtype, tuple(tensor.shape[1:])) for name, tensor in encoded.items()}
    demand(len(set(kinds.values())) == 1, f"the parts became different things: {kinds}")


def _finite(rows: _Sample, encoder: Encoder) -> None:
    for name, tensor in _encoded(encoder, rows).items():
        demand(bool(tensor.float().isfinite().all()), f"the {name} have NaN or infinite numbers")


def _key(rows: _Sample, encoder: Encoder) -> None:
    first, second = encoder.key(), encoder.key()
    demand(isinstance(first, str) and bool(first), f"the key was {first!r}")
    demand(first == second, "the key was different the second time")


def _repeatable(rows: _Sample, encoder: Encoder) -> None:
    seed_streams(1)
    first = _encoded(encoder, rows)
    seed_streams(2)
    for name, tensor in _encoded(encoder, rows).items():
        same = torch.equal(tensor, first[name])
        demand(same, f"the {name} became something else the second time")


def _streams_stay(rows: _Sample, encoder: Encoder) -> None:
    with unmoved_streams():
        _encoded(encoder, rows)


def _without_labels(rows: _Sample, encoder: Encoder) -> None:
    expected = _encoded(encoder, rows)
    blank = _Sample(*(part.without_labels() for part in rows))
    for name, tensor in _encoded(encoder, blank).items():
        demand(torch.equal(tensor, expected[name]), f"without labels, the {name} became others")


def _untouched(rows: _Sample, encoder: Encoder) -> None:
    before = [part.inputs.clone() for part in rows]
    _encoded(encoder, rows)
    for (name, part), inputs in zip(rows._asdict().items(), before, strict=True):
        demand(torch.equal(part.inputs, inputs), f"the inputs of the {name} were changed")


def _alone(rows: _Sample, encoder: Encoder) -> None:
    ready = _ready(encoder, rows.pool)
    whole = ready.encode(rows.others, CPU)
    first = ready.encode(rows.others.take(torch.tensor([0])), CPU)
    near = torch.allclose(first[0], whole[0], rtol=1e-4, atol=1e-5)
    demand(near, "alone, a row became something else")


def _state(rows: _Sample, encoder: Encoder) -> None:
    ready, other = _ready(encoder, rows.pool), deepcopy(encoder)
    other.load_state_dict(from_file(ready.state_dict()))
    same = torch.equal(other.encode(rows.others, CPU), ready.encode(rows.others, CPU))
    demand(same, "rows became something else after a state was saved and loaded")


PROMISES: dict[str, Callable[[_Sample, Encoder], None]] = {
    "the rows are left as they are": _untouched,
    "every row becomes one line of a tensor": _one_for_each,
    "what rows become is finite": _finite,
    "`key` is a text that stays the same": _key,
    "the same rows become the same, whatever the global seed": _repeatable,
    "the global streams stay where they are": _streams_stay,
    "labels take no part": _without_labels,
    "a row becomes the same whichever rows stand beside it": _alone,
    "`state_dict` holds all that was learnt": _state,
}
