from dataclasses import replace

import pytest
import torch
from torch import Tensor

from autoal import Rows
from autoal.data.rows import UNKNOWN, chosen


def six() -> Rows:
    """Rows whose inputs, labels, pictures and names all say which row it is."""
    pictures = torch.arange(6, dtype=torch.uint8).view(6, 1, 1, 1)
    return Rows(torch.arange(6.0).view(6, 1), torch.arange(6), pictures, list("abcdef"))


def numbers(rows: Rows) -> list[int]:
    """The numbers of these rows, on which all their parts must agree."""
    found = rows.labels.tolist()
    assert rows.inputs.flatten().tolist() == found
    assert isinstance(rows.shown, Tensor)
    assert rows.shown.flatten().tolist() == found
    assert rows.names is not None
    assert ["abcdef".index(name) for name in rows.names] == found
    return found


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (torch.tensor([4, 1]), [4, 1]),
        (torch.tensor([False, True, False, False, True, True]), [1, 4, 5]),
        (torch.empty(0, dtype=torch.long), []),
    ],
    ids=["numbers", "mask", "none"],
)
def test_rows_are_taken_whole(wanted: Tensor, expected: list[int]) -> None:
    assert numbers(six().take(wanted)) == expected


def test_rows_remember_their_places_through_every_selection() -> None:
    whole = six()
    half = whole.take(torch.tensor([1, 3, 5])).take(torch.tensor([False, True, True]))
    assert half.places is not None
    assert half.places.tolist() == half.labels.tolist() == [3, 5]
    assert (len(half), half.whole) == (2, 6)


def test_the_shape_is_that_of_one_row() -> None:
    assert Rows.of(torch.zeros(4, 3, 8, 8)).shape == (3, 8, 8)
    assert Rows.of(torch.zeros(4, 7)).shape == (7,)


def test_of_inputs_alone_nothing_else_is_known() -> None:
    rows = Rows.of(torch.zeros(3, 2))
    assert rows.labels.tolist() == [UNKNOWN] * 3
    assert (rows.shown, rows.names, rows.places, rows.whole) == (None, None, None, 3)


def test_labels_become_known_without_a_change_to_the_rows_that_were() -> None:
    before = six().without_labels()
    assert before.labels.tolist() == [UNKNOWN] * 6
    after = before.with_labels(torch.tensor([4, 0]), torch.tensor([2, 1]))
    assert after.labels.tolist() == [1, UNKNOWN, UNKNOWN, UNKNOWN, 2, UNKNOWN]
    assert before.labels.tolist() == [UNKNOWN] * 6
    assert after.inputs is before.inputs


def test_inputs_are_read_in_blocks() -> None:
    blocks = six().blocks(torch.tensor([5, 0, 2]), 2)
    assert [block.flatten().tolist() for block in blocks] == [[5, 0], [2]]


def test_rows_that_join_stand_at_the_end_and_were_never_in_the_part() -> None:
    half = six().take(torch.tensor([1, 3]))
    joined = half.joined(six().take(torch.tensor([4])))
    assert numbers(joined) == [1, 3, 4]
    assert joined.places is not None
    assert joined.places.tolist() == [1, 3, 6]
    assert joined.whole == 7


def test_rows_of_which_some_lack_what_is_shown_show_nothing_and_all_have_names() -> None:
    joined = six().joined(Rows.of(torch.zeros(2, 1)))
    assert joined.shown is None
    assert joined.names == [*"abcdef", "train[6]", "train[7]"]
    assert joined.labels.tolist() == [0, 1, 2, 3, 4, 5, UNKNOWN, UNKNOWN]


@pytest.mark.parametrize("more", [torch.zeros(2, 3), torch.zeros(2, 1, dtype=torch.uint8)])
def test_rows_of_another_kind_cannot_join(more: Tensor) -> None:
    with pytest.raises(ValueError, match=r"cannot join rows of torch.float32 \(1,\)"):
        six().joined(Rows.of(more))


def test_a_text_a_row_is_shown_as_well_as_a_picture() -> None:
    texts = replace(six(), shown=[f"text {number}" for number in range(6)])
    assert texts.take(torch.tensor([5, 2])).shown == ["text 5", "text 2"]
    assert texts.joined(texts.take(torch.tensor([3]))).shown == [
        *(f"text {number}" for number in range(6)),
        "text 3",
    ]
    assert chosen(None, torch.tensor([1])) is None


def test_keys_follow_their_rows_and_are_not_made_up() -> None:
    keyed = replace(six(), keys=list("uvwxyz"))
    assert keyed.take(torch.tensor([5, 2])).keys == ["z", "w"]
    assert keyed.joined(keyed.take(torch.tensor([1]))).keys == [*"uvwxyz", "v"]
    assert six().take(torch.tensor([1])).keys is None
    assert keyed.joined(six()).keys is None


def test_rows_are_called_by_their_names_or_else_by_their_places() -> None:
    some = six().take(torch.tensor([5, 0, 3]))
    assert some.named(torch.tensor([2, 0])) == ["d", "f"]
    assert replace(some, names=None, part="val").named(torch.tensor([2, 0])) == ["val[3]", "val[5]"]


def test_a_fingerprint_tells_rows_from_others() -> None:
    rows = replace(six(), names=None)
    others = (
        replace(rows, inputs=rows.inputs.flip(0)),
        replace(rows, inputs=rows.inputs.double()),
        rows.take(torch.arange(5)),
        six(),
    )
    assert rows.fingerprint() == replace(rows, labels=rows.labels + 1).fingerprint()
    assert len({each.fingerprint() for each in (rows, *others)}) == 5
