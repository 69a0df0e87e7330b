"""The labels of a run for import into Label Studio: a task with an annotation for each row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from torch import Tensor

from autoal.data.picturefile import file_of
from autoal.data.seen import Seen
from autoal.exported.labelled import Label, Labelled
from autoal.people.label_studio_form import CHOICES, Form, config, data_of, field_of

LOCAL = "/data/local-files/?d="  # the server's address for local files


def as_label_studio(labelled: Labelled, source: Path | None) -> str:
    """The JSON that Label Studio imports.

    Args:
        labelled: the rows, of any kind.
        source: the data set's folder, below which rows may be named by files; the server needs it
            as a local storage, with the folder above it as the root, since the root itself is not
            allowed.
    """
    every = zip(labelled.labels, labelled.seen(), labelled.files(source), strict=True)
    tasks = [_task(label, row, _local(file, source)) for label, row, file in every]
    return json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"


def interface(labelled: Labelled) -> str:
    """The labelling interface of a project that can import the tasks."""
    return config(field_of(labelled.seen()[0]), labelled.classes)


def _local(file: Path | None, source: Path | None) -> str | None:
    """The server's address for a file in the data set's folder."""
    if file is None or source is None:
        return None
    return LOCAL + quote(str(file.relative_to(source.resolve().parent)))


def _task(label: Label, row: Seen, local: str | None) -> dict[str, Any]:
    field = field_of(row)
    return {
        "data": data_of(label.name, "", row, local or _embedded(row.picture)),
        "meta": {"row": label.row, "round": label.round, "source": label.source},
        "annotations": [{"result": [Form(CHOICES, field, field).result(label.label)]}],
    }


def _embedded(picture: Path | Tensor | None) -> str | None:
    """Pixels without a file, as a data URL."""
    return file_of(picture).url if isinstance(picture, Tensor) else None
