"""A strategy's turn, after which everything is as it was for the others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from autoal.errors import UserError
from autoal.query.view import View

# How the process computes, and its working directory: a getter and a setter for each.
PROCESS: tuple[tuple[Any, Any], ...] = (
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (os.getcwd, os.chdir),
)


class _WrittenError(UserError):
    """A strategy wrote to what it may only read."""


@contextmanager
def turn(name: str, view: View) -> Iterator[None]:
    """A strategy's turn to read a view; one that writes to it is refused.

    Args:
        name: of the strategy.
        view: which everybody reads.
    """
    try:
        with _process_as_it_was():
            yield
    except _WrittenError:  # in a turn inside this one, which names the culprit
        raise
    except Exception:
        _demand_unchanged(name, view)  # which may be the cause, and would look like another's fault
        raise
    _demand_unchanged(name, view)


def _demand_unchanged(name: str, view: View) -> None:
    changed = view.changed()
    if changed:
        raise _WrittenError(
            f"{name} changed what it was to read: {', '.join(changed)} of the view; "
            "let it work on a copy, such as view.pool.embeddings.clone()"
        )


@contextmanager
def _process_as_it_was() -> Iterator[None]:
    before = [told() for told, _ in PROCESS]
    try:
        yield
    finally:
        for (told, set_to), value in zip(PROCESS, before, strict=True):
            if told() != value:
                set_to(value)
