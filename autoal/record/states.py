"""States as the bytes of files; only tensors and plain values are unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.record.checksums import demand_same
from autoal.record.layout import checksums_of


def packed(state: Mapping[str, Any]) -> bytes:
    """A state as bytes that are known to be readable."""
    try:
        return _proven(state)
    except Exception as error:  # pickle may raise anything
        unfit = " and the ".join(name for name, part in state.items() if not _is_fit(part))
        raise UserError(
            f"the state of the {unfit or 'run'} cannot be kept: `state_dict` may give "
            "tensors, numbers, texts, true, false, None, and lists and mappings of these"
        ) from error


def read_state(path: Path) -> dict[str, Any]:
    """The state in a file; a changed file is refused."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    demand_same(path, content, checksums_of(path), path.name)
    return unpacked(content, path)


def unpacked(content: bytes, path: Path) -> dict[str, Any]:
    """The state in the bytes of this file; messages name the file."""
    try:
        state = _unpacked(content)
    except Exception as error:  # torch and pickle may raise anything
        raise UserError(f"{path} is damaged, or was not written by a run") from error
    if not isinstance(state, dict):
        raise UserError(f"{path} holds a {type(state).__name__}, not a state")
    return state


def same_states(first: Any, second: Any) -> bool:
    """Whether two states, or parts of them, are equal in every number."""
    if type(first) is not type(second):
        return False
    if isinstance(first, Tensor):
        return first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(
            same_states(first[key], second[key]) for key in first
        )
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same_states, first, second))
    return bool(first == second)


def _proven(state: Any) -> bytes:
    file = BytesIO()
    torch.save(state, file)
    _unpacked(file.getvalue())
    return file.getvalue()


def _is_fit(part: Any) -> bool:
    try:
        _proven(part)
    except Exception:  # as above
        return False
    return True


def _unpacked(content: bytes) -> Any:
    return torch.load(BytesIO(content), weights_only=True, map_location="cpu")
