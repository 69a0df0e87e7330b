import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from autoal.datamodules.photos import Photos, photos
from PIL import Image
from torch import Tensor

from autoal.data.order import fixed_order
from tests.launch import Zygote

SHAPE = 3, 4, 4

KILLED = """
import os, signal, sys
from pathlib import Path
from autoal.data import growing
from autoal.datamodules import photos
from tests.datamodules.test_photos import SHAPE, in_some_order
growing.EVERY = 0.0
photos.BLOCK = 3
blocks = iter(range(3))
attempted = photos.attempted

def dying(read, paths):
    if next(blocks) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return attempted(read, paths)

photos.attempted = dying
photos.photos(in_some_order(Path(sys.argv[1])), SHAPE)
"""


def written(folder: Path) -> Path:
    """Ten pictures, six of which have a twin, and two files that are none."""
    folder.mkdir()
    for number in range(10):
        Image.new("RGB", (6, 4), (number, 0, 0)).save(folder / f"{number}.png")
    for number in range(6):
        shutil.copy(folder / f"{number}.png", folder / f"{number} again.png")
    for name in ("odd.png", "strange.png"):
        (folder / name).write_bytes(b"nothing of the kind")
    return folder


def in_some_order(folder: Path) -> list[Path]:
    files = sorted(folder.iterdir())
    return [files[number] for number in fixed_order(len(files)).tolist()]


def pictures(found: Photos) -> Tensor:
    return found.inputs(range(len(found.keys)))


def entries(cache: Path) -> list[dict[str, bytes]]:
    """The files of each entry that is whole."""
    whole = [each for each in (cache / "photos").iterdir() if not each.name.startswith(".")]
    return [{file.name: file.read_bytes() for file in entry.iterdir()} for entry in whole]


def test_who_is_killed_while_decoding_goes_on_and_has_the_same_pictures(
    tmp_path: Path, train: Zygote, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = in_some_order(written(tmp_path / "pictures"))
    died = train.execute(KILLED, str(tmp_path / "pictures"), XDG_CACHE_HOME=str(cache.parent))
    assert died.code == -signal.SIGKILL, died.err
    assert not entries(cache)
    gone_on = photos(paths, SHAPE)
    assert "decoding 12 pictures, once" in capsys.readouterr().err
    (kept,) = entries(cache)
    shutil.rmtree(cache)
    undisturbed = photos(paths, SHAPE)
    assert (gone_on.keys, gone_on.contents) == (undisturbed.keys, undisturbed.contents)
    assert gone_on.wrong == undisturbed.wrong
    assert torch.equal(pictures(gone_on), pictures(undisturbed))
    assert entries(cache) == [kept]
    for path, content in gone_on.contents.items():
        assert int(pictures(gone_on)[content, 0, 0, 0]) == int(path.stem[0])


def test_kept_pictures_that_are_not_one_for_each_content_are_made_anew(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = in_some_order(written(tmp_path / "pictures"))
    first = pictures(photos(paths, SHAPE)).clone()
    (entry,) = (cache / "photos").iterdir()
    pixels = np.load(entry / "pixels.npy")
    np.save(entry / "pixels.npy", np.concatenate([pixels[:3], pixels]))
    contents = entry / "contents.json"
    size = (entry / "pixels.npy").stat().st_size
    contents.write_text(contents.read_text().replace(str(size - pixels[:3].nbytes), str(size)))
    assert torch.equal(pictures(photos(paths, SHAPE)), first)
    assert "is damaged, and rebuilt: it has 13 pictures of 10 contents" in capsys.readouterr().err
