"""An HTML document that contains everything it shows: no script, no other file, no network."""

from autoal.escape import escaped
from autoal.palette import DARK, LIGHT, variables

# Colours are variables, so that drawings are readable on light and dark.
PALETTE = f"""
:root {{ color-scheme: light dark; --ink: #1c2128; --paper: #fff; --line: #c9d1d9; --quiet: #57606a;
  {variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e6edf3; --paper: #12161c; --line: #3a424c; --quiet: #9aa5b1;
    {variables(DARK)} }} }}
"""
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
p { max-width: 46rem; }
a { color: var(--c0); }
"""

# With this policy, a browser refuses to fetch anything for the page.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def document(title: str, style: str, body: str, reload: int = 0) -> str:
    """The whole document, with a style of its own beside the common one.

    Args:
        title: also its heading.
        style: beside the common one.
        body: below the heading.
        reload: seconds after which a browser loads the file anew; 0: it never does.
    """
    again = f'<meta http-equiv="refresh" content="{reload}">\n' if reload else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"{again}"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{PALETTE}{_STYLE}{style}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escaped(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def scrolling(words: str) -> str:
    """The attributes of a box that scrolls by itself, so that the keyboard can enter it.

    Args:
        words: by which a screen reader calls it.
    """
    return f'tabindex="0" role="group" aria-label="{escaped(words)}"'
