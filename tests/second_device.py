"""A second device that computes on the CPU, and is as strict about mixing as a real one.

Its tensors refuse to meet those of the CPU where a GPU's do: everywhere but in copies, with single
numbers, and with places that index them. A stream of the CPU draws nothing there, `numpy` reads
nothing, and it may have no float64, as MPS has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_map_only

NAME = "second"
COPIES = ("aten::_to_copy", "aten::copy_", "aten::_copy_from")
INDEXED = ("aten::index.Tensor", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_")


class Elsewhere(Tensor):
    """A tensor of the second device, whose numbers lie in one of the CPU."""

    numbers: Tensor

    @staticmethod
    def __new__(cls, numbers: Tensor) -> Elsewhere:
        found = Tensor._make_wrapper_subclass(
            cls,
            numbers.size(),
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device=torch.device(NAME, 0),
            requires_grad=numbers.requires_grad,
        )
        found.numbers = numbers
        return found

    def __repr__(self, **options: Any) -> str:  # type: ignore[override]  # of an odd name
        return f"Elsewhere({self.numbers})"

    def tolist(self) -> Any:  # which torch does not hand on
        return self.numbers.tolist()

    def numpy(self, *, force: bool = False) -> Any:
        if not force:
            raise TypeError("a tensor of the second device must be copied to the CPU first")
        return self.numbers.numpy()

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]  # as torch documents it
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        with SecondDevice():  # a tensor that outlives the device is still one of its
            return func(*args, **(kwargs or {}))


class SecondDevice(TorchDispatchMode):
    """While it is entered, there is a second device.

    Args:
        float64: whether the device has numbers of this kind.
    """

    def __init__(self, *, float64: bool = True) -> None:
        super().__init__()
        self.float64 = float64
        self.met = 0  # operations on the device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        given = [leaf for leaf in tree_flatten((args, kwargs))[0] if isinstance(leaf, Tensor)]
        there = [tensor for tensor in given if isinstance(tensor, Elsewhere)]
        asked = kwargs.get("device")
        wanted = None if asked is None else torch.device(asked).type == NAME
        if wanted:
            kwargs["device"] = torch.device("cpu")
            _demand_no_stream(func, kwargs.get("generator"))
        if there:
            _demand_one_device(func, args, given)
            _demand_no_stream(func, kwargs.get("generator"))
        found = func(*_numbers(args), **_numbers(kwargs))
        stays = isinstance(args[0], Elsewhere) if _name(func) in COPIES and args else bool(there)
        if not (stays if wanted is None else wanted):
            return found
        self.met += 1
        return self._placed(found, there)

    def _placed(self, found: Any, there: list[Elsewhere]) -> Any:
        """Put results on the device; a tensor that was written to stays itself."""
        known = {id(tensor.numbers): tensor for tensor in there}

        def place(tensor: Tensor) -> Tensor:
            if tensor.dtype == torch.float64 and not self.float64:
                raise TypeError("the second device has no float64")
            return known[id(tensor)] if id(tensor) in known else Elsewhere(tensor)

        return tree_map_only(Tensor, place, found)


class _Literals(TorchFunctionMode):
    """Python's numbers become tensors on the CPU first: torch moves them past all other modes."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (Tensor.__getitem__, Tensor.__setitem__) and isinstance(args[1], list):
            args = args[0], torch.tensor(args[1], dtype=_kind(args[1])), *args[2:]
        if func is Tensor.new_tensor:
            kwargs.setdefault("device", args[0].device)
            func, args = torch.tensor, args[1:]
        if func not in (torch.tensor, torch.as_tensor) or kwargs.get("device") is None:
            return func(*args, **kwargs)
        device = kwargs.pop("device")
        return func(*args, **kwargs).to(device)


def _kind(places: list[Any]) -> torch.dtype | None:
    """That of an index; none says it of an empty list."""
    return None if places else torch.long


@cache
def _known_to_torch() -> None:
    """Once in a process, and for good: a backend whose operations are all those of the mode."""
    make = getattr(backend_registration, "_setup_privateuseone_for_python_backend", None)
    if make is None:
        pytest.skip("this torch has no backends in Python")
    make(NAME)


@contextmanager
def second_device(*, float64: bool = True) -> Iterator[torch.device]:
    """There is one, on which something is then computed."""
    _known_to_torch()
    with _Literals(), SecondDevice(float64=float64) as mode:
        yield torch.device(NAME)
    assert mode.met, "nothing was computed on the second device"


def _name(func: Any) -> str:
    return str(func.name()).removesuffix(".out")


def _numbers(given: Any) -> Any:
    return tree_map(lambda leaf: leaf.numbers if isinstance(leaf, Elsewhere) else leaf, given)


def _demand_one_device(func: Any, args: Any, given: list[Tensor]) -> None:
    name = _name(func)
    if name in COPIES:
        return
    if name.startswith(INDEXED) and isinstance(args[0], Elsewhere):
        given = [args[0], *args[2:3]] if len(args) > 2 else [args[0]]
    others = [each for each in given if not isinstance(each, Elsewhere) and each.ndim]
    if others:
        raise RuntimeError(f"{name}: tensors on the second device and on the CPU")


def _demand_no_stream(func: Any, stream: torch.Generator | None) -> None:
    if stream is not None:
        raise RuntimeError(f"{_name(func)}: a stream of the CPU draws nothing on the device")
