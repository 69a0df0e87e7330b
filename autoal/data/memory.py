"""Whether rows are held in memory, or read when they are needed."""

from pathlib import Path

MEMORY = ("auto", "ram", "disk")
SHARE = 4  # auto: rows are held that take up to one part in so many of the free memory
FREE = "MemAvailable:"  # in KiB


def on_disk(memory: str, size: int) -> bool:
    """Whether rows stay on the disk.

    Args:
        memory: auto, ram or disk.
        size: bytes that all rows take where they are held.
    """
    return memory == "disk" or (memory == "auto" and size > free_memory() // SHARE)


def free_memory() -> int:
    """Bytes that programs can have before the machine swaps."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(FREE)) * 1024
