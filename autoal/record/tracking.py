"""An experiment as one run on Weights & Biases.

The rounds on disk are the record of truth and this is a view of them: whatever fails here is said
once and never stops the experiment.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies

import numpy as np
import torch
import wandb
from torch import Tensor
from torchvision.utils import make_grid

from autoal.bounds import switch
from autoal.data.contract import Data
from autoal.data.rows import Rows, chosen
from autoal.model.fitstep import FitStep
from autoal.record.folder import RunFolder
from autoal.record.layout import MARK
from autoal.record.login import signed_in
from autoal.record.round import Round
from autoal.record.sink import Sink
from autoal.settings import flatten

GRID = 64  # queried images shown a round
FLUSHED = 3.0  # seconds after which a row is on disk
PATIENCE = 30  # seconds that the network may take at the start and at the end


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
        if mode not in (None, "online", "offline", "disabled"):
            raise ValueError(f"`mode` must be null, online, offline or disabled, got {mode!r}")
        switch("pictures", pictures, optional=True)
        self.folder = folder
        self.experiment = experiment
        self.pictures = not experiment.data.labels_count if pictures is None else pictures
        self.tell = tell
        self.asking = asking
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
            "query/classes": wandb.Histogram(np_histogram=(counts, edges)),
            **self._shown(finished),
        }

    def _shown(self, finished: Round) -> dict[str, Any]:
        """What was queried, where there is something to look at."""
        if not self.pictures:
            return {}
        rows = torch.tensor(finished.queried[:GRID], dtype=torch.long)
        pictures = chosen(self.experiment.rows.shown, rows)
        if not isinstance(pictures, Tensor) or not len(pictures):
            return {}
        grid = _grid(pictures)
        classes = self.experiment.data.classes
        caption = ", ".join(classes[label] for label in finished.labels[:GRID])
        return {"media/queried": wandb.Image(grid, caption=caption)}

    def _start(self, *, mode: str | None, **options: Any) -> None:
        mode, note = _mode(mode)
        try:
            self.run = self._init(mode, **options)
        except Exception as error:
            if mode != "online":
                raise
            wandb.teardown()  # or the same id would count as in use
            note = f"W&B is offline, {error}: `wandb sync` uploads this run later"
            self.run = self._init("offline", **options)
        for name in ("n_labelled", "fit/step"):
            self.run.define_metric(name, hidden=True)
        self.run.define_metric("fit/*", step_metric="fit/step")
        for family in ("al/*", "people/*", "seconds/*", "query/*", "stop/*", "media/*"):
            self.run.define_metric(family, step_metric="n_labelled")
        self.run.define_metric("al/accuracy", step_metric="n_labelled", summary="max,last")
        if note:
            self.tell(note)
        self._catch_up()

    def _init(self, mode: str | None, **options: Any) -> Any:
        return wandb.init(
            id=self.folder.id,
            name=self.folder.path.name,
            dir=self.folder.path,
            resume="allow",
            mode=mode,  # type: ignore[arg-type]
            config=self.folder.config,
            job_type=self.folder.config["strategy"]["name"],
            settings=_settings(self.asking),
            **options,
        )

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
    }
    known = {name: count for name, count in counts.items() if count is not None}
    people = flatten({"people": finished.people}) if finished.people else {}
    return known | {key.replace(".", "/"): value for key, value in people.items()}


def _numbers(notes: dict[str, Any]) -> dict[str, float]:
    """The numbers among what was noted, such as weights/margin."""
    flat = {key.replace(".", "/"): value for key, value in flatten(notes).items()}
    return {key: value for key, value in flat.items() if type(value) in (int, float)}


def _settings(asking: bool) -> wandb.Settings:
    wanted: dict[str, Any] = {
        "silent": True,
        # What is printed may be the secret address of a page, and names of rows.
        "console": "off" if asking else "auto",
        "init_timeout": PATIENCE,
        "finish_timeout": PATIENCE,
        # Private to wandb: rows reach the disk within a second, so that a killed run keeps them.
        "x_transaction_log_flush_interval": 1.0,
    }
    known = wandb.Settings.model_fields
    return wandb.Settings(**{name: value for name, value in wanted.items() if name in known})


def _mode(wished: str | None) -> tuple[str | None, str]:
    """How to run, and what to tell the user about it; never a prompt and never a long wait."""
    wished = wished or os.environ.get("WANDB_MODE")
    if wished not in (None, "online"):
        return wished, ""
    if not signed_in():
        note = "`wandb login` for next time, `wandb sync` for this run"
        return "offline", f"W&B is offline, no key found: {note}"
    if not _reachable():
        return "offline", "W&B is offline, no network: `wandb sync` uploads this run later"
    return "online", ""


def _reachable() -> bool:
    """Whether the server answers, or the proxy that stands before it."""
    server = wandb.setup().settings.base_url
    scheme = urlsplit(server).scheme
    url = urlsplit(getproxies().get(scheme) or server)
    port = url.port or (80 if url.scheme == "http" else 443)
    try:
        socket.create_connection((url.hostname or "", port), timeout=3).close()
    except OSError:
        return False
    return True


def _grid(images: Tensor) -> np.ndarray[Any, Any]:
    """One picture of all the images, enlarged where they are tiny."""
    scale = max(1, 32 // images.shape[-1])
    large = images.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    grid = make_grid(large, nrow=8, padding=2, pad_value=255)
    return grid.permute(1, 2, 0).numpy()
