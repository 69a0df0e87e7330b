"""Batches of tensors that stay in place, without worker processes."""

from collections.abc import Iterator

import torch
from torch import Tensor

from autoal.bounds import whole
from autoal.data.lazy import blocks, pieces
from autoal.data.rows import Rows


class Batches:
    """A loader for a Trainer: tuples of rows of the tensors, in RAM, on a device or lazy.

    The rows are spread evenly over the batches, so that no batch has a single row, on which
    BatchNorm cannot train. For the same reason a data set of one row is shown twice, and an odd
    number of rows in pairs has a batch of three.

    Args:
        tensors: of equal length.
        size: rows a batch.
        shuffle: a new order in every epoch, drawn from torch's global stream.
    """

    def __init__(self, *tensors: Tensor, size: int, shuffle: bool = False) -> None:
        whole("batch_size", size, least=2)
        self.tensors = tensors
        self.rows = len(tensors[0])
        self.size = size
        self.shuffle = shuffle
        self.stream: torch.Generator | None = None  # for the orders, unless it is the global one

    def __len__(self) -> int:
        full = -(-self.rows // self.size)
        return min(full, max(1, self.rows // 2)) if self.shuffle else full

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        if not self.shuffle:
            yield from zip(*(pieces(tensor, self.size) for tensor in self.tensors), strict=True)
            return
        rows = [*self._dealt()]
        yield from zip(*(blocks(tensor, rows) for tensor in self.tensors), strict=True)

    def _dealt(self) -> Iterator[Tensor]:
        """The rows of each batch of an epoch."""
        order = torch.randperm(self.rows, generator=self.stream)
        if self.rows == 1:
            order = order.repeat(2)
        yield from order.tensor_split(len(self))


class Shared(Batches):
    """Training batches, each divided among all processes.

    Together they equal those of a single process. If a batch is too small to give each process two
    rows, every process gets all of it.

    Args:
        tensors: of equal length.
        size: rows a batch, of all processes together.
        stream: the state of the stream for the orders, the same for all.
        rank: this process's number.
        world: how many there are.
    """

    def __init__(self, *tensors: Tensor, size: int, stream: Tensor, rank: int, world: int) -> None:
        super().__init__(*tensors, size=size, shuffle=True)
        self.stream = torch.Generator()
        self.stream.set_state(stream)
        self.rank = rank
        self.world = world

    def weight(self, number: int) -> float:
        """The weight of the mean over this process's rows in a batch, 1 on average."""
        batch = torch.arange(max(2, self.rows)).tensor_split(len(self))[number]
        part = self._part(batch)
        return len(part) * self.world / len(batch) if len(part) < len(batch) else 1.0

    def _dealt(self) -> Iterator[Tensor]:
        yield from map(self._part, super()._dealt())

    def _part(self, batch: Tensor) -> Tensor:
        few = len(batch) < 2 * self.world
        return batch if few else batch.tensor_split(self.world)[self.rank]


class Blocks:
    """A loader of only the inputs, in the order of row numbers; each row is read once.

    Args:
        source: of the rows.
        rows: their numbers.
        size: rows a block.
    """

    def __init__(self, source: Rows, rows: Tensor, size: int) -> None:
        self.source = source
        self.rows = rows
        self.size = size

    def __len__(self) -> int:
        return -(-len(self.rows) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor]]:
        for block in self.source.blocks(self.rows, self.size):
            yield (block,)
