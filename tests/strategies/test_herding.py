import numpy as np
import pytest
import torch
from autoal.strategies.herding import MaxHerding, UHerding
from torch import Tensor

from autoal import QueryStrategy, UserError, View, select
from autoal.query.calibration import temperature
from autoal.seeding import generator
from tests.strategies.made import beside, best, noted, scored

ALL: list[QueryStrategy] = [
    *(MaxHerding(), UHerding(), MaxHerding(sample=20), UHerding(sample=20)),
    UHerding(weight="candidate"),
]


def leaning(pool: Tensor, labelled: Tensor | None = None, labels: Tensor | None = None) -> View:
    """A view in which the last two columns of the embeddings are the logits."""
    known = pool[:0] if labelled is None else labelled
    return beside(pool, known, labels, logits=torch.cat([pool, known])[:, -2:])


def test_maxherding_by_hand() -> None:
    # Three in one direction, of which the second is the middle, two in another, one alone.
    pool = torch.tensor([[9.0, 0, 0], [9, 1, 0], [9, 2, 0], [0, 0, 5], [0, 0.1, 5], [-3, 0, 0]])
    picks = best(MaxHerding(width=0.5), beside(pool), 3)
    assert picks[0] == 1
    assert picks[1] in (3, 4)
    assert picks[2] == 5
    picks = best(MaxHerding(width=0.5), beside(pool, labelled=pool[:2]), 2)
    assert picks[0] in (3, 4)
    assert picks[1] == 5


@pytest.mark.parametrize("labelled", [0, 10])
def test_maxherding_equals_that_of_scikit_activeml(labelled: int) -> None:
    pool = pytest.importorskip("skactiveml.pool")
    rows = torch.randn(150, 6, generator=generator(0))
    labels = np.array([0.0] * labelled + [np.nan] * (150 - labelled))
    theirs = pool.MaxHerding(metric_dict={"gamma": 1 / 0.8**2}, random_state=0)
    expected = theirs.query(rows.numpy(), labels, batch_size=15)
    view = beside(rows[labelled:], rows[:labelled])
    assert best(MaxHerding(width=0.8), view, 15) == (expected - labelled).tolist()


def test_uherding_by_hand() -> None:
    # Four directions, so that no row covers another; the last two columns are the logits.
    apart = 100 * torch.eye(4)
    logits = torch.tensor([[0.0, 2.0], [0.0, 0.5], [1.0, 0.0], [0.3, 0.3]])
    pool = torch.cat([apart, logits], 1)
    picks = best(UHerding(width=0.1), leaning(pool), 4)
    assert picks == [3, 1, 2, 0]  # by their margins
    twice = torch.cat([pool, pool[:1]])  # two unsure rows in one place are worth more than one
    sure = torch.cat([apart, logits / 10], 1)[:1].expand(3, -1)
    view = leaning(torch.cat([twice, sure]))
    assert best(UHerding(width=0.1), view, 1)[0] in (0, 4, 5, 6, 7)


def test_uherding_equals_a_search_over_all_gains() -> None:
    pool = torch.randn(60, 5, generator=generator(0))
    labelled = torch.randn(6, 5, generator=generator(1))
    labels = torch.tensor([0, 1, 0, 1, 0, 1])
    view = leaning(pool, labelled, labels)
    rows, known = (part.double() / part.double().norm(dim=1)[:, None] for part in (pool, labelled))
    between = torch.cdist(known, known) + 9 * torch.eye(6)
    width = float(between.min())
    probs = (pool[:, -2:].double() / temperature(view)).softmax(1)
    unsure = 1 - (probs[:, 0] - probs[:, 1]).abs()
    kernel = torch.exp(-((torch.cdist(rows, rows) / width) ** 2))
    covered = torch.exp(-((torch.cdist(rows, known) / width) ** 2)).amax(1)
    for pick in best(UHerding(), view, 20):
        gains = (unsure * (kernel - covered).clamp(min=0)).mean(1)
        assert float(gains[pick]) == pytest.approx(float(gains.max()), rel=1e-4)
        covered = covered.maximum(kernel[pick])


