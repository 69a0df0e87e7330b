import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from autoal.datamodules.table import Table
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from autoal.data import columns
from autoal.data.columns import Column, Numbers
from autoal.data.sheet import read_sheet
from autoal.errors import UserError
from autoal.testing import check_data
from tests.datamodules.made import write_table


def opened(path: Path, **options: Any) -> Table:
    data = Table(str(path), **options)
    data.setup()
    return data


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def parts(data: Table) -> dict[str, Tensor]:
    assert data.validation is not None
    found = {"train": data.train, "validation": data.validation, "test": data.test}
    return {name: part.inputs for name, part in found.items()}


def encode(name: str, cells: list[str], categorical: bool = False) -> list[Numbers]:
    return Column.learnt(name, cells, categorical).encode(cells)


def lines(count: int, begin: int = 0) -> str:
    """Rows of two numbers, all different, with two classes in turn."""
    return "".join(f"{row},{row * row},{'ab'[row % 2]}\n" for row in range(begin, begin + count))


def test_a_column_of_numbers_stays_one_and_texts_become_one_a_category() -> None:
    (numbers,) = encode("n", ["1", "-2.5", "3e2"])
    assert numbers.tolist() == [1, -2.5, 300]
    one_hot = encode("t", ["red", "?", "blue", "red"])
    assert np.stack(one_hot, 1).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    codes = encode("c", ["10", "9", "10"], categorical=True)
    assert [column.tolist() for column in codes] == [[0, 1, 0], [1, 0, 1]]


def test_a_missing_number_is_not_a_number_until_the_rows_are_split() -> None:
    (column,) = encode("n", ["1", "", "NA", "nan", "?", "4"])
    assert np.isnan(column).tolist() == [False, True, True, True, True, False]


