"""Whether an encoder keeps its promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.encoders.encoder import Encoder, Parts
from autoal.seeding import generator
from autoal.testing.promises import demand, keep_promises, seed_streams, unmoved_streams

CPU = torch.device("cpu")


def check_encoder(encoder: Encoder, parts: Parts | None = None) -> None:
    """Raise `BrokenPromiseError` for the first promise that the encoder does not keep.

    Args:
        encoder: to check.
        parts: rows that it can read, `train` and `test` among them; small pictures if not given.
    """
    rows = pictures() if parts is None else parts
    checks = {promise: partial(check, rows) for promise, check in PROMISES.items()}
    keep_promises(type(encoder).__name__, encoder, checks)


def pictures() -> dict[str, Rows]:
    """Small made pictures: 24 of a pool and 8 of a test set."""
    return {name: _pictures(name, count) for name, count in (("train", 24), ("test", 8))}


def _pictures(part: str, count: int) -> Rows:
    stream = generator(0, part)
    images = torch.randint(256, (count, 3, 16, 16), generator=stream, dtype=torch.uint8)
    return Rows(images, torch.arange(count) % 2, shown=images, part=part)


def _one_for_each(parts: Parts, encoder: Encoder) -> None:
    encoded = encoder.encode(parts, CPU)
    demand(set(encoded) == set(parts), f"it encoded {sorted(encoded)}, not {sorted(parts)}")
    for name, tensor in encoded.items():
        demand(isinstance(tensor, Tensor), f"`{name}` became a {type(tensor).__name__}")
        rows = len(parts[name])
        demand(len(tensor) == rows, f"{rows} rows of `{name}` became {len(tensor)}")
    kinds = {name: (tensor.dtype, tuple(tensor.shape[1:])) for name, tensor in encoded.items()}
    demand(len(set(kinds.values())) == 1, f"the parts became different things: {kinds}")


def _finite(parts: Parts, encoder: Encoder) -> None:
    for name, tensor in encoder.encode(parts, CPU).items():
        demand(bool(tensor.float().isfinite().all()), f"`{name}` has NaN or infinite numbers")


def _key(parts: Parts, encoder: Encoder) -> None:
    first, second = encoder.key(), encoder.key()
    demand(isinstance(first, str) and bool(first), f"the key was {first!r}")
    demand(first == second, "the key was another one at a second time")


def _repeatable(parts: Parts, encoder: Encoder) -> None:
    seed_streams(1)
    first = encoder.encode(parts, CPU)
    seed_streams(2)
    for name, tensor in encoder.encode(parts, CPU).items():
        demand(torch.equal(tensor, first[name]), f"`{name}` became something else the second time")


def _streams_stay(parts: Parts, encoder: Encoder) -> None:
    with unmoved_streams():
        encoder.encode(parts, CPU)


def _without_labels(parts: Parts, encoder: Encoder) -> None:
    blank = {name: rows.without_labels() for name, rows in parts.items()}
    expected = encoder.encode(parts, CPU)
    for name, tensor in encoder.encode(blank, CPU).items():
        demand(
            torch.equal(tensor, expected[name]), f"without labels, `{name}` became another thing"
        )


def _untouched(parts: Parts, encoder: Encoder) -> None:
    before = {name: rows.inputs.clone() for name, rows in parts.items()}
    encoder.encode(parts, CPU)
    for name, rows in parts.items():
        demand(torch.equal(rows.inputs, before[name]), f"the inputs of `{name}` were changed")


def _test_apart(parts: Parts, encoder: Encoder) -> None:
    expected = encoder.encode(parts, CPU)["train"]
    turned = parts["test"].take(torch.arange(len(parts["test"])).flip(0))
    found = encoder.encode({**parts, "test": replace(turned, places=None)}, CPU)["train"]
    demand(torch.equal(found, expected), "another test set changed what the pool becomes")


def _alone(parts: Parts, encoder: Encoder) -> None:
    if encoder.learns:
        return
    beside, alone = encoder.encode(parts, CPU), encoder.encode({"test": parts["test"]}, CPU)
    near = torch.allclose(alone["test"], beside["test"], rtol=1e-4, atol=1e-5)
    demand(near, "`learns` is False, and without the pool other rows become something else")


PROMISES: dict[str, Callable[[Parts, Encoder], None]] = {
    "the rows are left as they are": _untouched,
    "every row of every part becomes one line of a tensor": _one_for_each,
    "what rows become is finite": _finite,
    "`key` is a text that stays the same": _key,
    "the same rows become the same, whatever the global seed": _repeatable,
    "the global streams stay where they are": _streams_stay,
    "labels take no part": _without_labels,
    "the test set takes no part": _test_apart,
    "rows alone become the same, where it learns nothing from the pool": _alone,
}
