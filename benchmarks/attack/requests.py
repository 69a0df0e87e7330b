"""Wrong requests: every option with values that nobody should give."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from autoal.settings import flatten
from benchmarks.attack.program import DONE, judged, program
from benchmarks.attack.setting import Attack, Home, pictures, rounds_in

TINY = ("start=12", "budget=4", "rounds=1", "logger=none", "out=runs", "name=run")
HUGE = "1000000000"
VALUES = (
    *("-1", "0", "1.5", "nan", "inf", "-inf", "1e308", HUGE, "99999999999999999999999999"),
    *("null", "true", "x", "''", "[]", "[a]", "[nan]", "{}", "{a: 1}", "'$x^$'", "日本語"),
)
# More of these means more work, which a user may well ask for.
LENGTHS = (
    *("steps", "epochs", "iterations", "rounds", "rehearsals", "warmup", "tries", "folds"),
    *("members", "pull", "learning_rate", "batches", "depth", "splits"),
)
CHOICES: dict[str, tuple[str, ...]] = {
    "search": ("task=mlp", "task.steps=4", "strategy=autoal", "strategy.rehearsals=2"),
    "paper": (
        *("task=mlp", "task.steps=4", "strategy=autoal", "strategy.road=paper"),
        *("strategy.rehearsals=2", "strategy.steps=2", "strategy.paper.warmup=1"),
    ),
    "network": ("task=resnet18", "task.steps=1", "strategy=badge"),
    "npz": ("data=npz", "data.path=pictures.npz", "task=linear", "task.steps=4", "strategy=bald"),
    "frozen": ("task=frozen", "task.steps=4", "encoder.count=8", "strategy=uherding"),
    "table": (
        *("data=table", "data.path=table.csv", "task=logistic", "strategy=salutary"),
        *("oracle=salutary", "start=30"),
    ),
    "start": ("task=linear", "task.steps=4", "start=typiclust", "strategy=signal"),
    **{
        name: ("task=mlp", "task.steps=4", f"strategy={name}", "data.validation=30")
        for name in (
            *("bait", "batchbald", "cal", "cheating_oracle", "coreset", "kmeans", "isal", "ibds"),
            *("loss_prediction", "maxherding", "power_bald", "power_margin", "probcover", "tod"),
            *("albl", "committee", "refine", "selectal", "tailor", "tcm"),
        )
    },
}
# Requests that are wrong in more than one value.
ODD: dict[str, tuple[str, ...]] = {
    "autoal as its own candidate": ("strategy=autoal", "strategy.candidates.autoal={}"),
    "a composite as a candidate": ("strategy=refine", "strategy.candidates.tcm={}"),
    "an unknown candidate": ("strategy=autoal", "strategy.candidates.nobody={}"),
    "an empty sweep": ("-m", "seed=range(0)"),
    "no value": ("seed=",),
    "a sweep without -m": ("seed=0,1",),
    "no job at once": ("-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=0", "seed=0,1"),
    "resolved": ("--resolve",),
    "labels that no strategy gives": ("strategy=margin", "oracle=salutary"),
    "labels of a model for outcomes": ("strategy=cheating_oracle", "oracle=pseudo"),
    "an absent file": ("data=npz", "data.path=nowhere.npz"),
    "an absent folder": ("data=folder", "data.path=nowhere"),
    "an absent table": ("data=table", "data.path=nowhere.csv"),
    "absent weights": ("encoder=imagenet", "task=frozen", "encoder.weights=nowhere.pt"),
    "weights of nonsense": ("encoder=imagenet", "task=frozen", "encoder.weights=nonsense.pt"),
    "features of nonsense": ("encoder=file", "task=frozen", "encoder.path=nonsense.pt"),
    "too many labels": ("start=1000", "budget=1000"),
    "a budget of nothing": ("budget=[]",),
    "a budget too short": ("budget=[1]", "rounds=3"),
    "a start of nothing": ("start=file", "start.path=nothing.txt"),
    "a start of nonsense": ("start=file", "start.path=nonsense.pt"),
    "a start beyond the pool": ("start=file", "start.path=beyond.txt"),
    "a folder that is a file": ("out=nonsense.pt",),
    "a folder above": ("name=..",),
    "two folders": ("name=a/b",),
    "a name of mathematics": ("name='$x^$'",),
    "a name of markup": ("name='<script>'",),
    "a name in another script": ("name=日本語",),
    "a name with a space": ("name=my run",),
    "a name with brackets": ("name=run (1)",),
    "a misspelt option": ("strategy.clustres=3", "strategy=typiclust"),
    "a misspelt choice": ("strategy=margni",),
    "an option of nobody": ("nothing=3",),
    "half an option": ("seed",),
    "a key of nothing": ("=3",),
    "an unknown flag": ("--wrong",),
    "a class that is none": ("task._target_=os.getcwd",),
    "a class that is nowhere": ("task._target_=nowhere.Nothing",),
    "a program for a class": ("oracle._target_=subprocess.run",),
}


def attacks(home: Home) -> Iterator[tuple[str, Attack]]:
    """Every option of every choice with one value drawn, and the odd requests."""
    for name, choice in CHOICES.items():
        folder = home.top / f"choice-{name}"
        folder.mkdir()
        _files(folder)
        ended = program(folder, [*TINY, *choice])
        if judged(ended) != DONE:
            raise RuntimeError(f"{name}: the undisturbed run failed: {ended.err}")
        for key in _options(folder, plain=name in ("search", "table", "npz", "network")):
            for value in home.draw.sample(VALUES, 3 if name == "search" else 2):
                request = (*TINY, *choice, f"{key}={value}")
                yield f"{name}: {key}={value}", partial(_asked, request, key, value)
    for what, request in ODD.items():
        yield what, partial(_odd, (*request, *TINY, "task=linear", "task.steps=4"))


def _files(folder: Path) -> None:
    images, labels = pictures()
    np.savez(folder / "pictures.npz", train_images=images, train_labels=labels)
    rows = np.column_stack([images.reshape(len(images), -1)[:, :6], labels])
    np.savetxt(folder / "table.csv", rows, fmt="%d", delimiter=",", header="a,b,c,d,e,f,label")
    (folder / "nonsense.pt").write_bytes(bytes(range(256)) * 4)
    (folder / "nothing.txt").write_text("")
    (folder / "beyond.txt").write_text("1\n2\n999999\n")


def _options(folder: Path, plain: bool) -> list[str]:
    """The keys of a finished run; those of its plan and data only on request."""
    config: dict[str, Any] = yaml.safe_load((folder / "runs" / "run" / "config.yaml").read_text())
    config.pop("about")
    keys = [key for key in flatten(config) if not key.endswith(("_target_", "name", "out"))]
    return [key for key in keys if plain or key.startswith(("strategy.", "start."))]


def _asked(request: tuple[str, ...], key: str, value: str, folder: Path) -> str:
    _files(folder)
    ended = program(folder, request)
    if ended.late and key.endswith(LENGTHS) and value == HUGE:
        return DONE  # it was asked for that much work, and does it
    end = judged(ended)
    if end == DONE and not _sound(folder):
        return "silent: exit code 0 without its rounds"
    return end


def _odd(request: tuple[str, ...], folder: Path) -> str:
    _files(folder)
    return judged(program(folder, request))


def _sound(folder: Path) -> bool:
    """Whether some run left its rounds, with finite numbers only."""
    names = [path.parent.name for path in folder.glob("runs/*/rounds.jsonl")]
    found = [rounds_in(folder, name) for name in names]
    accuracies = [line["accuracy"] for rounds in found for line in rounds]
    return bool(accuracies) and bool(np.isfinite(accuracies).all())
