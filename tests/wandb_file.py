"""Read what W&B wrote of an offline run: a LevelDB log of protocol buffers."""

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2

PATIENCE = 20.0  # seconds
HEADER, BLOCK, CHUNK = 7, 32768, struct.Struct("<IHB")


def whole(part: Path) -> Path:
    """The folder of a finished run, once all of it is written.

    W&B's service does so in a moment, but after it has said that the run is finished.
    """
    end = time.monotonic() + PATIENCE
    while not any(record.HasField("exit") for record in records(part)):
        assert time.monotonic() < end, f"{part} has no end"
        time.sleep(0.01)
    return part


def records(part: Path) -> list[Any]:
    """All records of the folder of one offline run that are written as yet."""
    (path,) = part.glob("*.wandb")
    found = []
    for content in _contents(path.read_bytes()):
        record = wandb_internal_pb2.Record()  # type: ignore[attr-defined]  # made at run time
        record.ParseFromString(content)
        found.append(record)
    return found


def history(part: Path) -> list[dict[str, Any]]:
    """The logged rows, as flat mappings."""
    return [
        {(item.key or "/".join(item.nested_key)): json.loads(item.value_json) for item in row}
        for row in (record.history.item for record in records(part))
        if row
    ]


def step_metrics(part: Path) -> dict[str, str]:
    """Over what each metric is charted."""
    found = (record.metric for record in records(part) if record.HasField("metric"))
    return {each.name or each.glob_name: each.step_metric for each in found}


def _contents(log: bytes) -> Iterator[bytes]:
    """The chunks of a record are marked full (1), first (2), middle (3) or last (4)."""
    place, parts = HEADER, b""
    while place + CHUNK.size <= len(log):
        if BLOCK - place % BLOCK < CHUNK.size:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = CHUNK.unpack_from(log, place)
        place += CHUNK.size
        if place + length > len(log):
            return
        parts += log[place : place + length]
        place += length
        if kind in (1, 4):
            yield parts
            parts = b""
