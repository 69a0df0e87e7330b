"""Finding and fetching data files."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import md5
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from autoal.data.cache import cache_folder
from autoal.errors import UserError
from autoal.screen import Screen

VARIABLE = "AUTOAL_DATA"
PATIENCE = 30  # seconds without a byte before a server counts as gone
BLOCK = 1 << 20


@dataclass(frozen=True)
class DataFile:
    """A published file."""

    name: str  # below the data folder
    urls: tuple[str, ...]  # mirrors, tried in this order
    md5: str


class DataFolder:
    """A folder of data files: `root`, else $AUTOAL_DATA, else a cache folder.

    Args:
        root: of the data files.
        download: fetch missing files.
        check: refuse a file whose checksum is not the published one.
    """

    def __init__(self, root: str | None, download: bool = True, check: bool = True) -> None:
        self.path = Path(root or os.environ.get(VARIABLE) or cache_folder() / "data").expanduser()
        self.download = download
        self.check = check

    def get(self, file: DataFile) -> Path:
        """The path of a file, fetched and checked if necessary."""
        path = self.path / file.name
        if not path.exists():
            self._fetch(file, path)
        elif self.check:
            self.verify(path, file.md5)
        return path

    def verify(self, path: Path, expected: str) -> None:
        """Refuse a file with a different checksum; one that passed is not read again."""
        if not self.check or _stamp(path) == _seal(path, expected):
            return
        found = checksum(path)
        if found != expected:
            raise UserError(
                f"{path} is not the published file, or is incomplete: its MD5 is {found}, "
                f"expected {expected}\n  remove it to have it fetched again, "
                "or give data.check=false if it is your own"
            )
        _set_stamp(path, expected)

    def missing(self, file: DataFile, reason: str) -> UserError:
        """The error for a missing file: what, where, where from, and what to do."""
        return UserError(
            f"{file.name} is not in {self.path}: {reason}\n"
            f"  it is published at {' or '.join(file.urls)}\n"
            f"  put it there, or name its folder in data.root= or the variable {VARIABLE}"
        )

    def _fetch(self, file: DataFile, path: Path) -> None:
        if not self.download:
            raise self.missing(file, "data.download is false")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.missing(file, f"the folder cannot be made, {error.strerror}") from error
        with _one_at_a_time(path):
            if path.exists():  # another process was faster
                return
            reasons = []
            for url in file.urls:
                try:
                    _download(url, path, file.md5 if self.check else None)
                    return
                except (OSError, HTTPException) as error:
                    reasons.append(f"{url}: {error}")
        raise self.missing(file, "; ".join(reasons))


def checksum(path: Path) -> str:
    """The MD5 of a file's content."""
    digest = md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _download(url: str, path: Path, expected: str | None) -> None:
    """Fetch into a partial file, continuing an earlier one; rename it when it is complete."""
    part = path.with_name(f"{path.name}.part")
    _receive(url, part, path.name)
    found = checksum(part)
    if expected is not None and found != expected:
        part.unlink()
        raise OSError(f"the download has the MD5 {found}, expected {expected}; it was removed")
    part.replace(path)
    if expected is not None:
        _set_stamp(path, expected)


def _receive(url: str, part: Path, name: str) -> None:
    """Append what the part lacks, or start over if the server cannot resume."""
    with _open(url, part) as response, part.open("ab" if response.status == 206 else "wb") as file:
        begin, length = file.tell(), int(response.headers.get("Content-Length") or 0)
        with _progress(name, begin, begin + length) as advance:
            while block := response.read(BLOCK):
                file.write(block)
                advance(len(block))
        if file.tell() < begin + length:
            raise OSError(
                f"broke off after {file.tell()} of {begin + length} bytes; run again to go on"
            )


def _open(url: str, part: Path) -> Any:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        return urlopen(Request(url, headers=headers), timeout=PATIENCE)
    except HTTPError as error:
        if not have or error.code != 416:
            raise
        part.unlink()  # as long as the file or longer, but not the file
        return urlopen(url, timeout=PATIENCE)


@contextmanager
def _progress(name: str, begin: int, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, one line elsewhere; both on stderr."""
    console = Screen(stderr=True)
    if not console.is_terminal:
        size = f"{total / 1e6:.1f} MB" if total > begin else "size unknown"
        console.print(f"fetching {name}, {size}", highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    bar = Progress(
        *columns,
        TransferSpeedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task(name, total=total or None, completed=begin)
    with bar:
        yield lambda size: bar.update(task, advance=size)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Make runs that start together wait for one download instead of overwriting each other."""
    try:
        lock = path.with_name(f".{path.name}.lock").open("w")
    except OSError as error:
        raise UserError(f"cannot write in {path.parent}: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _seal(path: Path, expected: str) -> list[str | int]:
    stat = path.stat()
    return [expected, stat.st_size, stat.st_mtime_ns]


def _stamp_path(path: Path) -> Path:
    name = md5(str(path.resolve()).encode(), usedforsecurity=False).hexdigest()
    return cache_folder() / "checked" / name


def _stamp(path: Path) -> list[str | int] | None:
    try:
        return json.loads(_stamp_path(path).read_text())
    except (OSError, ValueError):
        return None


def _set_stamp(path: Path, expected: str) -> None:
    stamp = _stamp_path(path)
    with suppress(OSError):  # an unwritable cache only costs time
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(json.dumps(_seal(path, expected)))
