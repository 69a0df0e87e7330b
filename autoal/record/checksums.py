"""Checksums of files that must fit together, in the format of `sha256sum`; needs no torch.

Those of a round are beside its state: of the state itself, and of the record at that time.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from autoal.errors import UserError
from autoal.record.layout import ROUNDS, checksums_of, state_of

RECORD = f"../{ROUNDS}"  # the record, relative to the checksums


def checksums(contents: Mapping[str, bytes]) -> bytes:
    """A line for each file, named relative to the checksums."""
    lines = [f"{sha256(content).hexdigest()}  {name}\n" for name, content in contents.items()]
    return "".join(lines).encode()


def demand_same(path: Path, content: bytes, kept: Path, name: str) -> None:
    """Refuse a file that has changed; folders of older versions lack checksums."""
    try:
        lines = kept.read_bytes().splitlines(keepends=True) if kept.exists() else []
    except OSError as error:
        raise UserError(f"cannot read {kept}: {error.strerror}") from error
    known = [line for line in lines if line.endswith(f"  {name}\n".encode())]
    if (lines and not known) or any(line != checksums({name: content}) for line in known):
        raise UserError(f"{path} is damaged: its checksum is not that in {kept.name}")


def demand_same_record(folder: Path, content: bytes, rounds: int) -> None:
    """Refuse a record of this many rounds that has changed."""
    kept = checksums_of(state_of(folder, rounds - 1))
    demand_same(folder / ROUNDS, content, kept, RECORD)
