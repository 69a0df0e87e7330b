"""npz files that are broken, absurd or hostile."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attack.program import ANSWERED, DONE, judged, program
from benchmarks.attack.setting import Attack, Home, damaged, pictures, rounds_in

RUN = (
    *("data=npz", "data.path=x.npz", "task=linear", "task.steps=4", "strategy=margin"),
    *("start=12", "budget=4", "rounds=1", "logger=none", "out=runs", "name=run"),
)
RANDOM = 60
Arrays = dict[str, Any]


def attacks(home: Home) -> Iterator[tuple[str, Attack]]:
    """Files with one thing wrong, files with random damage, and zip archives made by hand."""
    for what, (change, expected) in _changed().items():
        yield what, partial(_tried, partial(_saved, change), expected)
    for what, write in _hostile().items():
        yield what, partial(_tried, write, ANSWERED)
    sound = io.BytesIO()
    np.savez_compressed(sound, **_sound())
    for number in range(RANDOM):
        content = damaged(sound.getvalue(), random.Random(home.draw.random()))
        yield f"damage {number}", partial(_tried, partial(_write, content), "")


def _sound() -> Arrays:
    images, labels = pictures()
    return {
        "train_images": images,
        "train_labels": labels,
        "test_images": images[:30],
        "test_labels": labels[:30],
    }


def _changed() -> dict[str, tuple[Arrays, str]]:
    """Changes to a sound file, each with its expected end; "" leaves that open."""
    images, labels = pictures()
    many = labels.astype(np.uint32).copy()
    many[17] = 4294967295
    names = np.array(["cat", "dog", "eel"])[labels]
    floats = labels.astype(float)
    holed = floats.copy()
    holed[3] = np.inf
    half = floats.copy()
    half[3] = 0.5
    unlabelled = labels.copy()
    unlabelled[5] = -1
    struct = np.zeros(len(labels), dtype=[("a", int), ("b", float)])
    big = np.random.default_rng(0).integers(0, 255, (30, 16, 16), dtype=np.uint8)
    colour = np.repeat(images[:30, :, :, None], 3, 3)
    return {
        "text labels": ({"train_labels": names, "test_labels": names[:30]}, DONE),
        "bytes labels": (
            {"train_labels": names.astype("S"), "test_labels": names[:30].astype("S")},
            DONE,
        ),
        "whole floats": ({"train_labels": floats, "test_labels": floats[:30]}, DONE),
        "labels in a column": ({"train_labels": labels[:, None]}, DONE),
        "something beside": ({"thumbnails": images}, DONE),
        "a label of -1 as uint32": ({"train_labels": many}, ANSWERED),
        "infinite labels": ({"train_labels": holed}, ANSWERED),
        "half labels": ({"train_labels": half}, ANSWERED),
        "a negative label": ({"train_labels": unlabelled - 5}, ANSWERED),
        "labels as dates": ({"train_labels": labels.astype("M8[s]")}, ANSWERED),
        "labels as spans": ({"train_labels": labels.astype("m8[s]")}, ANSWERED),
        "labels as structs": ({"train_labels": struct}, ANSWERED),
        "complex labels": ({"train_labels": labels.astype(complex)}, ANSWERED),
        "one-hot labels": ({"train_labels": np.eye(3)[labels]}, ANSWERED),
        "too few labels": ({"train_labels": labels[:-1]}, ANSWERED),
        "a single label": ({"train_labels": np.array(1)}, ANSWERED),
        "no labels": ({"train_labels": labels[:0]}, ANSWERED),
        "objects": ({"train_labels": np.array([*labels, None], dtype=object)[:-1]}, ANSWERED),
        "one class": (
            {"train_labels": 0 * labels, "test_labels": 0 * labels[:30]},
            ANSWERED,
        ),
        "no rows": ({"train_images": images[:0], "train_labels": labels[:0]}, ANSWERED),
        "no test rows": ({"test_images": images[:0], "test_labels": labels[:0]}, ANSWERED),
        "no pixels": ({"train_images": images[:, :0]}, ANSWERED),
        "no pixels at all": (
            {"train_images": images[:, :0], "test_images": images[:30, :0]},
            ANSWERED,
        ),
        "larger test images": ({"test_images": big}, ANSWERED),
        "colour test images": ({"test_images": colour}, ANSWERED),
        "test images of one pixel": ({"test_images": images[:30, :1, :1]}, ANSWERED),
        "larger validation images": ({"val_images": big, "val_labels": labels[:30]}, ANSWERED),
        "validation without labels": ({"val_images": images[:30]}, ANSWERED),
        "float images": ({"train_images": images / 255}, ANSWERED),
        "text images": ({"train_images": images.astype(str)}, ANSWERED),
        "flat images": ({"train_images": images.reshape(len(images), -1)}, ANSWERED),
        "an image": ({"train_images": np.array(3, dtype=np.uint8)}, ANSWERED),
        "five axes": ({"train_images": images[:, None, :, :, None]}, ANSWERED),
        "seven channels": (
            {
                "train_images": np.repeat(images[..., None], 7, 3),
                "test_images": np.repeat(images[:30, ..., None], 7, 3),
            },
            DONE,
        ),
        "a class only in the test": ({"test_labels": labels[:30] + 1}, ""),
        "classes named": ({"classes": np.array(["a", "b", "$x^$"])}, DONE),
        "classes of numbers": ({"classes": np.arange(3)}, ""),
        "too few classes": ({"classes": np.array(["a", "b"])}, ANSWERED),
        "classes alike": ({"classes": np.array(["a", "a", "b"])}, ANSWERED),
        "no classes": ({"classes": np.array([], dtype=str)}, ANSWERED),
        "classes in a table": ({"classes": np.array([["a", "b", "c"]])}, ""),
        "classes of objects": ({"classes": np.array(["a", None, 3], dtype=object)}, ANSWERED),
        "no training images": ({"train_images": None}, ANSWERED),
        "no training labels": ({"train_labels": None}, ANSWERED),
        "no test labels": ({"test_labels": None}, ANSWERED),
        "nothing": (dict.fromkeys(_sound()), ANSWERED),
    }


def _saved(change: Arrays, path: Path) -> None:
    arrays = {name: value for name, value in {**_sound(), **change}.items() if value is not None}
    np.savez(path, **arrays)


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def _hostile() -> dict[str, Callable[[Path], None]]:
    """Archives that no honest program writes."""
    found: dict[str, Callable[[Path], None]] = {
        f"a member named {name}": partial(_with_member, name)
        for name in ("../../victim", "/tmp/autoal-victim", "a/b", "..\\victim", "..", "")
    }
    found |= {
        "a header of 58 TiB": partial(_with_header, "(8000000000000, 8)"),
        "a header of negative size": partial(_with_header, "(-5, 8, 8)"),
        "a header of a long shape": partial(_with_header, f"({'1, ' * 5000})"),
        "a header of deep brackets": partial(_with_header, "(" * 5000),
        "a header that is code": partial(_with_header, "__import__('os').getcwd()"),
        "encrypted": _encrypted,
        "an unknown compression": _oddly_compressed,
        "a text": partial(_write, b"just a text\n"),
        "nothing at all": partial(_write, b""),
        "a directory": Path.mkdir,
        "a single array": partial(_write, _npy(pictures()[0])),
        "a pickle": partial(_write, b"cos\nsystem\n(S'touch pwned'\ntR."),
        "a bomb": _bomb,
        "the same member twice": _twice,
        "members of garbage": _garbage,
    }
    return found


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def _archive(path: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", kind) as file:
        for name, content in members.items():
            file.writestr(name, content)


def _members() -> dict[str, bytes]:
    return {f"{name}.npy": _npy(array) for name, array in _sound().items()}


def _with_member(name: str, path: Path) -> None:
    _archive(path, {**_members(), f"{name}.npy": _npy(np.arange(3))})


def _with_header(shape: str, path: Path) -> None:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    member = b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header + b"1234"
    _archive(path, {**_members(), "train_images.npy": member})


def _encrypted(path: Path) -> None:
    _archive(path, _members())
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(mark, place + 4)
    path.write_bytes(content)


def _oddly_compressed(path: Path) -> None:
    _archive(path, _members())
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = content.find(mark)
        while place >= 0:
            content[place + offset] = 97
            place = content.find(mark, place + 4)
    path.write_bytes(content)


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in _members().items():
            file.writestr(name, content)
        with file.open("val_images.npy", "w", force_zip64=True) as member:
            header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (80000000, 8, 8), }\n"
            member.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
            for _ in range(64):
                member.write(bytes(1 << 20))  # a hundredth of the number in the header


def _twice(path: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "w") as file:
            for name, content in [*_members().items(), ("train_labels.npy", b"garbage")]:
                file.writestr(name, content)


def _garbage(path: Path) -> None:
    _archive(path, dict.fromkeys(_members(), b"\x93NUMPY garbage"))


def _tried(write: Callable[[Path], None], expected: str, folder: Path) -> str:
    victims = (folder.parent / "victim.npy", Path("/tmp/autoal-victim.npy"))
    write(folder / "x.npz")
    ended = program(folder, RUN)
    end = judged(ended)
    written = [*folder.rglob("victim*"), *folder.rglob("pwned"), *filter(Path.exists, victims)]
    for victim in written:
        victim.unlink()
    if written:
        return f"wrote {written[0].name} outside of its folder"
    if end == DONE and len(rounds_in(folder)) != 2:
        return "silent: exit code 0 without its rounds"
    if expected and end in (DONE, ANSWERED) and end != expected:
        return f"{end}, expected {expected}: {ended.err.strip()[:200]}"
    return end
