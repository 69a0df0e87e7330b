import torch

from autoal.data.imbalance import stratified, thin

LABELS = torch.arange(5).repeat(100)


def test_a_long_tail_falls_geometrically() -> None:
    rows = thin(LABELS, "long_tail", ratio=16)
    assert LABELS[rows].bincount().tolist() == [100, 50, 25, 12, 6]
    assert rows.tolist() == sorted(set(rows.tolist()))


def test_a_step_cuts_the_second_half_of_the_classes() -> None:
    assert LABELS[thin(LABELS, "step", ratio=10)].bincount().tolist() == [100, 100, 100, 10, 10]
    even = torch.arange(4).repeat(20)
    assert even[thin(even, "step", ratio=4)].bincount().tolist() == [20, 20, 5, 5]


def test_the_seed_says_which_rows_stay() -> None:
    first, again, other = (thin(LABELS, "step", 10, seed) for seed in (0, 0, 1))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_every_class_keeps_a_row_and_no_more_than_it_has() -> None:
    labels = torch.tensor([0] * 10 + [1] * 2 + [2])
    assert labels[thin(labels, "long_tail", ratio=4)].bincount().tolist() == [10, 2, 1]
    assert labels[thin(labels, "long_tail", ratio=1000)].bincount().tolist() == [10, 1, 1]


def test_a_share_is_of_all_and_of_every_class() -> None:
    labels = torch.tensor([0] * 29_780 + [1] * 37_569)  # as SST-2 has them
    for share, count in ((0.001, 67), (0.01, 673)):
        rows = stratified(labels, share)
        assert len(rows) == count
        assert abs(int((labels[rows] == 0).sum()) - share * 29_780) < 1
        assert rows.tolist() == sorted(set(rows.tolist()))


def test_every_class_keeps_a_row_of_a_share() -> None:
    labels = torch.tensor([0] * 90 + [1] * 9 + [2])
    assert labels[stratified(labels, 0.01)].bincount().tolist() == [1, 1, 1]


def test_the_seed_says_which_rows_are_in_a_share() -> None:
    first, again, other = (stratified(LABELS, 0.1, seed).tolist() for seed in (0, 0, 1))
    assert first == again
    assert first != other
