"""Errors that the user can put right: one message, one exit code, no traceback."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class UserError(ValueError):
    """A request that cannot be met; its text says what came and what would do."""

    code = 2  # with which the command ends
    shown = False  # a sweep shows it when the job fails, and must not show it again at its end


class Waiting(UserError):  # noqa: N818  # it says that something is to come, not that it failed
    """Answers are awaited from outside; the same command goes on once they are there."""

    code = 75  # EX_TEMPFAIL of sysexits.h: try again later


@contextmanager
def about(source: object) -> Iterator[None]:
    """Begin an error's message with what it is about, such as a file."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{source}: {error}") from error


def diverged(what: str) -> UserError:
    """The error for numbers of a network that are NaN or infinite."""
    why = "(NaN or infinite): its training diverged, which a lower task.learning_rate may prevent"
    return UserError(f"the network's {what} not finite {why}")


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not among the known ones, with the nearest of them."""
    choices = sorted(known)
    near = get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return UserError(f"unknown {kind} {name!r}{hint}\n  known: {', '.join(choices) or 'none'}")
