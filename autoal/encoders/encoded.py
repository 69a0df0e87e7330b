"""A data set as an encoder sees it."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import replace
from hashlib import sha256
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autoal.data.cache import Arrays, cached
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
        features = self._features(parts, parts)
        return Loaded(
            **{name: replace(rows, inputs=features[name]) for name, rows in parts.items()}
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
        """New rows of the data set, encoded as the pool was."""
        new = {NEW: replace(self.data.stored(inputs), part=NEW)}
        beside = {"train": self.data.train} if self.encoder.learns else {}
        return Rows.of(self._features({**beside, **new}, [NEW])[NEW])

    def _features(self, parts: Parts, wanted: Collection[str]) -> dict[str, Tensor]:
        """What the encoder makes of some of the parts, or made of them before."""

        def make() -> Arrays:
            encoded = self._encode(parts)
            return {name: encoded[name] for name in wanted}

        arrays = cached("features", _key(self.encoder, parts), make)
        return {name: torch.from_numpy(arrays[name]) for name in wanted}

    def _encode(self, parts: Parts) -> Arrays:
        begin, name = perf_counter(), type(self.encoder).__name__
        count = sum(map(len, parts.values()))
        print(f"{name} looks at {count:,} rows, once; kept for next time", file=sys.stderr)
        encoded = self.encoder.encode(parts, self.device)
        print(f"{name} took {perf_counter() - begin:.0f} s", file=sys.stderr)
        _demand_lines(name, encoded, parts)
        return {part: np.asarray(tensor.cpu()) for part, tensor in encoded.items()}


def _demand_lines(name: str, encoded: dict[str, Tensor], parts: Parts) -> None:
    """Refuse what is not one line for each row, before it is kept."""
    for part, rows in parts.items():
        count = len(encoded[part]) if part in encoded else "no"
        if count != len(rows):
            raise UserError(f"encoder {name} gave {count} lines for the {len(rows)} rows of {part}")


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
