"""How long a folder of photos takes to become a pool, and how much memory it needs.

    python -m benchmarks.photos [--counts 5000]

Parts of a photograph of 500x400 are written as JPEG files, each with bytes of its own, and read by
data=unlabelled: listed, decoded to 128x128 for the first time, looked at for their statistics, and
opened a second time from the cache. Memory is what the process itself holds at its peak; the pages
of files that it has mapped are the system's.
"""

import argparse
import io
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from autoal.datamodules.photo_source import PhotoFolder
from autoal.datamodules.unlabelled import Unlabelled
from PIL import Image
from sklearn.datasets import load_sample_image

from benchmarks.report import keep, table

WIDTH, HEIGHT = 500, 400
VIEWS = 50  # different pictures; the others differ from them in bytes that no decoder reads
CLASSES: list[str | int] = ["cat", "dog"]


def write(folder: Path, count: int) -> None:
    """Write this many JPEG files, a thousand to a folder."""
    views = [encoded(view) for view in cut()]
    for number in range(count):
        path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(views[number % VIEWS] + number.to_bytes(4, "big"))


def cut() -> Iterator[np.ndarray]:
    """Parts of a photograph."""
    photo = load_sample_image("china.jpg")
    stream = np.random.default_rng(0)
    for _ in range(VIEWS):
        top = stream.integers(photo.shape[0] - HEIGHT)
        left = stream.integers(photo.shape[1] - WIDTH)
        yield photo[top : top + HEIGHT, left : left + WIDTH]


def encoded(pixels: np.ndarray) -> bytes:
    """A JPEG file."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=85)
    return content.getvalue()


def own_memory() -> int:
    """Memory of this process that is not backed by a file, in bytes."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) << 10


@contextmanager
def peak() -> Iterator[Callable[[], int]]:
    """The peak of that memory since the start of the block."""
    most, done = own_memory(), threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.02):
            most = max(most, own_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: most
    finally:
        done.set()
        watcher.join()


def seconds(act: Callable[[], object]) -> float:
    """The seconds of a call."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def measured(count: int) -> list[str]:
    """A line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        photos = Path(folder, "photos")
        photos.mkdir()
        write(photos, count)
        first, second = (Unlabelled(str(photos), CLASSES) for _ in range(2))
        before = own_memory()
        with peak() as held:
            listing = seconds(lambda: PhotoFolder(photos, first.shape, "refuse", ("cat", "dog")))
            decoding = seconds(first.setup)
            statistics = seconds(first.preprocess)
            second.known = first.remembered()
            again = seconds(second.setup)
        times = [f"{spent:.1f}" for spent in (listing, decoding, statistics, again)]
        return [f"{count:,}", *times, f"{before / 2**30:.2f}", f"{held() / 2**30:.2f}"]


def main() -> None:
    """Measure every count, and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--counts", type=int, nargs="+", default=[5000])
    header = ["photos", "listing, s", "first start, s", "statistics, s", "second start, s"]
    memory = ["memory before, GiB", "at the peak, GiB"]
    lines = [measured(count) for count in parser.parse_args().counts]
    keep("photos", table([*header, *memory], lines))


if __name__ == "__main__":
    main()
