"""Untrusted text, confined to its place in a prompt."""

from __future__ import annotations

import re
from hashlib import sha256
from unicodedata import category

LONGEST = 8000  # characters of one text to quote
CUT = " [cut]"  # marks a longer one
# Pieces of the chat templates of any model: <|im_start|>, <s>, [INST], <<SYS>>, <start_of_turn>,
# <think>, and the headings that separate turns in older ones.
TEMPLATE = re.compile(
    r"""
    <[|\uff5c][^<>\n]{0,60}[|\uff5c]>  # ChatML, Llama 3, Phi, DeepSeek
    | <\|?/?(?:start|end)_of_\w{1,20}\|?>  # Gemma
    | </?(?:s|bos|eos|pad|unk|sep|cls|mask|think|tool_call|tool_response|tools)>
    | <</?SYS>>  # Llama 2
    | \[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|CLS|SEP|MASK|PAD|UNK)\]
    | \#{2,}\s*(?:system|user|human|assistant|instruction|input|response)\s*:  # Alpaca, Vicuna
    """,
    re.IGNORECASE | re.VERBOSE,
)


def quoted(text: str, nonce: str) -> str:
    """A text between two marks that it cannot contain.

    Args:
        text: any text.
        nonce: of this text, or of all texts in the prompt.
    """
    return f"<<{nonce}>>\n{plain(text)}\n<</{nonce}>>"


def in_a_line(text: str) -> str:
    """A text as one line, whose end it cannot contain."""
    return " ".join(plain(text).split())


def plain(text: str) -> str:
    """A text without invisible characters and template pieces, cut."""
    found = "".join(sign for sign in text if sign in "\n\t" or category(sign)[0] != "C")
    while (less := TEMPLATE.sub("", found)) != found:  # a removal may form a new piece
        found = less
    return found if len(found) <= LONGEST else found[:LONGEST] + CUT


def nonce_of(*texts: str) -> str:
    """A word that occurs in none of the texts, always the same for the same texts."""
    whole = "\n".join(map(plain, texts))
    word, turn = "", 0
    while not word or word in whole:
        word = sha256(f"{turn}\n{whole}".encode()).hexdigest()[:12]
        turn += 1
    return word
