"""The contract between data sets and the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar, NamedTuple

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor, nn

from autoal.bounds import choice, number, text, whole
from autoal.data.batches import Batches
from autoal.data.imbalance import KINDS, thin
from autoal.data.order import in_fixed_order
from autoal.data.reader import ArrayReader, Reader
from autoal.data.rows import UNKNOWN, Rows
from autoal.data.sound import demand_finite_rows, demand_sound
from autoal.data.texts import demand_encoded
from autoal.data.votes import shares_of
from autoal.data.words import PLAIN, Words
from autoal.errors import UserError, about
from autoal.seeding import generator

LEAST = 1e-6  # smallest deviation that divides a column
SEEN_BY = " seen by "  # in a fingerprint, between the data's and the encoder's part


class Loaded(NamedTuple):
    """The parts of a data set as published."""

    train: Rows
    test: Rows | None = None
    validation: Rows | None = None

    def there(self) -> dict[str, Rows]:
        """All existing parts, by name."""
        return {name: rows for name, rows in self._asdict().items() if rows is not None}


class Data(LightningDataModule, ABC):
    """A data set of any kind: `train` is the pool, `test` is used only for evaluation.

    `validation` has labelled rows that nobody trains on, if any are asked for: strategies may use
    them, and they count as bought labels.

    A subclass sets the class names and writes `load`. Files are often sorted by class; the training
    rows therefore stand in a fixed shuffled order, and `places` says where each of them was.
    Batches contain rows as they are stored: `preprocess()` turns them into a network's input.

    Args:
        imbalance: none, long_tail or step; thins the training rows, the test set stays whole.
        imbalance_ratio: of the largest class to the smallest.
        validation: labelled rows to hold out, drawn from the set's own validation part or, without
            one, from the training rows, which then leave the pool; None takes all of the set's own.
        split_seed: decides which rows are left out or held out; the same for all seeds of a
            comparison.
        test_votes: several people's votes on each test row, which models are judged by too:
            `file.npz:member` or `file.csv`, with a number for each row and class.
        batch_size: of the two dataloaders, for use with your own Trainer.
    """

    keeps_order: ClassVar[bool] = False  # of the training rows; otherwise they are shuffled

    labels_count: bool = False  # training labels count: nobody is asked for existing ones
    checked: int = 0  # randomly drawn rows of the start that judge the model instead of a test set
    words: Words = PLAIN  # for its rows, in prompts
    known: bytes = b""  # what `remembered` returned at an earlier start; set before `setup`

    classes: tuple[str, ...]
    train: Rows
    test: Rows | None
    validation: Rows | None

    def __init__(
        self,
        imbalance: str = "none",
        imbalance_ratio: float = 10.0,
        validation: int | None = 0,
        split_seed: int = 0,
        test_votes: str | None = None,
        batch_size: int = 128,
    ) -> None:
        super().__init__()
        choice("imbalance", imbalance, KINDS)
        number("imbalance_ratio", imbalance_ratio, least=1)
        whole("validation", 0 if validation is None else validation, least=0)
        whole("split_seed", split_seed)
        text("test_votes", test_votes, optional=True)
        whole("batch_size", batch_size, least=1)
        self.imbalance = imbalance
        self.imbalance_ratio = imbalance_ratio
        self.held_out = validation
        self.split_seed = split_seed
        self.test_votes = test_votes
        self.batch_size = batch_size

    @abstractmethod
    def load(self) -> Loaded:
        """The rows, read or decoded; called once."""

    def setup(self, stage: str | None = None) -> None:
        if hasattr(self, "train"):
            return
        loaded = self.load()
        if not isinstance(loaded, Loaded):
            found = type(loaded).__name__
            raise UserError(f"{type(self).__name__}.load must give a Loaded, got {found}")
        with about(self.called()):
            demand_sound(loaded.there(), self.classes)
        train, test, own = loaded
        if self.test_votes is not None:
            test = self._voted(test, self.test_votes)
        if not self.keeps_order:
            train = in_fixed_order(train)
        if self.imbalance != "none":
            _demand_labels(train, f"data.imbalance={self.imbalance}")
            how = (self.imbalance, self.imbalance_ratio, self.split_seed)
            train = train.take(thin(train.labels, *how))
        train, validation = self._hold_out(train, own)
        ready = self.ready(Loaded(train, test, validation))
        with about(self.called()):
            demand_finite_rows(ready.there())
        self.train, self.test, self.validation = ready

    def _voted(self, test: Rows | None, place: str) -> Rows:
        """The test rows with the shares of the votes that each class got."""
        if test is None:
            raise UserError(f"data.test_votes={place}: the data has no test rows")
        return replace(test, beliefs=shares_of(place, test, self.classes))

    def ready(self, parts: Loaded) -> Loaded:
        """The parts as the engine takes them, now that it is known which rows are trained on."""
        return parts

    def __repr__(self) -> str:
        """Its kind, counts and classes, in one line."""
        name = type(self).__name__
        if not hasattr(self, "train"):
            return f"{name}, not read yet"
        parts = Loaded(self.train, self.test, self.validation).there()
        counts = ", ".join(f"{len(rows):,} {part}" for part, rows in parts.items())
        kind = f"{self.train.inputs.dtype} {self.train.shape}"
        return f"{name}: {counts} rows of {kind} in {len(self.classes)} classes"

    __str__ = __repr__  # in place of Lightning's, which takes the data loaders apart

    def _hold_out(self, train: Rows, own: Rows | None) -> tuple[Rows, Rows | None]:
        """The training rows that are left, and the validation rows."""
        if self.held_out is None:
            return train, own
        if not self.held_out:
            return train, None
        source = train if own is None else own
        limit = len(source) if own is not None else len(source) - 1
        if self.held_out > limit:
            raise ValueError(
                f"data.validation={self.held_out}: there are only {limit} rows to take it from"
            )
        _demand_labels(source, f"data.validation={self.held_out}")
        order = torch.randperm(len(source), generator=generator(self.split_seed, "validation"))
        drawn, left = order[: self.held_out].sort().values, order[self.held_out :].sort().values
        return (train.take(left) if own is None else train), source.take(drawn)

    def called(self) -> str:
        """The name of the data in messages: their file, if they have one."""
        return str(getattr(self, "path", type(self).__name__))

    def fingerprint(self) -> str:
        """A digest that tells the pool from any other, so that no run goes on with other rows."""
        return self.train.fingerprint()

    def demand_same(self, fingerprint: str) -> None:
        """Refuse to go on in the place of other data, which had this fingerprint."""
        if fingerprint.partition(SEEN_BY)[0] != self.fingerprint():
            raise UserError(
                "the data has changed since: its rows are other ones, or in another "
                "order; put it back as it was"
            )

    def remembered(self) -> bytes:
        """The bytes that a run keeps so that its rows have the same numbers at the next start."""
        return b""

    def reader(self) -> Reader:
        """The reader of new rows in the pool's form, which works without the data set."""
        return ArrayReader(self.train.inputs.dtype, self.train.shape)

    def preprocess(self) -> nn.Module:
        """The module from stored rows to a network's input: standardises column by column.

        It refuses texts, as no network reads them without an encoder.
        """
        demand_encoded(self.train)
        rows = self.train.inputs.float()
        return Standardise(rows.mean(0), rows.std(0, correction=0).clamp(min=LEAST))

    def train_dataloader(self) -> Batches:
        return Batches(self.train.inputs, self.train.labels, size=self.batch_size, shuffle=True)

    def test_dataloader(self) -> Batches:
        if self.test is None:
            raise UserError("the data has no test rows")
        return Batches(self.test.inputs, self.test.labels, size=self.batch_size)


def _demand_labels(rows: Rows, option: str) -> None:
    """Refuse an option that needs labels if some are lacking."""
    lacking = int((rows.labels == UNKNOWN).sum())
    if lacking:
        raise UserError(f"{option} needs labels, and {lacking} of {len(rows)} rows have none")


class Standardise(nn.Module):
    """Rows of numbers, centred and divided.

    Args:
        mean: of each column, or one for all.
        std: of each column, or one for all.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, rows: Tensor) -> Tensor:  # (n, ...) of any type -> float
        # The buffers follow the module's precision, and so does the network.
        return ((rows.float() - self.mean) / self.std).to(self.mean.dtype)
