"""Mean and variance of columns, read block by block."""

import torch
from torch import Tensor

BLOCK = 65_536  # most lines to read together


def moments(lines: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and unbiased variance of each column, (columns,) in single precision.

    Those of the blocks are joined in double precision (Chan, Golub and LeVeque, 1983).

    Args:
        lines: (n, columns) of any floating type, in memory or mapped from a file.
    """
    count = 0
    mean = squares = torch.zeros(lines.shape[1:], dtype=torch.float64)  # about the mean
    for block in lines.tensor_split(max(1, -(-len(lines) // BLOCK))):  # of even sizes
        block = block.float()
        new, total = len(block), count + len(block)
        apart = block.mean(0).double() - mean
        squares = (
            squares + block.var(0).double() * (new - 1) + apart.square() * (count * new / total)
        )
        mean = mean + apart * (new / total)
        count = total
    return mean.float(), (squares / (count - 1)).float()