def test_the_median_of_the_training_rows_stands_in_for_what_is_missing(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", "x,y\n1,a\n,b\n3,a\n11,b\n")
    other = written(tmp_path / "other.csv", "x,y\n?,a\n100,b\n")
    data = opened(train, validation_path=str(other), test_path=str(other))
    filled = np.array([1.0, 3.0, 3.0, 11.0])  # 3 is the median of 1, 3 and 11
    mean, deviation = filled.mean(), filled.std()
    expected = ((filled - mean) / deviation)[data.train.places]
    assert parts(data)["train"].flatten().tolist() == pytest.approx(expected)
    assert sorted(data.train.named(torch.arange(4))) == [
        f"{Path(train).name}:{line}" for line in range(2, 6)
    ]
    expected = (np.array([3.0, 100.0]) - mean) / deviation
    for name in ("validation", "test"):
        assert parts(data)[name].flatten().tolist() == pytest.approx(expected)


def test_rows_are_standardised_as_scikit_learn_does_it_on_the_training_rows(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", missing=False)
    data = opened(tmp_path / "a.csv", drop=["job"])
    source = np.loadtxt(tmp_path / "a.csv", delimiter=",", skiprows=1, usecols=(0, 2))
    assert data.train.places is not None
    assert data.test.places is not None
    scaler = StandardScaler().fit(source[data.train.places])
    for name, part in (("train", data.train), ("test", data.test)):
        assert part.places is not None
        np.testing.assert_allclose(
            parts(data)[name], scaler.transform(source[part.places]), atol=1e-5
        )


def test_large_numbers_keep_their_differences(tmp_path: Path) -> None:
    stamps = "".join(f"{1_700_000_000 + row},{'ab'[row % 2]}\n" for row in range(20))
    data = opened(written(tmp_path / "a.csv", stamps))
    assert len(data.train.inputs.unique()) == 12


def test_a_constant_column_is_zero_everywhere(tmp_path: Path) -> None:
    text = "".join(f"0.1,{row},,{'ab'[row % 2]}\n" for row in range(20))
    rows = parts(opened(written(tmp_path / "a.csv", text), header=False))
    for part in rows.values():
        assert float(part[:, [0, 2]].abs().max()) < 1e-12
    assert rows["train"][:, 1].std() > 0


def test_the_parts_are_three_fifths_and_twice_one_of_every_class(tmp_path: Path) -> None:
    data = opened(written(tmp_path / "a.csv", lines(50)))
    assert data.validation is not None
    for part, count in ((data.train, 15), (data.validation, 5), (data.test, 5)):
        assert part.labels.bincount().tolist() == [count, count]
    whole = torch.cat(list(parts(data).values()))
    assert len(whole.unique(dim=0)) == 50
    again = parts(opened(tmp_path / "a.csv"))
    assert all(torch.equal(rows, again[name]) for name, rows in parts(data).items())
    other = opened(tmp_path / "a.csv", split_seed=1)
    assert other.test.places is not None
    assert data.test.places is not None
    assert not torch.equal(other.test.places, data.test.places)


def test_parts_of_their_own_files_are_not_taken_from_the_first(tmp_path: Path) -> None:
    whole = written(tmp_path / "a.csv", lines(20))
    test = written(tmp_path / "test.csv", lines(6, begin=20))
    data = opened(whole, test_path=str(test))
    assert [len(rows) for rows in parts(data).values()] == [16, 4, 6]
    data = opened(whole, test_path=str(test), validation_path=str(test))
    assert [len(rows) for rows in parts(data).values()] == [20, 6, 6]


def test_validation_is_the_whole_part_or_as_many_rows_of_it(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", lines(50))
    counts = {}
    for asked in (None, 4, 0):
        data = opened(path, validation=asked)
        counts[asked] = (len(data.train), len(data.validation) if data.validation else 0)
    assert counts == {
        None: (30, 10),
        4: (30, 4),
        0: (40, 0),
    }  # which nobody holds out, may be queried
    with pytest.raises(ValueError, match=r"data\.validation=11: there are only 10"):
        opened(path, validation=11)


def test_thinned_rows_are_standardised_by_those_that_are_left(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", lines(50))
    data = opened(path, imbalance="step", imbalance_ratio=5.0)
    assert data.train.labels.bincount().tolist() == [15, 3]
    rows = parts(data)["train"]
    assert rows.mean(0).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert rows.std(0, correction=0).tolist() == pytest.approx([1, 1], rel=1e-5)


def test_the_label_is_named_or_counted_and_its_classes_are_sorted(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "kind,x\n" + "10,1\n9,2\n-1,3\n" * 10)
    for label in ("kind", 0, -2):
        data = opened(path, label=label)
        assert data.classes == ("-1", "9", "10")
        assert data.train.shape == (1,)
    assert data.train.labels.bincount().tolist() == [6, 6, 6]


def test_a_header_is_a_first_line_without_numbers(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "x,y\nu,v\n")
    assert read_sheet(path).names == ("x", "y")
    assert read_sheet(path, header=False).names == ("column 0", "column 1")
    assert read_sheet(written(path, "1,y\n2,z\n")).rows == [["1", "y"], ["2", "z"]]
    assert read_sheet(path, header=True).names == ("1", "y")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_cells_are_divided_by_what_divides_the_first_line(tmp_path: Path, delimiter: str) -> None:
    text = f'\ufeffx{delimiter}y\r\n" 1,5;2 "{delimiter}z\r\n\r\n'
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    assert read_sheet(path).names == ("x", "y")
    assert read_sheet(path).rows == [["1,5;2", "z"]]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (None, {}, "there is no file"),
        ("", {}, "is empty"),
        ("x,y\n1,a\0\n", {}, "cannot be read as CSV: line 2 has a NUL byte"),
        ("x,y\n" + 200_000 * "1" + ",a\n2,b\n3,a\n4,b\n", {}, "infinite number"),
        ("x,y\n", {}, "has no rows"),
        ("x,y\n1,a\n2\n", {}, "line 3 has 1 cells, but the first has 2"),
        ('x,y\n"1,a\n', {}, "cannot be read as CSV"),
        ("x,x\n1,a\n", {}, "two columns of the same name"),
        (lines(10), {"label": "z"}, "has no column 'z'; it has column 0"),
        (lines(10), {"label": 3}, "has no column 3"),
        (lines(10), {"drop": ["w"]}, "has no column 'w'"),
        (lines(10), {"drop": [0, 1]}, "no columns besides the labels"),
        (lines(10), {"label": 0}, "10 classes in 10 rows"),
        ("1,a\n2,\n3,a\n", {}, "1 of 3 rows of .* have no label"),
        ("1,a\n2,a\n", {}, "a single class, 'a'"),
        ("1,a\n2,b\n3,a\n4,b\n", {}, "too few rows: none is left to test"),
        ("inf,a\n2,b\n3,a\n4,b\n", {}, "'column 0' has an infinite number"),
    ],
)
def test_a_table_that_cannot_be_is_refused(
    tmp_path: Path, text: str | None, options: dict[str, Any], message: str
) -> None:
    if text is not None:
        written(tmp_path / "a.csv", text)
    with pytest.raises(UserError, match=message):
        opened(tmp_path / "a.csv", **options)


def test_a_column_of_names_is_refused_and_can_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "MOST_CATEGORIES", 5)
    text = "".join(f"name {row},{row},{'ab'[row % 2]}\n" for row in range(20))
    path = written(tmp_path / "a.csv", text)
    with pytest.raises(UserError, match=r"20 different texts.*data\.drop=\[column 0\]"):
        opened(path)
    assert opened(path, drop=["column 0"]).train.shape == (1,)


def test_a_file_of_other_columns_or_bytes_is_refused(tmp_path: Path) -> None:
    first = written(tmp_path / "a.csv", "x,y\n1,a\n2,b\n")
    other = written(tmp_path / "b.csv", "z,y\n1,a\n2,b\n")
    with pytest.raises(UserError, match=r"has the columns z, y, but .* has x, y"):
        opened(first, test_path=str(other))
    for content in (b"x,y\n\xff,a\n", "x,y\n1,a\n".encode("utf-16"), "x,y\n".encode("utf-16-le")):
        other.write_bytes(content)
        with pytest.raises(UserError, match=r"b\.csv (is not valid UTF-8|cannot be read as CSV)"):
            opened(other)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_what_is_no_file_is_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "a.csv")
    with pytest.raises(UserError, match=r"there is no file .*a\.csv"):
        opened(tmp_path / "a.csv")


