import pickle
from pathlib import Path

import torch

from autoal import Rows
from autoal.data.texts import are_texts, columns_of, digests, parts_of, text_rows, written_of

PAIRS = [("What is it?", "A pair."), ("Why?", "Because."), ("What is it?", "A pair.")]


def test_several_texts_are_shown_below_each_other_and_read_one_by_one() -> None:
    rows = text_rows(PAIRS, ("question", "answer")).take(torch.tensor([1]))
    assert rows.shown == ["question: Why?\nanswer: Because."]
    assert parts_of(rows) == [("Why?", "Because.")]


def test_one_text_is_shown_as_it_is() -> None:
    rows = text_rows([("one",)], ("body",))
    assert rows.shown == ["one"]
    assert parts_of(rows) == [("one",)]


def test_the_same_texts_have_the_same_numbers_and_others_do_not() -> None:
    inputs = text_rows(PAIRS, ("question", "answer")).inputs
    assert torch.equal(inputs[0], inputs[2])
    assert not torch.equal(inputs[0], inputs[1])


def test_columns_with_the_same_text_are_not_the_same_row() -> None:
    rows = [text_rows([("a", "b")], columns) for columns in (("x", "y"), ("y", "x"))]
    assert not torch.equal(rows[0].inputs, rows[1].inputs)


def test_a_copy_of_a_text_keeps_its_columns_and_parts() -> None:
    (text,) = text_rows(PAIRS[:1], ("question", "answer")).shown or ()
    copy = pickle.loads(pickle.dumps(text))
    assert (copy, copy.columns, copy.parts) == (text, ("question", "answer"), PAIRS[0])


def test_rows_are_texts_if_they_are_written() -> None:
    pixels = torch.zeros(2, 16, dtype=torch.uint8)
    assert are_texts(text_rows(PAIRS, ("question", "answer")))
    assert not are_texts(Rows.of(pixels))
    assert not are_texts(Rows(pixels, torch.zeros(2).long(), shown=pixels))


def test_rows_without_cells_are_no_texts() -> None:
    assert columns_of([[]]) == ()


def test_no_text_has_no_number() -> None:
    assert digests([]).shape == (0, 16)


def test_what_is_written_in_rows_is_neither_a_name_nor_a_picture() -> None:
    pixels, labels, names = torch.zeros(2, 16), torch.zeros(2).long(), ["cat/1.png", "dog/2.png"]
    assert written_of(Rows(pixels, labels, shown=["one", "two"], names=names)) == ["one", "two"]
    for shown in (None, pixels, [], [{"a": "one"}, {"a": "two"}], ["one", Path("two")], [*names]):
        assert written_of(Rows(pixels, labels, shown=shown, names=names)) is None
