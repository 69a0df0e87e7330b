import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from autoal import View
from autoal.query import calibration
from autoal.query.calibration import cooled, temperature
from autoal.seeding import generator

LABELS = torch.tensor([-1, -1, 0, 1, 0, 1])


def drawn(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Logits, and labels that are as likely as the logits say."""
    logits = 2 * torch.randn(count, 2, generator=generator(seed))
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator(seed, "labels"))
    return logits, labels.flatten()


def view_of(
    logits: Tensor,
    labels: Tensor | None = None,
    judging: Tensor | None = None,
    *,
    factor: float = 1.0,
) -> View:
    """A pool of one row; rows with labels, and others that are held out, have these logits."""
    parts = [labels, judging]
    given = [part for part in parts if part is not None]
    begin = 1 + (0 if labels is None else len(labels))
    return View.of(
        logits=factor * torch.cat([logits[:1], *(logits for _ in given)]),
        labels=torch.cat([torch.tensor([-1]), *given]),
        held_out=range(begin, begin + (0 if judging is None else len(judging))),
    )


def test_the_temperature_undoes_overconfidence() -> None:
    logits, labels = drawn(5000, 0)
    assert temperature(view_of(logits, labels, factor=3.0)) == pytest.approx(3, rel=0.1)


def test_rows_that_were_trained_on_never_make_the_model_more_sure() -> None:
    logits, labels = drawn(5000, 0)
    assert temperature(view_of(logits, labels, factor=0.5)) == 1
    view = view_of(logits, judging=labels, factor=0.5)
    assert temperature(view) == pytest.approx(0.5, rel=0.1)


def test_validation_rows_go_before_labelled_ones() -> None:
    logits, labels = drawn(5000, 0)
    view = view_of(logits, labels.flip(0), labels, factor=2.0)
    assert temperature(view) == pytest.approx(2, rel=0.1)


def test_the_temperature_is_one_where_no_row_tells() -> None:
    logits, _ = drawn(5, 0)
    view = view_of(logits)
    assert temperature(view) == 1
    assert cooled(view) is view


def test_the_temperature_is_the_one_of_least_log_loss_from_a_tenth_to_ten() -> None:
    logits, labels = drawn(200, 1)
    view = view_of(logits, judging=labels, factor=3.0)
    assert view.validation is not None
    rows = view.validation
    finer = torch.logspace(-1, 1, 2001)
    losses = torch.stack([cross_entropy(rows.features.logits / by, labels) for by in finer])
    assert temperature(view) == pytest.approx(float(finer[losses.argmin()]), rel=0.02)
    # Labels that always are the less likely class ask for more than the most that is tried.
    assert temperature(view_of(logits, judging=logits.argmin(1))) == pytest.approx(10)
    assert temperature(view_of(logits, judging=logits.argmax(1))) == pytest.approx(0.1)


def test_a_cooled_view_divides_the_logits_of_all_rows() -> None:
    logits, labels = drawn(500, 0)
    view = view_of(logits, labels, labels, factor=3.0)
    by, found = temperature(view), cooled(view)
    torch.testing.assert_close(found.pool.logits, view.pool.logits / by)
    known = found.labelled
    torch.testing.assert_close(known.features.logits, view.labelled.features.logits / by)
    assert torch.equal(known.labels, view.labelled.labels)
    assert found.validation is not None
    assert view.validation is not None
    judging = found.validation.features.logits
    torch.testing.assert_close(judging, view.validation.features.logits / by)
    assert torch.equal(found.validation.labels, view.validation.labels)
    assert (found.seed, found.classes) == (view.seed, view.classes)


@pytest.mark.parametrize("judged", [False, True])
def test_what_is_cooled_already_is_not_cooled_again(judged: bool) -> None:
    logits, labels = drawn(500, 0)
    view = view_of(logits, labels, labels if judged else None, factor=3.0)
    assert temperature(view) > 2
    assert temperature(cooled(view)) == pytest.approx(1, rel=0.02)


def test_draws_are_cooled_too() -> None:
    draws = 3 * torch.randn(4, 6, 2, generator=generator(0))
    view = View.of(logits=4 * draws[0], draws=draws.softmax(2), labels=LABELS)
    by = temperature(view)
    assert by > 1
    torch.testing.assert_close(cooled(view).pool.drawn_probs, (draws[:, :2] / by).softmax(2))


def test_a_view_with_a_head_is_cooled_without_another_look() -> None:
    embeddings = torch.randn(6, 3, generator=generator(0))
    head = nn.Linear(3, 2)
    nn.init.constant_(head.weight, 0.0)
    nn.init.constant_(head.bias, 5.0)
    head.bias.data[0] = -5.0
    view = View.of(embeddings, head=head, labels=LABELS)  # sure of class 1, and often wrong
    by = temperature(view)
    assert by == pytest.approx(10)
    found = cooled(view).pool
    assert torch.equal(found.embeddings, view.pool.embeddings)
    torch.testing.assert_close(found.logits, view.pool.logits / by)
    assert torch.equal(head(embeddings)[0], torch.tensor([-5.0, 5.0]))


def test_the_temperature_is_sought_once_for_each_view(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = drawn(50, 0)
    view, calls = view_of(logits, labels, factor=3.0), []
    found = calibration._best(torch.logspace(0, 1, 5), view.labelled)

    def counted(*asked: object) -> float:
        calls.append(asked)
        return found

    monkeypatch.setattr(calibration, "_best", counted)
    assert temperature(view) == temperature(view) == found
    assert cooled(view) is cooled(view)
    assert len(calls) == 1
