from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import ModuleType

import pytest

from autoal import plugins
from autoal.blame import blaming, culprit, refused
from autoal.errors import Interrupted, PluginError, UserError

SOURCE = """
def divided(number):
    return number / 0


class Outer:
    def __call__(self, call):
        return call()


class Inner:
    def __call__(self):
        return divided(1)

    def later(self):
        return lambda: divided(1)
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module, two of whose classes are plugins."""
    offers = [("autoal.oracles", "outer", "made_to_fail:Outer")]
    offers += [("autoal.strategies", "inner", "made_to_fail:Inner")]
    points = EntryPoints(EntryPoint(name, value, group) for group, name, value in offers)
    monkeypatch.setattr(plugins, "_points", lambda: points)
    module = ModuleType("made_to_fail")
    exec(compile(SOURCE, "made_to_fail.py", "exec"), module.__dict__)
    return module


def raised(call: object) -> BaseException:
    assert callable(call)
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def test_the_innermost_class_that_is_a_part_is_the_culprit(made: ModuleType) -> None:
    inner, outer = made.Inner(), made.Outer()
    nested, alone = raised(lambda: outer(inner)), raised(lambda: outer(lambda: 1 / 0))
    assert culprit(nested, {}) == "strategy 'inner' of unknown"
    assert culprit(raised(inner.later()), {}) == "strategy 'inner' of unknown"
    assert culprit(alone, {}) == "oracle 'outer' of unknown"


def test_a_class_that_the_settings_name_may_be_the_culprit(made: ModuleType) -> None:
    error = raised(lambda: Own().fail())
    settings = {"task": {"_target_": f"{__name__}.Own", "rate": 0.5}}
    assert culprit(error, settings) == f"task '{__name__}.Own'"
    assert culprit(error, {"task": {"_target_": "autoal.data.arrays.Arrays"}}) is None


class Own:
    def fail(self) -> None:
        raise KeyError("x")


def test_code_of_a_package_alone_tells_the_package(made: ModuleType) -> None:
    assert culprit(raised(lambda: made.divided(1)), {}) == "strategy 'inner' of unknown"


def test_what_led_to_a_failure_tells_too(made: ModuleType) -> None:
    def stops() -> Iterator[int]:
        made.Outer()(lambda: next(iter(())))
        yield 1

    error = raised(lambda: list(stops()))  # in whose own frames nobody is
    assert isinstance(error, RuntimeError)
    assert culprit(error, {}) == "oracle 'outer' of unknown"


def test_what_fails_elsewhere_is_nobodys(made: ModuleType) -> None:
    assert culprit(raised(lambda: 1 / 0), {}) is None


def test_a_failure_is_told_with_its_trace(made: ModuleType) -> None:
    told = "strategy 'inner' of unknown failed: ZeroDivisionError: division by zero"
    with pytest.raises(PluginError, match=told) as failed, blaming({}):
        made.Inner()()
    assert "in divided" in failed.value.trace
    assert failed.value.code == 1


@pytest.mark.parametrize("stop", [Interrupted(2), KeyboardInterrupt(), UserError("no room")])
def test_a_stop_and_a_refusal_are_no_failures(stop: BaseException) -> None:
    with pytest.raises(type(stop)) as passed, blaming({}):
        raise stop
    assert passed.value is stop


def test_what_ends_the_process_is_an_error_whoever_did_it() -> None:
    with pytest.raises(RuntimeError, match=r"it ends the process \(SystemExit: 0\)"), blaming({}):
        raise SystemExit(0)


def test_a_value_error_in_a_refusal_is_the_users(made: ModuleType) -> None:
    with pytest.raises(UserError, match=r"^too few$"), refused({}):
        raise ValueError("too few")

    def fail() -> None:
        raise ValueError("too few")

    with pytest.raises(UserError, match=r"^oracle 'outer' of unknown: too few$"), refused({}):
        made.Outer()(fail)
