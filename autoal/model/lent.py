"""What is given out to be read, and whether it was written to."""

from collections.abc import Callable

from torch import Tensor


class Lent:
    """Tensors that are given out to be read.

    torch counts the changes of a tensor. What passes it by, such as writing through `.numpy()`, it
    cannot see.
    """

    def __init__(self) -> None:
        self._tensors: dict[str, tuple[Tensor, int]] = {}

    def give(self, name: str, tensor: Tensor) -> Tensor:
        """The tensor, as it is now, by this name."""
        self._tensors[name] = tensor, _changes(tensor)
        return tensor

    def once(self, name: str, make: Callable[[], Tensor]) -> Tensor:
        """The tensor of this name, made if it was not asked for yet."""
        if name not in self._tensors:
            self.give(name, make())
        return self._tensors[name][0]

    def changed(self) -> list[str]:
        """The names of those that somebody has written to."""
        lent = self._tensors.items()
        return [name for name, (tensor, before) in lent if _changes(tensor) != before]


def _changes(tensor: Tensor) -> int:
    """How often a tensor was written to; nobody can write to one of inference mode."""
    return 0 if tensor.is_inference() else tensor._version
