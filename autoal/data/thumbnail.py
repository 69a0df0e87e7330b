"""A picture of any source, made small."""

from pathlib import Path

from PIL import Image
from torch import Tensor

from autoal.data.pictures import content_of, decoded

SIDE = 160  # pixels of the longer side


def thumbnail(picture: Path | Tensor) -> Image.Image:
    """The picture, no larger than SIDE; a file that cannot be read is a CorruptError."""
    image = _of_pixels(picture) if isinstance(picture, Tensor) else _of_file(picture)
    image.thumbnail((SIDE, SIDE))
    return image


def _of_file(path: Path) -> Image.Image:
    return decoded(content_of(path), "RGB", path, needed=SIDE)


def _of_pixels(pixels: Tensor) -> Image.Image:
    """Of (channels, height, width): the first three are colours, or else the first is grey."""
    colours = pixels[: 3 if len(pixels) >= 3 else 1].cpu().permute(1, 2, 0).numpy()
    return Image.fromarray(colours if colours.shape[2] == 3 else colours[:, :, 0])
