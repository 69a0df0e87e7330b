"""Nothing that a strategy does changes what others see."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from autoal import QueryStrategy, View, select
from autoal.errors import UserError
from autoal.query.composite import Candidates
from autoal.query.turn import PROCESS, turn
from autoal.testing import make_view


class Doing(QueryStrategy):
    """Does something before it scores."""

    def __init__(self, deed: Callable[[View], Any]) -> None:
        self.deed = deed

    def score(self, view: View, budget: int) -> Tensor:
        self.deed(view)
        return view.pool.probs.float().amax(1)


class Learning(Doing):
    """Does it when it learns."""

    def fit(self, view: View) -> None:
        self.deed(view)

    def score(self, view: View, budget: int) -> Tensor:
        return torch.zeros(len(view.pool))


def held_out(view: View) -> Tensor:
    assert view.validation is not None
    return view.validation.labels


WRITTEN: dict[str, Callable[[View], Tensor]] = {
    "pool.embeddings": lambda view: view.pool.embeddings,
    "pool.logits": lambda view: view.pool.logits,
    "pool.probs": lambda view: view.pool.probs,
    "pool.drawn_probs": lambda view: view.pool.drawn_probs,
    "pool.inputs": lambda view: view.pool.inputs,
    "pool.rows": lambda view: view.pool.rows,
    "pool.source": lambda view: view.pool.source.inputs,  # type: ignore[union-attr]
    "labelled.embeddings": lambda view: view.labelled.features.stages,
    "labelled.labels": lambda view: view.labelled.labels,
    "validation.labels": held_out,
}


@pytest.mark.parametrize("kind", [Doing, Learning])
@pytest.mark.parametrize("what", WRITTEN)
def test_a_strategy_that_writes_to_the_view_is_refused(kind: type[Doing], what: str) -> None:
    strategy = kind(lambda view: WRITTEN[what](view)[:1].zero_())
    view = make_view(validation=5, stages=True)
    with pytest.raises(
        UserError, match=rf"{kind.__name__} changed .* {what}.* of the view; let it"
    ):
        select(strategy, view, 3)


@pytest.mark.parametrize("kind", [Doing, Learning])
def test_a_candidate_that_writes_to_the_view_is_refused(kind: type[Doing]) -> None:
    candidates = Candidates({"mine": kind(lambda view: view.pool.embeddings.fill_(torch.nan))})
    view = make_view()
    told = r"candidate 'mine' changed .* pool\.embeddings of the view"
    with pytest.raises(UserError, match=told):
        candidates.votes(view, 3) if kind is Doing else candidates.fit(view)


def test_what_candidates_share_is_watched_too() -> None:
    candidates = Candidates({"mine": Doing(lambda view: view.pool.logits.mul_(2))})
    view = make_view()
    seen = view.once("cooled", lambda: view.through(lambda features: features.cooled(2.0)))
    with pytest.raises(UserError, match=r"candidate 'mine' changed .* pool\.logits"):
        candidates.votes(seen, 3)
    assert view.changed() == seen.changed() == ["pool.logits"]


@pytest.mark.parametrize("name", ["rows", "inputs", "embeddings", "logits", "probs", "drawn_probs"])
def test_what_a_view_gives_cannot_be_replaced(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(make_view().pool, name, torch.zeros(60))


@pytest.mark.parametrize(
    "deed",
    [
        lambda view: view.pool.embeddings.clone().zero_(),
        lambda view: view.pool.embeddings.float().double().mul_(2),
        lambda view: view.once("own", lambda: torch.zeros(3)).add_(1),
        lambda view: view.labelled.features.take(torch.arange(3)).probs.sum(),
    ],
)
def test_copies_are_a_strategys_own(deed: Callable[[View], Any]) -> None:
    assert len(select(Doing(deed), make_view(), 3)) == 3


def test_rows_that_are_changed_past_torch_are_not_the_ones_that_are_bought() -> None:
    expected = select(Doing(lambda view: None), make_view(), 3)
    changed = Doing(lambda view: view.pool.rows.numpy().fill(0))
    assert torch.equal(select(changed, make_view(), 3), expected)


def test_tensors_of_inference_mode_are_given_out_too() -> None:
    with torch.inference_mode():
        probs = torch.full((5, 2), 0.5)
    assert len(select(Doing(lambda view: None), View.of(probs=probs), 2)) == 2


@pytest.fixture
def process() -> list[Any]:
    return [told() for told, _ in PROCESS]


@pytest.mark.parametrize(
    "deed",
    [
        lambda: torch.set_default_dtype(torch.float64),
        lambda: torch.set_grad_enabled(False),
        lambda: torch.set_num_threads(2),
        lambda: torch.use_deterministic_algorithms(True),
        lambda: torch.set_float32_matmul_precision("medium"),
        lambda: os.chdir(Path.home().anchor),
    ],
)
def test_the_process_is_given_back_as_it_was(deed: Callable[[], Any], process: list[Any]) -> None:
    select(Doing(lambda view: deed()), make_view(), 3)
    assert [told() for told, _ in PROCESS] == process

    def fail(view: View) -> None:
        deed()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Candidates({"mine": Doing(fail)}).votes(make_view(), 3)
    assert [told() for told, _ in PROCESS] == process


def test_a_turn_inside_of_another_tells_who_wrote() -> None:
    candidates = Candidates({"mine": Doing(lambda view: view.pool.logits.mul_(2))})

    def both(view: View) -> None:
        with turn("AutoAL", view):
            _ = view.pool.logits
            candidates.votes(view, 3)

    with pytest.raises(UserError, match=r"candidate 'mine' changed .* pool\.logits"):
        both(make_view())
