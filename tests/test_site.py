"""The site of docs/: built as strictly as can be, every link followed, every notebook executed."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml

import autoal
import autoal.testing
from tests import accessible
from tests.browser import chromium, opened
from tests.launch import Zygote

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"
LOADED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "object": "data"}
NAME = re.compile(r"^\.\. (?:auto\w+|py:data):: (\S+)$", re.MULTILINE)
FOREIGN = re.compile(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", re.IGNORECASE)


class Page(HTMLParser):
    """The places that can be led to on a page, where it leads, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        elif LOADED.get(tag) in given:
            self.loaded.add(given[LOADED[tag]])


BUILD = "import sphinx.cmd.build, sys; sys.exit(sphinx.cmd.build.main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def site(train: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    built = train.execute(BUILD, "-W", "--keep-going", "-q", str(DOCS), str(out))
    assert built.code == 0, built.err
    return out


PROGRAM = chromium()
# One of each kind: of prose, of tables, of cards, of signatures, of options, of a notebook.
KINDS = (
    *("index", "running", "gallery", "reference/experiments", "made/options/oracle-human"),
    "notebooks/two_moons",
)


@pytest.mark.parametrize("name", KINDS)
def test_a_page_is_sound_html(site: Path, name: str) -> None:
    assert accessible.faults((site / f"{name}.html").read_text("utf-8")) == []


@pytest.mark.skipif(not PROGRAM, reason="no Chromium on PATH or in AUTOAL_CHROMIUM")
def test_a_page_is_read_and_scrolled_by_everybody(site: Path, tmp_path: Path) -> None:
    with opened(str(PROGRAM), tmp_path / "profile") as browser:
        browser.call("Page.enable")
        for name in KINDS:
            assert accessible.barred(browser, (site / f"{name}.html").as_uri()) == []


def test_what_stands_in_angle_brackets_is_no_element(site: Path) -> None:
    told = (site / "made" / "options" / "oracle-human.html").read_text("utf-8")
    assert "oracle.human.&lt;option&gt;" in told


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    found = (path for path in site.rglob("*.html") if "_static" not in path.parts)
    return {path: Page(path) for path in found}


def test_every_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    lost = []
    for path, page in pages.items():
        for link in page.links | page.loaded:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.is_file() or (
                place and target in pages and place not in pages[target].places
            ):
                lost.append(f"{path.name}: {link}")
    assert lost == []


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    loaded = {link for page in pages.values() for link in page.loaded}
    assert [link for link in loaded if urlsplit(link).netloc] == []
    for path in site.rglob("*.css"):
        assert not FOREIGN.search(path.read_text("utf-8")), path


def test_every_public_name_is_in_the_reference_once() -> None:
    told = "".join(path.read_text() for path in (DOCS / "reference").glob("*.md"))
    names = [f"autoal.{name}" for name in autoal.__all__ if name != "__version__"]
    names += [f"autoal.testing.{name}" for name in autoal.testing.__all__]
    assert sorted(NAME.findall(told)) == sorted(names)


def test_every_result_is_in_the_index() -> None:
    told = (DOCS / "measured.md").read_text()
    assert [path.name for path in RESULTS.glob("*.md") if f"/{path.name})" not in told] == []


def test_the_citation_is_of_this_version() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == autoal.__version__


CELLS = """
import sys
import nbformat
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in nbformat.read(sys.argv[1], as_version=4).cells:
    if cell.cell_type == "code":
        shell.run_cell(cell.source).raise_error()
"""


@pytest.mark.parametrize("path", sorted(DOCS.glob("notebooks/*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(train: Zygote, path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert shown, "it shows nothing of what it does"
    assert not [output for output in shown if output.get("name") == "stderr"]
    executed = train.execute(
        CELLS, str(path), MPLBACKEND="module://matplotlib_inline.backend_inline"
    )
    assert (executed.code, executed.err) == (0, "")
