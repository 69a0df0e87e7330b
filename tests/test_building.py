from fractions import Fraction
from functools import partial

import pytest

from autoal.building import accepted, build, demand_class, demand_trusted, located
from autoal.errors import UserError
from autoal.model.networks import MLP


def test_build_makes_what_a_target_names() -> None:
    section = {"_target_": "fractions.Fraction", "numerator": 2}
    assert build(section) == 2
    assert build(section, denominator=3) == Fraction(2, 3)


def test_facts_are_filled_in_only_where_there_is_a_parameter_for_them() -> None:
    assert build({"_target_": "fractions.Fraction"}, numerator=2, colour="red") == 2
    # A class that tells nothing of its parameters is given its options alone.
    assert build({"_target_": "datetime.timedelta", "days": 2}, hours=3).total_seconds() == 172800


def test_an_option_goes_before_a_fact() -> None:
    assert build({"_target_": "fractions.Fraction", "numerator": 2}, numerator=5) == 2


def test_a_section_inside_becomes_what_builds_the_object() -> None:
    network = {"_target_": "autoal.model.networks.MLP", "hidden": [3]}
    built = build({"_target_": "types.SimpleNamespace", "network": network, "other": {"a": 1}})
    assert isinstance(built.network, partial)
    assert (built.network.func, built.network.keywords) == (MLP, {"hidden": [3]})
    assert built.other == {"a": 1}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("datetime.timedeltas", "there is no datetime.timedeltas.*: datetime lacks timedeltas"),
        ("no_such_package.Thing", "there is no no_such_package.Thing"),
        ("autoal.nothing.Thing", "there is no autoal.nothing.Thing.*: autoal lacks nothing"),
        ("autoal.UNKNOWN", "there is no autoal.UNKNOWN"),
        ("autoal.data.rows.UNKNOWN", "is not a class or function"),
        ("Thing", "there is no Thing"),
        ("autoal.cycle.plan.Plan", "autoal.cycle.plan.Plan: `start` must be at least 1, got 0"),
        ("autoal.cycle.plan.Plam", "there is no autoal.cycle.plan.Plam"),
    ],
)
def test_build_refuses_what_cannot_be(target: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build({"_target_": target}, start=0, budget=1, rounds=1)


def test_a_class_of_another_kind_is_refused_before_it_is_called() -> None:
    demand_class({"_target_": "fractions.Fraction"}, "part", int, Fraction)
    for name in ("os.mkdir", "pathlib.Path"):
        with pytest.raises(UserError, match=f"part: {name} is not a class of the kind Fraction"):
            demand_class({"_target_": name, "path": "made"}, "part", Fraction)


@pytest.mark.parametrize("name", ["autoal.not.Yet", "fractions.Fraction", "mine.inner.Thing"])
def test_code_of_known_origin_may_be_imported(name: str) -> None:
    demand_trusted({"_target_": name, "inner": {"_target_": name}}, "part", ["mine"])


@pytest.mark.parametrize("name", ["antigravity.Thing", "fractions.inner.Thing", "mined.Thing", 5])
def test_code_of_unknown_origin_may_not(name: object) -> None:
    with pytest.raises(UserError, match=rf"part\.inner: {name} belongs to neither AutoAL nor"):
        demand_trusted({"a": 1, "inner": {"_target_": name}}, "part", ["mine"])


def test_a_module_that_lacks_what_it_needs_is_told_apart_from_one_that_is_not_there(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "made_needy.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(folder)
    with pytest.raises(UserError, match=r"made_needy cannot be imported: .*no_such_dependency"):
        located("made_needy.Thing")


def test_a_defect_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        build({"_target_": "fractions.Fraction", "numerator": 1, "denominator": 0})


def test_what_a_builder_accepts_is_told_by_its_parameters() -> None:
    assert accepted(MLP, {"shape": (1,), "classes": 2, "labels": None}) == {
        "shape": (1,),
        "classes": 2,
    }
