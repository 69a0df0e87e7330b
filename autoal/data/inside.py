"""What stands in a file, as settings name it: `file.npz:member`, or `file.csv:column`."""

from pathlib import Path

from autoal.errors import UserError

ARRAYS = ".npz"  # ending of files whose members are arrays; any other is a table of columns


def parted(place: str, option: str) -> tuple[Path, str]:
    """The file of a place, and what is to be taken of it.

    Args:
        place: as a setting has it.
        option: that has it, for messages.
    """
    file, _, name = place.rpartition(":")
    if not file:
        raise UserError(
            f"{option}={place}: give a file and what to take of it, as file.npz:member or "
            "file.csv:column"
        )
    return Path(file).expanduser(), name


def has_arrays(path: Path) -> bool:
    """Whether it is members that are taken of a file, and not columns."""
    return path.suffix.lower() == ARRAYS
