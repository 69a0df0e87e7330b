import numpy as np
import pytest
import torch
from autoal.strategies.herding import MaxHerding, UHerding
from torch import Tensor, nn

from autoal import Features, QueryStrategy, View, select
from autoal.query.calibration import temperature
from autoal.seeding import generator

ALL: list[QueryStrategy] = [MaxHerding(), UHerding(), MaxHerding(sample=20), UHerding(sample=20)]


class Side(nn.Module):
    """The head that takes the last columns, times a factor, for logits."""

    def __init__(self, classes: int, factor: float = 1.0) -> None:
        super().__init__()
        self.classes = classes
        self.factor = factor

    def forward(self, rows: Tensor) -> Tensor:
        return self.factor * rows[:, -self.classes :]


def view_of(
    pool: Tensor,
    labelled: Tensor | None = None,
    labels: Tensor | None = None,
    validation: Tensor | None = None,
    validation_labels: Tensor | None = None,
    rows: Tensor | None = None,
    classes: int = 2,
    factor: float = 1.0,
) -> View:
    known = pool[:0] if labelled is None else labelled
    rows = torch.arange(len(pool)) if rows is None else rows

    def features(rows: Tensor, values: Tensor) -> Features:
        return Features(rows, lambda: values, lambda inputs: inputs, Side(classes, factor))

    return View(
        pool=features(rows, pool),
        labelled=features(torch.arange(1000, 1000 + len(known)), known),
        labels=torch.zeros(len(known), dtype=torch.long) if labels is None else labels,
        classes=classes,
        seed=0,
        validation=None if validation is None else features(torch.arange(9), validation),
        validation_labels=validation_labels,
    )


def best(strategy: QueryStrategy, view: View, budget: int) -> list[int]:
    scores = strategy.score(view, budget)
    return scores.argsort(descending=True)[:budget].tolist()


def test_maxherding_by_hand() -> None:
    # Three in one direction, of which the second is the middle, two in another, one alone.
    pool = torch.tensor([[9.0, 0, 0], [9, 1, 0], [9, 2, 0], [0, 0, 5], [0, 0.1, 5], [-3, 0, 0]])
    picks = best(MaxHerding(width=0.5), view_of(pool), 3)
    assert picks[0] == 1
    assert picks[1] in (3, 4)
    assert picks[2] == 5
    picks = best(MaxHerding(width=0.5), view_of(pool, labelled=pool[:2]), 2)
    assert picks[0] in (3, 4)
    assert picks[1] == 5


@pytest.mark.parametrize("labelled", [0, 10])
def test_maxherding_equals_that_of_scikit_activeml(labelled: int) -> None:
    pool = pytest.importorskip("skactiveml.pool")
    rows = torch.randn(150, 6, generator=generator(0))
    labels = np.array([0.0] * labelled + [np.nan] * (150 - labelled))
    theirs = pool.MaxHerding(metric_dict={"gamma": 1 / 0.8**2}, random_state=0)
    expected = theirs.query(rows.numpy(), labels, batch_size=15)
    view = view_of(rows[labelled:], labelled=rows[:labelled])
    assert best(MaxHerding(width=0.8), view, 15) == (expected - labelled).tolist()


def test_uherding_by_hand() -> None:
    # Four directions, so that no row covers another; the last two columns are the logits.
    apart = 100 * torch.eye(4)
    logits = torch.tensor([[0.0, 2.0], [0.0, 0.5], [1.0, 0.0], [0.3, 0.3]])
    pool = torch.cat([apart, logits], 1)
    picks = best(UHerding(width=0.1), view_of(pool), 4)
    assert picks == [3, 1, 2, 0]  # by their margins
    twice = torch.cat([pool, pool[:1]])  # two unsure rows in one place are worth more than one
    sure = torch.cat([apart, logits / 10], 1)[:1].expand(3, -1)
    view = view_of(torch.cat([twice, sure]))
    assert best(UHerding(width=0.1), view, 1)[0] in (0, 4, 5, 6, 7)


def test_uherding_equals_a_search_over_all_gains() -> None:
    pool = torch.randn(60, 5, generator=generator(0))
    labelled = torch.randn(6, 5, generator=generator(1))
    labels = torch.tensor([0, 1, 0, 1, 0, 1])
    view = view_of(pool, labelled, labels)
    rows, known = (each.double() / each.double().norm(dim=1)[:, None] for each in (pool, labelled))
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


def drawn(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Logits, and labels that are as likely as the logits say."""
    logits = 2 * torch.randn(count, 2, generator=generator(seed))
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator(seed, "labels"))
    return logits, labels.flatten()


def test_the_temperature_undoes_overconfidence() -> None:
    logits, labels = drawn(5000, 0)
    view = view_of(logits, labelled=logits, labels=labels, factor=3.0)
    assert temperature(view) == pytest.approx(3, rel=0.1)


def test_rows_that_were_trained_on_never_make_the_model_more_sure() -> None:
    logits, labels = drawn(5000, 0)
    assert temperature(view_of(logits, labelled=logits, labels=labels, factor=0.5)) == 1
    view = view_of(logits, validation=logits, validation_labels=labels, factor=0.5)
    assert temperature(view) == pytest.approx(0.5, rel=0.1)


def test_validation_rows_go_before_labelled_ones() -> None:
    logits, labels = drawn(5000, 0)
    view = view_of(logits, logits, labels.flip(0), logits, labels, factor=2.0)
    assert temperature(view) == pytest.approx(2, rel=0.1)


def test_the_temperature_is_one_where_no_row_tells() -> None:
    logits, _ = drawn(5, 0)
    assert temperature(view_of(logits)) == 1


def test_the_kernel_is_as_narrow_as_the_two_nearest_labelled_rows() -> None:
    strategy = UHerding(width=0.7)
    assert strategy._width(torch.eye(3)[:1]) == 0.7
    rows = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 2.0]])
    assert strategy._width(rows) == pytest.approx(2)
    assert strategy._width(torch.ones(3, 2)) == 0.01


def test_rows_outside_of_the_sample_come_last() -> None:
    rows = torch.randn(50, 4, generator=generator(0))
    scores = MaxHerding(sample=20).score(view_of(rows), 5)
    assert int((scores >= 1).sum()) == 5
    assert 5 <= int((scores > 0).sum()) <= 20
    assert MaxHerding(sample=20).notes(view_of(rows)) == {"sample": 20}
    assert MaxHerding().notes(view_of(rows)) == {}
    assert UHerding(sample=20).notes(view_of(rows)) == {"sample": 20, "temperature": 1.0}


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("strategy", ALL, ids=lambda each: type(each).__name__)
def test_identical_rows_leave_the_choice_to_chance(strategy: QueryStrategy, value: float) -> None:
    same = torch.full((40, 4), value)
    for known in (same[:0], same[:5]):
        scores = strategy.score(view_of(same, known), 10)
        assert int((scores > 0).sum()) <= 1
        assert len(set(select(strategy, view_of(same, known), 10).tolist())) == 10


@pytest.mark.parametrize("strategy", [MaxHerding, UHerding])
@pytest.mark.parametrize(("option", "value"), [("width", 0.0), ("sample", 0)])
def test_options_out_of_range_are_refused(
    strategy: type[QueryStrategy], option: str, value: float
) -> None:
    with pytest.raises(ValueError, match=f"`{option}` must be .*{value}"):
        strategy(**{option: value})
