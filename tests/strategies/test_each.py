"""The behaviour of every strategy, beyond the promises that `check_strategy` checks."""

from typing import Any

import pytest
import torch

from autoal import QueryStrategy, select
from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.query.composite import Candidates
from autoal.testing import make_view
from tests.language.saying import Saying

CHEAT = "cheating_oracle"  # sees what no view has
NAMES = [name for name in STRATEGIES.installed() if name != CHEAT]
ALONE = (
    "active_llm",
    "albl",
    "autoal",
    "committee",
    "refine",
    "selectal",
    "tailor",
    "tcm",
)  # no candidates
# Long searches, and draws out of what others found, to which half precision is a different start.
ROUNDED = (
    "albl",
    "bait",
    "ibds",
    "isal",
    "kmeans",
    "loss_prediction",
    "probcover",
    "salutary",
    "typiclust",
)
QUICK: dict[str, dict[str, Any]] = {
    "autoal": {"rehearsals": 2, "steps": 1},
    "loss_prediction": {"steps": 20},
    "refine": {"batches": 1},
}


def built(name: str) -> QueryStrategy:
    """The strategy of this name, which learns less than usually where it learns long."""
    return registry.build(name, "strategy", Saying("Answer: 1-3"), **QUICK.get(name, {}))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_may_be_labelled_yet(name: str) -> None:
    view = make_view(labelled=0, fitted=True)
    picks = select(built(name), view, 5)
    assert len(set(picks.tolist())) == 5
    assert set(picks.tolist()) <= set(view.pool.rows.tolist())


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ALONE])
def test_votes_go_from_0_to_1_and_lead_with_the_batch(name: str) -> None:
    view = make_view(validation=6, stages=True)
    candidates = Candidates.installed({name: QUICK.get(name, {})})
    votes = candidates.votes(view, 5)[:, 0]
    assert 0 <= float(votes.min()) <= float(votes.max()) <= 1
    batch = torch.isin(view.pool.rows, select(built(name), view, 5))
    assert float(votes[batch].min()) >= float(votes[~batch].max())


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ROUNDED])
def test_other_precisions_score_as_single_does(name: str, dtype: torch.dtype) -> None:
    views = [make_view(validation=6, fitted=True, dtype=kind) for kind in (dtype, torch.float32)]
    found, expected = (set(select(built(name), view, 20).tolist()) for view in views)
    assert len(found & expected) >= 16
