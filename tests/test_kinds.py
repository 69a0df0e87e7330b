from collections.abc import Callable, Mapping, Sequence
from math import inf, nan
from pathlib import Path
from typing import Any, Optional

import pytest

from autoal.errors import UserError
from autoal.kinds import demand_kinds_of, fits, words


@pytest.mark.parametrize(
    ("kind", "taken", "refused", "said"),
    [
        (int, [0, -3], [1.5, True, "3", None], "a whole number"),
        (float, [1, 0.5], [True, "x", None], "a number"),
        (bool, [True], [1, "true"], "true or false"),
        (str, ["", "x"], [3, None], "a text"),
        (float | None, [1, None], ["x", []], "a number or null"),
        (Optional[int], [1, None], ["x", 1.5], "a whole number or null"),  # noqa: UP045
        (list[str], [[], ["a"], ("a",)], ["a", [1], {}], "a list of texts"),
        (list[str | int] | None, [["a", 1]], [[0.5]], "a list of texts or whole numbers or null"),
        (Sequence[int], [[1], (2, 3)], [["x"], [True]], "a list of whole numbers"),
        (tuple[int, ...], [[1, 2]], [[1, "x"]], "a list of whole numbers"),
        (dict[str, float], [{}, {"a": 1}], [[], {"a": "x"}], "options that are numbers"),
        (Mapping[str, Mapping[str, Any] | None], [{"a": {}, "b": None}], [{"a": 3}], "options"),
        (dict, [{"a": "x"}], ["x"], "options"),
        (Any, [1, "x", None, []], [], ""),
        (Path, ["x", 3], [], ""),  # what is not known here takes anything
        (Callable[..., int] | None, ["x", 3], [], ""),
        ("int", ["x"], [], ""),  # a name that nobody could resolve
    ],
)
def test_a_value_fits_an_annotation(
    kind: Any, taken: list[Any], refused: list[Any], said: str
) -> None:
    assert all(fits(value, kind) for value in taken)
    assert not any(fits(value, kind) for value in refused)
    assert not refused or words(kind).startswith(said)


class Part:
    def __init__(
        self, delta: float | None = None, shares: dict[str, float] | None = None, **rest: Any
    ) -> None:
        raise NotImplementedError


class Lower(Part):
    def __init__(self, count: int = None, late: "NotThere" = 3, **options: Any) -> None:  # type: ignore[name-defined, assignment]  # noqa: F821, RUF013
        raise NotImplementedError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delta": "x"}, "part.delta='x': must be a number or null"),
        ({"delta": nan}, "part.delta=nan: must be a finite number"),
        ({"shares": {"a": inf}}, "part.shares.a=inf: must be a finite number"),
        ({"shares": {"a": None}}, "part.shares={'a': None}: must be options that are numbers or"),
    ],
)
def test_an_option_of_another_kind_is_refused_by_its_key(
    options: dict[str, Any], message: str
) -> None:
    for target in (Part, Lower):  # which hands it on
        with pytest.raises(UserError) as told:
            demand_kinds_of(target, options, "part")
        assert str(told.value).startswith(message)


def test_what_no_annotation_tells_of_is_taken_as_is_the_default() -> None:
    demand_kinds_of(Lower, {"count": None, "late": "x", "elsewhere": object()}, "part")
    demand_kinds_of(Part, {"delta": None, "shares": {"a": 1, "b": 0.5}}, "part")
