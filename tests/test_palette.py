"""Colours of strategies."""

from autoal.palette import COLOURS, GREY, colour, dash, places


def test_a_strategy_has_the_same_colour_whoever_is_beside_it() -> None:
    few, many = places(["margin", "random"]), places(["random", "badge", "margin", "autoal"])
    assert {name: many[name] for name in few} == few
    assert colour(few["random"]) == f"var(--c{GREY})"


def test_no_two_look_the_same_while_there_are_dashes_left() -> None:
    found = places([f"plugin{number}" for number in range(28)] + ["autoal", "random"])
    looks = {(colour(place), dash(place)) for place in found.values()}
    assert len(looks) == 30


def test_variants_share_a_colour_and_differ_in_dashes() -> None:
    found = places(["autoal (steps=0)", "autoal (steps=9)", "autoal"])
    assert {colour(place) for place in found.values()} == {"var(--c0)"}
    assert len({dash(place) for place in found.values()}) == 3
    assert found["autoal"] == 0


def test_any_number_of_names_has_a_place() -> None:
    found = places(map(str, range(100)))
    assert sorted(found.values()) == [*range(100)]
    assert COLOURS * 4 < 100
