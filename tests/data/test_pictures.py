import io
import warnings
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from autoal.data import pictures
from autoal.data.pictures import CorruptError, Pixels, attempted, content_of, picture_of

NOISE = np.random.default_rng(0).integers(256, size=(6, 4, 3), dtype=np.uint8)
SMOOTH = np.linspace(0, 255, 640 * 480 * 3).reshape(480, 640, 3).astype(np.uint8)
ORIENTATION = 0x0112


def saved(pixels: Pixels, kind: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind, **options)
    return content.getvalue()


def read(content: bytes, height: int, width: int, **options: Any) -> Pixels:
    return picture_of(content, (3, height, width), Path("a.png"), **options)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_camera_was_held(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = saved(NOISE, exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    assert np.array_equal(read(content, *upright.shape[:2]), upright)


@pytest.mark.parametrize("exif", [b"Exif\0\0nothing of the kind", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_damaged_notes_of_a_camera_turn_nothing(exif: bytes) -> None:
    assert np.array_equal(read(saved(NOISE, exif=exif), 6, 4), NOISE)


def test_a_draft_of_a_large_photo_is_nearly_the_same_and_has_fewer_pixels_to_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = saved(SMOOTH, "JPEG", quality=95)
    whole = read(content, 60, 80).astype(int)
    draft = read(content, 60, 80, draft=True).astype(int)
    assert np.abs(whole - draft).mean() < 2
    sizes = []
    upright = pictures._upright

    def watched(picture: Image.Image, orientation: int | None) -> Image.Image:
        sizes.append(picture.size)
        return upright(picture, orientation)

    monkeypatch.setattr(pictures, "_upright", watched)
    read(content, 60, 80, draft=True)
    read(content, 200, 300, draft=True)
    assert sizes == [(320, 240), (640, 480)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"GIF89a", r"a\.png: it is not one of PNG, JPEG, WEBP, BMP"),
        (saved(NOISE)[:50], r"a\.png: "),
    ],
)
def test_what_is_no_picture_is_refused_by_its_name(content: bytes, message: str) -> None:
    with pytest.raises(CorruptError, match=message):
        read(content, 6, 4)


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(saved(NOISE))
    assert content_of(path) == saved(NOISE)
    monkeypatch.setattr(pictures, "MOST_BYTES", 20)
    with pytest.raises(CorruptError, match=r"a\.png: \d+ bytes are more than 20"):
        content_of(path)


def test_an_error_stands_for_the_file_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    first, second = attempted(content_of, [tmp_path / "none", tmp_path / "a"])
    assert isinstance(first, CorruptError)
    assert second == b"a"


def test_who_reads_in_another_thread_leaves_the_filters_of_warnings_alone() -> None:
    with warnings.catch_warnings():
        filters = warnings.filters
        same: list[bool] = []
        reader = Thread(
            target=attempted, args=(lambda path: same.append(warnings.filters is filters), [0, 1])
        )
        reader.start()
        reader.join()
    assert same == [True, True]
