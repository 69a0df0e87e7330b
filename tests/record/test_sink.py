import pytest
import torch

from autoal import Question, Round
from autoal.errors import Interrupted, UserError, Waiting
from autoal.model.fitstep import FitStep
from autoal.query.batch import Query
from autoal.record.sink import Sink, Sinks


class Listener(Sink):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def begin(self, number: int) -> None:
        self.heard.append(number)

    def asked(self, question: Question, query: Query) -> None:
        self.heard.append((question, query))

    def step(self, step: FitStep) -> None:
        self.heard.append(step)

    def end(self, finished: Round) -> None:
        self.heard.append(finished)

    def done(self) -> None:
        self.heard.append("done")

    def failed(self, error: Exception) -> None:
        self.heard.append(error)

    def close(self) -> None:
        self.heard.append("closed")


def test_all_sinks_hear_everything_in_order(history: list[Round]) -> None:
    first, second = Listener(), Listener()
    sinks = Sinks()
    sinks.add(first)
    sinks.add(second)
    step = FitStep(1, 2, 1, 0.5, 0.1)
    rows = torch.tensor([3, 1])
    question, query = Question(1, rows, ("a", "b")), Query(rows, {}, None)
    with sinks:
        sinks.begin(0)
        sinks.asked(question, query)
        sinks.step(step)
        sinks.end(history[0])
        sinks.done()
    assert first.heard == second.heard
    assert first.heard == [0, (question, query), step, history[0], "done", "closed"]


@pytest.mark.parametrize(
    ("error", "fails"),
    [(UserError("the disk is full"), True), (Waiting("label.csv"), False), (Interrupted(2), False)],
)
def test_all_sinks_hear_of_an_error_and_not_of_a_stop(error: BaseException, fails: bool) -> None:
    listener, sinks = Listener(), Sinks()
    sinks.add(listener)
    with pytest.raises(type(error)), sinks:
        raise error
    assert listener.heard == [*([error] if fails else []), "closed"]
