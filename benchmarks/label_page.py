"""The labelling page: a picture of each of its states, and the time from a key to the next picture.

python -m benchmarks.label_page [--pictures FOLDER]
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from benchmarks.report import keep, table
from tests.browser import chromium, opened
from tests.people.fake import Fake, Json, picture_card, served
from tests.people.window import Window

SIZES = {"wide": (1280, 800), "narrow": (390, 844)}
ANIMALS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SCENES = {"building": "1", "flower": "2", "landscape": "3", "portrait": "4"}
PLACES = ("arctic", "forest", "city", "sea")
MANY = {f"{place} {animal}": "" for place in PLACES for animal in ANIMALS}
REVIEW = (
    "This is the kind of film that sneaks up on you: it begins as a small, almost lazy comedy"
    " about a family restaurant, and somewhere in its second hour, without ever raising its voice,"
    " it becomes one of the most moving portraits of grief I have seen in years."
    "\n\nThe cast is splendid; the music, alas, is not."
)
PAIR = [["question", "What did the critic like?"], ["passage", " ".join([REVIEW] * 4)]]
PATIENT = [
    *(["age", "62"], ["sex", "female"], ["admission", "emergency"], ["time in hospital", "6 days"]),
    *(["laboratory tests", "44"], ["procedures", "1"], ["medications", "17"], ["A1C", "above 8 %"]),
    *(["insulin", "raised"], ["diagnosis", "428.0, congestive heart failure"]),
]
CURVE = [
    {"labels": labels, "accuracy": accuracy, "low": accuracy - wide, "high": accuracy + wide / 1.5}
    for labels, accuracy, wide in (
        (20, 0.62, 0.17),
        (30, 0.71, 0.15),
        (40, 0.79, 0.13),
        (50, 0.83, 0.1),
    )
]
LATER: Json = {
    **{"round": 3, "rounds": 10, "batch": {"done": 4, "of": 10}, "labels": 54, "plan": 120},
    **{"declined": 2, "seconds": 2.3, "curve": CURVE, "judged": "check"},
    "model": {"round": 2, "at": "2026-03-04T14:03:00Z", "labels": 50},
}
NOTICE = "document.querySelector('#notice').textContent = 'row 12 is not open any more'"
READY = "document.body.dataset.row || document.querySelector('#sign').dataset.phase"
# How long a key takes until the next row is drawn, by the browser's own clock.
LATENCY = """
window.spent = [];
addEventListener('keydown', event => {
  const before = document.body.dataset.row;
  const look = () => document.body.dataset.row === before ? requestAnimationFrame(look)
    : spent.push(performance.now() - event.timeStamp);
  requestAnimationFrame(look);
}, true);
"""


@dataclass
class Scene:
    """A state of the page: the server's answers, and the steps that lead there."""

    state: Json = field(default_factory=dict)
    kind: str = "picture"
    task: Json = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=lambda: dict(SCENES))
    acts: tuple[tuple[str, Any], ...] = ()


def scenes() -> dict[str, Scene]:
    """All of them by name."""
    opinions = [{"by": "ann", "label": "flower"}, {"by": "ben", "label": "landscape"}]
    suspects = [("click", "#to-list"), ("until", "document.querySelector('#rows button')")]
    nothing: Json = {"tasks": []}
    advice = {
        "rule": "kappa",
        "value": 0.991,
        "reason": "the last three models agree on nearly all rows",
    }
    ten = {name: str((place + 1) % 10) for place, name in enumerate(ANIMALS)}
    return {
        "label": Scene(),
        "start": Scene(
            {"round": 0, "model": None, "curve": [], "judged": "", "seconds": None},
            task={"guess": None, "why": ""},
        ),
        "tiny": Scene(kind="tiny", classes=ten),
        "cells": Scene(kind="cells", classes={"readmitted": "1", "not readmitted": "2"}),
        "text": Scene(kind="text", classes={"negative": "1", "positive": "2"}),
        "texts": Scene(kind="texts", classes={"answers it": "1", "does not": "2"}),
        "many": Scene(classes=MANY),
        "many_typed": Scene(classes=MANY, acts=(("press", "c"), ("press", "i"), ("press", "t"))),
        "hidden": Scene(acts=(("press", "g"),)),
        "adjudicate": Scene(task={"kind": "adjudicate", "opinions": opinions, "why": ""}),
        "second": Scene(
            {"phase": "train", "training": {"step": 30, "steps": 60}},
            task={"kind": "second", "guess": None, "why": ""},
        ),
        "advice": Scene({"advice": advice}),
        "train": Scene({**nothing, "phase": "train", "training": {"step": 37, "steps": 60}}),
        "wait": Scene({**nothing, "phase": "wait", "people": ["ann", "ben"]}),
        "done": Scene({**nothing, "phase": "done", "labels": 120, "round": 10}),
        "stopped": Scene({**nothing, "phase": "stopped"}),
        "list": Scene(acts=tuple(suspects)),
        "item": Scene(
            acts=(
                *suspects,
                ("click", "#rows button"),
                ("until", "document.body.dataset.view === 'item'"),
            )
        ),
        "help": Scene(acts=(("press", "?"),)),
        "stop": Scene(acts=(("click", "#to-stop"),)),
        "lost": Scene(
            acts=(("offline", True), ("press", "2"), ("press", "1"), ("shows", "kept here"))
        ),
        "notice": Scene(acts=(("get", NOTICE),)),
    }


