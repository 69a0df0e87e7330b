"""Labels by several people in a cycle: kept, asked for, and believed by degrees."""

from dataclasses import replace

import pytest
import torch

from autoal import Crowd, Data, Noisy, Plan, Question, TrueLabels, rounds
from autoal.cycle.history import demand_history
from autoal.cycle.knowledge import Told
from autoal.errors import UserError
from tests.cycle.made import Make, asked

PLAN = Plan(start=8, budget=4, rounds=3)


def crowd(data: Data) -> Crowd:
    return Crowd(Noisy(TrueLabels(data.train.labels), 0.3), people=3, votes=2)


def test_a_question_has_all_that_was_said_before(quick: Make, data: Data) -> None:
    experiment, oracle = quick(plan=PLAN), crowd(data)
    said: dict[str, dict[int, int]] = {}
    while (question := experiment.ask()) is not None:
        assert question.said == said
        answers = oracle(question)
        for name, labels in answers.said.items():
            said.setdefault(name, {}).update(labels)
        assert experiment.tell(answers).said == answers.said
    resumed = quick(plan=replace(PLAN, rounds=4))
    resumed.resume(experiment.history, experiment.state_dict())
    assert asked(resumed).said == said


def test_a_question_can_have_earlier_rows_looked_at_by_other_models(
    quick: Make, data: Data
) -> None:
    experiment = quick(plan=PLAN)
    first = asked(experiment)
    assert first.expected is None
    done = experiment.tell(TrueLabels(data.train.labels)(first))
    expected = asked(experiment).expected
    assert expected is not None
    assert expected.rows.tolist() == sorted(done.queried)
    assert torch.allclose(expected.probs.sum(1), torch.ones(8).to(expected.probs))


def test_rows_that_judge_are_not_believed_by_degrees(data: Data) -> None:
    question = Question(0, torch.tensor([4, 5]), data.classes)
    oracle = Crowd(TrueLabels(data.train.labels), people=2, votes=2, soft=True)
    told = Told.by(oracle(question), question, judging=torch.tensor([5]))
    assert told.beliefs.keys() == {4}


def test_what_was_said_of_rows_and_classes_that_are_not_there_is_refused(
    quick: Make, data: Data
) -> None:
    (first, *_) = rounds(quick(plan=PLAN), crowd(data))
    for said, what in (({"ann": {10**6: 0}}, "row 1000000"), ({"ann": {0: 99}}, "label 99")):
        with pytest.raises(UserError, match=f"round 0: {what} is not among"):
            demand_history([replace(first, said=said)], PLAN, data)
