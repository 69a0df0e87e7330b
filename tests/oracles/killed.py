"""Runs that are killed and go on."""

import json
import signal
from pathlib import Path
from typing import Any

from tests.launch import Zygote


def record(folder: Path) -> list[dict[str, Any]]:
    """The rounds without their times."""
    lines = map(json.loads, (folder / "rounds.jsonl").read_text().splitlines())
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def demand_equal_when_killed(train: Zygote, out: Path, *arguments: str) -> None:
    """A run that is killed as a strategy scores ends as one that nobody disturbed."""
    arguments = (*arguments, f"out={out}")
    assert train.run(*arguments, "name=whole").code == 0
    assert train.run(*arguments, "name=cut", die="scoring").code == -signal.SIGKILL
    assert train.run(*arguments, "name=cut").code == 0
    assert record(out / "cut") == record(out / "whole")
