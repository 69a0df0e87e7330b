import json
from pathlib import Path
from typing import Any

import pytest
import torch
from autoal.datamodules.texts import Texts

from autoal.data.rows import Rows
from autoal.data.texts import are_texts, parts_of
from autoal.errors import UserError
from autoal.testing import check_data

KINDS = ("bad", "good")


def lines(count: int, begin: int = 0, kinds: tuple[str, ...] = KINDS) -> str:
    """Rows of a text each, with the classes in turn."""
    return "".join(
        f"sentence {row}\t{kinds[row % len(kinds)]}\n" for row in range(begin, begin + count)
    )


def written(path: Path, content: str, head: str = "body\tlabel\n") -> Path:
    path.write_text(head + content)
    return path


def opened(path: Path, **options: Any) -> Texts:
    data = Texts(str(path), **{"text": ["body"], **options})
    data.setup()
    return data


def for_test(data: Texts) -> Rows:
    assert data.test is not None
    return data.test


def test_rows_are_texts_with_the_names_of_their_lines(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", lines(20))
    data = opened(path)
    assert are_texts(data.train)
    assert data.classes == KINDS
    for rows in (data.train, for_test(data)):
        assert rows.shown is not None
        for text, name, label in zip(rows.shown, rows.names or (), rows.labels, strict=True):
            number = int(text.removeprefix("sentence "))
            assert name == f"a.tsv:{number + 2}"
            assert int(label) == number % 2


def test_a_share_of_the_test_rows_may_be_for_validation(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", lines(10))
    own = str(written(tmp_path / "test.tsv", lines(20, begin=10)))
    data = opened(path, test_path=own, validation_share=0.5)
    assert data.validation is not None
    parts = [for_test(data), data.validation]
    assert [rows.labels.bincount().tolist() for rows in parts] == [[5, 5]] * 2
    assert len({*(parts[0].shown or ()), *(parts[1].shown or ())}) == 20
    other = opened(path, test_path=own, validation_share=0.5, split_seed=1)
    assert for_test(other).shown != parts[0].shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_path": "b.tsv"}, "only one of `validation_share`"),
        ({"validation_share": 1.0}, "`validation_share` must be at least 0 and below 1"),
        ({"validation_share": 0.01}, "leaves a part without rows: the test rows are too few"),
    ],
)
def test_a_share_that_cannot_be_is_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    path = written(tmp_path / "a.tsv", lines(10))
    with pytest.raises(ValueError, match=message):
        opened(path, **{"validation_share": 0.5, **options})


def test_the_test_is_a_fifth_of_every_class_or_a_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", lines(50))
    data = opened(path)
    assert data.train.labels.bincount().tolist() == [20, 20]
    assert for_test(data).labels.bincount().tolist() == [5, 5]
    assert data.validation is None
    assert set(for_test(opened(path, split_seed=1)).shown or ()) != set(for_test(data).shown or ())
    other = written(tmp_path / "test.tsv", lines(6, begin=50))
    data = opened(path, test_path=str(other))
    assert (len(data.train), len(for_test(data))) == (50, 6)


