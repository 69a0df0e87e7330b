"""The finished rounds of a run folder, for all readers; needs no torch."""

from pathlib import Path

from autoal.errors import UserError
from autoal.record.checksums import demand_same_record
from autoal.record.layout import ROUNDS
from autoal.record.reading import read_rounds
from autoal.record.round import Round


def finished_rounds(folder: Path) -> tuple[bytes, list[Round]]:
    """The record's bytes, and its rounds; refused if it has changed."""
    path = folder / ROUNDS
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    if content and not content.endswith(b"\n"):
        content += b"\n"  # which some editors remove
    rounds = read_rounds(content, path)
    demand_same_record(folder, content, len(rounds))
    return content, rounds
