import re
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from autoal import listing, plugins
from autoal.plugins import STRATEGIES
from autoal.query import registry

MARGIN = "autoal.strategies.uncertainty:Margin"
RANDOM = "autoal.strategies.random:Random"
SOURCE = '''
from autoal import QueryStrategy, View


class Silent(QueryStrategy):
    def __init__(self, k: int, name_of: str = "x", deep: bool = False, rate: float | None = None):
        ...

    def score(self, view: View, budget: int) -> None: ...


class Wordy(Silent):
    """The first line (Author, 2020).

    The second paragraph.
    """

    reads = ("probs", "labelled")

    def __init__(self) -> None: ...


class OddDefault(Silent):
    def __init__(self, kind: object = Silent) -> None: ...
'''


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Three made strategies, two that cannot be used, and one of ours."""
    (tmp_path / "made_up.py").write_text(SOURCE)
    (tmp_path / "defective.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "made_up", raising=False)
    offers = {"absent": "nowhere:X", "defective": "defective:X", "margin": MARGIN}
    for name in ("Silent", "Wordy", "OddDefault"):
        offers[name.lower()] = f"made_up:{name}"
    points = EntryPoints(
        EntryPoint(name, value, STRATEGIES.group) for name, value in offers.items()
    )
    monkeypatch.setattr(plugins, "_points", lambda: points)
    monkeypatch.setenv("COLUMNS", "100")
    return monkeypatch


def listed() -> dict[str, list[str]]:
    """The lines of the listing by the name they are beside."""
    found: dict[str, list[str]] = {}
    for line in listing.listing().splitlines():
        if not line.startswith(" "):
            name = line.split()[0]
            line = line.removeprefix(name)
            found[name] = []
        found[name].append(line.strip())
    return found


@pytest.mark.usefixtures("offer")
def test_every_strategy_is_listed_with_meaning_reads_options_and_package() -> None:
    lines = listed()
    assert lines["margin"][0].startswith("Smallest gap between the two most probable classes")
    assert lines["margin"][1].startswith("reads probs | ")
    assert lines["wordy"] == [
        "The first line (Author, 2020).",
        "reads probs, labelled | no options | unknown",
    ]
    told = "strategy.k=(needed) strategy.name_of=x strategy.deep=false strategy.rate=null"
    facts = f"reads not stated | {told} | unknown"
    assert " ".join(lines["silent"]) == f"(says nothing about itself) {facts}"  # wrapped


@pytest.mark.usefixtures("offer")
def test_a_strategy_that_cannot_be_used_is_listed_with_the_reason() -> None:
    lines = {name: " ".join(told) for name, told in listed().items()}
    assert "not usable: strategy 'absent' cannot be loaded from nowhere:X" in lines["absent"]
    assert "'defective' cannot be loaded from defective:X: ZeroDivisionError" in lines["defective"]
    assert "not usable: OddDefault: the default of 'kind'" in lines["odddefault"]


BROKEN = {
    "syntax": ("x = = 1", "SyntaxError: invalid syntax"),
    "absent": ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
    "lacking": ("Other = 1", "has no attribute 'Mine'"),
    "exits": ("import sys; sys.exit(0)", "it ends the process (SystemExit: 0)"),
    "fatal": (
        "class Fatal(BaseException): ...\nraise Fatal('x')",
        "it ends the process (Fatal: x)",
    ),
    "instance": ("Mine = 5", "made_broken:Mine is not a class or function"),
    "function": ("def Mine(): ...", "made_broken:Mine is not a QueryStrategy class"),
    "foreign": ("class Mine: ...", "made_broken:Mine is not a QueryStrategy class"),
    "abstract": (
        "from autoal import QueryStrategy\nclass Mine(QueryStrategy): ...",
        "made_broken:Mine is abstract, it lacks score",
    ),
}
CLASS = """
from autoal import QueryStrategy


class Meta(type(QueryStrategy)):
    def __repr__(cls):
        raise ValueError("unspeakable")

    def __getattr__(cls, name):
        raise ValueError(name)


class Unprintable:
    def __repr__(self):
        raise ValueError("unspeakable")


class Mine(QueryStrategy{meta}):
    reads = {reads}

    def __init__(self{parameters}): ...

    def score(self, view, budget): ...
