"""Distances in feature space, in blocks: nothing here is as large as the pool times the pool.

Features may be of any floating type; each block is taken to float32 before it is computed with.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK = 1 << 24  # numbers in an intermediate result


def blocks(features: Tensor, columns: int) -> Iterator[tuple[slice, Tensor]]:
    """Float32 pieces of the rows, so small that a result of that many columns fits in memory."""
    size = max(1, BLOCK // max(columns, features.shape[1], 1))
    for begin in range(0, len(features), size):
        piece = slice(begin, begin + size)
        yield piece, features[piece].float()


def squared_distances(features: Tensor, anchors: Tensor) -> Tensor:
    """Of each row to each anchor, (n, anchors); the caller sees to it that this is not too large.

    By the scalar product, which is fast; never below 0, in spite of rounding.
    """
    features, anchors = features.float(), anchors.float()
    lengths = (features**2).sum(1, keepdim=True) + (anchors**2).sum(1)
    return torch.addmm(lengths, features, anchors.T, alpha=-2).clamp_(min=0)


def neighbours(features: Tensor, anchors: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Distances to the nearest anchors and their places, both (n, count), nearest first."""
    count = min(count, len(anchors))
    distances = features.new_empty(len(features), count, dtype=torch.float32)
    places = torch.empty(len(features), count, dtype=torch.long, device=features.device)
    for piece, block in blocks(features, len(anchors)):
        nearest = squared_distances(block, anchors).topk(count, largest=False)
        distances[piece], places[piece] = nearest.values.sqrt_(), nearest.indices
    return distances, places


def unit(features: Tensor) -> Tensor:
    """The rows at length 1; a row of zeros stays as it is."""
    return torch.nn.functional.normalize(features.float(), dim=1)
