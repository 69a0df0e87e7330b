"""Whose code failed: names the plugin or class behind a failure."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import NamedTuple

from autoal.building import TARGET
from autoal.errors import Interrupted, PluginError, UserError, unending
from autoal.plugins import KINDS
from autoal.settings import Settings, flatten


class _Part(NamedTuple):
    """A class or function of somebody else's."""

    title: str
    package: str  # its code counts as the part's
    name: str  # in its module

    def came_with(self, frame: FrameType) -> bool:
        """Whether code of its package runs in this frame."""
        return f"{frame.f_globals.get('__name__')}.".startswith(f"{self.package}.")

    def wrote(self, frame: FrameType) -> bool:
        """Whether its own code runs in this frame."""
        named = f"{frame.f_code.co_qualname}.".startswith(f"{self.name}.")
        return named and self.came_with(frame)


@contextmanager
def blaming(settings: Settings) -> Iterator[None]:
    """Name the part from whose code an exception comes; attempts to end the process count too.

    Args:
        settings: of the run, which name its parts.
    """
    try:
        yield
    except (UserError, Interrupted, KeyboardInterrupt):
        raise
    except BaseException as error:
        who = culprit(error, settings)
        if who is None:
            with unending():
                raise
        failure = PluginError(f"{who} failed: {type(error).__name__}: {error}")
        failure.trace = "".join(traceback.format_exception(error))
        raise failure from error


@contextmanager
def refused(settings: Settings) -> Iterator[None]:
    """Treat a ValueError in this context as the user's: a request that cannot be met."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        who = culprit(error, settings)
        raise UserError(f"{who}: {error}" if who else str(error)) from error


def culprit(error: BaseException, settings: Settings) -> str | None:
    """The plugin, or the class named in the settings, from whose code an exception comes.

    The innermost code of a part's class decides; if there is none, that of a package.
    """
    parts = [*_installed(), *_named(settings)]
    frames = [frame for cause in _causes(error) for frame, _ in traceback.walk_tb(cause)]
    for belongs in (_Part.wrote, _Part.came_with):
        for frame in reversed(frames):
            for part in parts:
                if belongs(part, frame):
                    return part.title
    return None


def _causes(error: BaseException) -> Iterator[TracebackType | None]:
    """The tracebacks of an exception and of its causes, which lie further in."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause.__traceback__
        cause = cause.__cause__


def _installed() -> Iterator[_Part]:
    """Installed plugins that are not ours."""
    for kind in KINDS:
        for name, point in kind.installed().items():
            package = point.module.partition(".")[0]
            if package != "autoal":
                yield _Part(f"{kind.noun} {name!r} of {kind.origin(name)}", package, point.attr)


def _named(settings: Settings) -> Iterator[_Part]:
    """Classes named in the settings that are not ours."""
    for key, target in flatten(settings).items():
        section, _, last = key.rpartition(".")
        if last == TARGET and not str(target).startswith("autoal."):
            module, _, name = str(target).rpartition(".")
            yield _Part(f"{section} {target!r}", module, name)
