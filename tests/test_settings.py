from inspect import Parameter
from typing import Any

import pytest

from autoal.errors import UserError
from autoal.settings import (
    completed,
    demand_keys,
    demand_kind,
    demand_kinds,
    differences,
    flatten,
    unknown_key,
)
from tests.changed import changed, defaults


def test_flatten_gives_the_leaves_by_their_dotted_keys() -> None:
    assert flatten({"a": 1, "b": {"c": [2], "d": {"e": None}}, "f": {}}) == {
        "a": 1,
        "b.c": [2],
        "b.d.e": None,
        "f": {},
    }


def test_differences_are_the_leaves_that_changed_came_or_went() -> None:
    before = {"a": 1, "b": {"c": 2, "d": 3}}
    after = {"a": 1, "b": {"c": 4, "e": None}}
    assert differences(before, after) == {
        "b.c": (2, 4),
        "b.d": (3, "nothing"),
        "b.e": ("nothing", None),
    }
    assert differences(before, before) == {}


def test_the_defaults_and_changes_of_their_kind_are_taken() -> None:
    settings = changed(seed=3, task__learning_rate=1, task__network__hidden=[8, 8], name="mine")
    demand_keys(settings, defaults())
    demand_kinds(settings, defaults())
    demand_keys(defaults(), defaults())
    demand_kinds(defaults(), defaults())


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("bugdet", "unknown option 'bugdet'; did you mean 'budget'?"),
        ("task__lerning_rate", "'lerning_rate'; did you mean 'learning_rate'?"),
        ("task__network__dropuot", "'dropuot'; did you mean 'dropout'?"),
    ],
)
def test_an_unknown_key_is_told_the_nearest(key: str, message: str) -> None:
    with pytest.raises(UserError) as told:
        demand_keys(changed(**{key: 1}), defaults())
    assert message in str(told.value)


def test_the_class_of_a_section_is_not_offered_as_an_option() -> None:
    known = ["task._target_", "task.steps", "task.network._target_", "task.network.dropout"]
    assert str(unknown_key("task.nonsense", known)).endswith("known: network, steps")
    assert str(unknown_key("task.network.width", known)).endswith("known: dropout")


def test_an_unknown_key_is_told_the_names_beside_it_only() -> None:
    known = flatten(defaults())
    assert str(unknown_key("task.network.width", known)).endswith("known: dropout, hidden")
    assert str(unknown_key("task.netwrok.width", known)).endswith("known: learning_rate, network")
    assert "did you mean 'network'" in str(unknown_key("task.netwrok.width", known))
    assert "option of 'task'" in str(unknown_key("task.netwrok.width", known))
    top = str(unknown_key("tsak.network.width", known))
    assert "did you mean 'task'" in top
    assert "dropout" not in top


@pytest.mark.parametrize(
    ("key", "value", "known"),
    [
        ("task__network", 5, "network"),
        ("task__network", None, "network"),
        ("seed", {"x": 1}, "seed"),
    ],
)
def test_a_value_in_place_of_a_section_is_not_called_unknown(
    key: str, value: Any, known: str
) -> None:
    with pytest.raises(UserError) as told:
        demand_keys(changed(**{key: value}), defaults())
    assert f"did you mean {known!r}" not in str(told.value)


def test_a_missing_key_is_refused() -> None:
    settings = defaults()
    del settings["task"]["network"]["dropout"]
    with pytest.raises(UserError, match=r"'task.network.dropout' is missing"):
        demand_keys(settings, defaults())


@pytest.mark.parametrize(
    ("value", "default", "wanted"),
    [
        ("many", 10, "a whole number"),
        (2.5, 10, "a whole number"),
        (True, 10, "a whole number"),
        (None, 10, "a whole number"),
        ("fast", 0.1, "a number"),
        (False, 0.1, "a number"),
        (1, False, "true or false"),
        ("yes", False, "true or false"),
        (3, "sgd", "a text"),
        (256, [256], "a list"),
        ("256", (256,), "a list"),
    ],
)
def test_a_value_of_another_kind_is_refused(value: Any, default: Any, wanted: str) -> None:
    with pytest.raises(UserError) as told:
        demand_kind("task.key", value, default)
    shown = "null" if value is None else repr(value)
    assert str(told.value).startswith(f"task.key={shown}: must be {wanted}")
    assert repr(default) in str(told.value)


