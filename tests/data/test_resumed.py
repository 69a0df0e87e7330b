import errno
import fcntl
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from autoal.data import cache, growing
from autoal.data.cache import NamedArrays, cached, locked
from autoal.data.growing import GrowingArray
from autoal.data.resumed import WEEK, UnsoundError, cached_blocks
from autoal.errors import UserError
from tests.launch import Zygote

ROWS = 99

KILLED = """
import os, signal
from autoal.data import growing
from autoal.data.resumed import cached_blocks
from tests.data.test_resumed import blocks
growing.EVERY = 0.0

def dying(there):
    for number, block in enumerate(blocks(there)):
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        yield block

cached_blocks(dict, "kind", "key", dying)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where entries of the kind are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "autoal" / "kind"


@pytest.fixture(scope="module")
def begun(train: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a process that was killed after three blocks leaves behind."""
    kept = tmp_path_factory.mktemp("begun")
    died = train.execute(KILLED, XDG_CACHE_HOME=str(kept))
    assert died.code == -signal.SIGKILL, died.err
    return kept / "autoal" / "kind"


def blocks(there: NamedArrays) -> Iterator[NamedArrays]:
    """The rows of two arrays that are not there, in blocks of ten."""
    for begin in range(len(there.get("x", ())), ROWS, 10):
        rows = np.arange(begin, min(begin + 10, ROWS))
        yield {"x": np.stack([rows, rows], 1), "y": np.flip(rows).astype(">u2")}


def whole(arrays: NamedArrays) -> bool:
    rows = list(range(ROWS))
    return arrays["x"].T.tolist() == [rows, rows] and sorted(arrays["y"].tolist()) == rows


def files(entry: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in entry.iterdir()}


def test_blocks_are_written_as_they_come_and_read_as_one(folder: Path) -> None:
    half_written: list[int] = []

    def watched(there: NamedArrays) -> Iterator[NamedArrays]:
        for block in blocks(there):
            half_written.append(len(list(folder.glob(".begun-*/*.npy"))))
            yield block

    arrays = cached_blocks(dict, "kind", "key", watched)
    assert whole(arrays)
    assert all(isinstance(array, np.memmap) for array in arrays.values())
    assert half_written == [0] + 9 * [2]
    assert whole(cached_blocks(dict, "kind", "key", lambda there: pytest.fail("they are there")))
    assert [path.name for path in folder.iterdir()] == ["key"]
    assert files(folder / "key").keys() == {"x.npy", "y.npy", "contents.json"}


def rows_there() -> list[int]:
    """Of each array, those that another start left behind, which are made whole now."""
    found: list[int] = []

    def left(there: NamedArrays) -> Iterator[NamedArrays]:
        found.extend(len(array) for array in there.values())
        return blocks(there)

    assert whole(cached_blocks(dict, "kind", "key", left))
    return found


def test_who_is_killed_goes_on_where_it_was_and_the_files_are_the_same(
    begun: Path, folder: Path
) -> None:
    shutil.copytree(begun, folder)
    assert not (folder / "key").exists()
    assert rows_there() == [30, 30]
    cached_blocks(dict, "kind", "at once", blocks)
    assert files(folder / "key") == files(folder / "at once")


def test_what_was_written_and_not_made_sure_of_is_made_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StopError(BaseException):
        pass

    def stopped(there: NamedArrays) -> Iterator[NamedArrays]:
        for number, block in enumerate(blocks(there)):
            monkeypatch.setattr(growing, "EVERY", 0.0 if number < 2 else 1e9)
            if number == 5:
                raise StopError
            yield block

    with pytest.raises(StopError):
        cached_blocks(dict, "kind", "key", stopped)
    found: list[int] = []

    def left(there: NamedArrays) -> Iterator[NamedArrays]:
        found.append(len(there["x"]))
        return blocks(there)

    assert whole(cached_blocks(dict, "kind", "key", left))
    assert found == [20]