def test_validation_rows_come_from_their_file_or_else_from_the_pool(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", lines(50))
    own = str(written(tmp_path / "val.tsv", lines(8, begin=50)))
    counts = {}
    for asked, file in ((None, own), (4, own), (4, None), (0, own)):
        data = opened(path, test_path=own, validation=asked, validation_path=file)
        counts[asked, file] = (len(data.train), len(data.validation or ()))
    assert counts == {
        (None, own): (50, 8),
        (4, own): (50, 4),
        (4, None): (46, 4),
        (0, own): (50, 0),
    }


def test_several_texts_a_row_are_read_one_by_one(tmp_path: Path) -> None:
    content = "".join(f"Is it {row}?\tIt is {row}.\t{row % 2}\n" for row in range(10))
    path = written(tmp_path / "a.tsv", content, "question\tanswer\tlabel\n")
    data = opened(path, text=["question", "answer"])
    number = int(parts_of(data.train)[0][0].removeprefix("Is it ").removesuffix("?"))
    assert parts_of(data.train)[0] == (f"Is it {number}?", f"It is {number}.")
    assert data.train.shown is not None
    assert data.train.shown[0] == f"question: Is it {number}?\nanswer: It is {number}."


@pytest.mark.parametrize(
    ("labels", "classes", "expected"),
    [
        (("0", "1"), ["negative", "positive"], ("negative", "positive")),
        (("1", "2"), ["negative", "positive"], ("negative", "positive")),
        (("2", "10"), None, ("2", "10")),
        (("good", "bad"), ["good", "bad"], ("good", "bad")),
        (("good", "bad"), ["good", "bad", "odd"], ("good", "bad", "odd")),
    ],
)
def test_numbers_stand_for_the_names_of_classes_in_order(
    tmp_path: Path, labels: tuple[str, ...], classes: list[Any] | None, expected: tuple[str, ...]
) -> None:
    data = opened(written(tmp_path / "a.tsv", lines(20, kinds=labels)), classes=classes)
    assert data.classes == expected
    for text, label in zip(data.train.shown or (), data.train.labels, strict=True):
        assert int(label) == int(text.removeprefix("sentence ")) % 2


@pytest.mark.parametrize(("share", "count"), [(0.01, 10), (0.1, 100), (1.0, 1000)])
def test_a_share_is_drawn_from_every_class(
    tmp_path: Path, share: float, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "a.tsv", lines(1000, kinds=("a", "b", "b", "b", "b")))
    other = str(written(tmp_path / "test.tsv", lines(9, 1000, kinds=("a", "b"))))
    data = opened(path, test_path=other, share=share)
    assert data.train.labels.bincount().tolist() == [count // 5, 4 * count // 5]
    told = capsys.readouterr().err
    assert (f"{count} of 1,000 training rows" in told) == (share < 1)
    again, others = (opened(path, test_path=other, share=share, split_seed=seed) for seed in (0, 1))
    assert data.train.shown == again.train.shown
    assert (set(data.train.shown or ()) == set(others.train.shown or ())) == (share == 1)


def test_every_class_keeps_a_row_of_a_share(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", lines(40, kinds=("a",) * 19 + ("b",)))
    data = opened(path, test_path=str(path), share=0.05)
    assert data.train.labels.bincount().tolist() == [2, 1]


def test_copies_and_test_rows_in_the_pool_are_told_and_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "a.tsv", lines(10) + lines(3))
    test = written(tmp_path / "t.tsv", lines(4, begin=8))
    data = opened(path, test_path=str(test))
    assert (len(data.train), len(for_test(data))) == (13, 4)
    copies, both = capsys.readouterr().err.splitlines()
    assert copies.startswith("3 rows of the pool have the texts of another, such as a.tsv:")
    assert both.startswith("2 test rows also occur in the pool, such as t.tsv:2 (a.tsv:10)")


def test_texts_are_refused_without_an_encoder(tmp_path: Path) -> None:
    data = opened(written(tmp_path / "a.tsv", lines(10)))
    with pytest.raises(UserError, match=r"texts need an encoder: give encoder=tfidf"):
        data.preprocess()


def test_new_texts_are_read_as_those_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", lines(20))
    data = opened(path)
    new = data.reader().read([path])
    every = dict(zip(new.shown or (), new.inputs.tolist(), strict=True))
    assert [every[text] for text in data.train.shown or ()] == data.train.inputs.tolist()
    assert next(iter(new.names or ())) == f"{path}:2"


def test_texts_keep_the_promises_of_data(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", lines(30))
    check_data(Texts(str(path), ["body"], share=0.5, validation=3))


def test_imbalance_thins_texts_too(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", lines(100))
    data = opened(path, imbalance="step", imbalance_ratio=4.0)
    assert data.train.labels.bincount().tolist() == [40, 10]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (
            "1\ta\n2\tb\n3.5\ta\n4\tb\n",
            {},
            "has only numbers in 'body': data.text= names the columns",
        ),
        ("", {}, "has no rows"),
        (lines(6, kinds=("a",)), {}, "has a single class, 'a'; two are needed"),
        (
            lines(21, kinds=tuple("abcdefghijklmnopqrstu")),
            {},
            "has 21 classes in 21 rows; data.label= names the column",
        ),
        (
            "one\ta\ntwo\t\nthree\t \n",
            {},
            r"line 3 has no label, and 1 more have none; data=unlab",
        ),
        ("one\ta\ntwo\t\nthree\tb\n", {}, r"line 3 has no label; data=unlabelled takes such rows"),
        (
            lines(9, kinds=("1", "1", "cat")),
            {},
            "has numbers and names for labels, '1' on line 2 and 'cat' on line 4: if these are",
        ),
        (
            lines(9),
            {"classes": ["x", "y"]},
            "data.classes names x, y, and .* has the labels bad, good",
        ),
        (
            lines(9, kinds=tuple("012")),
            {"classes": ["x", "y"]},
            "has the labels 0, 1, 2: use these",
        ),
        ("one\ta\ntwo\tb\nthree\ta\nfour\tb\n", {}, "too few rows: none is left to test"),
        ("one\ta\ntwo\tb\n", {}, "none is left to test; data.test_path= names a file of test rows"),
        (lines(9), {"text": ["title"]}, "has no column 'title'; it has body, label"),
        (
            lines(9),
            {"text": []},
            r"`text` must be a list of columns, by names or numbers, such as \[body\]",
        ),
        (lines(9), {"text": [None]}, r"`text` must be a list of columns, .*, got \[None\]"),
        (lines(9), {"text": "body"}, "`text` must be a list of columns, .*, got 'body'"),
        (lines(9), {"share": 0}, "`share` must be at most 1 and above 0, got 0"),
        (lines(9), {"share": 1.5}, "`share` must be at most 1 and above 0, got 1.5"),
        (lines(9), {"quoting": "cvs"}, "did you mean 'csv'"),
        (lines(9), {"header": "no"}, "`header` must be true, false or null"),
        (lines(9), {"test_path": 3}, "`test_path` must be a text or null"),
    ],
)
def test_texts_that_cannot_be_are_refused(
    tmp_path: Path, content: str, options: dict[str, Any], message: str
) -> None:
    path = written(tmp_path / "a.tsv", content)
    with pytest.raises(ValueError, match=message):
        opened(path, **options)


def test_a_class_that_only_the_test_has_is_refused_by_its_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", lines(10))
    other = written(tmp_path / "t.tsv", lines(3) + "odd one\tugly\n")
    with pytest.raises(UserError, match=r"t\.tsv:5 has the label 'ugly', not one of the"):
        opened(path, test_path=str(other))


def test_labels_of_several_kinds_are_classes_where_they_are_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", "", "")
    rows = [{"body": f"text {row}", "label": [1, "cat", 2.0][row % 3]} for row in range(30)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert opened(path, classes=["1", "2", "cat"]).classes == ("1", "2", "cat")
    with pytest.raises(UserError, match="numbers and names for labels, '1' on line 1 and 'cat'"):
        opened(path)


def test_rows_stand_in_a_fixed_shuffled_order(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", lines(50))
    data = opened(path, test_path=str(path))
    assert data.train.places is not None
    assert data.train.places.tolist() != list(range(50))
    assert torch.equal(data.train.inputs, opened(path, test_path=str(path)).train.inputs)
