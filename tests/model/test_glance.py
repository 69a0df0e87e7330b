from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from autoal import Arrays, Experiment, Features, Plan, Rows, Trained, Training
from autoal.data import room
from autoal.errors import UserError
from autoal.model.glance import Glance
from autoal.model.logistic import Logistic
from autoal.query import registry
from autoal.seeding import generator, seeded
from tests.cycle.made import done, facts

COUNT = 50
Look = Callable[..., Features]


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Say how many rows are large, of a pool of which two blocks make a piece."""

    def set_to(size: int) -> None:
        for module in ("features", "glance", "predictions"):
            monkeypatch.setattr(f"autoal.model.{module}.PIECE", size)
        monkeypatch.setattr("autoal.model.predictions.BLOCK", size // 2)

    return set_to


@pytest.fixture
def small(pieces: Callable[[int], None]) -> None:
    pieces(8)


def rows_of(dtype: torch.dtype = torch.float32) -> Rows:
    inputs = torch.randn(COUNT, 6, generator=generator(0, "rows")).to(dtype)
    labels = (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0.5).long()
    return replace(Rows.of(inputs), labels=labels)


def learner_of(rows: Rows) -> Trained:
    mean, deviation = rows.inputs.float().mean(0), rows.inputs.float().std(0)

    class Scaled(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return ((inputs.float() - mean) / deviation).double()

    learner = Trained(Logistic(rows.shape, 3, Scaled(), l2=1.0), Training("cpu"))
    with seeded(0, "fit"):
        learner.fit(rows.take(torch.arange(12)), first=True, watch=lambda step: None)
    return learner


def look(rows: Rows, seed: int = 3) -> Features:
    return learner_of(rows).look(rows, torch.arange(COUNT), seed)


def forbidden(self: Glance, numbers: Tensor) -> Tensor:
    raise AssertionError("all embeddings were kept")


def test_what_is_made_in_pieces_is_what_is_made_at_once(pieces: Callable[[int], None]) -> None:
    rows = rows_of()
    pieces(8)
    large = look(rows)
    found = large.logits, large.drawn_probs, large.embeddings, torch.cat([*large.pieces()])
    pieces(64)
    whole = look(rows)
    expected = whole.logits, whole.drawn_probs, whole.embeddings, whole.embeddings
    # In blocks of another size a product may be rounded otherwise.
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    assert torch.equal(found[2], expected[2])
    assert torch.equal(found[3], expected[2])
    assert large.width == whole.width == 6


def test_a_look_is_that_of_the_trainer(pieces: Callable[[int], None]) -> None:
    rows = rows_of()
    learner = learner_of(rows)
    numbers = torch.tensor([3, 8, 30])
    expected = learner.training.embed(learner.task, rows, numbers)
    assert torch.equal(learner.look(rows, numbers, 0).embeddings, expected)
    nobody = learner.look(rows, numbers[:0], 0).embeddings
    assert nobody.shape == (0, 6)


@pytest.mark.usefixtures("small")
def test_predictions_of_a_large_pool_keep_no_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Glance, "kept", forbidden)
    features = look(rows_of())
    assert features.probs.shape == (COUNT, 3)
    assert features.cooled(2.0).logits.shape == (COUNT, 3)
    assert features.under(nn.Linear(6, 3), 0).logits.shape == (COUNT, 3)
    with pytest.raises(AssertionError, match="all embeddings"):
        _ = features.embeddings


@pytest.mark.usefixtures("small")
def test_some_rows_of_a_large_pool_are_looked_at_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of()
    expected = look(rows).embeddings
    monkeypatch.setattr(Glance, "kept", forbidden)
    counts: list[int] = []
    glance = Glance.__call__

    def counting(self: Glance, numbers: Tensor) -> Tensor:
        counts.append(len(numbers))
        return glance(self, numbers)

    monkeypatch.setattr(Glance, "__call__", counting)
    features, places = look(rows), torch.tensor([2, 7, 41])
    assert torch.equal(features.take(places).embeddings, expected[places])
    assert torch.equal(features.take(places).logits, features.take(places).logits)
    assert torch.equal(features.embedded(places.flip(0)), expected[places.flip(0)])
    assert set(counts) == {3}


@pytest.mark.usefixtures("small")
def test_half_precision_is_kept_and_predictions_do_not_feel_it() -> None:
    rows = rows_of(torch.float16)
    first, second = look(rows), look(rows)
    expected = first.logits
    assert second.embeddings.dtype == torch.float16
    assert torch.equal(second.logits, expected)  # whoever reads the embeddings before
    places = torch.arange(5)
    assert second.take(places).embeddings.dtype == torch.float32
    exact = torch.cat([*second.pieces()])
    assert torch.equal(second.embeddings, exact.half())
    assert torch.equal(second.embedded(places), exact[:5])
    many = torch.arange(20)  # which are a large pool again
    assert second.take(many).embeddings.dtype == torch.float16


@pytest.mark.usefixtures("small")
def test_training_changes_nothing_of_a_large_look() -> None:
    rows = rows_of()
    learner = learner_of(rows)
    features = learner.look(rows, torch.arange(COUNT), 0)
    expected = learner.look(rows, torch.arange(COUNT), 0).logits
    learner.fit(rows, first=True, watch=lambda step: None)
    assert torch.equal(features.logits, expected)


def test_what_there_is_no_room_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_memory", lambda: 3 << 30)
    room.demand_room("embeddings", 1_000_000, 3000)
    with pytest.raises(UserError) as refused:
        room.demand_room("embeddings", 10_000_000, 768)
    assert str(refused.value) == (
        "embeddings of 10,000,000 rows take 7.2 GiB, and 3.0 GiB of memory are free: look=100000 "
        "looks at that many drawn rows of the pool in each round"
    )


@pytest.mark.usefixtures("small")
def test_every_large_part_of_a_look_needs_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SMALL", 0)
    monkeypatch.setattr(room, "free_memory", lambda: 4 * COUNT)
    rows = rows_of()
    for name, what in (
        ("embeddings", "embeddings"),
        ("logits", "predictions"),
        ("drawn_probs", "predictions"),
        ("inputs", "inputs"),
    ):
        with pytest.raises(UserError, match=f"{what} of {COUNT} rows take"):
            getattr(look(rows), name)


def histories(names: list[str]) -> Iterator[list[dict[str, object]]]:
    """The picks of these strategies in a pool of features."""
    pool = rows_of()
    for name in names:
        options = {"folds": 5} if name in ("salutary", "isal", "ibds") else {}
        data = Arrays((pool.inputs, pool.labels), classes=3)
        task = Logistic(pool.shape, 3, data.preprocess(), l2=1.0)
        plan = Plan(start=12, budget=4, rounds=1, apart=0.01)
        strategy = registry.build(name, **options)
        yield facts(done(Experiment(data, Trained(task, Training("cpu")), strategy, plan)))


STRATEGIES = ["margin", "badge", "coreset", "uherding", "typiclust", "salutary", "ibds", "autoal"]


def test_strategies_choose_the_same_of_a_large_pool(pieces: Callable[[int], None]) -> None:
    pieces(64)
    whole = [*histories(STRATEGIES)]
    pieces(8)
    assert [[line["queried"] for line in one] for one in histories(STRATEGIES)] == [
        [line["queried"] for line in one] for one in whole
    ]
