from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autoal import Bench, Known, Rows, Trained, Training, View, select
from autoal.errors import UserError
from autoal.model.features import Features
from autoal.model.fitstep import Watch
from autoal.model.learner import Learner
from autoal.model.predictions import DRAWS, Head
from autoal.query import registry
from autoal.query.batch import query
from autoal.query.strategy import READABLE
from autoal.seeding import generator

SIZE, WIDTH, CLASSES = 12, 4, 3
POOL, LABELLED, HELD_OUT = [0, 2, 3, 5, 6, 8, 11], [1, 4, 10], [7, 9]
KNOWN = sorted(LABELLED + HELD_OUT)
LABELS = torch.full((SIZE,), -1).index_copy(
    0, torch.tensor(LABELLED + HELD_OUT), torch.tensor([2, 0, 1, 1, 0])
)
EMBEDDINGS = torch.randn(SIZE, WIDTH, generator=generator(0, "embeddings"))
LOGITS = torch.randn(SIZE, CLASSES, generator=generator(0, "logits"))
DRAWN = torch.randn(5, SIZE, CLASSES, generator=generator(0, "draws")).softmax(2)
STAGES = torch.randn(SIZE, 6, generator=generator(0, "stages"))
INPUTS = torch.randint(256, (SIZE, 3, 8, 8), generator=generator(0, "inputs"), dtype=torch.uint8)

ARRAYS: dict[str, Any] = {
    "embeddings": EMBEDDINGS,
    "logits": LOGITS,
    "draws": DRAWN,
    "inputs": INPUTS,
    "stages": STAGES,
}

Given = Callable[[Tensor], Any]
FORMS: dict[str, Given] = {
    "tensors": lambda array: array,
    "numpy": lambda array: array.numpy(),
    "lists": lambda array: array.tolist(),
}


@pytest.fixture(params=FORMS)
def given(request: pytest.FixtureRequest) -> Given:
    """In what form arrays are handed over."""
    return FORMS[request.param]


def linear(width: int = WIDTH, classes: int = CLASSES) -> nn.Linear:
    layer, stream = nn.Linear(width, classes), generator(0, "head")
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=stream))
    return layer


def everything(given: Given = FORMS["tensors"], **more: Any) -> View:
    """A view of all arrays that there can be, but for a head."""
    arrays = {name: given(array) for name, array in ARRAYS.items()}
    return View.of(labels=given(LABELS), held_out=HELD_OUT, **arrays, **more)


def parts(view: View) -> list[tuple[Features, list[int]]]:
    """The rows of a view, and which they should be."""
    assert view.validation is not None
    return [
        (view.pool, POOL),
        (view.labelled.features, LABELLED),
        (view.validation.features, HELD_OUT),
    ]


def test_every_row_has_its_line_of_every_array(given: Given) -> None:
    for features, rows in parts(everything(given)):
        assert features.rows.tolist() == rows
        assert len(features) == len(rows)
        assert torch.equal(features.embeddings, EMBEDDINGS[rows])
        assert torch.equal(features.logits, LOGITS[rows])
        torch.testing.assert_close(features.probs, LOGITS[rows].softmax(1))
        torch.testing.assert_close(features.drawn_probs, DRAWN[:, rows])
        assert torch.equal(features.stages[:, :6], STAGES[rows])
        assert features.inputs.tolist() == INPUTS[rows].tolist()


def test_labels_part_the_rows(given: Given) -> None:
    view = everything(given)
    assert view.validation is not None
    assert view.labelled.labels.tolist() == [2, 0, 1]
    assert view.validation.labels.tolist() == [1, 0]
    assert view.labelled.labels.dtype == view.validation.labels.dtype == torch.long
    assert len(view.labelled) == 3


@pytest.mark.parametrize("labels", [np.int8, np.int32, np.int64, np.float64])
def test_labels_may_be_of_any_type_that_holds_whole_numbers(labels: type) -> None:
    view = View.of(EMBEDDINGS, labels=LABELS.numpy().astype(labels))
    assert view.pool.rows.tolist() == POOL
    assert view.labelled.labels.tolist() == [2, 0, 1, 0, 1]


