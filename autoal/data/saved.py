"""Texts in folders that the library `datasets` saved: a folder for one part, or one for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from autoal.data.textfiles import TextColumns, TextFile, TextPath, gathered, keys_of
from autoal.data.textobjects import row_of
from autoal.errors import UserError

ONE, SEVERAL = "state.json", "dataset_dict.json"  # files that mark a folder of one part, of several
PARTS = ("train", "test", "validation")


def is_saved(path: TextPath) -> bool:
    """Whether it is the folder of a part."""
    return (path / ONE).is_file()


def saved_parts(path: TextPath) -> dict[str, TextPath]:
    """The folders of the parts in a folder of several; empty if it is anything else."""
    if not (path / SEVERAL).is_file():
        return {}
    found = {part: path / part for part in PARTS if is_saved(path / part)}
    if "train" not in found:
        raise UserError(f"{path} has no part train: data.path= names the folder of another one")
    return found


def read_saved(path: TextPath, columns: TextColumns) -> TextFile:
    """The texts and labels of a part; a row without a text is refused by its number from 1."""
    text, label = keys_of(path, columns)
    names = text if label is None else (*text, label)
    found = TextFile(path, columns, text, [], [], [])
    read = partial(row_of, text=text, label=label)
    return gathered(found, read, enumerate(_objects(path, names), start=1))


def _objects(path: TextPath, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows as objects of these columns."""
    for values in zip(*_columns(path, names), strict=True):
        yield dict(zip(names, values, strict=True))


def _columns(path: TextPath, names: Sequence[str]) -> list[list[Any]]:
    try:
        from datasets import load_from_disk  # late: few have it, and it is slow
    except ImportError as error:
        why = "needs the library that saved it: pip install datasets"
        raise UserError(f"{path} {why}") from error
    try:
        data = load_from_disk(str(path))
        found = [_column(data, name) for name in names if name in data.column_names]
    except Exception as error:  # the library raises any kind
        raise UserError(f"{path} cannot be read: {error}") from error
    if len(found) < len(names):
        lacking = next(name for name in names if name not in data.column_names)
        raise UserError(f"{path} has no column {lacking!r}; it has {', '.join(data.column_names)}")
    return found


def _column(data: Any, name: str) -> list[Any]:
    """The values of a column, with names for numbered classes; -1 means unlabelled."""
    values: list[Any] = data[name][:]
    classes = getattr(data.features[name], "names", None)
    if classes is None:
        return values
    return [None if value in (None, -1) else classes[value] for value in values]
