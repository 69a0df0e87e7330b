"""A data set as an encoder sees it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pickle import PickleError
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from autoal.data.cache import NamedArrays, cached_blocks
from autoal.data.contract import LEAST, SEEN_BY, Data, Loaded, Standardise
from autoal.data.inputs import all_finite
from autoal.data.progress import progress
from autoal.data.reader import Reader
from autoal.data.rows import Rows
from autoal.encoders.encoder import Encoder, are_pictures
from autoal.errors import UserError

BLOCK = 4096  # rows whose bytes are read at a time
FEW = 100  # rows whose bytes tell how pictures were decoded, where keys tell their files
STATE = "state"  # of the encoder, which is kept beside the features


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
        self.classes, self.words = self.data.classes, self.data.words
        self.labels_count, self.checked = self.data.labels_count, self.data.checked
        parts = Loaded(self.data.train, self.data.test, self.data.validation).there()
        key = _key(self.encoder, parts)
        kept = cached_blocks(_Kept.of, "features", key, lambda: self._first_time(parts))
        self.encoder.load_state_dict(kept.state)
        return Loaded(
            **{name: replace(rows, inputs=kept.features[name]) for name, rows in parts.items()}
        )

    def setup(self, stage: str | None = None) -> None:
        if not hasattr(self, "train"):  # what is held out, the data set itself has chosen
            self.train, self.test, self.validation = self.load()

    def preprocess(self) -> nn.Module:
        """Centred, and divided by one number, so that features keep their proportions.

        Whole numbers, such as those of tokens, stay as they are.
        """
        features = self.train.inputs
        if not features.is_floating_point():
            return nn.Identity()
        deviation = float(features.var(0).mean().sqrt())
        return Standardise(features.mean(0), torch.tensor([max(deviation, LEAST)]))

    def fingerprint(self) -> str:
        choice = self.encoder.choice
        return self.data.fingerprint() + (SEEN_BY + choice if choice else "")

    def demand_same(self, fingerprint: str) -> None:
        self.data.demand_same(fingerprint)
        before, now = fingerprint.partition(SEEN_BY)[2], self.encoder.choice
        if before != now:
            raise UserError(
                f"the rows were seen by {before or 'another encoder'} before, and by "
                f"{now or 'another'} now, as other packages are installed or files of a model were "
                "replaced: have those of before, or begin another run under another name="
            )

    def remembered(self) -> bytes:
        return self.data.remembered()

    def reader(self) -> Reader:
        """That of the rows themselves, or of features, where only the data set's are encoded."""
        return self.data.reader() if self.encoder.new_rows else super().reader()

    def _first_time(self, parts: Mapping[str, Rows]) -> Iterator[NamedArrays]:
        """The features, block by block, and at last the encoder's state."""
        begin = perf_counter()
        count = sum(map(len, parts.values()))
        self.encoder.learn(parts["train"], self.device)
        print(f"the encoder looks at {count:,} rows, once; kept for next time", file=sys.stderr)
        with progress("the encoder", count) as advance:
            for part, features in _stream(self.encoder, parts, self.device):
                yield {part: features.numpy()}
                advance(len(features))
        print(f"the encoder took {perf_counter() - begin:.0f} s", file=sys.stderr)
        yield {STATE: _packed(self.encoder)}


class _Kept(NamedTuple):
    """What was made of a data set, and what the encoder had learnt."""

    features: dict[str, Tensor]  # of each part
    state: dict[str, Any]

    @classmethod
    def of(cls, arrays: NamedArrays) -> _Kept:
        features = {
            name: torch.from_numpy(array) for name, array in arrays.items() if name != STATE
        }
        if not all(map(all_finite, features.values())):
            raise ValueError("some features are not finite")
        return cls(features, _unpacked(arrays[STATE]))


