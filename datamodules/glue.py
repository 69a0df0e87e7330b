"""Published texts: tasks of GLUE (Wang et al., 2019), and AG News."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from zipfile import BadZipFile
from zipfile import Path as PathInZip

from autoal.bounds import switch, text
from autoal.data.textfiles import TextColumns, TextFile, TextPath, names_in, read_texts
from autoal.data.words import Words
from autoal.errors import UserError

from .files import DataFile, DataFolder
from .text_data import TextData

GLUE = "https://dl.fbaipublicfiles.com/glue/data"
SENTEVAL = "https://dl.fbaipublicfiles.com/senteval/senteval_data"
NEWS = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv"
PAIR = TextColumns(("sentence1", "sentence2"), "label")


@dataclass(frozen=True)
class Published:
    """The source of a part's rows: a file, or a member of a zip."""

    file: DataFile
    rows: int
    member: str = ""  # of the zip; empty: the file itself has them


def _glue(task: str, archive: str, md5: str, train: int, dev: int) -> dict[str, Published]:
    """The parts of a GLUE task; dev is the test set, since the test labels are not public."""
    file = DataFile(archive, (f"{GLUE}/{archive}",), md5)
    return {
        "train": Published(file, train, f"{task}/train.tsv"),
        "test": Published(file, dev, f"{task}/dev.tsv"),
    }


