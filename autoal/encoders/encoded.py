"""A data set as an encoder sees it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autoal.data.cache import NamedArrays, cached
from autoal.data.contract import LEAST, Data, Loaded, Standardise
from autoal.data.rows import Rows
from autoal.encoders.encoder import Encoder, Parts
from autoal.errors import UserError

NEW = "new"  # the part of rows that are no part of the data set
BLOCK = 4096  # rows whose bytes are read at a time


class Encoded(Data):
    """What an encoder makes of a data set's rows in their place, computed once and kept on disk.

    Args:
        data: whose rows are encoded.
        encoder: looks at them.
        device: on which it does.
    """

    def __init__(self, data: Data, encoder: Encoder, device: torch.device) -> None:
        super().__init__(batch_size=data.batch_size)
        self.data = data
        self.encoder = encoder
        self.device = device

    def load(self) -> Loaded:
        self.data.setup()
        self.classes = self.data.classes
        there = ("train", self.data.train), ("test", self.data.test)
        named = *there, ("validation", self.data.validation)
        parts = {name: rows for name, rows in named if rows is not None}
        key = _key(self.encoder, parts)
        features = cached("features", key, lambda: self._first_time(parts))
        return Loaded(
            **{
                name: replace(rows, inputs=torch.from_numpy(features[name]))
                for name, rows in parts.items()
            }
        )

    def setup(self, stage: str | None = None) -> None:
        if not hasattr(self, "train"):  # what is held out, the data set itself has chosen
            self.train, self.test, self.validation = self.load()

    def preprocess(self) -> nn.Module:
        """Centred, and divided by one number, so that features keep their proportions."""
        features = self.train.inputs
        deviation = float(features.var(0).mean().sqrt())
        return Standardise(features.mean(0), torch.tensor([max(deviation, LEAST)]))

    def stored(self, inputs: Any) -> Rows:
        """New rows of the data set, encoded as the pool was; nothing is kept of them."""
        new = {NEW: replace(self.data.stored(inputs), part=NEW)}
        beside = {"train": self.data.train} if self.encoder.learns else {}
        return Rows.of(self._encode({**beside, **new})[NEW])

    def _first_time(self, parts: Parts) -> NamedArrays:
        begin, name = perf_counter(), type(self.encoder).__name__
        count = sum(map(len, parts.values()))
        print(f"{name} looks at {count:,} rows, once; kept for next time", file=sys.stderr)
        encoded = self._encode(parts)
        print(f"{name} took {perf_counter() - begin:.0f} s", file=sys.stderr)
        return {part: np.asarray(tensor) for part, tensor in encoded.items()}

    def _encode(self, parts: Parts) -> dict[str, Tensor]:
        """What the encoder makes of these rows: one line for each, all of one kind."""
        name, encoded = type(self.encoder).__name__, self.encoder.encode(parts, self.device)
        for part, rows in parts.items():
            lines = encoded.get(part) if isinstance(encoded, Mapping) else None
            if not isinstance(lines, Tensor) or lines.ndim < 2 or len(lines) != len(rows):
                found = tuple(lines.shape) if isinstance(lines, Tensor) else type(lines).__name__
                raise UserError(
                    f"encoder {name} must give a tensor with a line for each of the {len(rows)} "
                    f"rows of {part}, got {found}"
                )
            if not bool(lines.isfinite().all()):
                raise UserError(f"encoder {name} gave numbers of {part} that are not finite")
        kinds = {part: (encoded[part].dtype, encoded[part].shape[1:]) for part in parts}
        if len(set(kinds.values())) > 1:
            raise UserError(f"encoder {name} made different things of the parts: {kinds}")
        return {part: encoded[part].detach().cpu() for part in parts}


def _key(encoder: Encoder, parts: Parts) -> str:
    """Of the rows themselves, so that another file, split or imbalance is another key."""
    kind = type(encoder)
    digest = sha256(repr((kind.__module__, kind.__qualname__, encoder.key())).encode())
    for name, rows in parts.items():
        digest.update(repr((name, rows.part, tuple(rows.inputs.shape))).encode())
        for block in rows.inputs.split(BLOCK):
            digest.update(_bytes(block))
        if rows.places is not None:
            digest.update(_bytes(rows.places))
    return digest.hexdigest()[:24]


def _bytes(tensor: Tensor) -> bytes:
    return tensor.cpu().contiguous().numpy().tobytes()
