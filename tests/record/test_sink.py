from autoal import Round
from autoal.model.fitstep import FitStep
from autoal.record.sink import Sink, Sinks


class Listener(Sink):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def begin(self, number: int) -> None:
        self.heard.append(number)

    def step(self, step: FitStep) -> None:
        self.heard.append(step)

    def end(self, finished: Round) -> None:
        self.heard.append(finished)

    def close(self) -> None:
        self.heard.append("closed")


def test_all_sinks_hear_everything_in_order(history: list[Round]) -> None:
    first, second = Listener(), Listener()
    sinks = Sinks()
    sinks.add(first)
    sinks.add(second)
    step = FitStep(1, 2, 1, 0.5, 0.1)
    sinks.begin(0)
    sinks.step(step)
    sinks.end(history[0])
    sinks.close()
    assert first.heard == second.heard == [0, step, history[0], "closed"]
