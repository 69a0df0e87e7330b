r"""Texts as bytes, whatever names stand in them; nothing here needs torch.

A file may be called by bytes that are no text, which Python has as lone surrogates. They are
written as JSON and Python write them, \udcff, so that what comes out can be read by everybody.
"""

ESCAPED = "backslashreplace"


def in_utf8(text: str) -> bytes:
    """The content of a file."""
    return text.encode(errors=ESCAPED)


def printable(text: str, encoding: str) -> str:
    """What a terminal of this encoding can show."""
    return text.encode(encoding, ESCAPED).decode(encoding)
