"""Small pictures embedded in a page."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path

from torch import Tensor

from autoal.data.thumbnail import thumbnail

TINY = 64  # pixels up to which a picture stays unchanged
QUALITY = 75  # of JPEG


def held(picture: Path | Tensor) -> str:
    """A data URL of the picture; an unreadable file raises CorruptError."""
    image, content = thumbnail(picture), BytesIO()
    form = "png" if max(image.size) <= TINY else "jpeg"
    image.save(content, form, quality=QUALITY)
    return f"data:image/{form};base64,{b64encode(content.getvalue()).decode()}"
