"""The files of W&B's tracking about queried rows: a picture of all, texts, and remarks."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from autoal.record.kinds import TEXTS
from autoal.record.round import Round
from autoal.report.tables import Cell, Crop, Table, largest

# One per round; the step and a hash of the content stand in the name.
FILES = "wandb/*run-*/files/media/*/media/{kind}_*_*"
GLANCES, ROWS = "queried", "rows"  # all at a glance, for every run; row by row, by option
SIGNATURE = b"\x89PNG\r\n\x1a\n"  # every picture begins with it
ACROSS, BETWEEN = 8, 2  # pictures side by side in the joint one, and pixels between them
SHOWN = 64  # most pictures in it
MOST = 12  # rows of one query on the page
MADE = "made-"  # begins the names of made rows
APART = ("round", "picture")  # columns of no use here: pictures of tables lie elsewhere

Line = Mapping[str, Cell]


@dataclass(frozen=True)
class Query:
    """Rows of one query, and the joint picture that their cells show parts of, if there is one."""

    rows: Table
    picture: str = ""  # a data URL

    @property
    def size(self) -> int:
        """Its approximate size in a page."""
        return len(self.picture) + len(self.rows.html())


def queries(folder: Path, history: Sequence[Round], chooser: str) -> list[Query]:
    """The first and the last query of these rounds; empty unless both were kept."""
    asked = sorted({1, len(history) - 1}) if len(history) > 1 else []
    glances, rows = _glances(folder, len(history)), _tables(folder)
    if not glances and not all(history[place].number in rows for place in asked):
        return []
    return [
        _query(
            history[place],
            chooser,
            glances[place].read_bytes() if glances else b"",
            rows.get(history[place].number, b""),
        )
        for place in asked
    ]


def _glances(folder: Path, count: int) -> list[Path]:
    """The files of all rounds; empty unless there are as many as rounds."""
    once: dict[str, Path] = {}
    for path in _sent(folder, GLANCES):  # a round that was sent again has the same content
        once.setdefault(path.name.split("_")[-1], path)
    return [*once.values()] if len(once) == count else []


def _tables(folder: Path) -> dict[int, bytes]:
    """Tables by the number of their round; one that was sent again after a kill holds less."""
    found: dict[int, bytes] = {}
    for content in map(Path.read_bytes, _sent(folder, ROWS)):
        told = json.loads(content)
        found.setdefault(told["data"][0][told["columns"].index("round")], content)
    return found


def _sent(folder: Path, kind: str) -> list[Path]:
    """Files in the order of sending; W&B counts steps from 0 again when a run goes on."""

    def sent(path: Path) -> tuple[str, int]:
        begun = path.relative_to(folder).parts[1].partition("run-")[2]  # a date and a time
        return begun, int(path.name.split("_")[1])

    return sorted(folder.glob(FILES.format(kind=kind)), key=sent)


def _query(done: Round, chooser: str, glance: bytes, told: bytes) -> Query:
    picture = glance if glance.startswith(SIGNATURE) else b""
    lines = _recorded(done) if picture and not told else _lines(told or glance)
    crops = _crops(picture, min(SHOWN, len(done.queried))) if picture else []
    seen: list[Line] = [{"": crop} for crop in crops] or [{} for _ in lines]
    rows = [{**crop, **line} for crop, line in zip(seen, lines, strict=False)][:MOST]
    header = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[row.get(name) for name in header] for row in rows]
    address = f"data:image/png;base64,{b64encode(picture).decode()}" if picture else ""
    return Query(Table("queried", _title(done, chooser), header, cells), address)


def _title(done: Round, chooser: str) -> str:
    """The chosen rows, the reason, and their fate."""
    made = sum(name.startswith(MADE) for name in done.names)
    weights = f" (weights: {largest(done.weights)})" if done.weights else ""
    parts = [
        f"round {done.number}, chosen by {chooser}{weights}",
        f"{len(done.queried)} labelled",
        *([f"{made} of them made"] if made else []),
        *([f"{len(done.declined)} declined: {_numbers(done.declined)}"] if done.declined else []),
    ]
    return "; ".join(parts)


def _numbers(rows: Sequence[int]) -> str:
    rest = f" and {len(rows) - MOST} more" if len(rows) > MOST else ""
    return f"rows {', '.join(map(str, rows[:MOST]))}{rest}"


def _recorded(done: Round) -> list[Line]:
    """The record's facts about each row."""
    names = done.names or [f"row {row}" for row in done.queried]
    pairs = zip(names, done.labels, strict=True)
    return [{"row": name, "label": f"class {label}"} for name, label in pairs]


def _lines(content: bytes) -> list[Line]:
    """The rows of a table in W&B's format."""
    kept = json.loads(content)
    header = kept["columns"]
    TEXTS.demand("a header", header)
    lines = [dict(zip(header, cells, strict=True)) for cells in kept["data"][:MOST]]
    return [{name: _cell(line[name]) for name in header if name not in APART} for line in lines]


def _cell(value: object) -> Cell:
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("a cell is not finite")
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError("a cell is neither a text nor a number")


def _crops(picture: bytes, count: int) -> list[Crop]:
    """The position of each picture in the joint one, where they stand in a grid."""
    width, height = (int.from_bytes(picture[at : at + 4]) for at in (16, 20))
    across = min(ACROSS, count)
    down = -(-count // ACROSS)
    (wide, over), (high, beyond) = divmod(width - BETWEEN, across), divmod(height - BETWEEN, down)
    if over or beyond or min(wide, high) <= BETWEEN:
        raise ValueError("the picture is not of so many rows")
    return [
        Crop(
            (width, height),
            (BETWEEN + wide * (place % ACROSS), BETWEEN + high * (place // ACROSS)),
            (wide - BETWEEN, high - BETWEEN),
        )
        for place in range(count)
    ]