def test_without_labels_all_rows_are_of_the_pool() -> None:
    view = View.of(EMBEDDINGS)
    assert view.pool.rows.tolist() == list(range(SIZE))
    assert len(view.labelled) == 0
    assert view.labelled.features.embeddings.shape == (0, WIDTH)
    assert view.validation is None


def test_with_all_labels_the_pool_is_empty() -> None:
    view = View.of(EMBEDDINGS, logits=LOGITS, labels=[0] * SIZE)
    assert len(view.pool) == 0
    assert view.pool.embeddings.shape == (0, WIDTH)
    assert view.pool.probs.shape == (0, CLASSES)
    assert view.labelled.features.rows.tolist() == list(range(SIZE))


@pytest.mark.parametrize("held_out", [None, [], torch.tensor([], dtype=torch.long)])
def test_without_rows_held_out_there_are_no_validation_rows(held_out: Any) -> None:
    view = View.of(EMBEDDINGS, labels=LABELS, held_out=held_out)
    assert view.validation is None
    assert view.labelled.features.rows.tolist() == KNOWN


@pytest.mark.parametrize("held_out", [[9, 7], (7, 9), np.array([7, 9]), torch.tensor([9, 7])])
def test_rows_held_out_ascend_and_are_not_labelled_ones(held_out: Any) -> None:
    view = View.of(EMBEDDINGS, labels=LABELS, held_out=held_out)
    assert view.validation is not None
    assert view.validation.features.rows.tolist() == HELD_OUT
    assert view.validation.labels.tolist() == [1, 0]
    assert view.labelled.features.rows.tolist() == LABELLED


@pytest.mark.parametrize(
    "held_out",
    [[7, 0], [True] * (SIZE - 1), [SIZE], [-1]],
    ids=["a row of the pool", "a mask of others", "no row", "below all"],
)
def test_what_is_not_the_number_of_a_labelled_row_cannot_be_held_out(held_out: Any) -> None:
    with pytest.raises(ValueError, match="held_out"):
        View.of(EMBEDDINGS, labels=LABELS, held_out=held_out)


def test_a_mask_says_as_well_what_is_held_out() -> None:
    mask = torch.zeros(SIZE, dtype=torch.bool)
    mask[HELD_OUT] = True
    view = View.of(EMBEDDINGS, labels=LABELS, held_out=mask.numpy())
    assert view.validation is not None
    assert view.validation.features.rows.tolist() == HELD_OUT


def test_a_label_may_be_unknown_as_a_number_or_as_none() -> None:
    labels = LABELS.double()
    labels[LABELS < 0] = torch.nan
    view = View.of(EMBEDDINGS, labels=labels.numpy())
    assert view.pool.rows.tolist() == POOL


@pytest.mark.parametrize("label", [0.5, float("inf"), -2, CLASSES])
def test_what_is_neither_a_class_nor_unknown_is_no_label(label: float) -> None:
    with pytest.raises(ValueError, match="labels"):
        View.of(logits=LOGITS, labels=[label] + [-1] * (SIZE - 1))


def test_logits_probabilities_and_a_head_are_ways_to_say_the_same(given: Given) -> None:
    head = linear()
    logits = head(EMBEDDINGS).detach()
    views = [
        View.of(EMBEDDINGS, head=head, labels=LABELS),
        View.of(EMBEDDINGS, logits=given(logits), labels=LABELS),
        View.of(EMBEDDINGS, probs=given(logits.softmax(1)), labels=LABELS),
    ]
    for view in views:
        torch.testing.assert_close(view.pool.probs, logits.softmax(1)[POOL])
        torch.testing.assert_close(view.labelled.features.probs, logits.softmax(1)[KNOWN])
        torch.testing.assert_close(view.pool.logits.log_softmax(1), logits.log_softmax(1)[POOL])
        assert not view.pool.probs.requires_grad
        assert view.classes == CLASSES


def test_a_probability_may_be_zero() -> None:
    view = View.of(probs=[[1.0, 0.0], [0.25, 0.75]])
    torch.testing.assert_close(view.pool.probs, torch.tensor([[1.0, 0.0], [0.25, 0.75]]))


@pytest.mark.parametrize("names", [("logits", "probs"), ("probs", "head"), ("logits", "head")])
def test_several_ways_at_once_are_refused(names: tuple[str, ...]) -> None:
    ways: dict[str, Any] = {"logits": LOGITS, "probs": LOGITS.softmax(1), "head": linear()}
    with pytest.raises(ValueError, match="give one of `logits`, `probs` and `head`, not several"):
        View.of(EMBEDDINGS, **{name: ways[name] for name in names})


