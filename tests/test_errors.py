import pytest

from autoal.errors import UserError, Waiting, unknown


def test_an_unknown_name_is_told_with_the_nearest_and_all_known_ones() -> None:
    error = unknown("strategy", "margn", ["random", "margin", "entropy"])
    assert str(error) == (
        "unknown strategy 'margn'; did you mean 'margin'?\n  known: entropy, margin, random"
    )


def test_a_name_that_begins_alike_needs_less_in_common() -> None:
    names = ["majority", "one_coin", "seed"]
    assert "; did you mean 'majority'?" in str(unknown("consensus", "most", names))
    assert "did you mean" not in str(unknown("option", "nonsense", names))


def test_a_name_that_is_near_to_none_gets_no_guess() -> None:
    error = unknown("strategy", "zzz", ["margin", "random"])
    assert str(error) == "unknown strategy 'zzz'\n  known: margin, random"


def test_where_nothing_is_known_it_says_so() -> None:
    assert str(unknown("strategy", "margin", [])) == "unknown strategy 'margin'\n  known: none"


def test_a_user_error_is_a_value_error_that_was_not_shown_yet() -> None:
    with pytest.raises(ValueError, match="why") as caught:
        raise UserError("why")
    assert isinstance(caught.value, UserError)
    assert not caught.value.shown


def test_waiting_for_answers_ends_a_command_otherwise_than_a_refusal() -> None:
    assert UserError("why").code == 2
    assert Waiting("for labels").code == 75
    assert isinstance(Waiting("for labels"), UserError)