def test_a_class_that_only_the_test_file_has_is_refused(tmp_path: Path) -> None:
    train, test = written(tmp_path / "a.csv", lines(20)), tmp_path / "test.csv"
    written(test, "1,2,a\n3,4,c\n")
    with pytest.raises(UserError, match=r"test\.csv has a class 'c' that the training rows lack"):
        opened(train, test_path=str(test))


@pytest.mark.parametrize("cell", ["1_000", "\u0663", "1e", "0x10", "1 000", "--1", ".", "e5"])
def test_a_cell_that_only_python_would_take_for_a_number_is_a_text(cell: str) -> None:
    assert Column.learnt("c", [cell, "a", "b"]).categories is not None
    with pytest.raises(UserError, match="has numbers, but"):
        Column.learnt("c", ["1", "2", "3", cell])


def test_numbers_have_signs_points_and_exponents() -> None:
    (column,) = encode("n", ["+1", "-.5", "2.", "1e3", "1.5E-2"])
    assert column.tolist() == [1, -0.5, 2, 1000, 0.015]


def test_a_header_that_is_no_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="`header` must be true, false or null, got 'no'"):
        Table("a.csv", header="no")


def test_a_table_shows_no_pictures_and_is_not_normalised_twice(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv")
    data = opened(tmp_path / "a.csv")
    assert data.train.shown is None
    rows = data.train.inputs
    assert torch.equal(data.preprocess().train()(rows), rows)
    assert rows.isfinite().all()


@pytest.mark.parametrize(
    ("cells", "odd"),
    [(["41,3", "2,95", "7,0"], "41,3"), (["1", "2", "n.a.x", "4"], "n.a.x")],
)
def test_a_column_of_numbers_with_other_cells_is_refused(cells: list[str], odd: str) -> None:
    with pytest.raises(UserError, match=f"'size' has numbers, but '{odd}' is not one"):
        encode("size", cells)
    assert len(encode("size", cells, categorical=True)) == len(cells)
    assert len(encode("grade", ["a", "b", "2", "c"])) == 4  # mostly texts


def test_the_delimiter_is_the_one_that_numbers_do_not_have(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "1,5;2,5;a")
    assert len(read_sheet(path, False).names) == 3


def test_a_table_keeps_the_promises_of_data(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv")
    check_data(Table(str(tmp_path / "a.csv")))


MIXED = "size,colour,kind,weight\n" + "".join(
    f"{row * 1.5},{['red', 'blue', ''][row % 3]},{'ab'[row % 2]},{row % 7 or ''}\n"
    for row in range(30)
)


def test_new_rows_are_read_cell_by_cell_as_those_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "mixed.csv", MIXED)
    data = opened(path, label="kind")
    rows = [line.split(",") for line in MIXED.splitlines()[1:]]
    assert data.train.places is not None
    own = [[size, colour, weight] for size, colour, _, weight in rows]
    found = data.reader().of([own[place] for place in data.train.places.tolist()])
    assert torch.equal(found.inputs, data.train.inputs)
    cells: list[list[Any]] = [[1.5, "blue", 1], [3.0, None, 2.0]]
    assert torch.equal(
        data.reader().of(cells).inputs, data.reader().of([["1.5", "blue", "1"], own[2]]).inputs
    )
    assert torch.equal(
        data.reader().of(np.array(own[:4], object)).inputs, data.reader().of(own[:4]).inputs
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1.0, "red"], "a row has 3 cells besides its label, got 2"),
        (
            [1.0, "green", 2.0],
            "the column 'colour' has 'green', which none of the data set's rows has",
        ),
        (["large", "red", 2.0], "the column 'size' has numbers, but 'large' is not one"),
    ],
    ids=["too few", "unknown", "no number"],
)
def test_a_new_row_that_is_none_of_the_table_is_refused(
    tmp_path: Path, row: list[Any], message: str
) -> None:
    data = opened(written(tmp_path / "mixed.csv", MIXED), label="kind")
    with pytest.raises(UserError, match=message):
        data.reader().of([row])
