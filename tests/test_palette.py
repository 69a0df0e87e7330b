"""Colours of strategies."""

from autoal.document import PALETTE
from autoal.palette import COLOURS, DARK, GREY, LIGHT, colour, dash, ink, places


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


def test_style_sheets_have_the_colours_that_stand_alone() -> None:
    assert ink("margin") == ink("margin (steps=2)") == LIGHT[1]
    for place, (light, dark) in enumerate(zip(LIGHT, DARK, strict=True)):
        assert PALETTE.index(f"--c{place}: {light};") < PALETTE.index(f"--c{place}: {dark};")
