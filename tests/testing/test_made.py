import pytest
import torch
from torch import Tensor

from autoal import Data, View, select
from autoal.query.registry import build
from autoal.testing import check_learner, make_view
from autoal.testing.means import ClassMeans


def tensors(view: View) -> list[Tensor]:
    found = [view.labelled.labels]
    for features in (view.pool, view.labelled.features):
        found += [features.rows, features.inputs, features.embeddings]
        found += [features.probs, features.drawn_probs]
    return found


def test_equal_arguments_make_equal_views_and_another_seed_another() -> None:
    for one, same, other in zip(*map(tensors, map(seeded_view, (3, 3, 4))), strict=True):
        assert torch.equal(one, same)
        if one.is_floating_point():
            assert not torch.equal(one, other)


def seeded_view(seed: int) -> View:
    return make_view(20, 6, 3, seed=seed)


def test_the_rows_of_a_view_ascend_and_belong_to_one_part() -> None:
    view = make_view(20, 6, 3, validation=5)
    assert view.validation is not None
    parts = [view.pool.rows, view.labelled.features.rows, view.validation.features.rows]
    assert [len(rows) for rows in parts] == [20, 6, 5]
    assert all(torch.equal(rows, rows.sort().values) for rows in parts)
    assert len(set(torch.cat(parts).tolist())) == 31
    assert len(view.validation.labels) == 5
    assert make_view(20, 6, 3).validation is None


def test_the_labelled_rows_know_every_class_and_the_head_suits_them() -> None:
    view = make_view(200, 50, 5)
    assert view.classes == 5
    assert view.labelled.labels.bincount().tolist() == [10] * 5
    right = view.labelled.features.probs.argmax(1) == view.labelled.labels
    assert float(right.float().mean()) > 0.8
    assert 0.5 < float(view.pool.probs.amax(1).mean()) < 0.99  # sure of many rows, not of all


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_view_may_have_stages_and_any_dtype(dtype: torch.dtype) -> None:
    view = make_view(20, 6, width=5, stages=True, dtype=dtype)
    assert view.pool.embeddings.dtype == dtype
    assert view.pool.embeddings.shape == (20, 5)
    assert torch.equal(view.pool.stages[:, -5:], view.pool.embeddings)
    assert view.pool.probs.dtype == torch.float32
    with pytest.raises(RuntimeError, match="must name them"):
        _ = make_view().pool.stages


def test_a_view_serves_select() -> None:
    view = make_view(20, 6)
    assert set(select(build("kmeans"), view, 5).tolist()) <= set(view.pool.rows.tolist())


def test_inputs_are_images_of_their_own_for_each_row() -> None:
    view = make_view(20, 6)
    assert view.pool.inputs.shape == (20, 3, 8, 8)
    assert view.pool.inputs.dtype == torch.uint8
    both = torch.cat([view.pool.inputs, view.labelled.features.inputs])
    assert len(both.flatten(1).unique(dim=0)) == 26


def test_nothing_can_be_tried_out() -> None:
    assert make_view(20, 6).bench is None


def test_a_bench_may_have_learners() -> None:
    assert make_view().bench is None
    view = make_view(20, 6, 3, fitted=True)
    assert view.bench is not None
    assert view.bench.fitted is not None
    some, others = (view.bench.fitted(torch.tensor(places)) for places in ([0, 1, 2], [3, 4, 5]))
    one, other = (view.seen_by(learner).pool.probs for learner in (some, others))
    assert one.shape == (20, 3)
    assert not torch.allclose(one, other)


def test_they_are_learners_as_others_are(data: Data) -> None:
    check_learner(lambda: ClassMeans(3, 64), data)
