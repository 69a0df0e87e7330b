"""The parts that all checks of plugins share."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any, TypeVar

import numpy as np
import torch

Plugin = TypeVar("Plugin")


class BrokenPromiseError(AssertionError):
    """A plugin does not do what it should."""


def keep_promises(
    name: str, plugin: Plugin, promises: Mapping[str, Callable[[Plugin], None]]
) -> None:
    """Raise `BrokenPromiseError` for the first promise that the plugin does not keep."""
    with _streams_given_back():
        for promise, check in promises.items():
            try:
                check(plugin)
            except BrokenPromiseError as broken:
                raise BrokenPromiseError(f"{name} breaks a promise: {promise}; {broken}") from None
            except Exception as error:
                raise BrokenPromiseError(
                    f"{name} breaks a promise: {promise}; it raised {type(error).__name__}: {error}"
                ) from error


def demand(holds: bool, broken: str) -> None:
    """Raise an error that says what is broken, unless the promise is kept."""
    if not holds:
        raise BrokenPromiseError(broken)


@contextmanager
def about(case: str) -> Iterator[None]:
    """Name the case in the error if a promise is broken."""
    try:
        yield
    except BrokenPromiseError as broken:
        raise BrokenPromiseError(f"{case}, {broken}") from None
    except Exception as error:
        raise BrokenPromiseError(f"{case}, it raised {type(error).__name__}: {error}") from error


def seed_streams(seed: int) -> None:
    """Seed all global streams."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def streams() -> dict[str, Any]:
    """The states of the global streams, in a form that can be compared."""
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": pickle.dumps(np.random.get_state()),  # comparing arrays gives an array
        "random": random.getstate(),
    }


@contextmanager
def unmoved_streams() -> Iterator[None]:
    """Demand that the global streams do not move."""
    seed_streams(20_011)  # a seed that nobody would use
    before = streams()
    yield
    moved = [name for name, state in streams().items() if state != before[name]]
    demand(not moved, f"the stream of {' and '.join(moved)} was moved")


def from_file(state: dict[str, Any]) -> dict[str, Any]:
    """The state after a file was written and read, with only tensors unpickled."""
    file = BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@contextmanager
def _streams_given_back() -> Iterator[None]:
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        torch.set_rng_state(before[0])
        np.random.set_state(before[1])
        random.setstate(before[2])