def pictures() -> list[Image.Image]:
    """Two photographs and their parts, in several shapes."""
    china, flower = map(Image.fromarray, load_sample_images().images)
    parts = [flower, china, flower.crop((180, 0, 480, 427)), china.crop((0, 60, 640, 260))]
    return [*parts, china.crop((200, 80, 330, 210)), flower.crop((300, 60, 420, 200))]


def tiny() -> list[Image.Image]:
    """Small ones."""
    return [
        Image.fromarray(255 - (digit * 15).astype("uint8")) for digit in load_digits().images[:12]
    ]


def card(kind: str, row: int, image: Image.Image) -> Json:
    """A row of this kind."""
    if kind == "cells":
        return {"kind": "cells", "name": f"row {row + 2} of patients.csv", "cells": PATIENT}
    if kind == "text":
        return {"kind": "text", "name": f"reviews.csv:{row + 2}", "texts": [["text", REVIEW]]}
    if kind == "texts":
        return {"kind": "text", "name": f"questions.tsv:{row + 2}", "texts": PAIR}
    return picture_card(row, image, f"holiday/IMG_{4117 + row}.jpg")


class Staged(Fake):
    """Answers as the scene says, whatever is sent."""

    def __init__(self, scene: Scene) -> None:
        images = tiny() if scene.kind == "tiny" else pictures()
        cards = [card(scene.kind, row, images[row % len(images)]) for row in range(12)]
        super().__init__(cards, scene.classes, pictures=images, batch=12)
        self.scene = scene
        self.extra = LATER | scene.state

    def task(self, row: int, **others: Any) -> Json:
        names = list(self.classes)
        guess = [
            {"label": names[(row + at + 1) % len(names)], "p": p}
            for at, p in enumerate((0.61, 0.31, 0.05)[: len(names)])
        ]
        first, second = guess[0]["label"], guess[1]["label"]
        why = f"the strategy's {row + 1}. of 10; the model hesitates between {first} and {second}"
        return super().task(row, **{"guess": guess, "why": why, **self.scene.task, **others})

    def labelled(self) -> Json:
        names = list(self.classes)
        found = [0.93, 0.81, *[None] * (len(self.cards) - 2)]
        rows = [
            self.task(row, kind="review", label=names[row % 2]) for row in range(len(self.cards))
        ]
        return {
            "rows": [
                row | ({"suspicion": p, "suspected": names[(row["row"] + 1) % 2]} if p else {})
                for row, p in zip(rows, found, strict=True)
            ]
        }


def shoot(folder: Path, only: set[str]) -> Iterator[Path]:
    """Pictures of every scene, light and dark, wide and narrow."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as profile,
        opened(str(chromium()), Path(profile)) as browser,
    ):
        window = Window(browser)
        for name, scene in scenes().items():
            if only and name not in only:
                continue
            with served(Staged(scene)) as site:
                window.open(
                    site.address(),
                    ready=READY,
                )
                for act, argument in scene.acts:
                    getattr(window, act)(argument)
                yield from poses(window, folder / name)
                window.offline(False)
                window.until("document.querySelector('#lost').hidden")


def poses(window: Window, path: Path) -> Iterator[Path]:
    """The same state at each size, light and dark."""
    for size, shape in SIZES.items():
        for light in ("light", "dark"):
            window.size(*shape)
            window.dark(light == "dark")
            time.sleep(0.3)  # until nothing moves
            shot = path.with_name(f"{path.name}-{size}-{light}.png")
            window.save(shot)
            yield shot


def latencies(count: int = 100) -> list[float]:
    """Milliseconds from a key to the frame that shows the next picture, row by row."""
    images = pictures()
    cards = [picture_card(row, images[row % len(images)]) for row in range(count + 1)]
    fake = Fake(cards, SCENES, pictures=images, batch=count + 1)
    with (
        tempfile.TemporaryDirectory() as profile,
        opened(str(chromium()), Path(profile)) as browser,
        served(fake),
    ):
        window = Window(browser)
        window.open(fake.address())
        window.get(LATENCY)
        for _ in range(count):
            window.answer("1")
        window.until(f"spent.length === {count}")
        return [float(each) for each in window.get("spent")]


def main(arguments: list[str]) -> None:
    """Take the pictures, or measure the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="write a picture of every state"
    )
    parser.add_argument("--only", nargs="*", default=[], help="names of states")
    chosen = parser.parse_args(arguments)
    if chosen.pictures:
        print(*shoot(chosen.pictures, set(chosen.only)), sep="\n")
        return
    spent = sorted(latencies())
    row = [
        str(len(spent)),
        f"{statistics.median(spent):.1f}",
        f"{spent[int(0.95 * len(spent))]:.1f}",
    ]
    keep("label_page", table(["rows", "key to next picture, ms: median", "95 %"], [row]))


if __name__ == "__main__":
    main(sys.argv[1:])