def test_draws_are_those_given_or_those_of_the_head() -> None:
    given = View.of(EMBEDDINGS, logits=LOGITS, draws=DRAWN, labels=LABELS)
    torch.testing.assert_close(given.pool.drawn_probs, DRAWN[:, POOL])
    torch.testing.assert_close(given.labelled.features.drawn_probs, DRAWN[:, KNOWN])
    head = linear()
    drawn = View.of(EMBEDDINGS, head=head, labels=LABELS, dropout=0.5, seed=3).pool.drawn_probs
    assert drawn.shape == (DRAWS, len(POOL), CLASSES)
    masks = torch.rand(DRAWS, WIDTH, generator=generator(3, "dropout")) >= 0.5
    expected = torch.stack([head(EMBEDDINGS[POOL] * mask / 0.5) for mask in masks]).softmax(2)
    torch.testing.assert_close(drawn, expected.detach())
    other = View.of(EMBEDDINGS, head=head, labels=LABELS, dropout=0.5, seed=4)
    assert not torch.allclose(other.pool.drawn_probs, drawn)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_numbers_stay_of_the_type_that_they_are_of(dtype: torch.dtype) -> None:
    view = View.of(
        EMBEDDINGS.to(dtype),
        logits=LOGITS.to(dtype),
        draws=DRAWN.to(dtype),
        stages=STAGES.to(dtype),
        labels=LABELS,
    )
    for name in ("embeddings", "stages", "logits", "probs", "drawn_probs"):
        assert getattr(view.pool, name).dtype == dtype, name
        assert getattr(view.labelled.features, name).dtype == dtype, name
    if dtype == torch.float64:
        assert torch.equal(
            View.of(EMBEDDINGS.double().numpy()).pool.embeddings, EMBEDDINGS.double()
        )
        probs = LOGITS.double().softmax(1)
        found = View.of(probs=probs.numpy()).pool.probs
        torch.testing.assert_close(found, probs, rtol=1e-14, atol=1e-15)


def test_double_precision_reaches_the_scores() -> None:
    # In single precision these two rows would be the same.
    near = np.array([[0.5, 0.5], [0.5 - 1e-12, 0.5 + 1e-12]])
    scores = registry.build("margin").score(View.of(probs=near), 1)
    assert isinstance(scores, Tensor)
    assert scores.dtype == torch.float64
    assert float(scores[0]) > float(scores[1])


def test_a_head_in_double_precision_reads_embeddings_in_double_precision() -> None:
    head = linear().double()
    view = View.of(EMBEDDINGS.double(), head=head)
    torch.testing.assert_close(view.pool.logits.double(), head(EMBEDDINGS.double()).detach())


@pytest.mark.parametrize("name", ["typiclust", "kmeans", "coreset", "maxherding", "probcover"])
def test_whole_numbers_are_as_good_as_others(name: str) -> None:
    whole = [[5, 1], [9, 0], [0, 3], [1, 8], [4, 4], [9, 1]]
    found, expected = (
        View.of(torch.tensor(whole, dtype=kind)) for kind in (torch.long, torch.float)
    )
    strategy = registry.build(name)
    assert select(strategy, found, 3).tolist() == select(strategy, expected, 3).tolist()


def test_logits_and_probabilities_may_be_whole_numbers() -> None:
    assert View.of(probs=[[1, 0], [0, 1]]).pool.probs.tolist() == [[1, 0], [0, 1]]
    assert View.of(draws=[[[1, 0], [0, 1]]]).pool.drawn_probs.tolist() == [[[1, 0], [0, 1]]]
    probs = View.of(logits=[[2, 0], [1, 1]]).pool.probs
    torch.testing.assert_close(probs, torch.tensor([[2.0, 0.0], [1.0, 1.0]]).softmax(1))


def test_arrays_may_be_read_only() -> None:
    array = EMBEDDINGS.numpy().copy()
    array.flags.writeable = False  # as those of a file that is mapped into memory
    assert torch.equal(View.of(array).pool.embeddings, EMBEDDINGS)


