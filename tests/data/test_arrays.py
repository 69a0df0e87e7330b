from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from autoal import Arrays
from autoal.data.rows import UNKNOWN
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
    rows = ROWS.copy()
    data = Arrays((rows, LABELS))
    rows[:] = 0
    assert data.train.inputs.tolist() == ROWS.tolist()


def test_validation_rows_are_given_or_held_out() -> None:
    given = Arrays((ROWS, LABELS), validation=(ROWS[:2], [0, 1]))
    assert given.validation is not None
    assert (len(given.train), given.validation.labels.tolist()) == (6, [0, 1])
    held_out = Arrays((ROWS, LABELS), validation=2)
    assert held_out.validation is not None
    assert (len(held_out.train), len(held_out.validation)) == (4, 2)


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
        ((ROWS, [0.5, 1.5, 2.5, 1.0, 0.0, 1.0]), "0.5 is no class; what is predicted here are"),
        ((ROWS, [0, 1]), "train has 6 rows and 2 labels"),
        ((ROWS, LABELS, LABELS), r"give \(inputs, labels\), got a tuple of 3"),
        ((np.arange(6.0), LABELS), r"inputs must have a line for each row.*got \(6,\)"),
        ((np.full((6, 2), np.nan), LABELS), "some inputs are NaN or infinite"),
        ((np.array([["a"]] * 6), LABELS), "inputs must be numbers, got <U1: texts need an encoder"),
        ((ROWS[:0], []), "train has no rows"),
        ((ROWS, [0] * 6), "the data have one class"),
        (Endless(), "a Dataset must have a length"),
        (Items([(ROWS[0], 1), ROWS[1]]), "some items of the Dataset are"),
        (ROWS, "no label tells what classes there are: give classes="),
    ],
)
def test_what_does_not_fit_is_one_clear_sentence(rows: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Arrays(rows)


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (["cat", "cow"] * 3, ["cat", "dog"], "'cow' is none of the classes cat, dog"),
        ([0, 1, 2] * 2, 2, "class 2 is not among 2"),
        ([0, 1, 2] * 2, ["a", "b", "a"], "a class is named twice"),
        ([0, 1, -2] * 2, 2, "class -2 is not among 2"),
    ],
)
def test_a_label_that_is_no_class_is_refused(labels: Any, classes: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Arrays((ROWS, labels), classes=classes)
