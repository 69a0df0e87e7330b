"""Rows that are not held in memory: a tensor read in pieces when somebody needs it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from math import prod
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from autoal.errors import UserError

NOT_SHARED = (
    "rows that stay on disk cannot be pickled or put into shared memory: "
    "read them with held(), or give data.memory=ram"
)
PIECE = 32 << 20  # approximate bytes of rows read together

Item = TypeVar("Item")
Made = TypeVar("Made")
Read = Callable[[Tensor], Tensor]  # from places (n,) long to the rows there, (n, ...)


class LazyTensor(Tensor):
    """Rows at some places of their source.

    Row numbers, masks and slices select rows without reading; any other operation reads all rows,
    and gives the same result as for a tensor in memory.

    Args:
        read: returns the rows at some places.
        places: of the rows, (n,) long.
        like: a tensor of such rows, for their layout in memory.
    """

    # Results are plain tensors.
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, read: Read, places: Tensor, like: Tensor) -> LazyTensor:
        shape = like.shape[1:]
        strides = (prod(shape), *like.stride()[1:])
        size = (len(places), *shape)
        return torch.Tensor._make_wrapper_subclass(cls, size, strides=strides, dtype=like.dtype)

    def __init__(self, read: Read, places: Tensor, like: Tensor) -> None:
        self._read, self._places, self._like = read, places, like

    @classmethod
    def of(cls, tensor: Tensor) -> LazyTensor:
        """The rows of a tensor that is mapped from a file."""
        return cls(lambda places: tensor[places], torch.arange(len(tensor)), tensor)

    def held(self) -> Tensor:
        """The rows themselves."""
        return self._read(self._places)

    def __getitem__(self, rows: Any) -> Tensor:
        if _are_rows(rows):
            return LazyTensor(self._read, self._places[rows], self._like)
        if _is_row(rows):
            return self._read(self._places[rows].view(1))[0]
        return self.held()[rows]

    def split(self, size: Any, dim: int = 0) -> Any:
        """Pieces of this many rows."""
        if dim:
            return self.held().split(size, dim)
        parts = self._places.split(size)
        return tuple(LazyTensor(self._read, places, self._like) for places in parts)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[row] for row in range(len(self)))

    def numpy(self, **options: Any) -> Any:
        return self.held().numpy(**options)

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"LazyTensor of {self.dtype} {tuple(self.shape)}"

    def __deepcopy__(self, memo: dict[int, Any]) -> LazyTensor:
        return self  # nobody can write to it

    def share_memory_(self) -> LazyTensor:
        raise UserError(NOT_SHARED)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise UserError(NOT_SHARED)

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        values, options = tree_map_only(cls, cls.held, (args, kwargs or {}))
        return func(*values, **options)


def _are_rows(index: Any) -> bool:
    """Whether an index selects some of the rows."""
    if isinstance(index, list):
        return all(isinstance(row, int) for row in index)
    return isinstance(index, slice) or (isinstance(index, Tensor) and index.ndim == 1)


def _is_row(index: Any) -> bool:
    """Whether an index is the number of one row; a truth value is not."""
    if isinstance(index, Tensor):
        return index.ndim == 0 and index.dtype not in (torch.bool, torch.uint8)
    return isinstance(index, int) and not isinstance(index, bool)


def held(tensor: Tensor) -> Tensor:
    """The tensor, in memory or mapped from a file."""
    return tensor.held() if isinstance(tensor, LazyTensor) else tensor


def pieces(tensor: Tensor, size: int | None = None) -> Iterator[Tensor]:
    """All rows in order, this many at a time, or some megabytes of them."""
    rows = size or max(1, PIECE // max(1, tensor[:1].nbytes))
    return each_ahead(held, tensor.split(rows), tensor)


def blocks(tensor: Tensor, rows: Iterable[Tensor]) -> Iterator[Tensor]:
    """The rows of these numbers, block by block."""
    return each_ahead(lambda block: held(tensor[block.to(tensor.device)]), rows, tensor)


def each_ahead(
    make: Callable[[Item], Made], items: Iterable[Item], tensor: Tensor
) -> Iterator[Made]:
    """The result for each; computed one ahead if rows have to be read first."""
    return _ahead(make, items) if isinstance(tensor, LazyTensor) else map(make, items)


def _ahead(make: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(1) as maker:
        for item in items:
            waiting.append(maker.submit(make, item))
            if len(waiting) > 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
