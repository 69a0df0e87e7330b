"""Colours of strategies."""

from autoal.document import PALETTE
from autoal.palette import DARK, DASHES, GREY, LIGHT, colour, dash, ink, places


def test_a_strategy_has_the_same_colour_whoever_is_beside_it() -> None:
    few, many = places(["margin", "random"]), places(["random", "badge", "margin", "autoal"])
    assert {name: many[name] for name in few} == few
    assert colour(few["random"]) == f"var(--c{GREY})"


def test_colours_do_not_depend_on_how_many_there_are() -> None:
    many = [f"plugin{number}" for number in range(60)]
    found, alone = places(many), {name: places([name])[name] for name in many}
    assert {name: colour(found[name]) for name in many} == {
        name: colour(alone[name]) for name in many
    }
    assert len(set(found.values())) == 60


def test_variants_share_a_colour_and_differ_in_dashes() -> None:
    found = places(["autoal", *(f"autoal (steps={steps})" for steps in range(1, 6))])
    assert {colour(place) for place in found.values()} == {"var(--c0)"}
    assert len({dash(place) for place in found.values()}) == len(DASHES) == 6
    assert found["autoal"] == 0


def test_style_sheets_have_the_colours_that_stand_alone() -> None:
    assert ink("margin") == ink("margin (steps=2)") == LIGHT[1]
    for place, (light, dark) in enumerate(zip(LIGHT, DARK, strict=True)):
        assert PALETTE.index(f"--c{place}: {light};") < PALETTE.index(f"--c{place}: {dark};")