@pytest.mark.parametrize(
    ("value", "default"),
    [
        (3, 10),
        (1, 0.1),
        (0.5, 0.1),
        (True, False),
        ("adam", "sgd"),
        ([1, 2], [3]),
        ([1, 2], (3,)),
        ((1, 2), (3,)),
        ("anything", None),
        (True, None),
        ([5], None),
        ("anything", Parameter.empty),
    ],
)
def test_a_value_of_the_same_kind_is_taken(value: Any, default: Any) -> None:
    demand_kind("key", value, default)
    demand_kinds({"section": {"key": value}}, {"section": {"key": default}, "rest": 1})


def test_a_wrong_kind_is_found_deep_in_the_settings() -> None:
    with pytest.raises(UserError, match=r"task.network.dropout='much': must be a number"):
        demand_kinds(changed(task__network__dropout="much"), defaults())


def test_options_are_completed_by_their_defaults() -> None:
    options = {"k": Parameter.empty, "scale": 0.5, "widths": (1, 2)}
    complete = completed({"k": 3}, options, "strategy 'density'")
    assert complete == {"k": 3, "scale": 0.5, "widths": [1, 2]}
    assert completed({}, {}, "strategy 'random'") == {}


def test_a_required_option_must_be_given() -> None:
    with pytest.raises(UserError, match=r"strategy 'density' needs the option 'k'.*strategy\.k="):
        completed({}, {"k": Parameter.empty}, "strategy 'density'")


def test_an_unknown_option_is_told_the_nearest() -> None:
    with pytest.raises(UserError, match=r"strategy 'density'.* 'sclae'; did you mean 'scale'"):
        completed({"sclae": 1}, {"scale": 0.5, "k": 3}, "strategy 'density'")


def test_an_option_of_another_kind_is_refused() -> None:
    with pytest.raises(UserError, match=r"strategy\.k=2\.5: must be a whole number"):
        completed({"k": 2.5}, {"k": 3}, "strategy 'density'")


NESTED = {"road": "implicit", "unroll": {"steps": 3, "rate": 0.1}, "open": {}}


def test_a_group_of_options_is_completed_and_checked_like_the_others() -> None:
    complete = completed({"unroll": {"steps": 5}, "open": {"a": 1}}, NESTED, "strategy 'x'")
    assert complete == {
        "road": "implicit",
        "unroll": {"steps": 5, "rate": 0.1},
        "open": {"a": 1},
    }
    for given, message in (
        ({"stpes": 5}, "unknown option of strategy 'x', unroll: 'stpes'; did you mean 'steps'?"),
        ({"steps": 1.5}, r"strategy\.unroll\.steps=1\.5: must be a whole number"),
    ):
        with pytest.raises(UserError, match=message):
            completed({"unroll": given}, NESTED, "strategy 'x'")
    with pytest.raises(UserError, match=r"strategy\.unroll=5: must be options"):
        completed({"unroll": 5}, NESTED, "strategy 'x'")


@pytest.mark.parametrize(
    ("key", "spelling"),
    [
        ("labeler", "oracle="),
        ("task.backbone", "encoder=<name>"),
        ("task.backbones.patches.count", "encoder.<option>="),
    ],
)
def test_an_option_that_has_moved_is_told_its_new_name(key: str, spelling: str) -> None:
    assert f"{key} was renamed: give {spelling}" in str(unknown_key(key, ["task.steps"]))


def test_a_strategys_option_that_has_moved_is_told_its_new_name() -> None:
    with pytest.raises(UserError, match=r"strategy\.objective was renamed"):
        completed({"objective": "paper"}, NESTED, "strategy 'autoal'")
