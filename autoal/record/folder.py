"""The folder of a run: its config, its rounds and everything needed to go on.

Every file is replaced as a whole, so that a reader never sees half of one. A round counts once it
is in rounds.jsonl; its state is written before that, and the previous round's state is removed
after, so that a process killed at any point leaves a matching pair.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

from autoal.errors import UserError, Waiting
from autoal.record.checksums import RECORD, checksums
from autoal.record.config import Config, changes, config_bytes, demand_more, read_config
from autoal.record.failure import forget_failure, keep_failure
from autoal.record.finished import finished_rounds
from autoal.record.layout import (
    CONFIG,
    OF_A_RUN,
    PARTS,
    POOL,
    QUESTION,
    ROUNDS,
    STATES,
    checksums_of,
    has_labels,
    remove,
    state_of,
)
from autoal.record.lock import Lock
from autoal.record.reading import read_round
from autoal.record.round import OF_THE_RUN, Round
from autoal.record.states import packed, read_state
from autoal.record.whole import write_whole, writing
from autoal.settings import Settings, plain


class RunFolder:
    """One run on disk, held by one process at a time; a context manager.

    The next run takes over a folder in which nothing was finished. A read-only folder is opened for
    reading.

    Args:
        path: of the folder, made if necessary.
        config: the settings of the run; those of a folder with rounds must be the same, or ask for
            more rounds.
        versions: of everything that results may depend on; config.yaml keeps those of the first
            start.
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
            raise UserError("`about` is reserved for the versions: rename that setting")
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(path)
        try:
            with self.explained():
                self._record, self._rounds = finished_rounds(path)
            self.id = self._settle(dict(versions or {}))
            if not self.barred:
                self._tidy()
        except BaseException:
            self._lock.close()
            raise

    @classmethod
    def reopened(cls, path: Path | str) -> RunFolder:
        """Open the folder of an existing run, with its own settings."""
        if not Path(path, CONFIG).exists():
            raise UserError(f"there is no run in {path}: it has no {CONFIG}")
        return cls(path, read_config(Path(path, CONFIG)).settings)

    @classmethod
    def remembered(cls, path: Path | str, config: Mapping[str, Any]) -> bytes:
        """The notes of a folder's run on its pool; empty if another run takes the folder over."""
        folder = Path(path)
        if not (folder / POOL).is_file() or not (folder / CONFIG).is_file():
            return b""
        begun = (folder / ROUNDS).is_file() or has_labels(folder)
        other = changes(read_config(folder / CONFIG).settings, plain(dict(config)))
        return b"" if other and not begun else (folder / POOL).read_bytes()

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
            keep_failure(self.path, error)  # being stopped is not a failure
        self.close()

    def close(self) -> None:
        """Release the folder, keeping any recorded failure."""
        self._lock.close()

    @property
    def rounds(self) -> list[Round]:
        """The finished rounds, in order."""
        return [*self._rounds]

    @property
    def barred(self) -> str:
        """Why the folder cannot be written; empty if it can."""
        return self._lock.barred

    def add(self, finished: Round, state: dict[str, Any]) -> None:
        """Keep a round and the state from which the next one starts.

        A state that could not be read back is refused, and earlier rounds stay unchanged.
        """
        if finished.number != len(self._rounds):
            raise ValueError(f"round {finished.number} cannot follow {len(self._rounds)} rounds")
        record = self._record + self._line(finished)
        content, path = packed(state), state_of(self.path, finished.number)
        self.write(path, content)
        self.write(checksums_of(path), checksums({path.name: content, RECORD: record}))
        self.write(self.record, record)
        self._record = record
        self._rounds.append(finished)
        remove(self.path, (QUESTION,))
        forget_failure(self.path)  # it went on
        self._tidy()

    def keep_question(self, question: dict[str, Any]) -> None:
        """Keep the question to people, before they see it."""
        if question:
            self.write(self.open_question, packed(question))

    def question(self) -> dict[str, Any]:
        """The open question to people; empty if there is none, or its round is done."""
        if not self.open_question.exists():
            return {}
        with self.explained():
            found = read_state(self.open_question)
        return found if found.get("number") == len(self._rounds) else {}

    @property
    def open_question(self) -> Path:
        """The file of the open question."""
        return self.path / QUESTION

    def state(self) -> dict[str, Any]:
        """The state after the last finished round."""
        with self.explained():
            return read_state(self.last_state)

    @property
    def record(self) -> Path:
        """The file of the rounds."""
        return self.path / ROUNDS

    @property
    def last_state(self) -> Path:
        """The file of the state after the last finished round."""
        return state_of(self.path, len(self._rounds) - 1)

    @contextmanager
    def explained(self, file: Path | None = None) -> Iterator[None]:
        """Add to an error about a file here which file it is, and what to do."""
        try:
            yield
        except UserError as error:
            place = "" if file is None else f"{file}: "
            ways = ["put back a copy of the file", "start over with another name="]
            if not has_labels(self.path):  # otherwise people would have to do it all again
                ways.append(f"remove {self.path}")
            would_do = f"{', '.join(ways[:-1])}, or {ways[-1]}"
            raise UserError(f"{place}{error}\n  {would_do}") from error

    def demand_writable(self) -> None:
        """Refuse to go on if the rounds could not be kept."""
        if self.barred:
            raise UserError(f"{self.barred}; the remaining rounds cannot be saved")

    def write(self, path: Path, content: bytes) -> None:
        """Replace a file of the folder as a whole, or leave it unchanged."""
        self._demand_unbarred()
        write_whole(path, content)

    def renew(self, path: Path, content: bytes) -> None:
        """Write a file derived from the rounds, unless it is current or the folder is barred."""
        if not (self.barred or (path.exists() and path.read_bytes() == content)):
            self.write(path, content)

    def _demand_unbarred(self) -> None:
        if self.barred:
            raise UserError(self.barred)

    def _line(self, finished: Round) -> bytes:
        line = finished.to_line()
        line |= {key: self.config[key] for key in OF_THE_RUN if key in self.config}
        if isinstance(strategy := line.get("strategy"), Mapping):
            line["strategy"] = strategy.get("name")
        try:
            text = json.dumps(line).encode()
            read_round(text)
        except (TypeError, ValueError) as error:
            raise UserError(f"round {finished.number} cannot be kept: {error}") from error
        return text + b"\n"

    def _tidy(self) -> None:
        """Remove the leftovers of a killed process, and the states of old rounds."""
        with writing(self.path):
            remove(self.path, PARTS)
            remove(self.path, STATES, but=(self.last_state, checksums_of(self.last_state)))

    def _settle(self, versions: Settings) -> str:
        """Write config.yaml, or check the existing one; return the run's identity."""
        path = self.path / CONFIG
        if not path.exists():
            if self._rounds or has_labels(self.path):
                raise UserError(
                    f"{self.path} has rounds or labels but no {CONFIG}; give another name="
                )
            return self._begin(versions)
        with self.explained():
            found = read_config(path)
        changed = changes(found.settings, self.config)
        if changed and not self._rounds and not has_labels(self.path):
            return self._begin(versions)
        demand_more(self.path, changed)
        if changed:
            self.write(path, config_bytes(Config(self.config, found.about)))
        return str(found.about["id"])

    def _begin(self, versions: Settings) -> str:
        """Take over the folder of an earlier run that finished nothing."""
        self._demand_unbarred()
        with writing(self.path):
            remove(self.path, OF_A_RUN)
        about = {"id": uuid4().hex[:12], "versions": versions}
        self.write(self.path / CONFIG, config_bytes(Config(self.config, about)))
        return str(about["id"])