@pytest.mark.parametrize(
    "name", ["embeddings", "logits", "probs", "draws", "labels", "inputs", "stages", "costs"]
)
def test_arrays_of_other_sizes_are_refused(name: str) -> None:
    arrays = {**ARRAYS, "labels": LABELS, "costs": torch.ones(SIZE)}
    if name == "probs":
        arrays["probs"] = arrays.pop("logits").softmax(1)
    arrays[name] = arrays[name][:, :-1] if name == "draws" else arrays[name][:-1]
    message = "the arrays of a view must have a line for every row"
    with pytest.raises(ValueError, match=message) as refused:
        View.of(**arrays)
    assert name in str(refused.value)
    assert str(SIZE - 1) in str(refused.value)


def test_no_array_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="a view needs at least one array"):
        View.of()
    with pytest.raises(ValueError, match="a view needs at least one array"):
        View.of(head=linear())


MADE_OF = {  # what is read of rows, and without which arrays it is not there
    "embeddings": ("embeddings", "stages"),
    "stages": ("stages",),
    "logits": ("logits",),
    "probs": ("logits",),
    "drawn_probs": ("draws",),
    "inputs": ("inputs",),
}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("embeddings", "this view was made without `embeddings`"),
        ("stages", "`stages`"),
        ("logits", "this view was made without `probs`"),
        ("probs", "this view was made without `probs`"),
        ("drawn_probs", "without draws, which this strategy reads: .*or draws="),
        ("inputs", "this view was made without `inputs`"),
    ],
)
def test_what_is_not_given_is_refused_in_words(name: str, message: str) -> None:
    given = {key: array for key, array in ARRAYS.items() if key not in MADE_OF[name]}
    view = View.of(labels=LABELS, held_out=HELD_OUT, **given)
    for features, rows in parts(view):
        with pytest.raises((UserError, RuntimeError), match=message):
            getattr(features, name)
        for other, arrays in MADE_OF.items():  # all else is there
            if not set(arrays) & set(MADE_OF[name]):
                found = getattr(features, other)
                assert len(found if other != "drawn_probs" else found[0]) == len(rows)


def test_a_head_without_embeddings_is_refused_in_words() -> None:
    view = View.of(head=linear(), labels=LABELS)
    with pytest.raises(UserError, match="this view was made without `embeddings`"):
        _ = view.pool.probs


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("margin", "made without `probs`, which the strategy reads"),
        ("bald", "without draws, which this strategy reads"),
        ("loss_prediction", "reads `stages`"),
        ("salutary", "validation rows, and there are none"),
        ("cheating_oracle", "sees the labels of the pool"),
    ],
)
def test_a_strategy_that_reads_what_is_not_given_says_so(name: str, message: str) -> None:
    probs = None if name == "margin" else LOGITS.softmax(1)
    view = View.of(EMBEDDINGS, probs=probs, labels=LABELS)
    with pytest.raises((UserError, RuntimeError), match=message):
        select(registry.build(name), view, 2)


def test_numbers_that_are_not_finite_are_refused() -> None:
    broken = EMBEDDINGS.clone()
    broken[POOL[1], 0] = float("nan")
    view = View.of(broken, labels=LABELS)
    with pytest.raises(UserError, match=f"features of 1 of {len(POOL)} rows are not finite"):
        _ = view.pool.embeddings
    assert len(view.labelled.features.embeddings) == 5
    infinite = LOGITS.clone()
    infinite[POOL[1]] = -torch.inf
    with pytest.raises(UserError, match=f"predictions of 1 of {len(POOL)} rows are not finite"):
        _ = View.of(logits=infinite, labels=LABELS).pool.probs


def test_stages_stand_before_the_embeddings() -> None:
    view = everything()
    for features, rows in parts(view):
        assert features.has_stages
        assert features.stages.shape == (len(rows), 6 + WIDTH)
        assert torch.equal(features.stages[:, 6:], features.embeddings)
    assert not View.of(EMBEDDINGS).pool.has_stages


