import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from autoal import Rows
from autoal.data.batches import Batches, Blocks
from autoal.data.lazy import LazyTensor, each_ahead, held, pieces
from autoal.errors import UserError
from autoal.seeding import seeded

PIXELS = torch.arange(20 * 4 * 5 * 3).view(20, 4, 5, 3).to(torch.uint8).permute(0, 3, 1, 2)


class Watched:
    """A lazy tensor, and what was read of it."""

    def __init__(self) -> None:
        self.read: list[list[int]] = []
        self.tensor = LazyTensor(self._read, torch.arange(20), PIXELS)

    def _read(self, places: Tensor) -> Tensor:
        self.read.append(places.tolist())
        return PIXELS[places]


@pytest.fixture
def watched() -> Watched:
    return Watched()


CHOICES: dict[str, Callable[[Tensor], Tensor]] = {
    "numbers": lambda rows: rows[torch.tensor([3, 1, 3])],
    "a list of numbers": lambda rows: rows[[3, -1, 3]],
    "a list of truth values": lambda rows: rows[[row % 3 == 0 for row in range(20)]],
    "an empty list": lambda rows: rows[[]],
    "a mask": lambda rows: rows[torch.arange(20) % 3 == 0],
    "a slice": lambda rows: rows[4:11],
    "every other": lambda rows: rows[::2],
    "pieces": lambda rows: rows.split(7)[2],
    "one after the other": lambda rows: rows[2:][torch.tensor([0, 5])][1:],
}


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("choose", CHOICES.values(), ids=CHOICES)
def test_choosing_rows_reads_nothing(
    watched: Watched,
    choose: Callable[[Tensor], Tensor],
    context: Callable[[], AbstractContextManager[None]],
) -> None:
    with context():
        chosen = choose(watched.tensor)
        expected = choose(PIXELS)
        assert isinstance(chosen, LazyTensor)
        assert (chosen.shape, chosen.dtype) == (expected.shape, expected.dtype)
        assert not watched.read
        assert torch.equal(held(chosen), expected)


OTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "arithmetic": lambda rows: rows.float() / 255,
    "another order": lambda rows: rows.permute(0, 2, 3, 1),
    "one after the other": lambda rows: torch.cat([rows, PIXELS]),
    "before others": lambda rows: torch.cat([PIXELS, rows]),
    "a copy": lambda rows: rows.clone(),
    "a channel": lambda rows: rows[:, 1],
    "a row": lambda rows: rows[7],
    "a truth value": lambda rows: rows[True],
    "a tensor of one": lambda rows: rows[torch.tensor(True)],
    "the last row": lambda rows: rows[-1],
    "numpy": lambda rows: torch.from_numpy(rows.numpy()),
    "row by row": lambda rows: torch.stack(list(rows)),
}


@pytest.mark.parametrize("act", OTHERS.values(), ids=OTHERS)
def test_whatever_else_is_done_gives_what_it_gives_of_a_tensor(
    watched: Watched, act: Callable[[Tensor], Tensor]
) -> None:
    found = act(watched.tensor)
    assert type(found) is Tensor
    assert torch.equal(found, act(PIXELS))


@pytest.mark.parametrize("row", [7, -13, torch.tensor(7), torch.tensor(-13)], ids=repr)
def test_a_row_is_read_alone(watched: Watched, row: Any) -> None:
    assert torch.equal(watched.tensor[row], PIXELS[7])
    assert watched.read == [[7]]
    with pytest.raises(IndexError):
        watched.tensor[20]


def test_it_lies_in_memory_as_what_it_is_like(watched: Watched) -> None:
    assert watched.tensor.stride() == PIXELS.stride()
    assert watched.tensor.nbytes == PIXELS.nbytes
    assert deepcopy(watched.tensor) is watched.tensor
    assert "LazyTensor of torch.uint8 (20, 3, 4, 5)" in repr(watched.tensor)


@pytest.mark.parametrize("act", [lambda rows: rows.share_memory_(), pickle.dumps])
def test_processes_do_not_share_it(watched: Watched, act: Callable[[Tensor], object]) -> None:
    with pytest.raises(UserError, match=r"cannot be pickled.*held\(\), or give data\.memory=ram"):
        act(watched.tensor)


def test_all_rows_are_read_in_pieces(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoal.data.lazy.PIECE", 6 * PIXELS[0].nbytes)
    assert torch.equal(torch.cat(list(pieces(watched.tensor))), PIXELS)
    assert [len(rows) for rows in watched.read] == [6, 6, 6, 2]


def test_one_piece_is_read_ahead_and_no_more(watched: Watched) -> None:
    blocks = each_ahead(held, watched.tensor.split(4), watched.tensor)
    next(blocks)
    next(blocks)
    assert 2 <= len(watched.read) <= 3
    assert len(list(blocks)) == 3


def test_what_goes_wrong_ahead_is_told_to_who_reads() -> None:
    def broken(places: Tensor) -> Tensor:
        raise ValueError("a broken picture")

    with pytest.raises(ValueError, match="a broken picture"):
        list(pieces(LazyTensor(broken, torch.arange(3), PIXELS)))


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_those_of_a_tensor(watched: Watched, shuffle: bool) -> None:
    labels = torch.arange(20)
    found = []
    for inputs in (watched.tensor, PIXELS):
        with seeded(0, "batches"):
            found.append(list(Batches(inputs, labels, size=6, shuffle=shuffle)))
    assert len(found[0]) == 4
    for (lazy, *rest), (plain, *others) in zip(*found, strict=True):
        assert type(lazy) is Tensor
        assert torch.equal(lazy, plain)
        assert lazy.stride() == plain.stride()
        assert torch.equal(rest[0], others[0])
    assert max(map(len, watched.read)) <= 6


def test_rows_stay_lazy_until_they_are_looked_at(watched: Watched) -> None:
    rows = Rows(watched.tensor, torch.arange(20), shown=watched.tensor)
    some = rows.take(torch.tensor([5, 2, 9])).without_labels()
    assert isinstance(some.inputs, LazyTensor)
    assert some.shown is some.inputs
    assert not watched.read
    plain = Rows(PIXELS, torch.arange(20), shown=PIXELS)
    assert rows.fingerprint() == plain.fingerprint()
    numbers = torch.tensor([4, 1, 0, 7, 3])
    given = [block for (block,) in Blocks(rows, numbers, 2)]
    assert torch.equal(torch.cat(given), PIXELS[numbers])
    together = [piece.inputs for piece in rows.pieces(8)]
    assert [type(each) for each in together] == 3 * [Tensor]
    assert torch.equal(torch.cat(together), PIXELS)
