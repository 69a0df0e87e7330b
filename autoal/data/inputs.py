"""Rows in memory in any form: numbers as one tensor, cells one by one."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autoal.errors import UserError


def tensor_of(values: Any, what: str, hint: str = "", *, single: bool = False) -> Tensor:
    """A tensor from any kind of array, independent of later changes to the array.

    Args:
        values: a tensor, an array, a data frame, or a list of numbers or arrays.
        what: their name in a message.
        hint: what helps if they are not numbers.
        single: convert doubles to single precision.
    """
    if isinstance(values, Tensor):
        narrow = single and values.dtype == torch.float64
        return values.detach().float() if narrow else values.detach().clone()
    if hasattr(values, "to_numpy"):  # frames and columns of pandas and polars
        values = _unboxed(values.to_numpy())
    array = values if isinstance(values, np.ndarray) else _stacked(values, what)
    if array.dtype.kind not in "biuf":
        raise UserError(f"{what} must be numbers, got {array.dtype}{hint}")
    with np.errstate(over="ignore"):  # numbers too large for single precision become infinite
        return torch.from_numpy(array.astype(_kept_as(array.dtype, single)))


def _kept_as(dtype: np.dtype[Any], single: bool) -> np.dtype[Any]:
    """The tensor type for numbers of this type."""
    if dtype.kind == "u" and dtype.itemsize > 1:  # torch supports these poorly
        return np.dtype(np.int64)
    if dtype.kind == "f" and dtype.itemsize > 4 and single:
        return np.dtype(np.float32)
    return dtype.newbyteorder("=")


def all_finite(tensor: Tensor) -> bool:
    """Whether no number is NaN or infinite; found without a copy of the numbers."""
    return not tensor.numel() or all(bool(end.isfinite()) for end in tensor.aminmax())


def inputs_of(rows: Any, *, single: bool = False) -> Tensor:
    """One tensor of all rows, (n, ...); rows that do not fit into one are refused.

    Args:
        rows: a tensor, an array, a data frame, or a list.
        single: convert doubles to single precision.
    """
    tensor = tensor_of(rows, "inputs", ": texts need an encoder first", single=single)
    if tensor.ndim < 2:
        raise UserError(
            f"inputs must have a line for each row, (rows, ...), got {tuple(tensor.shape)}"
        )
    if tensor.is_complex():
        raise UserError(f"inputs must be real numbers, got {tensor.dtype}")
    if tensor.is_floating_point() and not all_finite(tensor):
        raise UserError("some inputs are NaN or infinite")
    return tensor


def _unboxed(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Numbers that a frame stores as objects, as pandas does if one could be missing."""
    numbers = array.dtype == object and all(isinstance(value, Real) for value in array.flat)
    return array.astype(np.float64) if numbers else array


def _stacked(values: Any, what: str) -> np.ndarray[Any, Any]:
    if not isinstance(values, Iterable):
        return np.asarray(values)
    items = [np.asarray(item) for item in values]
    shapes = sorted({item.shape for item in items})
    if len(shapes) > 1:
        raise UserError(
            f"{what}: the rows have different shapes, such as {shapes[0]} and {shapes[-1]}: pad or "
            "resize them, or give features from an encoder of your own"
        )
    return np.asarray(items)


def is_absent(value: Any) -> bool:
    """Whether a value is missing: None, NaN, or a missing value of pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, Real) and bool(value != value)


def cells_of(rows: Any) -> Iterable[Any]:
    """Rows in memory one by one; those of a frame keep the types of their columns."""
    if hasattr(rows, "itertuples"):  # of pandas
        return rows.itertuples(index=False, name=None)
    if hasattr(rows, "iter_rows"):  # of polars
        return rows.iter_rows()
    return rows.tolist() if hasattr(rows, "tolist") else rows
