import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from autoal import Arrays, SklearnLearner
from autoal.data.classes import class_numbers, named_by
from autoal.data.rows import UNKNOWN
from autoal.data.texts import are_texts, parts_of
from autoal.errors import UserError
from autoal.testing import check_data

ROWS = np.arange(12.0).reshape(6, 2)
LABELS = [0, 1, 0, 1, 2, 1]


class Items(Dataset[Any]):
    """A map-style Dataset of whatever it is given."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> Any:
        return self.items[place]


@pytest.mark.parametrize(
    "rows",
    [
        (ROWS, LABELS),
        (ROWS.tolist(), np.array(LABELS)),
        (torch.from_numpy(ROWS), torch.tensor(LABELS)[:, None]),
        (list(ROWS), ("cat", "dog", "cat", "dog", "eel", "dog")),
        TensorDataset(torch.from_numpy(ROWS), torch.tensor(LABELS)),
        Items([(row, label) for row, label in zip(ROWS, LABELS, strict=True)]),
    ],
    ids=["arrays", "lists", "tensors", "names", "a TensorDataset", "a Dataset"],
)
def test_rows_come_in_whatever_form(rows: Any) -> None:
    data = Arrays(rows, test=rows)
    for part in (data.train, data.test):
        assert part is not None
        assert part.inputs.dtype == torch.float32
        assert part.inputs.tolist() == ROWS.tolist()
        assert part.labels.tolist() == LABELS
    assert len(data.classes) == 3
    check_data(data)


def test_the_pool_needs_no_labels_where_the_classes_are_named() -> None:
    data = Arrays(ROWS, classes=["cat", "dog"])
    assert data.classes == ("cat", "dog")
    assert data.train.labels.tolist() == [UNKNOWN] * 6
    assert data.test is None
    assert Arrays(ROWS, classes=3).classes == ("class 0", "class 1", "class 2")
    assert Arrays(ROWS, test=(ROWS, LABELS)).classes == ("class 0", "class 1", "class 2")


def test_labels_may_be_unknown_in_the_pool() -> None:
    for labels in ([0, -1, 1, -1, 2, 1], [0, None, 1, None, 2, 1], [0, np.nan, 1, np.nan, 2, 1]):
        data = Arrays((ROWS, labels), test=(ROWS, LABELS))
        assert data.train.labels.tolist() == [0, -1, 1, -1, 2, 1]
    with pytest.raises(UserError, match="every row of test needs a label"):
        Arrays((ROWS, LABELS), test=(ROWS, [0, -1, 1, 1, 2, 1]))


def test_what_the_caller_does_with_an_array_later_changes_nothing() -> None:
    for rows in (ROWS.copy(), torch.from_numpy(ROWS.copy()).float()):
        data = Arrays((rows, LABELS))
        rows[:] = 0
        assert data.train.inputs.tolist() == ROWS.tolist()


def test_a_row_keeps_the_number_that_it_has_in_the_arrays() -> None:
    data = Arrays((ROWS, LABELS), validation=(ROWS[:2], [0, 1]))
    assert data.validation is not None
    assert (len(data.train), data.validation.labels.tolist()) == (6, [0, 1])
    assert data.train.places is None
    with pytest.raises(UserError, match="validation: give rows, alone or as"):
        Arrays((ROWS, LABELS), validation=2)


def test_new_rows_are_stored_as_the_pool_is() -> None:
    pixels = torch.arange(6 * 8 * 8 * 3, dtype=torch.uint8).view(6, 8, 8, 3)
    data = Arrays((pixels, LABELS))
    grey = Arrays((pixels[..., 0], LABELS))
    assert torch.equal(grey.reader().of(pixels[:2, ..., 0].tolist()).inputs, grey.train.inputs[:2])
    for new in (pixels[:2], pixels[:2].tolist(), pixels[:2].movedim(3, 1), pixels[:2].numpy()):
        stored = data.reader().of(new)
        assert torch.equal(stored.inputs, data.train.inputs[:2])
        assert stored.labels.tolist() == [UNKNOWN] * 2
    for unlike in (pixels[:2] / 255, pixels[:2, :4], ROWS):
        with pytest.raises(UserError, match=r"are not like those of the pool, torch\.uint8"):
            data.reader().of(unlike)
    table = Arrays((ROWS, LABELS))
    assert table.reader().of([[1, 2]]).inputs.tolist() == [[1.0, 2.0]]
    with pytest.raises(UserError, match=r"rows of torch\.uint8 \(2,\) are not like"):
        table.reader().of(np.array([[1, 2]], np.uint8))


def test_what_is_nearly_an_array_will_do() -> None:
    class Frame:
        """As pandas and polars have them: iterated, it gives the names of its columns."""

        def __iter__(self) -> Any:
            return iter(["first", "second"])

        def to_numpy(self) -> Any:
            return ROWS

    class NAType:
        """A missing value in pandas."""

        def __eq__(self, other: object) -> Any:
            return self

        def __bool__(self) -> bool:
            raise TypeError("boolean value of NA is ambiguous")

        __hash__ = object.__hash__

    data = Arrays((Frame(), [0, NAType(), 1, 0, 2, 1]))
    assert data.train.inputs.tolist() == ROWS.tolist()
    assert data.train.labels.tolist() == [0, -1, 1, 0, 2, 1]
    three: Any = np.int64(3)
    swapped = Arrays((ROWS.astype(">f8"), np.array(LABELS, ">i4")), classes=three)
    assert swapped.train.inputs.tolist() == ROWS.tolist()
    assert swapped.train.labels.tolist() == LABELS


@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [
        ((6, 8, 8), np.uint8, (1, 8, 8)),
        ((6, 8, 8, 3), np.uint8, (3, 8, 8)),
        ((6, 3, 8, 8), np.uint8, (3, 8, 8)),
        ((6, 8, 8, 1), np.float32, (1, 8, 8)),
        ((6, 4, 8), np.float64, (4, 8)),
    ],
)
def test_pictures_have_their_channels_first(
    shape: tuple[int, ...], dtype: Any, expected: tuple[int, ...]
) -> None:
    pixels = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    data = Arrays((pixels, LABELS))
    assert data.train.shape == expected
    shown = data.train.shown
    assert (shown is not None) == (dtype == np.uint8)
    if len(shape) == 4 and shape[-1] in (1, 3):
        assert torch.equal(data.train.inputs[0, 0], torch.from_numpy(pixels[0, :, :, 0]))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pictures_are_standardised_by_channel(dtype: Any) -> None:
    stream = np.random.default_rng(0)
    pixels = stream.integers(0, 255, size=(50, 3, 6, 6)) * np.array([1, 0.5, 0.1])[:, None, None]
    data = Arrays((pixels.astype(dtype), np.arange(50) % 2))
    standard = data.preprocess()(data.train.inputs)
    assert standard.mean((0, 2, 3)).abs().max() < 1e-3
    assert (standard.std((0, 2, 3)) - 1).abs().max() < 1e-2


def test_numbers_are_standardised_by_column() -> None:
    rows = np.random.default_rng(0).normal(5.0, [1.0, 100.0], size=(40, 2))
    rows = np.column_stack([rows, np.full(40, 7.0)])  # a column that is constant
    data = Arrays((rows, np.arange(40) % 2))
    standard = data.preprocess()(data.train.inputs)
    assert standard.mean(0).abs().max() < 1e-4
    torch.testing.assert_close(standard.std(0, correction=0)[:2], torch.ones(2))
    assert standard[:, 2].abs().max() < 1e-4


def test_what_a_person_sees_and_calls_the_rows_may_be_given() -> None:
    texts = [f"row {place}" for place in range(6)]
    data = Arrays((ROWS, LABELS), shown=texts, names=texts)
    assert data.train.shown == texts
    assert data.train.take(torch.tensor([4, 1])).names == ["row 4", "row 1"]
    with pytest.raises(UserError, match="`names` has 2 entries for 6 rows"):
        Arrays((ROWS, LABELS), names=["a", "b"])


class Endless(IterableDataset[Tensor]):
    def __iter__(self) -> Any:
        return iter(())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ([[1.0, 2.0], [1.0]], [0, 1]),
            r"the rows have different shapes, such as \(1,\) and \(2,\)",
        ),
        ((ROWS, np.eye(6, 3)), "several labels a row are not supported"),
        ((ROWS, [0.5, 1.5, 2.5, 1.0, 0.0, 1.0]), "0.5 is not a class; AutoAL predicts"),
        ((ROWS, np.array([2**32 - 1] * 6, "u4")), "labels go to 4294967295, and 0 is not among"),
        ((ROWS, [25, 346, 26, 99, 25, 7]), "labels go to 346, and 0 is not among them: if these"),
        ((ROWS, [0, "cat", 1, 0, 1, 1]), "labels are numbers or names, not both: 'cat'"),
        ((ROWS, [0, float("inf"), 1, 0, 1, 1]), "inf is not a class; AutoAL predicts"),
        ((torch.zeros(6, 2, dtype=torch.complex64), LABELS), "inputs must be real numbers"),
        ((ROWS, [0, 1]), "train has 6 rows and 2 labels"),
        ((ROWS, LABELS, LABELS), r"give \(inputs, labels\), got a tuple of 3"),
        ((np.arange(6.0), LABELS), r"inputs must have a line for each row.*got \(6,\)"),
        ((np.full((6, 2), np.nan), LABELS), "some inputs are NaN or infinite"),
        (
            (np.array([[1, "a"]] * 6, object), LABELS),
            "inputs must be numbers, got object: texts need an encoder",
        ),
        ((ROWS[:0], []), "train has no rows"),
        ((ROWS, [0] * 6), "the data has one class"),
        (Endless(), "a Dataset must have a length"),
        (Items([(ROWS[0], 1), ROWS[1]]), "some items of the Dataset are"),
        (ROWS, "no label says what classes there are: give classes="),
    ],
)
def test_what_does_not_fit_is_one_clear_sentence(rows: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Arrays(rows)


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (["cat", "cow"] * 3, ["cat", "dog"], "'cow' is not one of the classes cat, dog"),
        ([0, 1, 2] * 2, 2, r"train_labels\[2\]: 2 is not a class: they go from 0 to 1"),
        ([0, 1, 2] * 2, 0, "`classes` must be at least 2, got 0"),
        ([0, 1, 2] * 2, ["a", "b", "a"], "a class is named twice"),
        ([0, 1, -2] * 2, 2, r"train_labels\[2\]: -2 is not a class: they go from 0 to 1"),
    ],
)
def test_a_label_that_is_no_class_is_refused(labels: Any, classes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Arrays((ROWS, labels), classes=classes)


def test_data_say_in_a_line_what_they_are() -> None:
    data = Arrays((ROWS, LABELS), test=(ROWS[:2], [0, 1]))
    assert str(data) == repr(data)
    assert str(data) == "Arrays: 6 train, 2 test rows of torch.float32 (2,) in 3 classes"


@pytest.mark.parametrize("rows", [ROWS * 1e300, torch.from_numpy(ROWS * 1e300)])
def test_a_number_beyond_single_precision_is_refused(rows: Any) -> None:
    with pytest.raises(UserError, match="some inputs are NaN or infinite"):
        Arrays((rows, LABELS))


def test_doubles_become_single_precision_without_a_copy_of_doubles() -> None:
    rows = np.ones((1000, 1000))
    tracemalloc.start()
    Arrays((rows, np.arange(1000) % 2))
    _, peak = tracemalloc.get_traced_memory()  # of what numpy allocates
    tracemalloc.stop()
    assert peak < rows.nbytes


@pytest.mark.parametrize(
    "labels",
    [np.arange(6) % 3, np.arange(6)[:, None] % 3, torch.arange(6, dtype=torch.uint8) % 3],
    ids=["numbers", "a column", "a tensor"],
)
def test_whole_numbers_are_not_turned_into_python_s(
    labels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("autoal.data.classes.values_of")
    assert class_numbers(labels, ["a", "b", "c"]).tolist() == [0, 1, 2, 0, 1, 2]
    assert named_by({"labels": labels}) == ("class 0", "class 1", "class 2")


WORDS = ["one", "two", "three", "four", "five", "six"]
PAIRS = [(word, f"{word} again") for word in WORDS]


@pytest.mark.parametrize("rows", [WORDS, np.array(WORDS), [[word] for word in WORDS]])
def test_rows_may_be_texts(rows: Any) -> None:
    data = Arrays((rows, LABELS), test=(rows, LABELS))
    for part in (data.train, data.test):
        assert part is not None
        assert are_texts(part)
        assert part.shown == WORDS
        assert part.labels.tolist() == LABELS
    assert data.reader().of(WORDS).inputs.tolist() == data.train.inputs.tolist()
    check_data(data)


def test_rows_may_be_several_texts_each() -> None:
    data = Arrays(PAIRS, classes=3)
    assert parts_of(data.train) == PAIRS
    assert data.train.shown is not None
    assert data.train.shown[0] == "text 1: one\ntext 2: one again"
    assert parts_of(data.reader().of(PAIRS[:2])) == PAIRS[:2]


def test_a_frame_names_its_texts() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(PAIRS, columns=["first", "second"])
    data = Arrays((frame, LABELS))
    assert data.train.shown is not None
    assert data.train.shown[0] == "first: one\nsecond: one again"
    assert Arrays((frame["first"], LABELS)).train.shown == WORDS


def test_texts_need_an_encoder() -> None:
    data = Arrays((WORDS, LABELS))
    with pytest.raises(UserError, match=r"texts need an encoder: .* Encoded\(data, encoder"):
        data.preprocess()
    with pytest.raises(UserError, match="texts need an encoder"):
        SklearnLearner(LogisticRegression(), data)


def test_texts_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(UserError, match="row 0 must be a text, none of them empty, got"):
        Arrays((WORDS, LABELS), test=(PAIRS, LABELS))


@pytest.mark.parametrize("rows", [[None, *WORDS[1:]], [float("nan"), *WORDS[1:]]])
def test_a_text_that_is_missing_does_not_hide_that_rows_are_texts(rows: list[Any]) -> None:
    for given in (rows, np.array(rows, dtype=object), [[text] for text in rows]):
        with pytest.raises(UserError, match="row 0 must be a text, none of them empty, got"):
            Arrays((given, LABELS))
    with pytest.raises(UserError, match="row 0 must be 2 texts"):
        Arrays(([(None, "one"), *PAIRS[1:]], LABELS))
