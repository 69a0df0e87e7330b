import pickle

import pytest
import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.model.ranks import Ranks, runs, sendable, together
from autoal.model.training import Training


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


@pytest.mark.parametrize("tensor", [torch.rand(10, 2), torch.rand(10, 2)[3:5]])
def test_what_is_sent_takes_no_more_with_it_than_itself(tensor: Tensor) -> None:
    sent = sendable(tensor)
    assert torch.equal(sent, tensor)
    assert sent.untyped_storage().nbytes() == tensor.nbytes


def test_what_cannot_be_sent_is_refused() -> None:
    with pytest.raises(UserError, match="cannot be sent to the other processes"):
        Ranks("cpu", 2, 1).tell(lambda inputs: None, inputs=torch.rand(2))


def test_inputs_are_sent_once_and_forgotten_when_they_are_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, other = Ranks("cpu", 2, 1), Ranks("cpu", 2, 1)
    said: list[bytes] = []
    monkeypatch.setattr(first, "_say", said.append)
    pool, batch = torch.rand(2000), torch.rand(2000)
    for inputs in (pool, pool, batch):
        first.tell(listen, inputs=inputs)
    del batch, inputs
    first.tell(listen, inputs=pool)
    assert [len(message) > 8000 for message in said] == [True, False, True, False]
    heard.clear()
    monkeypatch.setattr(other, "_heard", iter([*map(pickle.loads, said), None]).__next__)
    monkeypatch.setattr(other, "_join", lambda: None)
    monkeypatch.setattr("autoal.model.ranks.signal.signal", lambda *_: None)
    monkeypatch.setattr("autoal.model.ranks._die_with_parent", lambda: None)
    monkeypatch.setattr("autoal.model.ranks._here", None)
    other.follow()
    assert len(heard) == 4
    assert heard[0] == heard[1] == heard[3] == float(pool.sum())
    assert [*other._kept] == [0]


heard: list[float] = []


def listen(inputs: Tensor) -> None:
    heard.append(float(inputs.sum()))


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


def test_several_machines_need_somebody_who_starts_the_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("MASTER_ADDR", "LOCAL_RANK", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    lead = Training("cpu", devices=1, num_nodes=2, strategy="ddp").ranks().lead()
    with pytest.raises(UserError, match=r"trainer.num_nodes=2: the processes of several machines"):
        lead.__enter__()