@pytest.mark.parametrize(
    ("arrays", "classes"),
    [
        ({"logits": LOGITS}, CLASSES),
        ({"probs": LOGITS.softmax(1)}, CLASSES),
        ({"draws": DRAWN}, CLASSES),
        ({"embeddings": EMBEDDINGS, "head": linear(classes=7)}, 7),
        ({"embeddings": EMBEDDINGS, "labels": LABELS}, 3),
        ({"labels": [-1, 0]}, 2),  # a single class would be no question
        ({"embeddings": EMBEDDINGS}, 2),
        ({"embeddings": EMBEDDINGS, "classes": 9}, 9),
        ({"embeddings": EMBEDDINGS, "labels": LABELS, "classes": 9}, 9),
        ({"embeddings": EMBEDDINGS, "head": nn.Sequential(linear()), "classes": 3}, 3),
    ],
)
def test_the_number_of_classes_is_that_of_the_predictions_or_else_of_the_labels(
    arrays: dict[str, Any], classes: int
) -> None:
    assert View.of(**arrays).classes == classes


def test_costs_are_those_of_the_pool(given: Given) -> None:
    assert View.of(EMBEDDINGS, labels=LABELS).costs is None
    costs = View.of(EMBEDDINGS, labels=LABELS, costs=given(torch.arange(12.0))).costs
    assert costs is not None
    assert costs.tolist() == POOL


def test_what_a_view_of_arrays_has_not_is_none_and_its_seed_is_given() -> None:
    view = View.of(EMBEDDINGS, seed=5)
    assert view.bench is None
    assert view.seed == 5
    first, second = (torch.rand(3, generator=view.generator()) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, torch.rand(3, generator=View.of(EMBEDDINGS).generator()))


def test_the_same_is_made_once_for_each_view_and_key() -> None:
    view, other = View.of(EMBEDDINGS), View.of(EMBEDDINGS)
    calls: list[None] = []

    def make() -> int:
        calls.append(None)
        return len(calls)

    owner = object()
    assert [view.once((owner, "a"), make) for _ in range(3)] == [1, 1, 1]
    assert view.once((owner, "b"), make) == 2
    assert view.once((object(), "a"), make) == 3
    assert other.once((owner, "a"), make) == 4
    assert view.once((owner, "a"), make) == 1
    assert replace(view, seed=1).once((owner, "a"), make) == 5  # it is another view


def test_nothing_may_be_what_is_made_and_what_fails_is_made_again() -> None:
    view = View.of(EMBEDDINGS)
    calls: list[None] = []

    def nothing() -> None:
        calls.append(None)

    for _ in range(2):
        assert view.once("nothing", nothing) is None
    assert len(calls) == 1

    def fail() -> None:
        calls.append(None)
        raise UserError("not now")

    for _ in range(2):
        with pytest.raises(UserError, match="not now"):
            view.once("fail", fail)
    assert len(calls) == 3
    assert view.once("fail", lambda: 7) == 7


def test_known_rows_are_taken_with_their_labels() -> None:
    known = everything().labelled
    taken = known.take(torch.tensor([0, 2]))
    assert len(taken) == 2
    assert taken.labels.tolist() == [2, 1]
    assert taken.features.rows.tolist() == [LABELLED[0], LABELLED[2]]
    assert torch.equal(taken.features.embeddings, EMBEDDINGS[[LABELLED[0], LABELLED[2]]])
    assert torch.equal(taken.features.probs, known.features.probs[[0, 2]])
    with pytest.raises(ValueError, match="ascending"):
        known.take(torch.tensor([2, 0]))


def features_of(view: View) -> list[Features]:
    return [features for features, _ in parts(view)]


class Looking(Learner):
    """Sees the mean of the inputs of each row, and remembers how it was asked."""

    def __init__(self) -> None:
        self.looks: list[tuple[list[int], int, bool]] = []

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        raise NotImplementedError

    def test(self, rows: Rows) -> dict[str, float]:
        raise NotImplementedError

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        self.looks.append((numbers.tolist(), seed, stages))
        means = rows.inputs[numbers].float().mean((1, 2, 3))[:, None]
        return View.of(means.repeat(1, 2), logits=means.repeat(1, 3)).pool.take(
            torch.arange(len(numbers))
        )

    def fresh(self, share: float = 1.0) -> "Looking":
        return Looking()

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


