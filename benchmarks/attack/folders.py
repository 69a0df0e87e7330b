"""Folders of pictures with the leftovers of people, systems and attackers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from PIL import Image

from benchmarks.attack.program import ANSWERED, DONE, judged, program
from benchmarks.attack.setting import Attack, Home, pictures, rounds_in

RUN = (
    *("data=folder", "data.path=photos", "data.size=8", "data.channels=1", "task=linear"),
    *("task.steps=4", "strategy=margin", "start=9", "budget=3", "rounds=1"),
    *("logger=none", "out=runs", "name=run"),
)
SKIP = "data.corrupt=skip"
CLASSES = ("cat", "dog", "eel")
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EOF\n"

Change = Callable[[Path], object]


def attacks(home: Home) -> Iterator[tuple[str, Attack]]:
    """Folders with one odd thing in them."""
    for what, (change, options, expected) in _changed().items():
        yield what, partial(_tried, change, options, expected)


def _changed() -> dict[str, tuple[Change, tuple[str, ...], str]]:
    """Changes to a folder, more options, and the expected end."""
    harmless: dict[str, Change] = {
        "nothing odd": lambda photos: None,
        "checkpoints of notebooks": lambda photos: _folder(photos / ".ipynb_checkpoints"),
        "what macOS leaves": lambda photos: _folder(photos / "__MACOSX"),
        "an empty folder": lambda photos: (photos / "new").mkdir(),
        "a folder of notes": lambda photos: _text(photos / "notes" / "notes.txt"),
        "a file beside": lambda photos: _text(photos / "README.txt"),
        "a file in a class": lambda photos: _text(photos / "cat" / "Thumbs.db"),
        "a hidden picture": lambda photos: _png(photos / "cat" / "._0.png"),
        "a loop of links": lambda photos: (photos / "loop").symlink_to(photos),
        "an odd name": lambda photos: _png(photos / "cat" / "$x^$ <b>|\n.png"),
        "a name that is no text": lambda photos: _png(photos / "cat" / os.fsdecode(b"\xff.png")),
        "colours": lambda photos: _png(photos / "cat" / "c.png", mode="RGBA"),
        "sixteen bits": lambda photos: _png(photos / "cat" / "d.png", mode="I;16"),
        "another size": lambda photos: _png(photos / "cat" / "e.png", size=(300, 20)),
        "one pixel": lambda photos: _png(photos / "cat" / "f.png", size=(1, 1)),
        "a test folder": _tested,
    }
    broken: dict[str, Change] = {
        "a dangling link": lambda photos: (photos / "cat" / "x.png").symlink_to("nowhere.png"),
        "a pipe in a class": lambda photos: os.mkfifo(photos / "cat" / "pipe.png"),
        "a folder named as a picture": lambda photos: (photos / "cat" / "x.png").mkdir(),
        "an empty picture": lambda photos: (photos / "cat" / "x.png").write_bytes(b""),
        "a text as a picture": lambda photos: (photos / "cat" / "x.png").write_text("text"),
        "PostScript as a picture": lambda photos: (photos / "cat" / "x.png").write_bytes(EPS),
        "half a picture": lambda photos: _cut(photos / "cat" / "0.png"),
        "a picture too large": lambda photos: _png(photos / "cat" / "x.png", size=(20000, 6000)),
        "a link to itself": lambda photos: (photos / "cat" / "x.png").symlink_to("x.png"),
    }
    hopeless: dict[str, Change] = {
        "no class": partial(_without, CLASSES),
        "one class": partial(_without, CLASSES[1:]),
        "a file for a folder": _replaced,
        "all of a class broken": _broken,
        "one picture a class": _thinned,
        "a test class of its own": _with_yak,
        "an empty test": _with_empty_test,
    }
    return {
        **{what: (change, (), DONE) for what, change in harmless.items()},
        **{what: (change, (), ANSWERED) for what, change in broken.items()},
        **{f"{what}, skipped": (change, (SKIP,), DONE) for what, change in broken.items()},
        **{what: (change, (), ANSWERED) for what, change in hopeless.items()},
        **{f"{what}, skipped": (change, (SKIP,), ANSWERED) for what, change in hopeless.items()},
    }


def _made(photos: Path) -> None:
    images, labels = pictures()
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = photos / CLASSES[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")


def _png(path: Path, size: tuple[int, int] = (8, 8), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path)


def _folder(path: Path) -> None:
    _png(path / "0.png")
    _png(path / "1.png")


def _text(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("some words\n")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def _without(names: Sequence[str], photos: Path) -> None:
    """Empties the folders of these classes."""
    for name in names:
        for path in (photos / name).iterdir():
            path.unlink()


def _replaced(photos: Path) -> None:
    shutil.rmtree(photos)
    photos.write_text("text")


def _broken(photos: Path) -> None:
    for path in (photos / "cat").iterdir():
        path.write_text("text")


def _thinned(photos: Path) -> None:
    """Leaves one picture of each class."""
    for path in photos.glob("*/*.png"):
        if path.stem not in ("0", "1", "2"):
            path.unlink()


def _tested(photos: Path) -> None:
    """Puts the classes into `train`, and some of their pictures into `test`."""
    for name in CLASSES:
        for place, path in enumerate(sorted((photos / name).iterdir())):
            part = photos / ("test" if place < 8 else "train") / name
            part.mkdir(parents=True, exist_ok=True)
            path.rename(part / path.name)
        (photos / name).rmdir()


def _with_yak(photos: Path) -> None:
    """Adds a class that only the test set has."""
    _tested(photos)
    _png(photos / "test" / "yak" / "0.png")


def _with_empty_test(photos: Path) -> None:
    _tested(photos)
    _without(CLASSES, photos / "test")


def _tried(change: Change, options: tuple[str, ...], expected: str, folder: Path) -> str:
    photos = folder / "photos"
    _made(photos)
    change(photos)
    ended = program(folder, [*RUN, *options])
    end = judged(ended)
    if end == DONE and len(rounds_in(folder)) != 2:
        return "silent: exit code 0 without its rounds"
    if end == DONE and (classes := _classes(folder)) > len(CLASSES):
        return f"silent: {classes} classes"
    if end in (DONE, ANSWERED) and end != expected:
        return f"{end}, expected {expected}: {ended.err.strip()[:200]}"
    return end


def _classes(folder: Path) -> int:
    """The number of classes that the model knows."""
    (path,) = (folder / "runs" / "run" / "state").glob("round-*.pt")
    learner = torch.load(path, weights_only=True)["learner"]
    return len(next(value for name, value in learner.items() if name.endswith("head.bias")))