@pytest.mark.parametrize("damage", ["short", "head", "lost", "progress", "counts"])
def test_what_was_left_behind_and_is_damaged_is_begun_anew(
    begun: Path, folder: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(begun, folder)
    array, progress = folder / ".begun-key" / "x.npy", folder / ".begun-key" / "progress.json"
    match damage:
        case "short":
            os.truncate(array, array.stat().st_size - 200)
        case "head":
            array.write_bytes(b"?" * array.stat().st_size)
        case "lost":
            array.unlink()
        case "progress":
            progress.write_text("{")
        case "counts":
            progress.write_text("[]")
    assert rows_there() == []
    assert "is damaged, and begun again" in capsys.readouterr().err


def broken(error: Exception) -> Callable[[NamedArrays], Iterator[NamedArrays]]:
    """Fifty rows, and then an error."""

    def make(there: NamedArrays) -> Iterator[NamedArrays]:
        yield from islice(blocks(there), 5)
        raise error

    return make


def test_blocks_that_an_error_breaks_off_are_gone_on_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "EVERY", 0.0)
    with pytest.raises(ValueError, match="broken"):
        cached_blocks(dict, "kind", "key", broken(ValueError("broken")))
    assert rows_there() == [50, 50]


def test_nothing_is_kept_of_blocks_that_are_unsound(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "EVERY", 0.0)
    with pytest.raises(UserError, match="broken"):
        cached_blocks(dict, "kind", "key", broken(UnsoundError("broken")))
    assert not list(folder.iterdir())


def test_a_full_disk_is_told_of_once_and_nothing_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: GrowingArray, block: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(GrowingArray, "add", full)
    with pytest.raises(UserError, match=rf"cannot write in {folder}.*GiB free: No space left"):
        cached_blocks(dict, "kind", "key", blocks)
    assert not list(folder.iterdir())


def test_rows_of_another_kind_are_not_added_and_nothing_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "EVERY", 0.0)

    def odd(there: NamedArrays) -> Iterator[NamedArrays]:
        yield {"x": np.zeros((2, 3))}
        yield {"x": np.zeros((2, 4))}

    with pytest.raises(ValueError, match=r"rows of float64 \(4,\) cannot follow rows of float64"):
        cached_blocks(dict, "kind", "key", odd)
    assert not list(folder.iterdir())


def test_blocks_stay_in_memory_where_the_cache_cannot_be_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.parent.write_text("")
    assert whole(cached_blocks(dict, "kind", "key", blocks))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{folder / 'key'} cannot be stored, and will be rebuilt next time: ")


def test_only_what_is_open_for_writing_is_locked_as_network_file_systems_demand(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def as_nfs(opened: int, kind: int) -> None:
        if fcntl.fcntl(opened, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        flock(opened, kind)

    monkeypatch.setattr(fcntl, "flock", as_nfs)
    (folder / ".part-dead").mkdir(parents=True)
    cached_blocks(dict, "kind", "key", blocks)
    cached("kind", "at once", lambda: {"x": np.zeros(3)})
    assert sorted(path.name for path in folder.iterdir()) == ["at once", "key"]


def test_of_two_that_want_one_entry_one_makes_it_and_the_other_waits(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, told, made = threading.Event(), threading.Event(), threading.Event()
    found: list[dict[str, np.ndarray]] = []

    def said(text: str, **_: object) -> None:
        assert text.startswith("another process is making")
        told.set()

    monkeypatch.setattr(cache, "print", said, raising=False)

    def slow(there: NamedArrays) -> Iterator[NamedArrays]:
        begun.set()
        assert made.wait(60)
        return blocks(there)

    first = threading.Thread(target=lambda: found.append(cached_blocks(dict, "kind", "key", slow)))
    second = threading.Thread(
        target=lambda: found.append(
            cached_blocks(dict, "kind", "key", lambda there: pytest.fail("it is made"))
        )
    )
    first.start()
    assert begun.wait(60)
    second.start()
    assert told.wait(60)
    made.set()
    for each in (first, second):
        each.join(60)
    assert len(found) == 2
    assert all(map(whole, found))
    assert [path.name for path in folder.iterdir()] == ["key"]


def test_what_nobody_goes_on_with_is_cleaned_up_after_a_week(folder: Path) -> None:
    old = time.time() - WEEK - 60
    for name in (".begun-old", ".begun-new", ".begun-living"):
        (folder / name).mkdir(parents=True)
    for name in (".begun-old", ".begun-living"):
        os.utime(folder / name, (old, old))
    with locked(folder / ".begun-living"):
        cached_blocks(dict, "kind", "key", blocks)
    assert sorted(path.name for path in folder.iterdir()) == [
        ".begun-living",
        ".begun-new",
        "key",
    ]
