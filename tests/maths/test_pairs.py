import pytest
import torch
from torch import Tensor

from autoal.maths.coverage import rbf
from autoal.maths.geometry import unit
from autoal.maths.pairs import Pairs
from autoal.seeding import generator

ROWS = unit(torch.randn(50, 6, generator=generator(0, "rows")))
APART = torch.cdist(ROWS.double(), ROWS.double()).square().float()
SOME = torch.tensor([7, 3, 49])
ALL = torch.arange(50)


@pytest.fixture(params=["held", "computed each time"])
def pairs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Pairs:
    monkeypatch.setattr("autoal.maths.pairs.STRIP", 8)
    if request.param != "held":
        monkeypatch.setattr("autoal.maths.pairs.HELD", 4 * 50 * 50 - 1)
    return Pairs(ROWS)


def near(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=2e-6)


def test_numbers_are_squared_distances_at_first(pairs: Pairs) -> None:
    near(pairs.rows(SOME), APART[SOME])
    near(pairs.rows(ALL), APART)


@pytest.mark.parametrize("looked", [False, True])
def test_they_become_what_a_function_makes_of_them(pairs: Pairs, looked: bool) -> None:
    if looked:
        pairs.rows(SOME)
    pairs.become(rbf(0.7))
    near(pairs.rows(ALL), rbf(0.7)(APART))


def test_a_row_has_no_distance_from_itself_and_its_like() -> None:
    twice = Pairs(torch.cat([ROWS, ROWS]))
    apart = twice.rows(torch.arange(100))
    assert apart.diagonal().tolist() == [0.0] * 100
    assert apart.diagonal(50).tolist() == [0.0] * 50


def test_what_is_given_may_be_written_over(pairs: Pairs) -> None:
    pairs.rows(SOME).zero_()
    near(pairs.rows(SOME), APART[SOME])


def test_blocks_give_all_that_is_asked_for(pairs: Pairs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoal.maths.pairs.BLOCK", 100)  # two rows at a time
    places, numbers = zip(*pairs.blocks(SOME), strict=True)
    assert [len(some) for some in places] == [2, 1]
    near(torch.cat(numbers), APART[torch.cat(places)])


def test_each_is_computed_once_for_both_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoal.maths.pairs.STRIP", 5)
    computed: list[int] = []
    pairs = Pairs(ROWS)

    def counted(squared: Tensor) -> Tensor:
        computed.append(squared.numel())
        return squared

    pairs.become(counted)
    for _ in range(2):
        pairs.rows(ALL)
    assert sum(computed) == 50 * (50 + 5) / 2  # and the lower half once more within a strip
