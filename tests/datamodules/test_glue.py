"""Published sets of texts, tiny ones in their true layouts."""

from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from autoal.datamodules.glue import (
    AgNews,
    Mrpc,
    PublishedTexts,
    Qnli,
    Rte,
    Sst2,
    Wnli,
)

from autoal.data.texts import parts_of
from autoal.data.words import PLAIN
from autoal.errors import UserError
from tests.datamodules.made import (
    write_agnews,
    write_mrpc,
    write_nli,
    write_sst2,
)

Write = Callable[[Path], object]


def opened(kind: type[PublishedTexts], root: Path, **options: object) -> PublishedTexts:
    data = kind(root=str(root), download=False, **{"check": False, **options})
    data.setup()
    return data


def labelled(data: PublishedTexts) -> dict[tuple[str, ...], str]:
    classes = [data.classes[label] for label in data.train.labels.tolist()]
    return dict(zip(parts_of(data.train), classes, strict=True))


ANSWERS = {"0": "entailment", "1": "not_entailment"}


@pytest.mark.parametrize(
    ("kind", "write", "classes", "parts"),
    [
        (Sst2, write_sst2, ("negative", "positive"), ('phrase "0',)),
        (
            Qnli,
            lambda root: write_nli(root, "QNLI", "QNLIv2.zip"),
            ("entailment", "not_entailment"),
            ("first 0", 'second "0'),
        ),
        (
            Rte,
            lambda root: write_nli(root, "RTE"),
            ("entailment", "not_entailment"),
            ("first 0", 'second "0'),
        ),
        (
            Wnli,
            lambda root: write_nli(root, "WNLI"),
            ("not_entailment", "entailment"),
            ("first 0", 'second "0'),
        ),
        (Mrpc, write_mrpc, ("not_equivalent", "equivalent"), ('first "0', "second 0")),
        (
            AgNews,
            write_agnews,
            ("World", "Sports", "Business", "Sci/Tech"),
            ('title "0"', "news, 0"),
        ),
    ],
)
def test_a_set_is_read_from_its_own_files(
    tmp_path: Path,
    kind: type[PublishedTexts],
    write: Write,
    classes: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    write(tmp_path)
    data = opened(kind, tmp_path)
    assert data.classes == classes
    assert not {*data.words} & {*PLAIN}
    assert (len(data.train), len(data.test or ())) == (12, 4)
    assert labelled(data)[parts] == classes[0]
    assert data.train.labels.bincount().tolist() == [12 // len(classes)] * len(classes)
    assert not list(tmp_path.glob("*/train.tsv"))  # nothing is unpacked


def test_a_zip_that_was_unpacked_is_read_as_it_is(tmp_path: Path) -> None:
    write_sst2(tmp_path)
    with ZipFile(tmp_path / "SST-2.zip") as archive:
        archive.extractall(tmp_path)
    (tmp_path / "SST-2.zip").unlink()
    assert len(opened(Sst2, tmp_path).train) == 12


@pytest.mark.parametrize(
    ("kind", "head", "row"),
    [
        (Sst2, "sentence\tlabel", "some words {}\t{}"),
        (Qnli, "question\tsentence\tlabel", "Is it {0}?\tIt is.\t{1}"),
        (Mrpc, "sentence1\tsentence2\tlabel", "one {}\ttwo\t{}"),
        (Mrpc, "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String", "{1}\t7\t8\tone {0}\ttwo"),
        (AgNews, "label\ttext", "{1}\tsome words {0}"),
    ],
)
def test_files_of_ones_own_stand_in_for_the_published_ones(
    tmp_path: Path, kind: type[PublishedTexts], head: str, row: str
) -> None:
    own = tmp_path / "own.tsv"
    lines = [
        row.format(number, 1 + number % 2 if kind is AgNews else number % 2) for number in range(8)
    ]
    own.write_text("\n".join([head, *lines]))
    data = opened(kind, tmp_path, path=str(own), test_path=str(own), check=True)
    assert (len(data.train), len(data.test or ())) == (8, 8)
    assert data.train.labels.bincount().tolist() == [4, 4]


def test_labels_of_ones_own_may_be_the_names_of_classes(tmp_path: Path) -> None:
    own = tmp_path / "own.tsv"
    own.write_text("sentence\tlabel\nfine\tpositive\nodd\t0\nbad\tnegative\nwell\t1\n")
    data = opened(Sst2, tmp_path, path=str(own), test_path=str(own))
    assert labelled(data)["fine",] == labelled(data)["well",] == "positive"
    assert labelled(data)["odd",] == labelled(data)["bad",] == "negative"


def test_new_rows_may_have_the_names_of_the_set_or_its_own_layout(tmp_path: Path) -> None:
    write_agnews(tmp_path)
    reader = opened(AgNews, tmp_path).reader()
    named = tmp_path / "named.csv"
    named.write_text("description,title\nwords,name\n")
    assert parts_of(reader.read([named])) == [("name", "words")]
    assert len(reader.read([tmp_path / "ag_news_csv" / "test.csv"])) == 4


def test_a_set_that_is_not_there_is_told_with_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"RTE\.zip is not in") as refused:
        opened(Rte, tmp_path)
    for told in ("https://", "data.root=", "AUTOAL_DATA", "data.path= and data.test_path="):
        assert told in str(refused.value)


def test_a_set_of_another_size_or_content_is_refused(tmp_path: Path) -> None:
    write_agnews(tmp_path)
    with pytest.raises(UserError, match=r"train\.csv is not the published file"):
        opened(AgNews, tmp_path, check=True)
    folder = tmp_path / "SST-2"
    folder.mkdir()
    for name in ("train.tsv", "dev.tsv"):
        (folder / name).write_text("sentence\tlabel\na\t0\nb\t1\n")
    with pytest.raises(UserError, match=r"train\.tsv has 2 rows, expected 67,349\n.*check=false"):
        opened(Sst2, tmp_path, check=True)


@pytest.mark.parametrize("damage", ["no zip", "another member", "broken"])
def test_a_zip_that_cannot_be_read_is_refused(tmp_path: Path, damage: str) -> None:
    write_sst2(tmp_path)
    path = tmp_path / "SST-2.zip"
    content = bytearray(path.read_bytes())
    if damage == "no zip":
        content = bytearray(b"nothing of the kind")
    elif damage == "another member":
        content = content.replace(b"train.tsv", b"other.tsv")
    else:
        content[60:70] = bytes(10)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"SST-2\.zip"):
        opened(Sst2, tmp_path)


def test_pairs_do_not_stand_beside_single_texts(tmp_path: Path) -> None:
    write_agnews(tmp_path)
    own = tmp_path / "own.tsv"
    own.write_text("text\tlabel\none\t1\ntwo\t2\n")
    with pytest.raises(UserError, match="has 1 texts a row, text, and the training rows have 2"):
        opened(AgNews, tmp_path, test_path=str(own))