def test_uherding_by_hand_by_the_doubt_of_the_rows_covered_or_of_the_pick() -> None:
    # A sure row amid three unsure ones, which are farther from each other; and one far from all.
    turns = torch.tensor([0.0, 1.0, 2.0]) * 2 * torch.pi / 3
    around = torch.stack([torch.ones(3), 0.18 * turns.cos(), 0.18 * turns.sin()], 1)
    pool = torch.cat([torch.tensor([[1.0, 0, 0]]), around, torch.tensor([[-1.0, 0, 0]])])
    view = beside(pool, logits=torch.tensor([[9.0, 0], *[[0, 0]] * 4]))
    assert best(UHerding(width=0.2), view, 1) == [0]
    assert best(UHerding(width=0.2, weight="candidate"), view, 1)[0] in (1, 2, 3)


@pytest.mark.parametrize("labelled", [6, 0])
def test_uherding_by_the_candidate_is_what_another_toolbox_computes(labelled: int) -> None:
    pool = torch.randn(60, 5, generator=generator(0))
    known = torch.randn(labelled, 5, generator=generator(1))
    view = leaning(pool, known, torch.arange(labelled) % 2)
    rows, centres = (part.double().numpy() for part in (pool, known))
    rows, centres = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (rows, centres))

    def kernel(some: np.ndarray, others: np.ndarray) -> np.ndarray:
        return np.exp(-((some[:, None] - others) ** 2).sum(2) / width**2)

    apart = np.linalg.norm(centres[:, None] - centres, axis=2) + 9 * np.eye(labelled)
    width = apart.min() if labelled else 1.0
    probs = (pool[:, -2:].double() / temperature(view)).softmax(1).numpy()
    doubt = 1 - np.abs(probs[:, :1] - probs[:, 1:])
    covered = kernel(rows, centres).max(1, keepdims=True) if labelled else np.zeros((60, 1))
    for pick in best(UHerding(weight="candidate"), view, 20):
        gains = np.mean(doubt * np.maximum(kernel(rows, rows) - covered, 0), axis=1)
        assert gains[pick] == pytest.approx(gains.max(), rel=1e-4)
        covered = np.maximum(covered, kernel(rows, rows[[pick]]))


def test_an_unknown_weight_is_refused() -> None:
    with pytest.raises(UserError, match=r"weight.*covered"):
        UHerding(weight="covers")


def test_the_kernel_is_as_narrow_as_the_two_nearest_labelled_rows() -> None:
    strategy = UHerding(width=0.7)
    assert strategy._width(torch.eye(3)[:1]) == 0.7
    rows = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 2.0]])
    assert strategy._width(rows) == pytest.approx(2)
    assert strategy._width(torch.ones(3, 2)) == 0.01


def test_rows_outside_of_the_sample_come_last() -> None:
    rows = torch.randn(50, 4, generator=generator(0))
    scores = scored(MaxHerding(sample=20), beside(rows), 5)
    assert int((scores >= 1).sum()) == 5
    assert 5 <= int((scores > 0).sum()) <= 20
    assert noted(MaxHerding(sample=20), beside(rows)) == {"sample": 20}
    assert noted(MaxHerding(), beside(rows)) == {}
    assert noted(UHerding(sample=20), leaning(rows)) == {"sample": 20, "temperature": 1.0}


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("strategy", ALL, ids=lambda strategy: type(strategy).__name__)
def test_identical_rows_leave_the_choice_to_chance(strategy: QueryStrategy, value: float) -> None:
    same = torch.full((40, 4), value)
    for known in (same[:0], same[:5]):
        scores = scored(strategy, leaning(same, known), 10)
        assert int((scores > 0).sum()) <= 1
        assert len(set(select(strategy, leaning(same, known), 10).tolist())) == 10


@pytest.mark.parametrize("strategy", [MaxHerding, UHerding])
@pytest.mark.parametrize(("option", "value"), [("width", 0.0), ("sample", 0)])
def test_options_out_of_range_are_refused(
    strategy: type[QueryStrategy], option: str, value: float
) -> None:
    with pytest.raises(ValueError, match=f"`{option}` must be .*{value}"):
        strategy(**{option: value})