def encoded_rows(
    encoder: Encoder, rows: Rows, device: torch.device, part: str = "new rows"
) -> Rows:
    """What an encoder makes of rows: one line for each, in single precision or whole numbers.

    Args:
        encoder: looks at them.
        rows: of any data set.
        device: on which it does.
        part: what the rows are called in messages.
    """
    blocks = [features for _, features in _stream(encoder, {part: rows}, device)]
    return replace(rows, inputs=torch.cat(blocks))


def _stream(
    encoder: Encoder, parts: Mapping[str, Rows], device: torch.device
) -> Iterator[tuple[str, Tensor]]:
    """What an encoder makes of the rows of some parts, block by block; all of one kind."""
    name, kinds = type(encoder).__name__, set()
    for part, rows in parts.items():
        count = 0
        for lines in encoder.stream(rows, device):
            features = _sound(lines, f"encoder {name}", f"the {len(rows)} rows of {part}")
            count += len(features)
            kinds.add(f"{features.dtype} {tuple(features.shape[1:])}")
            if len(kinds) > 1:
                raise UserError(
                    f"encoder {name} made rows of different kinds: {' and '.join(sorted(kinds))}"
                )
            yield part, features
        if count != len(rows):
            raise UserError(f"encoder {name} gave {count} lines for the {len(rows)} rows of {part}")


def _sound(lines: Any, encoder: str, rows: str) -> Tensor:
    """Lines of an encoder, in single precision or whole numbers; what are none are refused."""
    if not isinstance(lines, Tensor) or lines.ndim < 2:
        found = tuple(lines.shape) if isinstance(lines, Tensor) else type(lines).__name__
        raise UserError(f"{encoder} must give a tensor with a line for each of {rows}, got {found}")
    if lines.is_complex() or lines.dtype == torch.bool:
        raise UserError(f"{encoder} must give numbers, floating-point or whole, got {lines.dtype}")
    features = lines.detach().cpu()
    if features.is_floating_point():
        features = features.float()
    if not all_finite(features):
        raise UserError(f"{encoder} gave numbers that are not finite for some of {rows}")
    return features


def _packed(encoder: Encoder) -> np.ndarray[Any, Any]:
    """The encoder's state as bytes, from which it can be read back."""
    content = BytesIO()
    try:
        torch.save(encoder.state_dict(), content)
        packed = np.frombuffer(content.getvalue(), dtype=np.uint8)
        _unpacked(packed)
    except (PickleError, AttributeError, TypeError) as error:  # AttributeError: of a local class
        name = type(encoder).__name__
        raise UserError(f"the state of encoder {name} must be tensors and plain values") from error
    return packed


def _unpacked(packed: np.ndarray[Any, Any]) -> dict[str, Any]:
    return torch.load(BytesIO(packed.tobytes()), weights_only=True, map_location="cpu")


def _key(encoder: Encoder, parts: Mapping[str, Rows]) -> str:
    """Of the rows themselves, so that another file, split or imbalance is another key."""
    kind = type(encoder)
    digest = sha256(repr((kind.__module__, kind.__qualname__, encoder.key(), STATE)).encode())
    for name, rows in parts.items():
        inputs, order = rows.inputs, _storage_order(rows.inputs)
        digest.update(repr((name, rows.part, inputs.dtype, inputs.shape, order)).encode())
        if rows.keys is not None and are_pictures(rows):  # numbers of a table depend on its scale
            digest.update("\n".join(rows.keys).encode())
            inputs = inputs[:FEW]
        for block in inputs.permute(order).split(BLOCK):
            digest.update(_bytes(block))
        if rows.places is not None:
            digest.update(_bytes(rows.places))
    return digest.hexdigest()[:24]


def _storage_order(tensor: Tensor) -> list[int]:
    """The axes, from that of the longest steps in memory to that of the shortest."""
    return sorted(range(tensor.ndim), key=lambda axis: -tensor.stride()[axis])


def _bytes(tensor: Tensor) -> memoryview:
    """The bytes as they lie, without a copy where they are in order."""
    return tensor.cpu().contiguous().view(torch.uint8).numpy().data