def test_a_view_that_is_seen_by_another_learner_is_of_the_same_rows() -> None:
    view, learner = everything(costs=torch.ones(SIZE), seed=2), Looking()
    bench = Bench(lambda name: nullcontext())
    view = replace(view, bench=bench)
    found = view.seen_by(learner)
    assert [look[0] for look in learner.looks] == [POOL, LABELLED, HELD_OUT]
    assert len({look[1] for look in learner.looks}) == 1  # one model is drawn for all rows
    assert all(look[2] for look in learner.looks)  # stages, as this view has them
    means = INPUTS.float().mean((1, 2, 3))
    for (_, rows), features in zip(parts(view), features_of(found), strict=True):
        assert torch.equal(features.embeddings[:, 0], means[rows])
    assert found.validation is not None
    assert view.validation is not None
    assert torch.equal(found.labelled.labels, view.labelled.labels)
    assert torch.equal(found.validation.labels, view.validation.labels)
    assert (found.seed, found.classes, found.bench) == (2, CLASSES, bench)
    assert found.costs is view.costs
    View.of(EMBEDDINGS, inputs=INPUTS).seen_by(learner)
    assert not learner.looks[-1][2]
    View.of(EMBEDDINGS, inputs=INPUTS, seed=3).seen_by(learner)
    assert learner.looks[-1][1] != learner.looks[-3][1]  # another seed, other draws


def test_looking_again_runs_the_clock_of_the_first_look() -> None:
    view = everything()
    ran: list[None] = []

    def clock() -> nullcontext[None]:
        ran.append(None)
        return nullcontext()

    view.pool.clock = clock
    found = view.seen_by(Looking())
    assert found.pool.clock is clock
    assert found.labelled.features.clock is not clock
    _ = found.pool.embeddings
    assert ran


def test_a_view_through_a_change_changes_all_rows_and_remembers_nothing() -> None:
    view = everything()
    assert view.once("key", lambda: 1) == 1
    found = view.through(lambda features: features.cooled(2.0))
    for (after, rows), (before, _) in zip(parts(found), parts(view), strict=True):
        assert after.rows.tolist() == rows
        torch.testing.assert_close(after.logits, before.logits / 2)
    assert found.once("key", lambda: 2) == 2
    assert view.once("key", lambda: 3) == 1
    assert View.of(EMBEDDINGS).through(lambda features: features).validation is None


def test_a_bench_has_nothing_but_what_it_is_given() -> None:
    bench = Bench(lambda name: nullcontext())
    assert not bench.deep
    assert bench.fitted is None
    assert bench.outcome is None
    assert bench.training is None


def test_a_learner_that_was_fitted_on_the_bench_sees_the_view(
    make_learner: Callable[..., Trained], data: Any
) -> None:
    labels = data.train.labels.where(torch.arange(60) < 30, -1)
    learner = make_learner(steps=30, learning_rate=0.05)

    def fitted(places: Tensor) -> Learner:
        member = learner.fresh()
        known = view.labelled.features.rows[places]
        member.fit(data.train.take(known), first=True, watch=lambda step: None)
        return member

    bench = Bench(lambda name: nullcontext(), fitted=fitted, training=Training(accelerator="cpu"))
    view = replace(View.of(inputs=data.train.inputs, labels=labels), bench=bench)
    with pytest.raises(UserError, match="made without `probs`"):
        _ = view.pool.probs
    assert bench.fitted is not None
    found = view.seen_by(bench.fitted(torch.arange(20)))
    assert found.pool.rows.tolist() == list(range(30, 60))
    assert found.pool.embeddings.shape[1] == 64
    right = found.labelled.features.probs.argmax(1) == found.labelled.labels
    assert float(right.float().mean()) > 0.8


