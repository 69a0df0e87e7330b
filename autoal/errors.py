"""Errors that the user can fix: one message, one exit code, no traceback."""

import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import wraps
from typing import Protocol


class Command(Protocol):
    """Turns its arguments, by default those of the command line, into an exit code."""

    def __call__(self, arguments: Sequence[str] | None = None, /) -> int: ...


class UserError(ValueError):
    """A request that cannot be met; its text says what came and what to do."""

    code = 2  # exit code of the command
    shown = False  # a sweep shows it when the job fails, and must not show it again at its end


class Waiting(UserError):  # noqa: N818  # it says that something is to come, not that it failed
    """Answers are awaited from outside; the same command goes on once they are there."""

    code = 75  # EX_TEMPFAIL of sysexits.h: try again later


class PluginError(UserError):
    """Somebody else's code failed, which its author can fix."""

    code = 1
    trace = ""  # of the exception from it


class Interrupted(BaseException):
    """Ctrl-C, SIGTERM or a cluster's warning.

    Not a KeyboardInterrupt, which Lightning would swallow.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)


def until_unread(main: Command) -> Command:
    """Let a command end as Unix programs do if the reader of its output goes, as `head` does."""

    @wraps(main)
    def ended(arguments: Sequence[str] | None = None) -> int:
        try:
            try:
                return main(arguments)
            finally:
                sys.stdout.flush()  # here, since nobody could catch what fails at exit
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for stream in (sys.stdout, sys.stderr):
                os.dup2(nowhere, stream.fileno())
            return 128 + signal.SIGPIPE

    return ended


@contextmanager
def unending() -> Iterator[None]:
    """Turn attempts to end the process, such as sys.exit, into ordinary errors; not Ctrl-C."""
    try:
        yield
    except (Exception, Interrupted, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise RuntimeError(f"it ends the process ({type(error).__name__}: {error})") from error


@contextmanager
def about(source: object) -> Iterator[None]:
    """Begin an error's message with its subject, such as a file."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{source}: {error}") from error


def diverged(what: str) -> UserError:
    """The error for a network's NaN or infinite numbers."""
    why = "(NaN or infinite): its training diverged, which a lower task.learning_rate may prevent"
    return UserError(f"the network's {what} not finite {why}")


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for an unknown name, with the nearest known one."""
    choices = sorted(known)
    # Whoever forgets the end of a word remembers its beginning: most stands for majority.
    alike = [choice for choice in choices if choice[:1] == name[:1]]
    near = get_close_matches(name, choices, n=1) or get_close_matches(name, alike, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return UserError(f"unknown {kind} {name!r}{hint}\n  known: {', '.join(choices) or 'none'}")
