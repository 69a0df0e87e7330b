"""The page of a report: sections of tables, figures, pictures and paragraphs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from autoal.document import document, scrolling
from autoal.escape import escaped
from autoal.report.kept import Query
from autoal.report.pictures import Queried
from autoal.report.svg import STROKES, Figure
from autoal.report.tables import Table


@dataclass(frozen=True)
class Command:
    """A command for a terminal."""

    words: str


@dataclass(frozen=True)
class Statement:
    """A paragraph that begins with its subject."""

    about: str
    words: str


@dataclass(frozen=True)
class Folded:
    """Content that unfolds on request."""

    title: str
    parts: list["Part"]


@dataclass(frozen=True)
class Charts:
    """A figure, and small ones that show the same one by one, if its curves are many."""

    whole: Figure
    each: Sequence[Figure]


Part = (
    Table | Figure | Charts | Queried | Command | Statement | Folded | str
)  # strings are paragraphs


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    parts: list[Part] = field(default_factory=list)

    @property
    def nothing(self) -> str:
        """The reason why it is empty, if a single sentence gives it."""
        alone = self.parts[0] if len(self.parts) == 1 else ""
        return alone if isinstance(alone, str) else ""

    @property
    def tables(self) -> list[Table]:
        """All tables, folded or not."""
        return _tables(self.parts)


def _tables(parts: Sequence[Part]) -> list[Table]:
    found: list[Table] = []
    for part in parts:
        found += _tables(part.parts) if isinstance(part, Folded) else []
        found += [part] if isinstance(part, Table) else []
    return found


_STYLE = """
body { max-width: 1440px; }
.wide { overflow: auto; margin: 1rem 0; }
.table { max-height: 40rem; } .table thead { position: sticky; top: 0; background: var(--paper); }
@media print { .table { max-height: none; } }
table { border-collapse: collapse; font-size: 13px; }
caption, figcaption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .6rem; text-align: left;
  vertical-align: top; }
th { vertical-align: bottom; color: var(--quiet); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
.sentence { min-width: 18rem; }
@media (max-width: 900px) { th, td { padding: .25rem .35rem; } .sentence { min-width: 10rem; } }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: .3rem .8rem;
  border-left: 3px solid var(--line); }
.bold td { font-weight: 600; }
figure { display: inline-block; vertical-align: top; max-width: 100%; margin: .5rem 0 1rem;
  box-sizing: border-box; padding-right: 1.5rem; }
figure .wide { margin: 0; } svg { display: block; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; margin: .5rem 0 1rem; }
.charts figure { margin: 0; padding: 0; }
.chart { display: inline-block; max-width: 100%; vertical-align: top; }
@media (min-width: 1100px) { .chart { width: calc(50% - .25rem); }
  .chart svg { max-width: 100%; height: auto; } }
.each { display: flex; flex-wrap: wrap; gap: .8rem; flex: 1 1 690px; align-content: flex-start; }
@media (max-width: 480px) { .each { flex-basis: 100%; } .each svg { width: 100%; height: auto; } }
/* On a phone, a chart of few curves is whole, and its words stay large enough. */
@media (max-width: 600px) { .chart figure { padding: 0; }
  .chart svg { width: calc(100% - 1.5rem); height: auto; overflow: visible; }
  .chart text { font-size: 16px; } .chart [transform*=rotate] text { font-size: 12px; } }
figure p { max-width: 40rem; margin: .3rem 0; }
.queried { display: block; padding-right: 0; }
details { margin: 1rem 0; } summary { cursor: pointer; color: var(--quiet); }
.pair { display: flex; gap: 1.5rem; flex-wrap: wrap; } .pair > div { flex: 0 1 auto; min-width: 0; }
.pair .wide { margin: 0; max-height: none; } .pair caption { min-width: min(18rem, 80vw); }
.crop { display: block; background-image: var(--picture); }
.pair td { white-space: pre-wrap; unicode-bidi: plaintext; }
.pair td { overflow-wrap: anywhere; vertical-align: middle; }
"""


def page(title: str, sections: Sequence[Section], reload: int = 0) -> str:
    """The whole document, which a browser may reload after this many seconds."""
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
    if isinstance(part, Folded):
        inside = "\n".join(map(_part, part.parts))
        return f"<details><summary>{escaped(part.title)}</summary>\n{inside}\n</details>"
    if isinstance(part, Figure):
        return _figure(part)
    if isinstance(part, Charts):
        each = "".join(figure.svg for figure in part.each)
        if not each:
            return f'<div class="chart">{_figure(part.whole)}</div>'
        return f'<div class="charts">{_figure(part.whole)}<div class="each">{each}</div></div>'
    if isinstance(part, Queried):
        return _queried(part)
    if isinstance(part, Command):
        return f"<pre>{escaped(part.words)}</pre>"
    if isinstance(part, Statement):
        return f"<p><strong>{escaped(part.about)}:</strong> {escaped(part.words)}</p>"
    return f"<p>{escaped(part)}</p>"


def _figure(figure: Figure) -> str:
    caption = f"<figcaption>{escaped(figure.title)}</figcaption>"
    note = f"<p>{escaped(figure.note)}</p>" if figure.note else ""
    box = f'<div class="wide" {scrolling(figure.title)}>{figure.svg}</div>'
    return f"<figure>{caption}<div>{box}{note}</div></figure>"


def _queried(part: Queried) -> str:
    title = escaped(f"{part.setting}, {part.contender} ({part.run})")
    pair = "".join(map(_query, part.queries))
    return (
        f'<figure class="queried"><figcaption>{title}</figcaption>'
        f'<div class="pair">{pair}</div></figure>'
    )


def _query(query: Query) -> str:
    picture = f' style="--picture:url({query.picture})"' if query.picture else ""
    return f"<div{picture}>{query.rows.html()}</div>"
