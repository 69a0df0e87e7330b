"""Answers of language models on disk, so that none is paid for twice."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from threading import Lock
from time import sleep
from typing import Any, NamedTuple
from weakref import finalize

from autoal.data.cache import cache_folder
from autoal.errors import UserError
from autoal.language.asked import Answer

NAME = "language.sqlite"
PATIENCE = 60  # seconds for another process to finish writing
TABLE = """create table if not exists answers (
    key text primary key, model text, payer text, answer text,
    tokens_in integer, tokens_out integer, cost real, seconds real
)"""
TOTALS = """select model, count(*), sum(tokens_in), sum(tokens_out), sum(cost), sum(seconds)
    from answers group by model order by model"""


class Total(NamedTuple):
    """The answers, tokens and cost of a model, over all runs."""

    model: str
    answers: int
    tokens_in: int
    tokens_out: int
    cost: float
    seconds: float


class Cache:
    """A file of answers, shared by processes. It contains neither addresses nor keys.

    Args:
        path: of the file; None: in AutoAL's cache.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or cache_folder() / NAME
        self._lock = Lock()

    def find(self, key: str) -> Answer | None:
        """The answer stored under a key."""
        for (text,) in self._done("select answer from answers where key = ?", key):
            told = json.loads(text)
            return Answer(**{**told, "logprobs": tuple(told["logprobs"]), "cached": True})
        return None

    def keep(
        self, key: str, answer: Answer, *, model: str, payer: str, cost: float, seconds: float
    ) -> None:
        """Write an answer to disk before anybody uses it."""
        text, tokens = json.dumps(asdict(answer)), (answer.tokens_in, answer.tokens_out)
        row = (key, model, payer, text, *tokens, cost, seconds)
        self._done("insert or replace into answers values (?, ?, ?, ?, ?, ?, ?, ?)", *row)

    def paid_by(self, payer: str) -> float:
        """The money that a payer has spent so far."""
        ((cost,),) = self._done("select total(cost) from answers where payer = ?", payer)
        return cost

    def totals(self) -> list[Total]:
        """The total of each model."""
        return [Total(*row) for row in self._done(TOTALS)] if self.path.exists() else []

    @contextmanager
    def claimed(self, key: str, wait: Callable[[float], object]) -> Iterator[None]:
        """Keep others from paying for the answer under this key meanwhile.

        The lock ends with the process, however that ends.

        Args:
            key: of the answer.
            wait: sleeps for some seconds, while somebody else has it.
        """
        path = self.path.with_suffix(".locks") / key
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            while (opened := _locked(path)) is None:
                wait(0.02)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(opened)

    @cached_property
    def _file(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = sqlite3.connect(self.path, PATIENCE, isolation_level=None, check_same_thread=False)
        finalize(self, file.close)
        with self.claimed("opening", sleep):  # sqlite would fail, not wait, where two begin a file
            file.execute("pragma journal_mode = wal")
        file.execute("pragma synchronous = full")
        file.execute(TABLE)
        return file

    def _done(self, statement: str, *values: Any) -> list[Any]:
        """The result of a statement, which is on disk when this returns."""
        with self._lock, self._explained():
            return self._file.execute(statement, values).fetchall()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise UserError(
                f"answers cannot be stored in {self.path}, and would be paid for again: {error}; "
                "make room there, remove a damaged file, or set XDG_CACHE_HOME to another folder"
            ) from error


def _locked(path: Path) -> int | None:
    """The file at this path, locked; None while somebody else holds it."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(opened), os.stat(path)):
            return opened
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(opened)  # somebody holds it, or has just removed it
    return None
