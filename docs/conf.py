"""How Sphinx makes the site: `sphinx-build -W docs site`, by the extra `docs` and no network."""

import gc
import re
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

# All pages live until the end: to look for what could be given up took a sixth of the time.
gc.disable()

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from making import MADE, RESULTS, write_pages  # noqa: E402

import autoal  # noqa: E402

project = "AutoAL"
author = copyright = "The AutoAL authors"
release = version = autoal.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_design"]
exclude_patterns = ["_static"]
templates_path: list[str] = []
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # which would come from elsewhere
nb_execution_mode = "off"  # a test executes the notebooks; they keep what they showed
suppress_warnings = [
    "myst.header",  # a page that is made begins where its source does
    "myst-nb.mime_priority",
]

default_role = "literal"  # docstrings write `names` as Markdown does
autodoc_inherit_docstrings = False  # those of Lightning and torch are told there
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False

html_theme = "pydata_sphinx_theme"
html_title = f"AutoAL {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_copy_source = False
html_show_sphinx = False
html_sidebars: dict[str, list[str]] = {"index": []}
html_theme_options = {
    "logo": {"text": "AutoAL"},
    "header_links_before_dropdown": 8,
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": True,
    "show_nav_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

PAGE = re.compile(r"`docs/([\w-]+)\.md`")
KEPT = r"benchmarks/results/([\w.]+)\.md"
RESULT = re.compile(rf"\]\(\.\./{KEPT}\)|(`{KEPT}`)")
# Sphinx writes long signatures as definitions without terms, which HTML has no such list for.
PARAMETERS = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>")


def _page(found: re.Match[str]) -> str:
    return f"[](/{found[1]}.md)" if (HERE / f"{found[1]}.md").exists() else found[0]


def _result(found: re.Match[str]) -> str:
    name = found[1] or found[3]
    if not (RESULTS / f"{name}.md").exists():
        return found[0]
    return f"{f'[{found[2]}' if found[2] else ''}](/{MADE.name}/results/{name}.md)"


def _linked(app: Sphinx, page: str, source: list[str]) -> None:
    """Let what names a page, or what a benchmark kept, lead there."""
    source[0] = RESULT.sub(_result, PAGE.sub(_page, source[0]))


def _listed(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object) -> None:
    """Let the parameters of long signatures be a plain list."""
    if "body" in context:
        context["body"] = PARAMETERS.sub(_plain_list, context["body"])


def _plain_list(found: re.Match[str]) -> str:
    items = found[1].replace("<dd>", "<li>").replace("</dd>", "</li>")
    return f'<ul class="parameters">\n{items}</ul>'


def setup(app: Sphinx) -> None:
    """Make the pages that follow from the program, then read all of them."""
    app.connect("builder-inited", lambda app: write_pages())
    app.connect("source-read", _linked)
    app.connect("html-page-context", _listed)
