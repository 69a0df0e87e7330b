import pytest
import torch
from torch import Tensor

from autoal.model.ranks import Ranks, runs, sendable, together


@pytest.mark.parametrize("world", [1, 2, 3, 8])
@pytest.mark.parametrize("rows", [1, 512, 513, 5000])
def test_every_row_is_read_once_and_in_the_blocks_that_one_process_reads(
    rows: int, world: int
) -> None:
    parts = runs(rows, 512, world)
    assert len(parts) == world
    assert [row for part in parts for row in range(rows)[part]] == list(range(rows))
    assert all(part.start % 512 == 0 or part.start == rows for part in parts)


def test_where_there_are_blocks_enough_everybody_has_one() -> None:
    assert [part.stop - part.start for part in runs(513, 512, 2)] == [512, 1]
    assert all(part.stop > part.start for part in runs(3 * 512 + 1, 512, 4))


@pytest.mark.parametrize("inputs", [torch.rand(10, 2), torch.rand(10, 2)[3:5], "lazy"])
def test_what_is_sent_takes_no_more_with_it_than_itself(inputs: Tensor | str) -> None:
    sent = sendable(inputs)
    if isinstance(inputs, Tensor):
        assert torch.equal(sent, inputs)
        assert sent.untyped_storage().nbytes() == inputs.nbytes
    else:
        assert sent == inputs


def test_a_process_is_alone_unless_it_leads_or_follows() -> None:
    assert together() is None


def test_who_is_the_first_is_told_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    ranks = Ranks("cpu", 2, 1)
    assert ranks.first
    assert not ranks.started_outside
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert not ranks.first
    assert ranks.started_outside
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("NODE_RANK", "1")
    assert not ranks.first
