r"""Texts as bytes, with any file names in them; nothing here needs torch.

A file's name may contain bytes that are not text, which Python represents as lone surrogates. They
are written as in JSON and Python, \udcff, so that everybody can read the output.
"""

ESCAPED = "backslashreplace"


def in_utf8(text: str) -> bytes:
    """The bytes for a file."""
    return text.encode(errors=ESCAPED)


def printable(text: str, encoding: str) -> str:
    """The text as a terminal of this encoding can show it."""
    return text.encode(encoding, ESCAPED).decode(encoding)
