from typing import Any

import pytest
import torch

from autoal.data.batches import Batches, Blocks, Shared
from autoal.data.rows import Rows
from autoal.seeding import generator, seeded


def shuffled(rows: int, size: int, purpose: str = "epoch") -> list[list[int]]:
    with seeded(0, purpose):
        return [batch.tolist() for (batch,) in Batches(torch.arange(rows), size=size, shuffle=True)]


def test_rows_are_spread_evenly_over_the_batches() -> None:
    assert [len(batch) for batch in shuffled(33, 32)] == [17, 16]
    assert [len(batch) for batch in shuffled(100, 32)] == [25, 25, 25, 25]
    assert [len(batch) for batch in shuffled(32, 32)] == [32]


@pytest.mark.parametrize("size", [3, 4, 5, 32])
@pytest.mark.parametrize("rows", [2, 3, 4, 5, 7, 31, 33, 65])
def test_no_batch_for_training_is_left_with_a_single_row(rows: int, size: int) -> None:
    batches = shuffled(rows, size)
    assert min(len(batch) for batch in batches) >= 2
    assert {row for batch in batches for row in batch} == set(range(rows))


def test_an_odd_number_of_rows_in_pairs_leaves_no_single_row_either() -> None:
    batches = shuffled(5, 2)
    assert min(len(batch) for batch in batches) >= 2
    assert {row for batch in batches for row in batch} == set(range(5))


@pytest.mark.parametrize("rows", [2, 33, 64, 100])
def test_every_row_comes_once_an_epoch_in_batches_of_the_size_at_most(rows: int) -> None:
    batches = shuffled(rows, 32)
    assert sorted(row for batch in batches for row in batch) == list(range(rows))
    assert max(len(batch) for batch in batches) <= 32


def test_a_single_row_is_shown_twice() -> None:
    assert shuffled(1, 32) == [[0, 0]]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("rows", [1, 5, 32, 33, 64])
def test_the_length_is_the_number_of_batches(rows: int, shuffle: bool) -> None:
    batches = Batches(torch.arange(rows), size=32, shuffle=shuffle)
    assert len(batches) == len(list(batches))


def test_every_epoch_has_a_new_order_that_follows_the_global_seed() -> None:
    batches = Batches(torch.arange(50), size=32, shuffle=True)
    with seeded(0, "epoch"):
        first = torch.cat([batch for (batch,) in batches])
        second = torch.cat([batch for (batch,) in batches])
    with seeded(0, "epoch"):
        again = torch.cat([batch for (batch,) in batches])
    assert not torch.equal(first, second)
    assert torch.equal(first, again)
    assert shuffled(50, 32) != shuffled(50, 32, "another")


def test_without_shuffling_the_rows_keep_their_order() -> None:
    batches = [batch.tolist() for (batch,) in Batches(torch.arange(7), size=3)]
    assert batches == [[0, 1, 2], [3, 4, 5], [6]]


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_tensors_of_a_batch_are_of_the_same_rows(shuffle: bool) -> None:
    images, labels = torch.arange(40).view(20, 2) * 10, torch.arange(20)
    for some_images, some_labels in Batches(images, labels, size=6, shuffle=shuffle):
        assert torch.equal(some_images, images[some_labels])


def test_a_batch_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="`batch_size` must be at least 2, got 1"):
        Batches(torch.arange(3), size=1)


@pytest.mark.parametrize("size", [1, 3, 4, 9])
def test_blocks_read_the_rows_of_these_numbers_once_and_in_their_order(size: int) -> None:
    numbers = torch.tensor([1, 2, 5, 8])
    blocks = Blocks(Rows.of(10 * torch.arange(9)), numbers, size)
    read = [block.tolist() for (block,) in blocks]
    assert [row for block in read for row in block] == [10, 20, 50, 80]
    assert [len(block) for block in read[:-1]] == [size] * (len(read) - 1)
    assert len(blocks) == len(read) == -(-4 // size)


def shared(rows: int, size: int, world: int) -> list[Shared]:
    with seeded(0, "epoch"):
        stream = torch.get_rng_state()
    options: dict[str, Any] = {"size": size, "stream": stream, "world": world}
    return [Shared(torch.arange(rows), rank=rank, **options) for rank in range(world)]


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("rows", [33, 64, 100])
def test_the_parts_of_all_processes_are_the_batches_of_one(rows: int, world: int) -> None:
    for epoch in zip(*shared(rows, 32, world), strict=True):
        assert all(len(part) >= 2 for (part,) in epoch)
    parts = zip(*shared(rows, 32, world), strict=True)
    together = [torch.cat([part for (part,) in batch]).tolist() for batch in parts]
    assert together == shuffled(rows, 32)


def test_every_epoch_has_a_new_order_that_all_processes_know() -> None:
    first, second = shared(50, 50, 2)
    epochs = [[next(iter(batches))[0].tolist() for batches in (first, second)] for _ in range(2)]
    assert sorted(epochs[0][0] + epochs[0][1]) == list(range(50))
    assert sorted(epochs[1][0] + epochs[1][1]) == list(range(50))
    assert epochs[0] != epochs[1]


def test_a_batch_that_is_too_small_to_be_shared_is_everybodys() -> None:
    for rows in (1, 3):
        assert [[len(part) for (part,) in batches] for batches in shared(rows, 32, 2)] == [
            [max(2, rows)]
        ] * 2
        assert [batches.weight(0) for batches in shared(rows, 32, 2)] == [1.0, 1.0]


def test_a_row_counts_as_much_in_a_larger_part_as_in_a_smaller_one() -> None:
    first, second = shared(65, 32, 2)  # of 22, 22 and 21 rows
    assert [first.weight(number) for number in range(3)] == [1, 1, 11 / 21 * 2]
    assert [second.weight(number) for number in range(3)] == [1, 1, 10 / 21 * 2]
    rows = torch.rand(21, generator=generator(0, "rows"))
    means = [part.mean() for part in rows.tensor_split(2)]
    weighed = (first.weight(2) * means[0] + second.weight(2) * means[1]) / 2
    assert float(weighed) == pytest.approx(float(rows.mean()))
