"""The page of a report: sections of tables, figures, pictures and paragraphs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from autoal.document import document, scrolling
from autoal.escape import escaped
from autoal.report.pictures import Queried, Shown
from autoal.report.svg import STROKES, Figure
from autoal.report.tables import Table


@dataclass(frozen=True)
class Command:
    """What somebody may type into a terminal."""

    words: str


@dataclass(frozen=True)
class Statement:
    """A paragraph of which the beginning says what it is about."""

    about: str
    words: str


Part = Table | Figure | Queried | Command | Statement | str  # a text is a paragraph


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    parts: list[Part] = field(default_factory=list)


_STYLE = """
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 13px; }
caption, figcaption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .6rem; text-align: left;
  vertical-align: top; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: .3rem .8rem;
  border-left: 3px solid var(--line); }
.bold td { font-weight: 600; }
figure { margin: 1rem 0; } figure .wide { margin: 0; }
.pair { display: flex; gap: 1rem; flex-wrap: wrap; } .pair img { max-width: 100%; }
.pair .wide { flex: 1 1 24rem; min-width: 0; margin: 0; }
.pair td { white-space: pre-wrap; unicode-bidi: plaintext; }
.pair td:not(:last-child) { overflow-wrap: anywhere; }
"""


def page(title: str, sections: Sequence[Section], reload: int = 0) -> str:
    """The whole document, which a browser may load anew after so many seconds."""
    links = " · ".join(
        f'<a href="#part-{number}">{escaped(section.title)}</a>'
        for number, section in enumerate(sections)
    )
    body = "\n".join(_section(number, section) for number, section in enumerate(sections))
    return document(title, STROKES + _STYLE, f"<nav>{links}</nav>\n{body}", reload)


def _section(number: int, section: Section) -> str:
    parts = "\n".join(map(_part, section.parts))
    return f'<section id="part-{number}">\n<h2>{escaped(section.title)}</h2>\n{parts}\n</section>'


def _part(part: Part) -> str:
    if isinstance(part, Table):
        return part.html()
    if isinstance(part, Figure):
        box = f'<div class="wide" {scrolling(part.title)}>{part.svg}</div>'
        return f"<figure><figcaption>{escaped(part.title)}</figcaption>{box}</figure>"
    if isinstance(part, Queried):
        return _queried(part)
    if isinstance(part, Command):
        return f"<pre>{escaped(part.words)}</pre>"
    if isinstance(part, Statement):
        return f"<p><strong>{escaped(part.about)}:</strong> {escaped(part.words)}</p>"
    return f"<p>{escaped(part)}</p>"


def _queried(part: Queried) -> str:
    title = escaped(f"{part.setting}, {part.contender} ({part.run})")
    pair = _shown(part, "first", part.first) + _shown(part, "last", part.last)
    return f'<figure><figcaption>{title}</figcaption><div class="pair">{pair}</div></figure>'


def _shown(part: Queried, when: str, shown: Shown) -> str:
    if isinstance(shown, Table):
        return shown.html()
    words = escaped(f"{part.contender}: {when} query")
    return f'<div><img src="{shown}" alt="{words}"><br>{when} query</div>'
