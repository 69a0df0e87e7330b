"""The common behaviour of all growths of texts, shown by editing and by a file."""

from pathlib import Path
from typing import Any

import pytest
import torch

from autoal import Arrays, Data, Experiment, Plan, Question
from autoal.data.texts import text_rows
from autoal.encoders.encoded import Encoded
from autoal.encoders.tfidf import Tfidf
from autoal.errors import UserError
from autoal.growth.edit import Edit
from autoal.growth.lines import Lines
from autoal.growth.texts import TextGrowth
from autoal.oracles.question import Answers
from autoal.record.generated import read_made
from autoal.testing import check_growth
from tests.cycle.made import facts, recorded, saved
from tests.growth.pool import (
    PLAN,
    by_first_word,
    data_of,
    experiment_of,
    lines,
    view_of,
    written,
)


def edit(data: Data, folder: Path | None = None, **options: Any) -> Edit:
    return Edit(data=data, plan=PLAN, folder=folder, drop=0.3, swap=0.3, **options)


def done(experiment: Experiment, rounds: int = 4) -> None:
    for _ in range(rounds):
        question = experiment.ask()
        assert question is not None
        experiment.tell(by_first_word(question))


@pytest.mark.parametrize("pairs", [False, True])
def test_made_rows_go_the_road_of_all_new_rows(tmp_path: Path, pairs: bool) -> None:
    data = data_of(pairs=pairs)
    experiment = experiment_of(data, edit(data, tmp_path))
    done(experiment)
    rows = experiment.rows
    assert len(rows) == 40 + 3 * 4
    made = [each for each in read_made(tmp_path / "generated.jsonl") if each.name]
    assert [each.name for each in made] == [f"made-{n}-{k}" for n in (1, 2, 3) for k in range(4)]
    assert rows.named(torch.arange(40, 52)) == [each.name for each in made]
    assert isinstance(data, Encoded)
    new = text_rows([each.texts for each in made], ["a", "b"][: 1 + pairs])
    assert torch.equal(rows.inputs[40:], data.encoder.encode(new, torch.device("cpu")))
    assert len(made[0].texts) == 1 + pairs


def test_every_row_is_told_of_with_its_score_and_label(tmp_path: Path) -> None:
    data = data_of()
    experiment = experiment_of(data, edit(data, tmp_path, share=0.5), strategy="entropy")
    done(experiment, 1)
    question = experiment.ask()
    assert question is not None
    assert question.view is not None
    scores = question.view.pool.probs.xlogy(question.view.pool.probs).sum(1).neg()
    of = dict(zip(question.view.pool.rows.tolist(), scores.tolist(), strict=True))
    made = [each for each in read_made(tmp_path / "generated.jsonl") if each.name]
    assert [each.score for each in made] == pytest.approx([of[row] for row in range(40, 44)])
    assert [each.label for each in made] == [""] * 4
    finished = experiment.tell(
        Answers(question.rows, torch.tensor(by_first_word(question)), "somebody")
    )
    made = [each for each in read_made(tmp_path / "generated.jsonl") if each.name]
    names = {name for name in finished.names if name.startswith("made")}
    assert {each.name: each.by for each in made if each.label} == dict.fromkeys(names, "somebody")
    assert len(names) == 2
    for each in made:
        assert each.label in ("", "good" if "lovely" in each.texts[0] else "bad")


def test_a_row_that_is_labelled_in_a_later_round_is_told_of_too(tmp_path: Path) -> None:
    data = data_of()
    experiment = experiment_of(data, edit(data, tmp_path, share=0.25))
    done(experiment)
    made = read_made(tmp_path / "generated.jsonl")
    labelled = [each.name for each in made if each.label]
    asked = [name for past in experiment.history for name in past.names if name[:4] == "made"]
    assert sorted(labelled) == sorted(asked)
    assert len(asked) == 3


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.5, 2), (1.0, 4)])
def test_so_many_of_a_batch_are_made_rows(share: float, count: int) -> None:
    data = data_of()
    experiment = experiment_of(data, edit(data, share=share))
    done(experiment)
    for past in experiment.history[1:]:
        assert sum(row >= 40 for row in past.queried) == count
        assert past.growth.get("labelled", 0) == count
        assert past.growth["share"] == share


