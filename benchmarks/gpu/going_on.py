"""A run that is killed and resumed, and a fit that is repeated: are the results the same?"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from autoal.model.fitstep import unwatched
from autoal.seeding import seeded
from benchmarks.gpu.setting import Line, Setting

ROOT = Path(__file__).resolve().parent.parent.parent
ROUNDS = 3


def lines(setting: Setting) -> Iterator[Line]:
    """Both, reported without a verdict: a GPU may add in another order."""
    yield _twice(setting)
    with TemporaryDirectory() as name:
        top = Path(name)
        file = _file(setting, top)
        begun = time.perf_counter()
        _run(setting, file, top, "whole").wait()
        seconds = time.perf_counter() - begun
        killed = _run(setting, file, top, "killed")
        while len(_record(top, "killed")) < 2 and killed.poll() is None:
            time.sleep(0.02)
        killed.kill()
        killed.wait()
        before = len(_record(top, "killed"))
        _run(setting, file, top, "killed").wait()
        yield _compared(top, before, seconds)


def _twice(setting: Setting) -> Line:
    data = setting.data
    rows = data.train.take(torch.arange(setting.size.start))
    learners = [setting.learner(data, epochs=2) for _ in range(2)]
    for learner in learners:
        with seeded(0, "fit"):
            learner.fit(learner.place(rows), first=True, watch=unwatched)
    first, second = (learner.state_dict() for learner in learners)
    same = all(torch.equal(first[name], second[name]) for name in first)
    return Line("again", "two fits alike", "the same to the bit" if same else "other bits")


def _file(setting: Setting, top: Path) -> Path:
    """Some of the pictures, in a format of users."""
    count, path = int(setting.size.share * setting.size.pool), top / "pictures.npz"
    images = setting.images[:count].permute(0, 2, 3, 1).numpy()
    np.savez(path, train_images=images, train_labels=setting.labels[:count].numpy())
    return path


def _run(setting: Setting, file: Path, top: Path, name: str) -> subprocess.Popen[bytes]:
    """The command, as a user would give it."""
    size = setting.size
    options = (
        *(
            "data=npz",
            f"data.path={file}",
            "strategy=margin",
            f"trainer.accelerator={setting.device}",
        ),
        *(f"start={size.start}", f"budget={size.budget}", f"rounds={ROUNDS}", "task.epochs=2"),
        *("logger=none", f"out={top}", f"name={name}"),
    )
    with (top / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "train.py", *options], cwd=ROOT, env=os.environ, stdout=log, stderr=log
        )


def _record(top: Path, name: str) -> list[dict[str, Any]]:
    path = top / name / "rounds.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _compared(top: Path, before: int, seconds: float) -> Line:
    whole, again = _record(top, "whole"), _record(top, "killed")
    if len(again) <= ROUNDS or len(whole) <= ROUNDS:
        raise RuntimeError((top / "log").read_text()[-500:])
    same = sum(a["queried"] == b["queried"] for a, b in zip(whole, again, strict=True))
    apart = max(abs(a["accuracy"] - b["accuracy"]) for a, b in zip(whole, again, strict=True))
    figure = f"the same rows in {same} of {len(whole)} rounds, accuracy {apart:.4f} apart at most"
    return Line("again", f"a run killed after {before} rounds, gone on", figure, seconds)
