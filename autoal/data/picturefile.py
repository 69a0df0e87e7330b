"""A picture as the bytes of a file, for browsers and servers."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from torch import Tensor

from autoal.bounds import demand_file
from autoal.data.pictures import FORMATS
from autoal.errors import UserError


class PictureFile(NamedTuple):
    """The content of a file, and its type."""

    content: bytes
    kind: str  # of its format, as in image/png

    @property
    def url(self) -> str:
        """The whole file as a data URL."""
        return f"data:{self.kind};base64,{b64encode(self.content).decode()}"


def file_of(source: Path | Tensor) -> PictureFile:
    """The file's own bytes, or pixels as a file; anything but a picture is refused."""
    if isinstance(source, Tensor):
        return PictureFile(_png(source), "image/png")
    try:
        demand_file(source)
        content = source.read_bytes()
        with Image.open(BytesIO(content), formats=FORMATS) as opened:
            return PictureFile(content, Image.MIME[str(opened.format)])
    except UserError:
        raise
    except Exception as error:  # damaged files make PIL fail in many ways
        raise UserError(f"{source.name} cannot be read: {_told(error)}") from error


def _png(pixels: Tensor) -> bytes:
    """A PNG of (channels, height, width): the first three are colours, or the first is grey."""
    colours = pixels[: 3 if len(pixels) >= 3 else 1].cpu().permute(1, 2, 0).numpy()
    file = BytesIO()
    Image.fromarray(colours if colours.shape[2] == 3 else colours[:, :, 0]).save(file, "PNG")
    return file.getvalue()


def _told(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return reason or "it is damaged, or not a picture"
