"""What every strategy does, beyond the promises that `check_strategy` looks at."""

import pytest
import torch

from autoal import registry, select
from autoal.testing import make_view

ALONE = "cheating_oracle"  # sees what no view has
NAMES = [name for name in registry.installed() if name != ALONE]
# Long searches, to which half precision is a different start.
ROUNDED = (
    "bait",
    "ibds",
    "isal",
    "kmeans",
    "loss_prediction",
    "probcover",
    "salutary",
    "typiclust",
)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_may_be_labelled_yet(name: str) -> None:
    view = make_view(labelled=0)
    picks = select(registry.build({"name": name}), view, 5)
    assert len(set(picks.tolist())) == 5
    assert set(picks.tolist()) <= set(view.pool.rows.tolist())


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ROUNDED])
def test_other_precisions_score_as_single_does(name: str, dtype: torch.dtype) -> None:
    other = make_view(validation=6, dtype=dtype)
    view = make_view(validation=6)
    strategy = registry.build({"name": name})
    found, expected = (
        set(select(strategy, other, 20).tolist()),
        set(select(strategy, view, 20).tolist()),
    )
    assert len(found & expected) >= 16
