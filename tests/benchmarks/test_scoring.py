"""Who judges how sure a network is, and what a strategy sees then."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from autoal import Bench, Features, View
from autoal.query.strategy import as_scored
from autoal.seeding import generator
from benchmarks.quality.judges import JUDGES, Folded, Judge, Told, Tuned, TunedOnRows
from benchmarks.quality.scoring import Judged, alone

SIZE, CLASSES = 300, 3
BENCH = Bench(lambda name: nullcontext())


def waves(wrong: float, known: int = SIZE) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of three classes that overlap somewhat, what they are, and what they are said to be."""
    stream = generator(known)
    truth = torch.arange(2 * SIZE) % CLASSES
    rows = torch.randn(2 * SIZE, 10, generator=stream) + 2.2 * torch.eye(CLASSES, 10)[truth]
    mistaken = torch.rand(2 * SIZE, generator=stream) < wrong
    labels = torch.where(mistaken, (truth + 1 + torch.arange(2 * SIZE) % 2) % CLASSES, truth)
    return rows, truth, labels.where(torch.arange(2 * SIZE) < known, -1)


def view_of(rows: Tensor, labels: Tensor, **given: Any) -> View:
    return View.of(inputs=rows, labels=labels, classes=CLASSES, **given)


def sure(factor: float) -> tuple[Tensor, Tensor, Tensor]:
    """Logits that are so much too large, what is true by chances that they tell, and labels."""
    logits = 2 * torch.randn(4000, CLASSES, generator=generator(0))
    drawn = torch.multinomial(logits.softmax(1), 1, generator=generator(0, "labels"))
    truth = drawn.flatten()
    return factor * logits, truth, truth.where(torch.arange(4000) < 1000, -1)


def told(truth: Tensor) -> Judge:
    judge = Told()
    judge.learn(truth)
    return judge


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_who_knows_the_pool_finds_a_planted_temperature_and_just_the_wrong_labels(
    factor: float,
) -> None:
    logits, truth, labels = sure(factor)
    labels[:100] = (truth[:100] + 1) % CLASSES
    temperature, trust = told(truth)(view_of(logits, labels, logits=logits))
    assert temperature == pytest.approx(factor, rel=0.1)
    assert trust.tolist() == [0.0] * 100 + [1.0] * 900


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_networks_that_have_not_seen_a_fold_find_a_planted_temperature(factor: float) -> None:
    logits, _, labels = sure(factor)
    view = view_of(logits, labels, logits=torch.zeros(4000, CLASSES))
    taught: list[Tensor] = []

    class Member:
        def look(self, source: Any, rows: Tensor, seed: int) -> Features:
            return View.of(logits=source.inputs[rows]).pool

    def fitted(places: Tensor) -> Any:
        taught.append(places)
        return Member()

    judged = Folded()(replace(view, bench=replace(BENCH, fitted=fitted)))
    assert judged.temperature == pytest.approx(factor, rel=0.15)
    assert [len(places) for places in taught] == [666, 667, 667]


def test_embeddings_that_have_learnt_their_labels_tell_nothing_of_wrong_ones() -> None:
    rows, truth, labels = waves(0.3)
    learnt = one_hot(labels.where(labels >= 0, truth), CLASSES).float()
    embeddings = learnt + 0.1 * torch.randn(learnt.shape, generator=generator(1))
    view = view_of(rows, labels, embeddings=embeddings)
    wrong = labels[:SIZE] != truth[:SIZE]
    assert (Tuned()(view).trust == 1).all()
    trust = TunedOnRows()(view).trust
    assert float(trust[wrong].mean()) < 0.5
    assert float(trust[~wrong].mean()) > 0.8


@pytest.mark.parametrize("labels", [[1] * 6, [0, 1, 2], [2]])
@pytest.mark.parametrize("judge", [Tuned, TunedOnRows])
def test_where_no_row_can_be_held_out_all_is_believed(
    judge: type[Judge], labels: list[int]
) -> None:
    rows = torch.randn(len(labels) + 2, 4, generator=generator(0))
    view = view_of(rows, torch.tensor([*labels, -1, -1]), embeddings=rows)
    temperature, trust = judge()(view)
    assert temperature == 1
    assert trust.tolist() == [1.0] * len(labels)


@pytest.mark.parametrize("name", ["margin", "badge", "uherding", "salutary"])
def test_a_strategy_scores_as_ever_where_all_is_believed(name: str) -> None:
    rows, _, labels = waves(0.3, 30)
    view = view_of(rows, labels, embeddings=rows, logits=rows[:, :CLASSES])
    own, judged = (
        as_scored(one.score(view, 5)).scores
        for one in (alone(name), Judged(name, JUDGES["nobody"]))
    )
    assert torch.equal(own, judged)


def test_logits_are_cooled_and_wrong_labels_left_out_where_labels_teach() -> None:
    rows, truth, labels = waves(0.3, 60)
    made = view_of(rows, labels, embeddings=rows, logits=9 * rows[:, :CLASSES])
    view = replace(made, bench=BENCH)
    by = told(truth)(view).temperature
    right = (labels[:60] == truth[:60]).nonzero().flatten()

    def judged(name: str) -> Tensor:
        strategy = Judged(name, Told)
        strategy.judge.learn(truth)
        return as_scored(strategy.score(view, 5)).scores

    def as_ever(name: str, seen: View) -> Tensor:
        return as_scored(alone(name).score(seen, 5)).scores

    assert by > 2
    cooled = view.through(lambda some: some.cooled(by))
    assert torch.equal(judged("margin"), as_ever("margin", cooled))
    trusted = replace(view, labelled=view.labelled.take(right))
    assert torch.equal(judged("salutary"), as_ever("salutary", trusted))


def test_a_judge_that_goes_on_judges_as_one_that_never_stopped() -> None:
    def seen(known: int) -> View:
        rows, _, labels = waves(0.3, known)
        return view_of(rows, labels, embeddings=rows, logits=rows[:, :CLASSES])

    never_stopped, stopped = Judged("margin", Tuned), Judged("margin", Tuned)
    never_stopped.score(seen(20), 5)
    stopped.load_state_dict(never_stopped.state_dict())
    temperature, other = (one.judge(seen(40)).temperature for one in (never_stopped, stopped))
    assert temperature == other
    assert temperature != Tuned()(seen(40)).temperature  # where the search begins counts