"""
BROKEN |= {
    name: (CLASS.format(**{"meta": "", "reads": (), "parameters": "", **part}), told)
    for name, part, told in [
        ("text", {"reads": "'probs'"}, "`reads` must be None, or a tuple out of inputs, "),
        ("unknown", {"reads": "('prob',)"}, "got ('prob',)"),
        ("computed", {"reads": "property(lambda self: ())"}, "`reads` must be None, or a tuple"),
        ("rest", {"parameters": ", *rest"}, "(says nothing about itself) reads nothing | no opt"),
        ("object", {"parameters": ", k=QueryStrategy"}, "the default of 'k' must be a number"),
        ("odd", {"parameters": ", k=Unprintable()"}, "got <Unprintable instance at"),
        ("meta", {"meta": ", metaclass=Meta"}, "(says nothing about itself) reads nothing | no o"),
        ("silent", {"reads": "print('hello') or ()"}, "(says nothing about itself) reads nothing"),
    ]
}


@pytest.mark.parametrize(("source", "told"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_plugin_breaks_only_itself(
    offer: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    source: str,
    told: str,
) -> None:
    (tmp_path / "made_broken.py").write_text(source)
    offer.delitem(sys.modules, "made_broken", raising=False)
    offers = {"broken": "made_broken:Mine", "margin": MARGIN, "random": RANDOM}
    points = [EntryPoint(name, value, STRATEGIES.group) for name, value in offers.items()]
    offer.setattr(plugins, "_points", lambda: EntryPoints(points))
    lines = listed()
    assert told in " ".join(lines["broken"])
    assert lines["margin"][0].startswith("Smallest gap")
    assert "random" in registry.untaught()
    usable = "says nothing" in told
    assert listing.main(["broken"]) == (0 if usable else 2)
    assert usable or told in capsys.readouterr().err


@pytest.mark.usefixtures("offer")
def test_the_meanings_stand_in_one_column() -> None:
    lines = listing.listing().splitlines()
    column = len("odddefault") + 2
    assert {len(line) - len(line[column:].lstrip()) for line in lines} == {column}
    assert max(map(len, lines)) <= 100
    assert not [line for line in lines if line != line.rstrip()]


def test_a_narrow_terminal_gets_narrow_lines(offer: pytest.MonkeyPatch) -> None:
    offer.setenv("COLUMNS", "50")
    assert max(map(len, listing.listing().splitlines())) <= 50


def test_nothing_installed_is_nothing_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "_points", EntryPoints)
    assert listing.listing() == ""


@pytest.mark.usefixtures("offer")
def test_one_is_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert listing.main(["wordy"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "wordy",
        "",
        "The first line (Author, 2020).",
        "",
        "The second paragraph.",
        "",
        "reads    probs, labelled",
        "options  none",
        "from     unknown, made_up:Wordy",
    ]


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("margni", "unknown strategy 'margni'; did you mean 'margin'?\n  known: absent, "),
        ("absent", "strategy 'absent' cannot be loaded from nowhere:X"),
        ("odddefault", "the default of 'kind' must be a number"),
    ],
)
def test_what_cannot_be_told_is_one_message(
    name: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listing.main([name]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.startswith("error: ")


def test_it_is_a_command() -> None:
    command = [sys.executable, "-m", "autoal.strategies", "random"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Every row of the pool with equal probability." in done.stdout


UNDRAWN = ("active_llm",)  # it reads texts, and pictures are of points
PAGE = Path(__file__).resolve().parent.parent / "docs" / "strategies.md"


def test_the_page_tells_of_every_strategy() -> None:
    own = [name for name in STRATEGIES.installed() if STRATEGIES.origin(name).startswith("autoal ")]
    assert sorted(re.findall(r"^### (\w+)$", PAGE.read_text(), re.MULTILINE)) == own
    pictures = sorted(path.stem for path in (PAGE.parent / "strategies").glob("*.png"))
    assert pictures == [name for name in own if name not in UNDRAWN]


def test_pictures_are_small_and_no_two_are_the_same() -> None:
    pictures = [path.read_bytes() for path in (PAGE.parent / "strategies").glob("*.png")]
    assert len(set(pictures)) == len(pictures)
    assert max(map(len, pictures)) < 60_000


@pytest.mark.parametrize("name", STRATEGIES.installed())
def test_the_page_tells_what_is_read_and_the_defaults(name: str) -> None:
    section = re.split(r"\n##+ ", PAGE.read_text().partition(f"\n### {name}\n")[2])[0]
    section = " ".join(section.split())
    strategy = registry.load(name)
    reads = ", ".join(f"`{name}`" for name in strategy.reads or ())
    assert f"Reads {reads or 'nothing'}{':' if 'validation' in reads else '.'}" in section
    options = ", ".join(f"`{option}`" for option in listing.options(strategy))
    assert (f"Options: {options}." if options else "No options.") in section
    picture = f"![picks of {name}](strategies/{name}.png)"
    assert (picture in section) == (name not in UNDRAWN)
