"""The folder of a run: its config, its rounds and all that is needed to go on.

Every file is replaced as a whole, so that a reader never sees half of one. A round counts once it
stands in rounds.jsonl; the state that belongs to it is written before, and the state of the round
before it is removed after, so that a process killed anywhere leaves a pair that fits.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from types import TracebackType
from typing import Any
from uuid import uuid4

import torch
import yaml

from autoal.errors import UserError, Waiting
from autoal.record.failure import forget_failure, keep_failure
from autoal.record.round import Round, rounds_of
from autoal.settings import differences, plain

# Where a run reports to makes no difference to what it computes.
FREE = ("logger", "name", "out")


class RunFolder:
    """One run on disk, held by one process at a time; a context manager.

    Args:
        path: of the folder, made if it is not there.
        config: the settings of the run; those of a folder that is there must be the same.
        versions: of what the results may depend on; config.yaml keeps those of the first start.
    """

    def __init__(
        self,
        path: Path | str,
        config: Mapping[str, Any] | None = None,
        versions: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = path = Path(path)
        self.config = plain(dict(config or {}))
        if "about" in self.config:
            raise UserError("`about` is where the versions are kept: call a setting otherwise")
        with _writing(path):
            path.mkdir(parents=True, exist_ok=True)
            self._lock = (path / ".lock").open("w")
        try:
            self._take_lock()
            self.id = self._settle(dict(versions or {}))
            self._lines = self._read_lines()
        except BaseException:
            self._lock.close()
            raise

    @classmethod
    def reopened(cls, path: Path | str) -> RunFolder:
        """The folder of a run that was there before, with the settings that it has."""
        return cls(path, _config_of(Path(path))[0])

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, Waiting):
            forget_failure(self.path)
        elif isinstance(error, Exception):
            keep_failure(self.path, error)  # being stopped is no failure
        self.close()

    def close(self) -> None:
        """Give the folder back to others, with whatever it says of a failure."""
        self._lock.close()

    @property
    def rounds(self) -> list[Round]:
        """The finished rounds, in their order."""
        return rounds_of(self._lines, self.path / "rounds.jsonl")

    def add(self, finished: Round, state: dict[str, Any]) -> None:
        """Keep a round and the state that the next one starts from."""
        if finished.number != len(self._lines):
            raise ValueError(f"round {finished.number} cannot follow {len(self._lines)} rounds")
        line = finished.to_line()
        line |= {key: self.config[key] for key in ("strategy", "seed") if key in self.config}
        if isinstance(strategy := line.get("strategy"), Mapping):
            line["strategy"] = strategy.get("name")
        content = BytesIO()
        torch.save(state, content)
        self.write(self._state_path(finished.number), content.getvalue())
        lines = [*self._lines, json.dumps(line)]
        self.write(self.path / "rounds.jsonl", "".join(f"{text}\n" for text in lines).encode())
        self._lines = lines
        forget_failure(self.path)  # it went on
        for path in (self.path / "state").glob("round-*.pt"):
            if path != self._state_path(finished.number):
                path.unlink()

    def state(self) -> dict[str, Any]:
        """The state after the last finished round."""
        path = self._state_path(len(self._lines) - 1)
        try:
            return torch.load(path, weights_only=True, map_location="cpu")
        except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
            raise UserError(
                f"cannot read {path}, which the run needs to go on: {error}\n"
                f"  start over with another name=, or remove {self.path}"
            ) from error

    def write(self, path: Path, content: bytes) -> None:
        """Replace a file of the folder as a whole, or leave it as it was."""
        part = path.with_name(f".{path.name}.part")
        with _writing(path):
            try:
                path.parent.mkdir(exist_ok=True)
                with part.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
            except OSError:
                part.unlink(missing_ok=True)  # a full disk needs the room
                raise

    def _state_path(self, number: int) -> Path:
        return self.path / "state" / f"round-{number:04}.pt"

    def _take_lock(self) -> None:
        # The kernel lets go of it when the process ends, however that happens.
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"{self.path} is open already, mostly because another process is at work in it; "
                "wait for it, or give another name="
            ) from error

    def _settle(self, versions: dict[str, Any]) -> str:
        """Write config.yaml, or check the one that is there; returns the run's identity."""
        path = self.path / "config.yaml"
        if not path.exists():
            if (self.path / "rounds.jsonl").exists():
                raise UserError(f"{self.path} has rounds but no config.yaml; give another name=")
            about = {"id": uuid4().hex[:12], "versions": versions}
            text = yaml.safe_dump({**self.config, "about": about}, sort_keys=False)
            self.write(path, text.encode())
            return str(about["id"])
        found, identity = _config_of(self.path)
        changed = [
            f"  {key}: {there} in the folder, {here} now"
            for key, (there, here) in differences(found, self.config).items()
            if key.split(".")[0] not in FREE
        ]
        if changed:
            raise UserError(
                f"{self.path} holds a run of another config:\n"
                + "\n".join(changed)
                + "\n  give another name= to start a new run"
            )
        return identity

    def _read_lines(self) -> list[str]:
        path = self.path / "rounds.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        rounds_of(lines, path)  # or a UserError
        return lines


def _config_of(folder: Path) -> tuple[dict[str, Any], str]:
    """The settings of a run's folder, and the run's identity."""
    path = folder / "config.yaml"
    try:
        config = yaml.safe_load(path.read_text())
        return config, str(config.pop("about")["id"])
    except FileNotFoundError as error:
        raise UserError(f"there is no run in {folder}: it has no config.yaml") from error
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, UnicodeError) as error:
        raise UserError(f"{path} is not the config of a run: {error!r}") from error


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say which file could not be written, and why."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
