"""Names that tell apart what shares one."""

from autoal.report.naming import learner_name, tell_apart, with_learners
from autoal.settings import Settings

EDIT: Settings = {"growth._target_": "autoal.growth.edit.Edit", "growth.tries": 3}
NONE: Settings = {"growth": {}}


def test_names_of_their_own_stay() -> None:
    assert tell_apart(["a", "b"], [{"seed": 1}, {"seed": 2}]) == ["a", "b"]


def test_the_options_that_differ_are_told() -> None:
    named = tell_apart(["a", "a"], [{"rate": 1, "size": 2}, {"rate": 3, "size": 2}])
    assert named == ["a (rate=1)", "a (rate=3)"]


def test_of_another_class_the_class_is_told_and_no_option_of_it() -> None:
    assert tell_apart(["a", "a"], [EDIT, NONE]) == ["a (growth=Edit)", "a (growth=none)"]


def test_options_of_a_class_are_told_among_those_that_share_it() -> None:
    more = EDIT | {"growth.tries": 5}
    named = tell_apart(["a", "a", "a"], [EDIT, more, NONE])
    assert named == [
        "a (growth=Edit, growth.tries=3)",
        "a (growth=Edit, growth.tries=5)",
        "a (growth=none)",
    ]


def test_what_a_part_lacks_is_not_told_beside_what_it_is() -> None:
    truth: Settings = {"oracle": "TrueLabels"}
    model: Settings = {
        **{"oracle": "Language", "oracle.human._target_": "autoal.oracles.truth.TrueLabels"},
        **{"oracle.accept": 0.6, "language.model": "small"},
    }
    assert tell_apart(["a", "a"], [truth, model]) == [
        "a (oracle=TrueLabels)",
        "a (oracle=Language, language.model=small)",
    ]


def test_options_that_are_needed_come_before_others() -> None:
    always: Settings = {"added": 1, "also": 2, "more": 3}  # which later runs have
    options: list[Settings] = [{"rate": 1}, {"rate": 2}, {"rate": 1, **always}]
    named = tell_apart(["a"] * 4, [*options, {"rate": 2, **always}])
    assert named == [
        *("a (rate=1)", "a (rate=2)"),
        *("a (added=1, also=2, rate=1)", "a (added=1, also=2, rate=2)"),
    ]


def test_what_cannot_be_told_apart_is_numbered() -> None:
    assert tell_apart(["a", "a"], [{}, {}]) == ["a", "a #2"]


LOGISTIC: Settings = {
    **{"task._target_": "autoal.model.logistic.Logistic", "task.l2": 1.0},
    **{"encoder._target_": "autoal.encoders.patches.Patches"},
}
RESNET: Settings = {
    **{"task._target_": "autoal.model.task.Task"},
    **{"task.network._target_": "autoal.model.networks.ResNet18"},
}


def test_a_learner_is_its_network_or_class_and_its_encoder() -> None:
    assert [learner_name(config) for config in (LOGISTIC, RESNET, {})] == [
        *("logistic on patches", "resnet18", "")
    ]


def test_data_sets_are_named_with_their_learners_where_they_have_several() -> None:
    names, configs = ["a", "a", "b", "c", "c"], [LOGISTIC, RESNET, RESNET, LOGISTIC, LOGISTIC]
    assert with_learners(names, configs) == [
        *("a, logistic on patches", "a, resnet18", "b", "c", "c")
    ]


def test_options_tell_apart_what_the_learner_does_not() -> None:
    configs = [LOGISTIC, {**LOGISTIC, "task.l2": 2.0}, RESNET]
    assert tell_apart(with_learners(["a"] * 3, configs), configs) == [
        "a, logistic on patches (task.l2=1.0)",
        "a, logistic on patches (task.l2=2.0)",
        "a, resnet18",
    ]