def test_a_round_tells_what_was_made_and_why_the_rest_was_not(tmp_path: Path) -> None:
    data = data_of()
    growth = Edit(data=data, plan=PLAN, folder=tmp_path, drop=0.0, swap=0.02, tries=2, count=3)
    experiment = experiment_of(data, growth)
    done(experiment, 2)
    told = experiment.history[1].growth
    made = read_made(tmp_path / "generated.jsonl")
    assert told["asked"] == len(made) <= 2 * 3
    assert told["dropped"] == {"copy": sum(each.dropped == "copy" for each in made)}
    assert told["dropped"]["copy"] > 0  # of texts in which nothing changed
    assert told["kept"] == experiment.history[1].made == len(made) - told["dropped"]["copy"]
    assert "growth" in experiment.history[1].to_line()
    assert recorded(experiment.history) == experiment.history


def test_an_adaptive_share_and_all_that_was_made_outlive_a_restart(tmp_path: Path) -> None:
    def built(folder: Path) -> Experiment:
        data = data_of()
        folder.mkdir(exist_ok=True)
        return experiment_of(data, edit(data, folder, share="adaptive"), strategy="entropy")

    whole = built(tmp_path / "whole")
    done(whole)
    first = built(tmp_path / "run")
    done(first, 2)
    again = built(tmp_path / "run")
    again.resume(recorded(first.history), saved(first))
    done(again, 2)
    assert facts(again.history) == facts(whole.history)
    assert len({past.growth["share"] for past in whole.history[1:]}) > 1
    assert lines(tmp_path / "run") == lines(tmp_path / "whole")


def test_rows_of_a_round_that_never_counted_are_not_made_again(tmp_path: Path) -> None:
    data = data_of()
    first = experiment_of(data, edit(data, tmp_path))
    done(first, 1)
    state, rounds = saved(first), recorded(first.history)
    question = first.ask()  # and then it is killed
    assert question is not None
    before = lines(tmp_path)

    class Never(Edit):
        def make(self, view: Any, number: int) -> Any:
            raise AssertionError("they were made before")

    again = experiment_of(data, Never(data=data, plan=PLAN, folder=tmp_path, drop=0.3, swap=0.3))
    again.resume(rounds, state)
    other = again.ask()
    assert other is not None
    assert other.rows.tolist() == question.rows.tolist()
    assert lines(tmp_path) == before


def test_a_file_that_is_lost_is_written_anew(tmp_path: Path) -> None:
    data = data_of()
    first = experiment_of(data, edit(data, tmp_path))
    done(first, 2)
    before = lines(tmp_path)
    (tmp_path / "generated.jsonl").unlink()
    again = experiment_of(data, edit(data, tmp_path))
    again.resume(recorded(first.history), saved(first))
    done(again, 1)
    assert lines(tmp_path)[: len(before)] == before


def test_a_query_or_answers_that_led_to_nothing_are_forgotten(tmp_path: Path) -> None:
    data = data_of()
    experiment, whole = (
        experiment_of(data, edit(data, share="adaptive"), strategy="entropy") for _ in range(2)
    )
    done(experiment, 1)
    question = experiment.ask()
    assert question is not None
    with pytest.raises(UserError):
        experiment.tell([7] * len(question.rows))
    done(experiment, 3)
    done(whole)
    assert facts(experiment.history) == facts(whole.history)


def test_a_plan_may_ask_about_more_rows_than_the_data_have() -> None:
    data = data_of(12)
    plan = Plan(start=4, budget=4, rounds=4)
    with pytest.raises(ValueError, match="but the pool has only 12 rows"):
        experiment_of(data, plan=plan)
    with pytest.raises(ValueError, match="has only 12 rows, and at most 4 are made"):
        experiment_of(data, Edit(data=data, plan=plan, count=1), plan=plan)
    experiment = experiment_of(data, Edit(data=data, plan=plan, drop=0.3), plan=plan)
    done(experiment, 5)
    assert [past.labelled for past in experiment.history] == [4, 8, 12, 16, 20]


