"""Runs an experiment with an oracle, round after round, and keeps the rounds in a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import torch

from autoal.cycle.experiment import Experiment
from autoal.cycle.history import demand_history, unheard
from autoal.cycle.knowledge import Told
from autoal.cycle.parts import fitting
from autoal.errors import UserError
from autoal.oracles.question import Oracle, asks_people
from autoal.record.folder import RunFolder
from autoal.record.round import Round


def rounds(
    experiment: Experiment, oracle: Oracle, folder: RunFolder | None = None
) -> Iterator[Round]:
    """Do the remaining rounds, with an oracle that answers at once.

    Args:
        experiment: a new one, or one whose rounds are in the folder.
        oracle: the one that answers.
        folder: has the earlier rounds, and keeps each new one before it is yielded.
    """
    if folder is not None:
        _take_up(experiment, folder)
    while (question := experiment.ask()) is not None:
        if folder is not None and asks_people(oracle):
            folder.keep_question(experiment.open_question())
        answers = oracle(question) if len(question.rows) else []
        del question  # since holding its view would cost a copy of the model
        done = experiment.tell(answers)
        if folder is not None:
            folder.add(done, experiment.state_dict())
        yield done


def go_on(experiment: Experiment, folder: RunFolder) -> None:
    """Bring a new experiment to its folder's state; what does not fit is refused by file."""
    demand_fit(experiment, folder)
    if folder.rounds:
        state = folder.state()
        with folder.explained(folder.last_state):
            experiment.resume(folder.rounds, state)
    if question := folder.question():
        with folder.explained(folder.open_question), fitting("question"):
            experiment.reopen(question)


def demand_fit(experiment: Experiment, folder: RunFolder) -> None:
    """Refuse a folder whose rounds cannot be those of this experiment."""
    with folder.explained(folder.record):
        demand_history(folder.rounds, experiment.plan, experiment.data)


def _take_up(experiment: Experiment, folder: RunFolder) -> None:
    """Ensure that experiment and folder are at the same round, and that more can be kept."""
    new = not experiment.history
    if new or _answers_of(folder.rounds) != _answers_of(experiment.history):
        if not new:
            raise UserError(
                f"the {len(folder.rounds)} rounds of {folder.path} are not the "
                f"{len(experiment.history)} that this experiment has done: give a new one, "
                "or another folder"
            )
        go_on(experiment, folder)
        _tell_unheard(experiment)
    if not experiment.plan.over(len(folder.rounds)):
        folder.demand_writable()


def _tell_unheard(experiment: Experiment) -> None:
    """Report labels in the data that do not count."""
    if rows := unheard(experiment.history, experiment.data):
        (first,) = experiment.rows.named(torch.tensor(rows[:1]))
        print(
            f"{len(rows)} labels of the data, the first that of {first}, came or changed after the "
            "run had learnt or set aside these rows, and do not count: correct them where people "
            "answer",
            file=sys.stderr,
        )


def _answers_of(history: Sequence[Round]) -> list[Told]:
    return [Told.again(done) for done in history]
