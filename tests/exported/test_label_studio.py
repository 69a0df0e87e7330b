"""The labels of a run as Label Studio imports them."""

import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from autoal import Rows
from autoal.exported.label_studio import as_label_studio, interface
from autoal.exported.labelled import Label, Labelled
from autoal.labels import main
from tests.exported.test_labels import columns


def shown(things: Any, name: str = "train[2]") -> Labelled:
    """One labelled row that is shown as this."""
    labelled = columns([2])
    labelled.rows = [Rows(torch.zeros(1, 4), torch.zeros(1).long(), shown=things, names=[name])]
    labelled.labels = [Label(2, name, "a", 3, "ann")]
    return labelled


def task(labelled: Labelled, source: Path | None = None) -> dict[str, Any]:
    (found,) = json.loads(as_label_studio(labelled, source))
    return dict(found)


def test_each_row_is_a_task_with_its_annotation() -> None:
    assert task(shown(["a text"])) == {
        "data": {"name": "train[2]", "why": "", "beside": "", "text": "a text"},
        "meta": {"row": 2, "round": 3, "source": "ann"},
        "annotations": [
            {
                "result": [
                    {
                        "from_name": "class",
                        "to_name": "text",
                        "type": "choices",
                        "value": {"choices": ["a"]},
                    }
                ]
            }
        ],
    }


@pytest.mark.parametrize(
    ("things", "data"),
    [
        ([{"age": 7, "place": "Ulm"}], {"cells": {"age": "7", "place": "Ulm"}}),
        (None, {"text": "train[2]"}),
        ([Path("/etc/hostname.png")], {"picture": "train[2]"}),
    ],
    ids=["table", "nothing", "elsewhere"],
)
def test_the_task_has_what_there_is_to_see(things: Any, data: dict[str, Any]) -> None:
    assert task(shown(things))["data"] == {"name": "train[2]", "why": "", "beside": "", **data}


def test_a_picture_is_named_by_its_file_below_the_folder_of_the_data_set(tmp_path: Path) -> None:
    path = tmp_path / "photos" / "cat" / "my ä.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"pixels")
    picture = task(shown([path], "cat/my ä.jpg"), tmp_path / "photos")["data"]["picture"]
    assert picture == "/data/local-files/?d=photos/cat/my%20%C3%A4.jpg"


def test_pixels_without_a_file_stand_in_the_task_itself() -> None:
    pixels = torch.arange(48, dtype=torch.uint8).view(1, 3, 4, 4)
    picture = task(shown(pixels))["data"]["picture"]
    kind, _, content = picture.partition(",")
    assert kind == "data:image/png;base64"
    found = np.asarray(Image.open(BytesIO(base64.b64decode(content))))
    assert np.array_equal(found, pixels[0].permute(1, 2, 0))


def test_the_labelling_interface_fits_the_tasks() -> None:
    config = interface(shown(["a text"]))
    assert '<Text name="text" value="$text"/>' in config
    assert '<Choices name="class" toName="text"' in config
    assert '<Choice value="b"/>' in config


def test_the_command_writes_tasks_and_tells_their_interface(
    mlp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(mlp), "--format", "label_studio"]) == 0
    out, err = capsys.readouterr()
    assert len(json.loads(out)) == 26
    assert err.startswith("the labelling interface of its project:\n<View>")
    assert '<Choice value="one, two"/>' in err