class PublishedTexts(TextData):
    """A set whose files have a published name, address and checksum, or your own files.

    A zip is read without unpacking; if a file was unpacked beside it, that is read instead.

    Args:
        path: of your own training rows; null: the published ones.
        test_path: of your own test rows; null: the published ones.
        root: folder of the published files; null is $AUTOAL_DATA, or a cache folder.
        download: fetch missing files.
        check: refuse published files with a wrong checksum, and published parts of a wrong size.
        options: of every `TextData`.
    """

    published: ClassVar[Mapping[str, Published]]  # by part
    layouts: ClassVar[Sequence[TextColumns]]  # possible layouts of files; the first names the texts
    labels: ClassVar[Mapping[str, str]]  # of files, with the classes they stand for

    def __init__(
        self,
        path: str | None = None,
        test_path: str | None = None,
        root: str | None = None,
        download: bool = True,
        check: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(path, test_path, **options)
        text("root", root, optional=True)
        switch("download", download)
        switch("check", check)
        self.folder = DataFolder(root, download, check)

    def sources(self) -> dict[str, TextPath]:
        own = super().sources()
        return {part: own.get(part) or self._source(part) for part in {**self.published, **own}}

    def read(self, part: str, path: TextPath) -> TextFile:
        try:
            file = read_texts(path, self._fitting(path))
        except (BadZipFile, zlib.error, EOFError) as error:
            raise UserError(f"{path} cannot be read: {error}") from error
        if self.paths[part] is None and self.folder.check:
            self._demand_all(part, file)
        names = tuple(map(str, self.layouts[0].text))
        return replace(file, columns=names) if len(names) == len(file.columns) else file

    def named(self, train: TextFile) -> tuple[Sequence[str], Mapping[str, str]]:
        return list(dict.fromkeys(self.labels.values())), self.labels

    def _source(self, part: str) -> TextPath:
        """The published file, or the member of a zip."""
        found = self.published[part]
        unpacked = self.folder.path / found.member
        if unpacked.is_file():
            return unpacked
        try:
            path = self.folder.get(found.file)
            return PathInZip(path, found.member) if found.member else path
        except BadZipFile as error:
            raise UserError(f"{path} cannot be read: {error}") from error
        except UserError as error:
            own = "or give files of your own, data.path= and data.test_path="
            raise UserError(f"{error}\n  {own}") from error

    def _fitting(self, path: TextPath) -> TextColumns:
        names = names_in(path)
        return next((layout for layout in self.layouts if layout.fits(names)), self.layouts[0])

    def _demand_all(self, part: str, file: TextFile) -> None:
        found, expected = len(file.texts), self.published[part].rows
        if found != expected:
            raise UserError(
                f"{file.path} has {found:,} rows, expected {expected:,}\n"
                "  give data.check=false if it is your own part"
            )


class Sst2(PublishedTexts):
    """Phrases of film reviews (Socher et al., 2013): 67,349 + 872."""

    published = _glue("SST-2", "SST-2.zip", "9f81648d4199384278b86e315dac217c", 67_349, 872)
    layouts = (TextColumns(("sentence",), "label"),)
    labels: ClassVar = {"0": "negative", "1": "positive"}
    words = Words("Review", "Sentiment", "Movie review snippets")


class Qnli(PublishedTexts):
    """Questions and possible answers to them (Rajpurkar et al., 2016): 104,743 + 5,463 pairs."""

    published = _glue("QNLI", "QNLIv2.zip", "b4efd6554440de1712e9b54e14760e82", 104_743, 5463)
    layouts = (TextColumns(("question", "sentence"), "label"),)
    labels: ClassVar = {"0": "entailment", "1": "not_entailment"}
    words = Words("Pair", "Relation", "A question and a sentence that may answer it")


class Rte(PublishedTexts):
    """Sentences that may follow from another (Dagan et al., 2006, ...): 2,490 + 277 pairs."""

    published = _glue("RTE", "RTE.zip", "bef554d0cafd4ab6743488101c638539", 2490, 277)
    layouts = (PAIR,)
    labels: ClassVar = {"0": "entailment", "1": "not_entailment"}
    words = Words("Pair", "Relation", "A text and a sentence that may follow from it")


class Wnli(PublishedTexts):
    """Pronouns, each with a reading that may be right (Levesque et al., 2011): 635 + 71 pairs.

    Sentences of the test set occur in the pool with the opposite label: memorising fails.
    """

    published = _glue("WNLI", "WNLI.zip", "a1b4bd2861017d302d29e42139657a42", 635, 71)
    layouts = (PAIR,)
    labels: ClassVar = {"0": "not_entailment", "1": "entailment"}
    words = Words("Pair", "Relation", "A sentence and another that may say what its pronoun means")


class Mrpc(PublishedTexts):
    """Sentences that may say the same (Dolan and Brockett, 2005): 4,076 + 1,725 pairs.

    The labels of its own test are public; GLUE's dev is a part of its training rows.
    """

    published: ClassVar = {
        part: Published(DataFile(name, (f"{SENTEVAL}/{name}",), md5), rows)
        for part, name, md5, rows in (
            ("train", "msr_paraphrase_train.txt", "793daf7b6224281e75fe61c1f80afe35", 4076),
            ("test", "msr_paraphrase_test.txt", "e437fdddb92535b820fe8852e2df8a49", 1725),
        )
    }
    layouts = (PAIR, TextColumns(("#1 String", "#2 String"), "Quality"))
    labels: ClassVar = {"0": "not_equivalent", "1": "equivalent"}
    words = Words("Pair", "Relation", "A sentence and another that may say the same")


class AgNews(PublishedTexts):
    """Titles and first lines of news in four classes (Zhang et al., 2015): 120,000 + 7,600."""

    published: ClassVar = {
        part: Published(DataFile(f"ag_news_csv/{name}", (f"{NEWS}/{name}",), md5), rows)
        for part, name, md5, rows in (
            ("train", "train.csv", "b1a00f826fdfbd249f79597b59e1dc12", 120_000),
            ("test", "test.csv", "d52ea96a97a2d943681189a97654912d", 7600),
        )
    }
    layouts = (
        TextColumns(("title", "description"), "label"),
        TextColumns(("text",), "label"),
        TextColumns((1, 2), 0, header=False),
    )
    labels: ClassVar = {"1": "World", "2": "Sports", "3": "Business", "4": "Sci/Tech"}
    words = Words("News", "Topic", "News in brief")
