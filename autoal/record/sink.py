"""Sinks for the progress of an experiment."""

from __future__ import annotations

from autoal.model.fitstep import FitStep
from autoal.record.round import Round


class Sink:
    """Receives events, in the order of the methods; this one ignores them."""

    def begin(self, number: int) -> None:
        """Round `number` starts."""

    def step(self, step: FitStep) -> None:
        """A step of the round's training was taken."""

    def end(self, finished: Round) -> None:
        """The round is done and safe on disk."""

    def done(self) -> None:
        """All rounds are done."""

    def close(self) -> None:
        """Nothing more will come, for good or ill."""


class Sinks(Sink):
    """Several sinks as one."""

    def __init__(self) -> None:
        self._sinks: list[Sink] = []

    def add(self, sink: Sink) -> None:
        """Add another sink."""
        self._sinks.append(sink)

    def begin(self, number: int) -> None:
        for sink in self._sinks:
            sink.begin(number)

    def step(self, step: FitStep) -> None:
        for sink in self._sinks:
            sink.step(step)

    def end(self, finished: Round) -> None:
        for sink in self._sinks:
            sink.end(finished)

    def done(self) -> None:
        for sink in self._sinks:
            sink.done()

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()
