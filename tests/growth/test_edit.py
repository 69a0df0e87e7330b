import pytest
import torch

from autoal import Plan
from autoal.growth.edit import Edit, edited
from autoal.seeding import generator
from tests.growth.pool import PLAN, data_of, experiment_of, texts, view_of


def with_chances(monkeypatch: pytest.MonkeyPatch, swaps: list[float], drops: list[float]) -> None:
    monkeypatch.setattr(torch, "rand", lambda *shape, generator: torch.tensor([swaps, drops]))


def test_words_change_places_and_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first two change places, then the second with the third: b c a d; and then c is left out.
    with_chances(monkeypatch, [0.1, 0.0, 0.9, 0.0], [0.5, 0.1, 0.5, 0.5])
    assert edited("a b c d", 0.2, 0.2, torch.Generator()) == "b a d"


def test_a_text_keeps_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    with_chances(monkeypatch, [0.9, 0.9], [0.0, 0.0])
    assert edited("a b", 0.5, 0.5, torch.Generator()) == "a"


def test_edits_are_of_real_rows_that_are_named() -> None:
    data = data_of()
    growth = Edit(data=data, plan=PLAN)
    drafts = growth.drafts(view_of(data), 1, 30, seed=7)
    names = dict(zip(data.train.named(torch.arange(40)), texts(), strict=True))
    assert len(drafts) == 30
    for draft in drafts:
        (name,), (text,) = draft.examples, draft.texts
        assert {*text.split()} <= {*names[name].split()}
        assert (draft.round, draft.mode, draft.seed) == (1, "edit", 7)
    assert len({draft.examples for draft in drafts}) > 10


def test_every_text_of_a_row_is_edited() -> None:
    data = data_of(pairs=True)
    growth = Edit(data=data, plan=PLAN, drop=0.5)
    for draft in growth.drafts(view_of(data), 1, 5, seed=7):
        first, second = draft.texts
        assert first == first.lower()
        assert second == second.upper()


def test_rows_that_judge_or_were_declined_are_not_shown_to_anybody() -> None:
    data = data_of()
    data.checked = 10
    growth = Edit(data=data, plan=PLAN)
    experiment = experiment_of(data, growth, plan=Plan(6, 4, 1))
    first = experiment.ask()
    assert first is not None
    declined = first.rows[:2]
    experiment.tell([-1, -1, *(row % 2 for row in first.rows[2:].tolist())])
    experiment.ask()
    seen = {name for each in growth._made for name in each.examples}
    hidden = [*declined.tolist(), *experiment.history[0].checked]
    assert seen
    assert not seen & {*data.train.named(torch.tensor(hidden))}


def test_the_same_stream_gives_the_same_text() -> None:
    one, two = (edited(texts()[3], 0.3, 0.3, generator(1, "edit")) for _ in range(2))
    assert one == two


@pytest.mark.parametrize("option", [{"drop": 1.0}, {"drop": -0.1}, {"swap": 1.1}, {"tries": 0}])
def test_what_cannot_be_is_refused(option: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        Edit(data=data_of(), plan=PLAN, **option)
