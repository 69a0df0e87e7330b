"""CSV files that are broken, absurd or hostile."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.attack.program import ANSWERED, DONE, judged, program
from benchmarks.attack.setting import Attack, Home, damaged, rounds_in

RUN = (
    *("data=table", "data.path=x.csv", "task=logistic", "strategy=margin", "start=12", "budget=4"),
    *("rounds=1", "logger=none", "out=runs", "name=run"),
)
RANDOM = 40
CLASSES = ("ash", "birch", "cedar")


def attacks(home: Home) -> Iterator[tuple[str, Attack]]:
    """Files with one thing wrong, and files with random damage."""
    for what, (content, options, expected) in _written().items():
        yield what, partial(_tried, content, options, expected)
    for number in range(RANDOM):
        content = damaged(_sound().encode(), random.Random(home.draw.random()))
        yield f"damage {number}", partial(_tried, content, (), "")


def _row(number: int, value: str | None = None, label: str | None = None) -> str:
    kind = number % 3
    first = f"{kind + 0.1 * (number % 7):.2f}" if value is None else value
    return f"{first},{number % 5},{'ab'[number % 2]},{CLASSES[kind] if label is None else label}"


def _sound(rows: int = 90, **changed: str) -> str:
    """A table; `changed` takes the place of line 20."""
    lines = [_row(number) for number in range(rows)]
    if changed:
        lines[18] = _row(18, changed.get("value"), changed.get("label"))
    return "\n".join(["height,leaves,kind,tree", *lines, ""])


def _written() -> dict[str, tuple[bytes, tuple[str, ...], str]]:
    """The file, more options, and the expected end; "" leaves that open."""
    sound = _sound()
    plain: dict[str, tuple[str, str]] = {
        "sound": (sound, DONE),
        "bars": (sound.replace(",", "|"), DONE),
        "tabs": (sound.replace(",", "\t"), DONE),
        "carriage returns": (sound.replace("\n", "\r\n"), DONE),
        "quoted": (sound.replace("height", '"height"'), DONE),
        "a blank line": (sound.replace("\n", "\n\n", 3), DONE),
        "numbers of another script": (_sound(value="\uff11\uff12"), ANSWERED),
        "numbers with underscores": (_sound(value="1_000"), ANSWERED),
        "a decimal comma": (_sound(value='"1,5"'), ANSWERED),
        "infinite": (_sound(value="inf"), ANSWERED),
        "enormous": (_sound(value="1e999"), ANSWERED),
        "large": (_sound(value="1e300"), ""),
        "missing": (_sound(value=""), DONE),
        "no label": (_sound(label=""), ANSWERED),
        "a rare label": (_sound(label="yew"), ""),
        "a formula": (_sound(value="=1+1"), ANSWERED),
        "a long cell": (_sound(value="9" * 200_000), ANSWERED),
        "a cell too few": (sound.replace("\n" + _row(18), "\n1,2,3"), ANSWERED),
        "a cell too many": (sound.replace("\n" + _row(18), "\n" + _row(18) + ",5"), ANSWERED),
        "an open quote": (sound.replace("ash", '"ash', 1), ANSWERED),
        "columns alike": (sound.replace("leaves", "height"), ANSWERED),
        "only a header": ("height,leaves,kind,tree\n", ANSWERED),
        "one row": (_sound(1), ANSWERED),
        "three rows": (_sound(3), ANSWERED),
        "one column": ("tree\n" + "ash\nbirch\n" * 30, ANSWERED),
        "one class": (sound.replace("birch", "ash").replace("cedar", "ash"), ANSWERED),
        "nothing": ("", ANSWERED),
        "blank": ("\n\n\n", ANSWERED),
        "no header": (sound.split("\n", 1)[1], DONE),
        "regression": (
            "x,y\n" + "".join(f"{number},{number / 7}\n" for number in range(60)),
            ANSWERED,
        ),
    }
    found = {what: (text.encode(), (), end) for what, (text, end) in plain.items()}
    # Its test file is written beside it; see `_tried`.
    return {
        **found,
        "a zero byte": (sound.encode().replace(b"ash", b"a\0sh", 1), (), ""),
        "latin letters": (sound.encode().replace(b"ash", b"fr\xeane", 1), (), ANSWERED),
        "utf-16": (sound.encode("utf-16"), (), ANSWERED),
        "a byte-order mark": (sound.encode("utf-8-sig"), (), DONE),
        "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, (), ANSWERED),
        "no such column": (sound.encode(), ("data.label=nowhere",), ANSWERED),
        "no such number": (sound.encode(), ("data.label=17",), ANSWERED),
        "a label of numbers": (sound.encode(), ("data.label=leaves",), DONE),
        "all left out": (sound.encode(), ("data.drop=[height,leaves,kind]",), ANSWERED),
        "no such category": (sound.encode(), ("data.categorical=[nowhere]",), ANSWERED),
        "a class only in the test": (sound.encode(), ("data.test_path=yew.csv",), ANSWERED),
        "a test of other columns": (sound.encode(), ("data.test_path=other.csv",), ANSWERED),
        "an empty test": (sound.encode(), ("data.test_path=empty.csv",), ANSWERED),
        "a folder for a test": (sound.encode(), ("data.test_path=.",), ANSWERED),
    }


def _tried(content: bytes, options: tuple[str, ...], expected: str, folder: Path) -> str:
    (folder / "x.csv").write_bytes(content)
    (folder / "yew.csv").write_text(_sound(label="yew"))
    (folder / "other.csv").write_text(_sound().replace("leaves", "needles"))
    (folder / "empty.csv").write_text("height,leaves,kind,tree\n")
    ended = program(folder, [*RUN, *options])
    end = judged(ended)
    if end == DONE and len(rounds_in(folder)) != 2:
        return "silent: exit code 0 without its rounds"
    if expected and end in (DONE, ANSWERED) and end != expected:
        return f"{end}, expected {expected}: {ended.err.strip()[:200]}"
    return end
