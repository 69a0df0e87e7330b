"""Keys that identify an encoder's features for rows among all stored ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256

import torch
from torch import Tensor

from autoal.data.lazy import pieces
from autoal.data.rows import Rows
from autoal.encoders.encoder import Encoder, are_pictures

BLOCK = 4096  # rows whose bytes are read at a time
FEW = 100  # rows whose bytes show how pictures were decoded, if keys identify the files
STATE = "state"  # of the encoder, kept beside the features


def key_of(encoder: Encoder, parts: Mapping[str, Rows], precision: str) -> str:
    """A key from the rows themselves, so that another file, split or imbalance changes it."""
    kind = type(encoder)
    digest = sha256(repr((kind.__module__, kind.__qualname__, encoder.key(), STATE)).encode())
    if precision != "single":  # once the only precision
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
    """The numbers in storage order, some at a time."""
    if order[0] == 0:  # row by row
        return (piece.permute(order) for piece in pieces(inputs))
    return iter(inputs.permute(order).split(BLOCK))


def _storage_order(tensor: Tensor) -> list[int]:
    """The axes, from the longest to the shortest step in memory."""
    return sorted(range(tensor.ndim), key=lambda axis: -tensor.stride()[axis])


def _bytes(tensor: Tensor) -> memoryview:
    """The bytes in storage order, without a copy if possible."""
    return tensor.cpu().contiguous().view(torch.uint8).numpy().data
