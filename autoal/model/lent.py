"""Tensors that are handed out for reading, and checks that nobody wrote to them."""

from collections.abc import Callable

from torch import Tensor


class Lent:
    """Tensors that are handed out for reading.

    Torch counts the changes of a tensor. It cannot see changes that bypass it, such as writes
    through `.numpy()`.
    """

    def __init__(self) -> None:
        self._tensors: dict[str, tuple[Tensor, int]] = {}

    def give(self, name: str, tensor: Tensor) -> Tensor:
        """Hand out this tensor under this name."""
        self._tensors[name] = tensor, _changes(tensor)
        return tensor

    def once(self, name: str, make: Callable[[], Tensor]) -> Tensor:
        """The tensor of this name, made when it is first asked for."""
        if name not in self._tensors:
            self.give(name, make())
        return self._tensors[name][0]

    def changed(self) -> list[str]:
        """The names of tensors that somebody has written to."""
        lent = self._tensors.items()
        return [name for name, (tensor, before) in lent if _changes(tensor) != before]


def _changes(tensor: Tensor) -> int:
    """How often a tensor was written to; nobody can write to an inference tensor."""
    return 0 if tensor.is_inference() else tensor._version
