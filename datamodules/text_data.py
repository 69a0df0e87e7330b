"""The common base of data sets of texts."""

import sys
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from autoal import Data
from autoal.bounds import number, text
from autoal.data.contract import Loaded
from autoal.data.imbalance import stratified
from autoal.data.reader import Reader, TextReader
from autoal.data.rows import Rows
from autoal.data.textfiles import TextFile, TextPath, demand_words
from autoal.data.texts import text_rows
from autoal.errors import UserError

from .npz import split
from .source import numbers_of

TEST_SHARE = 0.2  # of every class, if the test has no file


class TextData(Data):
    """Rows of one text or several, which an encoder turns into numbers.

    Duplicates within the pool, and test rows that also occur in it, are reported and kept.

    Args:
        path: of the training rows; null: from `sources`.
        test_path: of the test rows; null: from `sources`, or else a fifth of each training class.
        validation_path: of validation rows; null: they have no file.
        share: of the training rows to keep, drawn from every class, to study small pools.
        validation_share: of the test rows, drawn from every class, to use for validation instead.
        imbalance: none, long_tail or step; thins the training rows, as for any `Data`.
        imbalance_ratio: of the largest class to the smallest.
        validation: labelled rows to hold out, drawn from those of `validation_path` or, without it,
            from the training rows; null is all of `validation_path`.
        split_seed: decides which rows are in which part.
        test_votes: several people's votes on each test row.
        batch_size: of the two dataloaders.
    """

    def __init__(
        self,
        path: str | None = None,
        test_path: str | None = None,
        validation_path: str | None = None,
        share: float = 1.0,
        validation_share: float = 0.0,
        *,
        imbalance: str = "none",
        imbalance_ratio: float = 10.0,
        validation: int | None = None,
        split_seed: int = 0,
        test_votes: str | None = None,
        batch_size: int = 128,
    ) -> None:
        super().__init__(
            imbalance=imbalance,
            imbalance_ratio=imbalance_ratio,
            validation=validation,
            split_seed=split_seed,
            test_votes=test_votes,
            batch_size=batch_size,
        )
        text("path", path, optional=True)
        text("test_path", test_path, optional=True)
        text("validation_path", validation_path, optional=True)
        number("share", share, above=0, most=1)
        number("validation_share", validation_share, least=0, below=1)
        if validation_share and validation_path is not None:
            raise ValueError("give only one of `validation_share` and `validation_path`")
        self.paths = {"train": path, "test": test_path, "validation": validation_path}
        self.share = share
        self.validation_share = validation_share

    @abstractmethod
    def read(self, part: str, path: TextPath) -> TextFile:
        """The texts and labels of the file of a part."""

    @abstractmethod
    def named(self, train: TextFile) -> tuple[Sequence[str], Mapping[str, str]]:
        """The names of the classes, and the class for which each other label stands."""

    def sources(self) -> dict[str, TextPath]:
        """The file of each part that has one."""
        given = {part: path for part, path in self.paths.items() if path is not None}
        return {part: Path(path).expanduser() for part, path in given.items()}

    def load(self) -> Loaded:
        files = {part: self.read(part, path) for part, path in self.sources().items()}
        for file in files.values():
            demand_words(file)
            _demand_labels(file)
        train = files["train"]
        self._called, self._columns = train.columns, train.layout
        classes, numbered = self.named(train)
        self.classes = tuple(classes)
        return self._parts({part: self._rows(part, files[part], numbered) for part in files})

    def ready(self, parts: Loaded) -> Loaded:
        """Return the parts unchanged, and report duplicates."""
        _tell_copies(parts)
        return parts

    def reader(self) -> Reader:
        return TextReader(self._called, self._columns)

    def _rows(self, part: str, file: TextFile, numbered: Mapping[str, str]) -> Rows:
        if len(file.columns) != len(self._called):
            raise UserError(
                f"{file.path} has {len(file.columns)} texts a row, {', '.join(file.columns)}, and "
                f"the training rows have {len(self._called)}, {', '.join(self._called)}"
            )
        labels = [numbered.get(str(label), label) for label in file.labels]
        names = file.names
        known = numbers_of(labels, names, self.classes)
        return text_rows(file.texts, self._called, known, names=names, part=part)

    def _parts(self, given: dict[str, Rows]) -> Loaded:
        """The parts; without test rows, some training rows become the test set."""
        train, test = given["train"], given.get("test")
        if test is None:
            train, test = split(train, TEST_SHARE, self.split_seed)
            if not len(test):
                raise UserError(
                    f"{self.paths['train']} has too few rows: none is left to test; "
                    "data.test_path= names a file of test rows"
                )
        validation = given.get("validation")
        if self.validation_share:
            test, validation = split(test, self.validation_share, self.split_seed)
            if not (len(test) and len(validation)):
                raise UserError(
                    f"data.validation_share={self.validation_share:g} leaves a part without rows: "
                    "the test rows are too few"
                )
        return Loaded(self._some(train), test, validation)

    def _some(self, train: Rows) -> Rows:
        """The requested share of the training rows."""
        if self.share == 1:
            return train
        kept = train.take(stratified(train.labels, self.share, self.split_seed))
        print(
            f"data.share={self.share:g}: {len(kept):,} of {len(train):,} training rows, drawn by "
            f"data.split_seed={self.split_seed}; every class keeps at least one",
            file=sys.stderr,
        )
        return kept


def _demand_labels(file: TextFile) -> None:
    """Refuse rows without a label."""
    lacking = [line for line, label in zip(file.lines, file.labels, strict=True) if label is None]
    if lacking:
        more = f", and {len(lacking) - 1:,} more have none" if len(lacking) > 1 else ""
        raise UserError(
            f"{file.path}, line {lacking[0]} has no label{more}; data=unlabelled takes such rows"
        )


def _tell_copies(parts: Loaded) -> None:
    """Report rows of the pool that repeat another's texts, and test rows that occur in it."""
    first: dict[bytes, int] = {}
    places = [first.setdefault(key, place) for place, key in enumerate(_contents(parts.train))]
    copies = [(place, other) for place, other in enumerate(places) if place != other]
    if copies:
        _tell("rows of the pool have the texts of another", parts.train, parts.train, copies)
    if parts.test is not None:
        found = enumerate(map(first.get, _contents(parts.test)))
        both = [(place, other) for place, other in found if other is not None]
        if both:
            _tell("test rows also occur in the pool", parts.test, parts.train, both)


def _contents(rows: Rows) -> list[bytes]:
    """A digest of each row's texts."""
    return [row.tobytes() for row in rows.inputs.numpy()]


def _tell(what: str, rows: Rows, pool: Rows, pairs: Sequence[tuple[int, int]]) -> None:
    place, other = pairs[0]
    assert rows.names is not None
    assert pool.names is not None
    print(
        f"{len(pairs):,} {what}, such as {rows.names[place]} ({pool.names[other]}); they stay",
        file=sys.stderr,
    )