# One of each family at least; those that train something read what no array tells.
FAMILIES = (
    *("random", "entropy", "margin", "bald", "batchbald", "mean_std", "epig", "power_bald"),
    *(
        "power_margin",
        "falcun",
        "kmeans",
        "coreset",
        "typiclust",
        "probcover",
        "maxherding",
        "uherding",
    ),
    *("badge", "bait", "egl", "cal", "signal", "tod", "salutary", "isal", "ibds"),
    *("loss_prediction", "autoal", "refine", "tcm", "tailor", "albl"),
)
QUICK: dict[str, dict[str, Any]] = {
    "loss_prediction": {"steps": 5},
    "autoal": {"rehearsals": 2, "steps": 1},
    "refine": {"batches": 1, "candidates": {"margin": {}, "bait": {}}},  # there is no head
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_strategy_works_on_plain_arrays_as_on_tensors(name: str) -> None:
    assert set(registry.load(name).reads or ()) <= set(READABLE) - {"outcomes"}
    stream = np.random.default_rng(0)
    labels = np.array([-1] * 30 + [0, 1, 2] * 6)
    arrays: dict[str, Any] = {
        "embeddings": stream.normal(size=(48, 5)).astype(np.float32),
        "probs": stream.dirichlet(np.ones(3), size=48).astype(np.float32),
        "draws": stream.dirichlet(np.ones(3), size=(4, 48)).astype(np.float32),
        "stages": stream.normal(size=(48, 4)).astype(np.float32),
        "inputs": stream.integers(256, size=(48, 1, 4, 4), dtype=np.uint8),
        "labels": labels,
        "held_out": np.arange(42, 48),
    }
    tensors = {key: torch.from_numpy(array) for key, array in arrays.items()}
    found, expected = (
        query(registry.build(name, **QUICK.get(name, {})), View.of(**given), 6)
        for given in (arrays, tensors)
    )
    assert len(set(found.rows.tolist())) == 6
    assert set(found.rows.tolist()) <= set(range(30))
    assert torch.equal(found.rows, expected.rows)
    assert (found.suggested is not None) == registry.load(name).suggests


@pytest.mark.parametrize("name", ["margin", "kmeans", "bait", "cal", "uherding", "typiclust"])
def test_a_strategy_works_on_lists(name: str) -> None:
    view = everything(FORMS["lists"])
    picks = select(registry.build(name), view, 3).tolist()
    assert len(set(picks)) == 3
    assert set(picks) <= set(POOL)


def test_known_rows_may_be_made_by_hand() -> None:
    features = View.of(EMBEDDINGS).pool
    known = Known(features.take(torch.tensor([1, 3])), torch.tensor([0, 1]))
    assert len(known) == 2
    assert known.take(torch.tensor([1])).features.rows.tolist() == [3]


def test_a_view_among_some_rows_is_that_view_without_the_others() -> None:
    looks: list[int] = []

    def look() -> Tensor:
        looks.append(1)
        return EMBEDDINGS

    whole = Features(None, torch.arange(SIZE), look, Head(linear()))
    view = View(
        whole, Known(whole, torch.zeros(SIZE)), CLASSES, seed=3, costs=torch.arange(SIZE) / 2
    )
    places = torch.tensor([1, 4, 7])
    some, other = view.among(places), view.among(places, seed=5)
    assert some.pool.rows.tolist() == places.tolist()
    assert torch.equal(some.pool.embeddings, EMBEDDINGS[places])
    assert torch.equal(some.pool.probs, whole.probs[places])
    assert some.costs is not None
    assert some.costs.tolist() == [0.5, 2.0, 3.5]
    assert (some.seed, other.seed, len(looks)) == (3, 5, 1)
    assert some.labelled is view.labelled


@pytest.mark.parametrize("kind", [list, np.array])
def test_texts_stand_in_the_lines_of_their_rows(kind: Callable[[list[str]], Any]) -> None:
    texts = [f"text {row}" for row in range(SIZE)]
    for inputs in (None, INPUTS):
        view = View.of(texts=kind(texts), inputs=inputs, labels=LABELS, held_out=HELD_OUT)
        for features, rows in parts(view):
            assert features.texts == [texts[row] for row in rows]
        assert view.among(torch.tensor([0, 2])).pool.texts == ["text 0", "text 3"]


def test_of_several_texts_a_row_each_is_told_by_its_place() -> None:
    (text,) = View.of(texts=[("What?", "This.")]).pool.texts
    assert text == "text 1: What?\ntext 2: This."


def test_what_is_not_given_of_texts_and_inputs_cannot_be_read() -> None:
    with pytest.raises(UserError, match="made without `texts`"):
        _ = View.of(inputs=INPUTS).pool.texts
    with pytest.raises(UserError, match="texts are read by an encoder"):
        _ = View.of(texts=["one", "two"]).pool.inputs


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["one", ""], "row 1 must be a text, none of them empty"),
        (["one", 2], "row 1 must be a text"),
        ("one", "give a list of texts"),
        ([("a", "b"), ("c",)], "row 1 must be 2 texts"),
    ],
)
def test_what_is_no_text_is_refused_as_one(texts: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        View.of(texts=texts)
