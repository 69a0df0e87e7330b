"""A data set as an encoder sees it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pickle import PickleError
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from autoal.bounds import choice
from autoal.data.cache import NamedArrays
from autoal.data.contract import LEAST, SEEN_BY, Data, Loaded, Standardise
from autoal.data.inputs import all_finite
from autoal.data.reader import Reader
from autoal.data.resumed import UnsoundError, cached_blocks
from autoal.data.rows import Rows
from autoal.encoders.encoder import Encoder
from autoal.encoders.identity import STATE, key_of
from autoal.errors import UserError
from autoal.maths.moments import moments
from autoal.progress import progress
from autoal.settings import FEATURES

PRECISIONS = dict(zip(FEATURES, (torch.float32, torch.float16), strict=True))


class Encoded(Data):
    """A data set whose rows are replaced by an encoder's features, computed once and kept on disk.

    Args:
        data: the data set to encode.
        encoder: encodes them.
        device: where it runs.
        precision: of the stored features, single or half; whole numbers stay unchanged.
    """

    def __init__(
        self, data: Data, encoder: Encoder, device: torch.device, precision: str = "single"
    ) -> None:
        super().__init__(batch_size=data.batch_size)
        choice("precision", precision, PRECISIONS)
        self.precision = precision
        self.data = data
        self.encoder = encoder
        self.device = device

    def load(self) -> Loaded:
        self.data.setup()
        self.classes, self.words = self.data.classes, self.data.words
        self.labels_count, self.checked = self.data.labels_count, self.data.checked
        parts = Loaded(self.data.train, self.data.test, self.data.validation).there()
        key = key_of(self.encoder, parts, self.precision)
        kept = cached_blocks(
            _Kept.of, "features", key, lambda there: self._first_time(parts, there)
        )
        self.encoder.load_state_dict(kept.state)
        return Loaded(
            **{name: replace(rows, inputs=kept.features[name]) for name, rows in parts.items()}
        )

    def setup(self, stage: str | None = None) -> None:
        if not hasattr(self, "train"):  # the data set itself chose what to hold out
            self.train, self.test, self.validation = self.load()

    def preprocess(self) -> nn.Module:
        """Centre features, and divide by one number, so that they keep their proportions.

        Whole numbers, such as token ids, stay unchanged.
        """
        features = self.train.inputs
        if not features.is_floating_point():
            return nn.Identity()
        mean, variance = moments(features)
        deviation = float(variance.mean().sqrt())
        return Standardise(mean, torch.tensor([max(deviation, LEAST)]))

    def fingerprint(self) -> str:
        choice = self.encoder.choice
        return self.data.fingerprint() + (SEEN_BY + choice if choice else "")

    def demand_same(self, fingerprint: str) -> None:
        self.data.demand_same(fingerprint)
        before, now = fingerprint.partition(SEEN_BY)[2], self.encoder.choice
        if before != now:
            raise UserError(
                f"the rows were encoded by {before or 'another encoder'} before, and by "
                f"{now or 'another'} now, as other packages are installed or files of a model were "
                "replaced: restore the earlier ones, or begin another run under another name="
            )

    def remembered(self) -> bytes:
        return self.data.remembered()

    def reader(self) -> Reader:
        """The reader of the rows themselves, or of features if only the data set's are encoded."""
        return self.data.reader() if self.encoder.new_rows else super().reader()

    def _first_time(self, parts: Mapping[str, Rows], there: NamedArrays) -> Iterator[NamedArrays]:
        """Compute what is missing: the encoder's state, then the features, block by block."""
        begin = perf_counter()
        if STATE in there:
            self._have_learnt(there[STATE])
        else:
            self.encoder.learn(parts["train"], self.device)
            yield {STATE: _packed(self.encoder)}
        left = {part: _behind(rows, len(there.get(part, ()))) for part, rows in parts.items()}
        count, done = sum(map(len, left.values())), sum(map(len, parts.values()))
        print(_told(count, done), file=sys.stderr)
        with progress("the encoder", count) as advance:
            for part, features in _stream(self.encoder, left, self.device):
                yield {part: self._narrowed(features).numpy()}
                advance(len(features))
        print(f"the encoder took {perf_counter() - begin:.0f} s", file=sys.stderr)

    def _have_learnt(self, state: np.ndarray[Any, Any]) -> None:
        """Continue with what the encoder had learnt before it was interrupted."""
        try:
            self.encoder.load_state_dict(_unpacked(state))
        except Exception as error:  # the plugin may have changed, or the disk corrupted it
            name = type(self.encoder).__name__
            raise UnsoundError(
                f"encoder {name} cannot go on with what it had learnt, which is now removed: "
                f"give the same command again ({error})"
            ) from error

    def _narrowed(self, features: Tensor) -> Tensor:
        """Features in the stored precision; numbers too large for it are refused."""
        if not features.is_floating_point():
            return features
        narrow = features.to(PRECISIONS[self.precision])
        if not all_finite(narrow):
            raise UserError(
                f"encoder {type(self.encoder).__name__} gave numbers that are too large for half "
                "precision: give features=single"
            )
        return narrow


class _Kept(NamedTuple):
    """The features of a data set, and what the encoder had learnt."""

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


def _behind(rows: Rows, count: int) -> Rows:
    """The rows after this many."""
    return rows.take(torch.arange(count, len(rows))) if count else rows


def _told(left: int, count: int) -> str:
    """A message about the encoder's work ahead."""
    whole = f"the encoder looks at {count:,} rows, once; kept for next time"
    return whole if left == count else f"the encoder goes on with {left:,} of {count:,} rows"


def encoded_rows(
    encoder: Encoder, rows: Rows, device: torch.device, part: str = "new rows"
) -> Rows:
    """Encode rows: one line for each, in single precision or whole numbers.

    Args:
        encoder: encodes them.
        rows: of any data set.
        device: where it runs.
        part: the name of the rows in messages.
    """
    blocks = [features for _, features in _stream(encoder, {part: rows}, device)]
    return replace(rows, inputs=torch.cat(blocks))


def _stream(
    encoder: Encoder, parts: Mapping[str, Rows], device: torch.device
) -> Iterator[tuple[str, Tensor]]:
    """Encode the rows of some parts block by block; all results must be of one kind."""
    name, kinds = type(encoder).__name__, set()
    for part, rows in ((part, rows) for part, rows in parts.items() if len(rows)):
        count = 0
        for lines in encoder.stream(rows, device):
            features = _sound(lines, f"encoder {name}", f"the {len(rows)} rows of {part}")
            count += len(features)
            kinds.add(f"{features.dtype} {tuple(features.shape[1:])}")
            if len(kinds) > 1:
                raise UnsoundError(
                    f"encoder {name} made rows of different kinds: {' and '.join(sorted(kinds))}"
                )
            yield part, features
        if count != len(rows):
            raise UnsoundError(
                f"encoder {name} gave {count} lines for the {len(rows)} rows of {part}"
            )


def _sound(lines: Any, encoder: str, rows: str) -> Tensor:
    """An encoder's lines, in single precision or whole numbers; anything else is refused."""
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
