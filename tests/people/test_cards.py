from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from autoal.data.picturefile import file_of
from autoal.data.texts import Text
from autoal.errors import UserError
from autoal.people.asked import AskedRow
from autoal.people.cards import card_of


def card(shown: Any) -> dict[str, Any]:
    return card_of(AskedRow(7, "seven", "", shown, (), ""), "/picture/7")


def saved(folder: Path, kind: str, **options: Any) -> Path:
    path = folder / f"a.{kind.lower()}"
    Image.new("RGB", (6, 4), (9, 8, 7)).save(path, kind, **options)
    return path


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({"age": 39, "job": "cook"}, {"kind": "cells", "cells": [["age", "39"], ["job", "cook"]]}),
        ("a text", {"kind": "text", "texts": [["text", "a text"]]}),
        (
            Text.of(["q", "a"], ["Who?", "\u202eI\x07"]),
            {"kind": "text", "texts": [["q", "Who?"], ["a", r"\u202eI\x07"]]},
        ),
        (None, {"kind": "text", "texts": []}),
    ],
)
def test_a_row_of_any_kind_has_a_card(shown: Any, expected: dict[str, Any]) -> None:
    assert card(shown) == {"name": "seven", **expected}


def test_a_picture_has_its_size_and_what_stands_beside_it(tmp_path: Path) -> None:
    path = saved(tmp_path, "PNG")
    found = card({"file": path, "taken": 2024})
    assert found == {
        **{"kind": "picture", "name": "seven", "url": "/picture/7", "width": 6, "height": 4},
        "cells": [["taken", "2024"]],
    }


def test_a_picture_that_was_taken_upright_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = card(saved(tmp_path, "JPEG", exif=exif))
    assert (found["width"], found["height"]) == (4, 6)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_a_file_is_served_as_it_is_and_called_what_it_is(tmp_path: Path, kind: str) -> None:
    path = saved(tmp_path, kind).rename(tmp_path / "a.xyz")
    assert file_of(path) == (path.read_bytes(), f"image/{kind.lower()}")


@pytest.mark.parametrize("content", [b"<svg onload='x'/>", b"", None])
def test_what_is_no_picture_is_never_served(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.png"):
        file_of(path)
    assert card(path)["width"] == 0


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (5, "RGB")])
def test_pixels_of_any_depth_become_a_picture(tmp_path: Path, channels: int, mode: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(file_of(torch.full((channels, 4, 6), 200, dtype=torch.uint8)).content)
    with Image.open(path) as picture:
        assert (picture.mode, picture.size) == (mode, (6, 4))