def test_a_plan_without_an_end_ends_with_the_real_rows() -> None:
    data = data_of(12)
    plan = Plan(start=4, budget=4, rounds=None)
    experiment = experiment_of(data, Edit(data=data, plan=plan, drop=0.3, share=0.25), plan=plan)
    rounds = 0
    while (question := experiment.ask()) is not None:
        experiment.tell(by_first_word(question))
        rounds += 1
    assert rounds == 4  # 4 of the start, and then 3 of 8 in a round
    assert experiment.stopped == "no row is left that could be asked about"


def test_a_question_about_made_rows_is_asked_again(tmp_path: Path) -> None:
    def built() -> Experiment:
        data = data_of()
        return experiment_of(data, edit(data, tmp_path, share="adaptive"), strategy="entropy")

    first = built()
    done(first, 1)
    state, rounds = saved(first), recorded(first.history)
    question = first.ask()
    assert question is not None
    again = built()
    again.resume(rounds, state)
    again.reopen(first.open_question())
    other = again.ask()
    assert other is not None
    assert other.rows.tolist() == question.rows.tolist()
    assert other.names == question.names
    assert other.made.tolist() == [row >= 40 for row in question.rows.tolist()]
    assert written(again.rows) == written(first.rows)
    done(first, 3)
    done(again, 3)
    assert facts(again.history) == facts(first.history)


def test_rows_that_join_the_data_after_some_were_made_are_refused() -> None:
    data = data_of()
    first = experiment_of(data, edit(data))
    done(first, 2)
    more = data_of(41)
    again = experiment_of(more, edit(more))
    state = {**saved(first), "data": more.fingerprint(), "grows": [40, *data.classes]}
    with pytest.raises(UserError, match="rows have joined the data since"):
        again.resume(recorded(first.history), state)


@pytest.mark.parametrize("count", [None, 2])
def test_texts_of_a_file_join_in_their_order(tmp_path: Path, count: int | None) -> None:
    path = tmp_path / "more.txt"
    path.write_text("\n".join(f"a lovely film number {n}" for n in range(7)) + "\n")
    data = data_of()
    growth = Lines(path=str(path), data=data, plan=PLAN, count=count, folder=tmp_path)
    experiment = experiment_of(data, growth)
    done(experiment)
    expected = [4, 3, 0] if count is None else [2, 2, 2]
    assert [past.made for past in experiment.history] == [0, *expected]
    assert [growth.most(number) for number in (1, 2, 3)] == expected
    assert written(experiment.rows)[40:] == [
        f"a lovely film number {n}" for n in range(sum(expected))
    ]
    assert read_made(tmp_path / "generated.jsonl")[0].examples == (f"{path}:1",)


def test_a_growth_keeps_the_promises_of_all() -> None:
    data = data_of()
    check_growth(lambda: edit(data, share="adaptive"), view_of(data))


def test_data_that_are_no_texts_are_refused() -> None:
    numbers = Arrays((torch.rand(9, 2), torch.arange(9) % 2))
    numbers.setup()
    with pytest.raises(UserError, match="this data has none"):
        edit(numbers)


def test_an_encoder_that_knows_no_new_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = data_of()
    monkeypatch.setattr(Tfidf, "new_rows", False)
    with pytest.raises(UserError, match="which Tfidf cannot encode: give another encoder="):
        edit(data)


@pytest.mark.parametrize("option", [{"count": 0}, {"count": 1.5}])
def test_options_of_all_are_checked(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="count"):
        edit(data_of(), **option)


def test_a_label_is_said_of_whoever_gave_it() -> None:
    data = data_of()
    growth = edit(data, share=0.5)
    experiment = experiment_of(data, growth)
    done(experiment, 1)
    question: Question | None = experiment.ask()
    assert question is not None
    answers = Answers(
        question.rows,
        torch.tensor(by_first_word(question)),
        "somebody",
        machine=question.made,
        people={"model": {"labels": 2, "calls": 2}},
    )
    experiment.tell(answers)
    assert {each.by for each in growth._made if each.label} == {"model"}
    assert isinstance(growth, TextGrowth)
