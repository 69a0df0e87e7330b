"""What tells the features that an encoder makes of rows from others that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256

import torch
from torch import Tensor

from autoal.data.lazy import pieces
from autoal.data.rows import Rows
from autoal.encoders.encoder import Encoder, are_pictures

BLOCK = 4096  # rows whose bytes are read at a time
FEW = 100  # rows whose bytes tell how pictures were decoded, where keys tell their files
STATE = "state"  # of the encoder, which is kept beside the features


def key_of(encoder: Encoder, parts: Mapping[str, Rows], precision: str) -> str:
    """Of the rows themselves, so that another file, split or imbalance is another key."""
    kind = type(encoder)
    digest = sha256(repr((kind.__module__, kind.__qualname__, encoder.key(), STATE)).encode())
    if precision != "single":  # which was the only one once
        digest.update(precision.encode())
    for name, rows in parts.items():
        inputs, order = rows.inputs, _storage_order(rows.inputs)
        digest.update(repr((name, rows.part, inputs.dtype, inputs.shape, order)).encode())
        if rows.keys is not None and are_pictures(rows):  # numbers of a table depend on its scale
            digest.update("\n".join(rows.keys).encode())
            inputs = inputs[:FEW]
        for block in _in_order(inputs, order):
            digest.update(_bytes(block))
        if rows.places is not None:
            digest.update(_bytes(rows.places))
    return digest.hexdigest()[:24]


def _in_order(inputs: Tensor, order: list[int]) -> Iterator[Tensor]:
    """The numbers in the order in which they lie, some at a time."""
    if order[0] == 0:  # row by row
        return (piece.permute(order) for piece in pieces(inputs))
    return iter(inputs.permute(order).split(BLOCK))


def _storage_order(tensor: Tensor) -> list[int]:
    """The axes, from that of the longest steps in memory to that of the shortest."""
    return sorted(range(tensor.ndim), key=lambda axis: -tensor.stride()[axis])


def _bytes(tensor: Tensor) -> memoryview:
    """The bytes as they lie, without a copy where they are in order."""
    return tensor.cpu().contiguous().view(torch.uint8).numpy().data
