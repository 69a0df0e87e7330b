"""Folders that the library `datasets` saved."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from autoal.datamodules.texts import Texts

from autoal.data.rows import Rows
from autoal.data.saved import is_saved, read_saved, saved_parts
from autoal.data.textfiles import TextColumns
from autoal.errors import UserError

BODY = TextColumns(("body",), "topic")


def of_library(bodies: Sequence[str | None], topics: Sequence[int]) -> Any:
    """A data set of the library, whose classes are numbered."""
    datasets = pytest.importorskip("datasets", reason="needs pip install datasets")
    kinds = {
        "body": datasets.Value("string"),
        "topic": datasets.ClassLabel(names=["trade", "sport"]),
        "year": datasets.Value("int32"),
    }
    columns = {"body": [*bodies], "topic": [*topics], "year": [2000] * len(bodies)}
    return datasets.Dataset.from_dict(columns, features=datasets.Features(kinds))


def saved(path: Path, *rows: Any, shards: int = 1) -> Path:
    of_library(*rows).save_to_disk(path, num_shards=shards)
    return path


def saved_several(path: Path, **parts: tuple[Any, Any]) -> Path:
    library = pytest.importorskip("datasets", reason="needs pip install datasets")
    several = {part: of_library(*rows) for part, rows in parts.items()}
    library.DatasetDict(several).save_to_disk(path)
    return path


def test_texts_and_names_of_classes_are_read_from_all_files_of_a_folder(tmp_path: Path) -> None:
    path = saved(tmp_path / "a", ["one ", "two", "three"], [1, -1, 0], shards=2)
    file = read_saved(path, BODY)
    assert file.texts == [("one",), ("two",), ("three",)]
    assert file.labels == ["sport", None, "trade"]
    assert file.names == ["a:1", "a:2", "a:3"]
    assert read_saved(path, TextColumns(("body",))).labels == [None] * 3


@pytest.mark.parametrize(
    ("bodies", "columns", "told"),
    [
        (["one", None], BODY, "a, line 2: it has no text in 'body'"),
        (["one", "two"], TextColumns(("film",)), "a has no column 'film'; it has body, topic, ye"),
        (["one", "two"], TextColumns(("year",)), "a, line 1: 'year' must be a text, got 2000"),
        (["one", "two"], TextColumns(("body",), "body"), "a column is named twice among data.text"),
    ],
)
def test_what_are_no_texts_is_refused(
    tmp_path: Path, bodies: list[Any], columns: TextColumns, told: str
) -> None:
    path = saved(tmp_path / "a", bodies, [0, 1])
    with pytest.raises(UserError, match=told):
        read_saved(path, columns)


def test_a_damaged_folder_is_told_in_one_line(tmp_path: Path) -> None:
    path = saved(tmp_path / "a", ["one", "two"], [0, 1])
    (path / "state.json").write_text("{")
    with pytest.raises(UserError, match="a cannot be read: "):
        read_saved(path, BODY)


def test_without_the_library_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state.json").write_text("{}")
    assert is_saved(tmp_path)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match="needs the library that saved it: pip install data"):
        Texts(str(tmp_path), ["body"], "topic").setup()


def test_a_folder_of_no_part_to_learn_from_is_refused(tmp_path: Path) -> None:
    assert saved_parts(tmp_path) == {}
    (tmp_path / "dataset_dict.json").write_text("{}")
    with pytest.raises(UserError, match="has no part train: data"):
        saved_parts(tmp_path)


def shown(rows: Rows | None) -> set[str]:
    return set() if rows is None else set(rows.shown or ())


def test_the_parts_of_a_folder_are_those_of_the_data_unless_others_are_named(
    tmp_path: Path,
) -> None:
    parts = {"train": (["one", "two"], [0, 1]), "test": (["three"], [0])}
    path = saved_several(tmp_path / "a", **parts, validation=(["four"], [1]))
    data = Texts(str(path), ["body"], "topic")
    data.setup()
    assert data.classes == ("sport", "trade")
    assert [shown(data.train), shown(data.test)] == [{"one", "two"}, {"three"}]
    assert shown(data.validation) == {"four"}
    named = Texts(str(path), ["body"], "topic", test_path=str(path / "validation"))
    named.setup()
    assert [shown(named.train), shown(named.test)] == [{"one", "two"}, {"four"}]
    assert named.validation is None
