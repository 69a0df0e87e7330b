"""Parts of files, as settings name them: `file.npz:member`, or `file.csv:column`."""

from pathlib import Path

from autoal.errors import UserError

ARRAYS = ".npz"  # ending of files whose members are arrays; any other is a table of columns


def parted(place: str, option: str) -> tuple[Path, str]:
    """The file of a place, and the part to take from it.

    Args:
        place: as in a setting.
        option: the setting's name, for messages.
    """
    file, _, name = place.rpartition(":")
    if not file:
        raise UserError(
            f"{option}={place}: give a file and what to take from it, such as file.npz:member or "
            "file.csv:column"
        )
    return Path(file).expanduser(), name


def has_arrays(path: Path) -> bool:
    """Whether members are taken from a file, rather than columns."""
    return path.suffix.lower() == ARRAYS
