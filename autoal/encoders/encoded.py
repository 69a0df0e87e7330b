"""A data set as an encoder sees it."""

from __future__ import annotations

import sys
from dataclasses import replace
from hashlib import sha256
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from autoal.data.cache import Arrays, cached
from autoal.data.contract import LEAST, Data, Loaded, Standardise
from autoal.encoders.encoder import Encoder, Parts

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
        arrays = cached("features", _key(self.encoder, parts), lambda: self._encode(parts))
        return Loaded(
            **{
                name: replace(rows, inputs=torch.from_numpy(arrays[name]))
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

    def _encode(self, parts: Parts) -> Arrays:
        begin, name = perf_counter(), type(self.encoder).__name__
        count = sum(map(len, parts.values()))
        print(f"{name} looks at {count:,} rows, once; kept for next time", file=sys.stderr)
        encoded = self.encoder.encode(parts, self.device)
        print(f"{name} took {perf_counter() - begin:.0f} s", file=sys.stderr)
        return {part: np.asarray(tensor.cpu()) for part, tensor in encoded.items()}


def _key(encoder: Encoder, parts: Parts) -> str:
    """Of the rows themselves, so that another file, split or imbalance is another key."""
    digest = sha256(repr((type(encoder).__name__, encoder.key())).encode())
    for name, rows in parts.items():
        digest.update(repr((name, rows.part, tuple(rows.inputs.shape))).encode())
        for block in rows.inputs.split(BLOCK):
            digest.update(_bytes(block))
        if rows.places is not None:
            digest.update(_bytes(rows.places))
    return digest.hexdigest()[:24]


def _bytes(tensor: Tensor) -> bytes:
    return tensor.cpu().contiguous().numpy().tobytes()
