"""An experiment as one run on Weights & Biases.

The rounds on disk are the record of truth and this is a view of them: whatever fails here is said
once and never stops the experiment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
import wandb
from torch import Tensor
from torchvision.utils import make_grid

from autoal.bounds import switch
from autoal.data.contract import Data
from autoal.data.rows import Rows, chosen
from autoal.data.seen import beside, seen
from autoal.model.fitstep import FitStep
from autoal.record.connection import MODES, connect
from autoal.record.folder import RunFolder
from autoal.record.layout import MARK
from autoal.record.round import Round
from autoal.record.sink import Sink
from autoal.settings import flatten

GRID = 64  # queried images or texts shown a round
LETTERS = 600  # of a text, likewise
LABEL = "label"  # the last column of a table of texts
FLUSHED = 3.0  # seconds after which a row is on disk


class Tracked(Protocol):
    """What is looked at of an experiment: its classes, and its rows, which may grow."""

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
    ) -> None:
        if mode not in (None, *MODES):
            raise ValueError(f"`mode` must be null, online, offline or disabled, got {mode!r}")
        switch("pictures", pictures, optional=True)
        self.folder = folder
        self.experiment = experiment
        self.pictures = not experiment.data.labels_count if pictures is None else pictures
        self.tell = tell
        self._sent: list[tuple[float, int]] = []  # when, and which round
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
        )

    def begin(self, number: int) -> None:
        self.round = number

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

    def close(self) -> None:
        self._try(self._finish)
        self.run = None

    def _finish(self) -> None:
        self.run.finish()  # W&B's service writes the end in a moment, even if this process dies
        self._mark(0)

    def _tell_round(self, finished: Round) -> None:
        self.run.log(self._row(finished))
        self._sent.append((time.monotonic(), finished.number))
        self._mark(FLUSHED)

    def _mark(self, age: float) -> None:
        """Remember the last round told at least so many seconds ago, and so surely written."""
        sure = [number for since, number in self._sent if time.monotonic() - since >= age]
        if sure:
            self.folder.write(self.folder.path / MARK, str(sure[-1]).encode())
            self._sent = [sent for sent in self._sent if sent[1] > sure[-1]]

    def _catch_up(self) -> None:
        """Tell the finished rounds that a killed process may have taken with it."""
        mark = self.folder.path / MARK
        last = int(mark.read_text()) if mark.exists() else -1
        for finished in self.folder.rounds[last + 1 :]:
            self._tell_round(finished)

    def _row(self, finished: Round) -> dict[str, Any]:
        counts = np.bincount(finished.labels, minlength=len(self.experiment.data.classes))
        edges = np.arange(len(counts) + 1) - 0.5
        return {
            "n_labelled": finished.labelled,
            "al/round": finished.number,
            **_counts(finished),
            **{f"al/{name}": value for name, value in finished.metrics.items()},
            **({"al/judged": finished.judged} if finished.judged else {}),
            **{f"seconds/{name}": value for name, value in finished.seconds.items()},
            **{f"query/{name}": value for name, value in _numbers(finished.notes).items()},
            **{f"stop/{name}": value for name, value in _numbers(finished.stop).items()},
            **{f"growth/{name}": value for name, value in _numbers(finished.growth).items()},
            "query/classes": wandb.Histogram(np_histogram=(counts, edges)),
            **self._shown(finished),
        }

    def _shown(self, finished: Round) -> dict[str, Any]:
        """What was queried, where there is something to look at."""
        if not self.pictures:
            return {}
        rows = torch.tensor(finished.queried[:GRID], dtype=torch.long)
        shown = chosen(self.experiment.rows.shown, rows)
        if shown is None or not len(shown):
            return {}
        classes = self.experiment.data.classes
        labels = [classes[label] for label in finished.labels[:GRID]]
        if isinstance(shown, Tensor):
            return {"media/queried": wandb.Image(_grid(shown), caption=", ".join(labels))}
        texts = [beside((LABEL,), seen(each).texts) for each in shown]
        return {"media/queried": _table(texts, labels)} if all(texts) else {}

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
        except Exception as error:  # wandb raises its own, its protocol's and the network's
            self.run = None
            self.tell(f"W&B failed and is left out from here on, the run goes on: {error}")


def _counts(finished: Round) -> dict[str, Any]:
    """Of the labels, as far as they are known, and of those who gave them."""
    counts = {
        "al/bought": finished.bought,
        "al/wrong": finished.wrong,
        "al/declined": len(finished.declined) or None,
        "al/amended": len(finished.amended) or None,
        "al/machine": len(finished.machine) or None,
        "al/ruled_out": len(finished.ruled_out) or None,
        "al/words": len(finished.words) or None,
        "al/cost": finished.cost,
        "al/taken": finished.taken,
        "al/made": finished.made or None,
        "al/looked": finished.looked or None,
    }
    known = {name: count for name, count in counts.items() if count is not None}
    told = ((f"people/{name}", facts) for name, facts in finished.people.items())
    return known | {f"{who}/{fact}": count for who, facts in told for fact, count in facts.items()}


def _numbers(notes: dict[str, Any]) -> dict[str, float]:
    """The numbers among what was noted, such as weights/margin."""
    flat = {key.replace(".", "/"): value for key, value in flatten(notes).items()}
    return {key: value for key, value in flat.items() if type(value) in (int, float)}


def _table(texts: Sequence[Mapping[str, str]], labels: Sequence[str]) -> wandb.Table:
    """Texts beside their labels; of a long one the beginning."""
    clipped = [[text[:LETTERS] for text in each.values()] for each in texts]
    data = [[*cells, label] for cells, label in zip(clipped, labels, strict=True)]
    return wandb.Table(columns=[*texts[0], LABEL], data=data)


def _grid(images: Tensor) -> np.ndarray[Any, Any]:
    """One picture of all the images, enlarged where they are tiny."""
    scale = max(1, 32 // images.shape[-1])
    large = images.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    grid = make_grid(large, nrow=8, padding=2, pad_value=255)
    return grid.permute(1, 2, 0).numpy()
