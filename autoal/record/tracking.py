"""An experiment as one run on Weights & Biases.

The rounds on disk are the record of truth and this is a view of them: whatever fails here is said
once and never stops the experiment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import wandb

from autoal.bounds import switch
from autoal.data.contract import Data
from autoal.data.rows import Rows
from autoal.errors import UserError
from autoal.model.fitstep import FitStep
from autoal.oracles.question import Question
from autoal.query.batch import Query
from autoal.record.charted import charted
from autoal.record.connection import MODES, connect
from autoal.record.folder import RunFolder
from autoal.record.layout import GENERATED, LABELS, MARK, MODEL_FILES, ROUNDS
from autoal.record.queried import Foreseen, glance, table
from autoal.record.round import Round
from autoal.record.sink import Sink
from autoal.record.terminal import advises, summary

# Files to upload by option; nothing else in the folder, which also holds the pages' secrets.
ARTIFACTS = {"model": MODEL_FILES, "labels": (ROUNDS, LABELS, GENERATED)}
FLUSHED = 3.0  # seconds until a row is surely on disk


class Tracked(Protocol):
    """The parts of an experiment to show: its classes, and its rows, which may grow."""

    data: Data

    @property
    def rows(self) -> Rows: ...


class Tracking(Sink):
    """One W&B run over all rounds: charts over labels, training curves over one growing step.

    Args:
        folder: of the run; W&B's own files go below it.
        experiment: whose queried rows are shown.
        tell: prints one line.
        project: on W&B.
        entity: the account or team; null is your default.
        group: of runs that compare.
        tags: to find runs by.
        mode: online, offline or disabled; null is online when there is a key and a network.
        asking: people are asked, so that what the terminal shows stays on this machine.
        pictures: let what was queried leave this machine; null: unless the rows are somebody's own.
        tables: of what was queried, row by row; the model looks at the rows for its predictions.
        artifacts: upload the trained model and the labels once all rounds are done.
        alerts: let W&B send word of the end, of a failure, and of a rule that advises to stop.
    """

    def __init__(
        self,
        folder: RunFolder,
        experiment: Tracked,
        tell: Callable[[str], None],
        *,
        asking: bool = False,
        project: str = "autoal",
        entity: str | None = None,
        group: str | None = None,
        tags: Sequence[str] = (),
        mode: str | None = None,
        pictures: bool | None = None,
        tables: bool = False,
        artifacts: bool = False,
        alerts: bool = False,
    ) -> None:
        if mode not in (None, *MODES):
            raise ValueError(f"`mode` must be null, online, offline or disabled, got {mode!r}")
        switch("pictures", pictures, optional=True)
        for name, value in {"tables": tables, "artifacts": artifacts, "alerts": alerts}.items():
            switch(name, value)
        self.folder = folder
        self.experiment = experiment
        self.pictures = not experiment.data.labels_count if pictures is None else pictures
        self.tables = tables
        self.artifacts = artifacts
        self.alerts = alerts
        self.asking = asking
        self.tell = tell
        self._foreseen = Foreseen()
        self._advised = bool(folder.rounds) and advises(folder.rounds[-1])
        self._failed = False
        self._sent: list[tuple[float, int]] = []  # the time, and the round
        self.round = 0
        self.offset = sum(finished.steps for finished in folder.rounds)
        self.run: Any = None
        self._try(
            self._start,
            project=project,
            entity=entity,
            group=group,
            tags=list(tags),
            mode=mode,
            asking=asking,
            uploads=artifacts,
        )

    def begin(self, number: int) -> None:
        self.round = number

    def asked(self, question: Question, query: Query) -> None:
        if self.tables and self.pictures:
            self._try(lambda: self._foresee(question, query))

    def step(self, step: FitStep) -> None:
        values = {
            "fit/loss": step.loss,
            "fit/learning_rate": step.learning_rate,
            "fit/epoch": step.epoch,
            "fit/round": self.round,
            "fit/step": self.offset + step.step,
        }
        self._try(lambda: self.run.log(values))

    def end(self, finished: Round) -> None:
        self.offset += finished.steps
        self._try(lambda: self._tell_round(finished))
        self._foreseen = Foreseen()
        if advises(finished) and not self._advised:  # only once, not after every round
            self._alert("AutoAL advises to stop", f"{finished.stop['reason']}")
        self._advised = advises(finished)

    def done(self) -> None:
        if self.artifacts:
            self._try(self._upload)
        self._alert("AutoAL has finished", summary(self.folder.rounds[-1]))

    def failed(self, error: Exception) -> None:
        self._failed = True
        own = self.asking or self.experiment.data.labels_count  # the error may name rows
        why = "error.txt tells why" if own else str(error)
        self._alert("AutoAL has failed", f"in round {len(self.folder.rounds)}: {why}", "ERROR")

    def close(self) -> None:
        self._try(self._finish)
        self.run = None

    def _finish(self) -> None:
        # W&B's service writes the end in a moment, even if this process dies.
        self.run.finish(exit_code=int(self._failed))
        self._mark(0)

    def _foresee(self, question: Question, query: Query) -> None:
        try:
            self._foreseen = Foreseen.of(question, query)
        except UserError:  # of the model, which no strategy might have asked
            self._foreseen = Foreseen(scores=query.scores_of(question.rows))

    def _alert(self, title: str, text: str, level: str = "INFO") -> None:
        """Let W&B notify whoever the account's settings name."""
        if self.alerts:
            told = f"{self.folder.path.name}: {text}"
            self._try(lambda: self.run.alert(title, told, level))

    def _upload(self) -> None:
        """Upload the existing files; a model that could not be written is missing."""
        for kind, names in ARTIFACTS.items():
            artifact = wandb.Artifact(f"{kind}-{self.folder.id}", kind)
            for path in filter(Path.is_file, map(self.folder.path.joinpath, names)):
                artifact.add_file(str(path))
            if artifact.manifest.entries:
                self.run.log_artifact(artifact)

    def _tell_round(self, finished: Round) -> None:
        self.run.log(self._row(finished))
        self._sent.append((time.monotonic(), finished.number))
        self._mark(FLUSHED)

    def _mark(self, age: float) -> None:
        """Remember the last round that was sent so long ago that it is surely on disk."""
        sure = [number for since, number in self._sent if time.monotonic() - since >= age]
        if sure:
            self.folder.write(self.folder.path / MARK, str(sure[-1]).encode())
            self._sent = [sent for sent in self._sent if sent[1] > sure[-1]]

    def _catch_up(self) -> None:
        """Send the finished rounds again that a killed process may have lost."""
        mark = self.folder.path / MARK
        last = int(mark.read_text()) if mark.exists() else -1
        for finished in self.folder.rounds[last + 1 :]:
            self._tell_round(finished)

    def _row(self, finished: Round) -> dict[str, Any]:
        return charted(finished, len(self.experiment.data.classes)) | self._shown(finished)

    def _shown(self, finished: Round) -> dict[str, Any]:
        """A view of the queried rows, if there is something to see that may leave this machine."""
        if not self.pictures:
            return {}
        seen = finished, self.experiment.rows, self.experiment.data.classes
        media = {"media/queried": glance(*seen)}
        if self.tables:
            media["media/rows"] = table(*seen, self._foreseen)
        return {name: each for name, each in media.items() if each is not None}

    def _start(self, **options: Any) -> None:
        self.run, note = connect(self.folder, **options)
        for name in ("n_labelled", "fit/step"):
            self.run.define_metric(name, hidden=True)
        self.run.define_metric("fit/*", step_metric="fit/step")
        for family in ("al/*", "people/*", "seconds/*", "query/*", "stop/*", "growth/*", "media/*"):
            self.run.define_metric(family, step_metric="n_labelled")
        self.run.define_metric("al/accuracy", step_metric="n_labelled", summary="max,last")
        if note:
            self.tell(note)
        self._catch_up()

    def _try(self, act: Callable[..., Any], **options: Any) -> None:
        if self.run is None and act != self._start:
            return
        try:
            act(**options)
        except Exception as error:  # wandb raises its own errors, its protocol's and the network's
            self.run = None
            self.tell(f"W&B failed and is left out from here on, the run goes on: {error}")
