import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoal import Round


@pytest.fixture
def config() -> dict[str, Any]:
    return {
        "start": 2,
        "seed": 0,
        "strategy": {"name": "margin"},
        "logger": {"mode": None},
        "name": "run",
        "out": "runs",
    }


@pytest.fixture
def history() -> list[Round]:
    """Two rounds of two labels each, with three steps of training."""
    return [
        Round(
            number=number,
            labelled=2 * number + 2,
            queried=[2 * number, 2 * number + 1],
            labels=[0, 1],
            metrics={"accuracy": 0.5 + 0.25 * number, "balanced_accuracy": 0.4},
            seconds=dict.fromkeys(("train", "test", "features", "score", "total"), 1.5),
            steps=3,
        )
        for number in range(2)
    ]


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let the disk be one that nothing can be written to any more, whoever tries."""

    def refuse(self: Path, *arguments: Any, **options: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    def opened(self: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        return refuse(self) if set(mode) & set("wax+") else read(self, mode, *arguments, **options)

    def made(self: Path, *arguments: Any, **options: Any) -> None:
        if not self.is_dir():
            refuse(self)

    def described(path: Path, flags: int, *arguments: Any) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY):
            refuse(path)
        return describe(path, flags, *arguments)

    read, describe = Path.open, os.open

    def end() -> None:
        monkeypatch.setattr(os, "open", described)
        monkeypatch.setattr(Path, "open", opened)
        monkeypatch.setattr(Path, "mkdir", made)
        for name in ("write_text", "write_bytes", "unlink", "replace", "touch"):
            monkeypatch.setattr(Path, name, refuse)

    return end


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, no settings and no artifacts of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
