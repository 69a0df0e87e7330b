"""Small pictures embedded in a page."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path

from PIL import Image
from torch import Tensor

from autoal.data.pictures import content_of, decoded

SIDE = 160  # pixels of the longer one
TINY = 64  # pixels up to which a picture stays unchanged
QUALITY = 75  # of JPEG


def thumbnail(picture: Path | Tensor) -> str:
    """A data URL of the picture; an unreadable file raises CorruptError."""
    image = _of_pixels(picture) if isinstance(picture, Tensor) else _of_file(picture)
    image.thumbnail((SIDE, SIDE))
    form, content = "png" if max(image.size) <= TINY else "jpeg", BytesIO()
    image.save(content, form, quality=QUALITY)
    return f"data:image/{form};base64,{b64encode(content.getvalue()).decode()}"


def _of_file(path: Path) -> Image.Image:
    return decoded(content_of(path), "RGB", path, needed=SIDE)


def _of_pixels(pixels: Tensor) -> Image.Image:
    """From (channels, height, width): the first three are colours, or the first is grey."""
    colours = pixels[: 3 if len(pixels) >= 3 else 1].cpu().permute(1, 2, 0).numpy()
    return Image.fromarray(colours if colours.shape[2] == 3 else colours[:, :, 0])
