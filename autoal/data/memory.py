"""Decides whether rows are held in memory or read when needed."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from sys import maxsize

MEMORY = ("auto", "ram", "disk")
SHARE = 4  # auto holds rows that take up to this fraction (1/SHARE) of the free memory
FREE = "MemAvailable:"  # in KiB
GROUPS = Path("/sys/fs/cgroup")  # where Linux has its control groups


def on_disk(memory: str, size: int) -> bool:
    """Whether rows stay on the disk.

    Args:
        memory: auto, ram or disk.
        size: bytes that all rows take in memory.
    """
    return memory == "disk" or (memory == "auto" and size > free_memory() // SHARE)


def free_memory() -> int:
    """Bytes that this process can use before the machine swaps or its group's limit is reached."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    free = next(int(line.split()[1]) for line in lines if line.startswith(FREE)) * 1024
    return min([free, *_left_to_groups()])


def _left_to_groups() -> Iterator[int]:
    """The bytes left below the limit of each control group (version 2) of this process."""
    with suppress(OSError):  # there are no groups
        groups = Path("/proc/self/cgroup").read_text().splitlines()
        for own in [line.removeprefix("0::").strip("/") for line in groups if line[:3] == "0::"]:
            for group in (GROUPS / own, *(GROUPS / own).parents):
                if (group / "memory.max").exists():
                    limit = (group / "memory.max").read_text().strip()
                    used = int((group / "memory.current").read_text()) - _cached(group)
                    yield int(limit) - used if limit != "max" else maxsize


def _cached(group: Path) -> int:
    """Bytes of cached files that the system gives up when memory is needed."""
    lines = (group / "memory.stat").read_text().splitlines()
    counts = dict(line.split() for line in lines)
    return sum(int(counts.get(f"{kind}_file", 0)) for kind in ("active", "inactive"))
