"""Text that nobody vouches for, in its place in a prompt, which it cannot leave."""

from __future__ import annotations

import re
from hashlib import sha256
from unicodedata import category

LONGEST = 8000  # characters of one text that are quoted
CUT = " [cut]"  # ends one that was longer
# What the templates of chats are made of, whichever model: <|im_start|>, <s>, [INST], <<SYS>>,
# <start_of_turn>, <think>, and the headings by which older ones take turns.
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
        text: which may be anything.
        nonce: of this text, or of all that stand in the prompt.
    """
    return f"<<{nonce}>>\n{plain(text)}\n<</{nonce}>>"


def in_a_line(text: str) -> str:
    """A text as one line, whose end it cannot contain."""
    return " ".join(plain(text).split())


def plain(text: str) -> str:
    """A text without signs that nobody sees and without what a template is made of, cut."""
    found = "".join(sign for sign in text if sign in "\n\t" or category(sign)[0] != "C")
    while (less := TEMPLATE.sub("", found)) != found:  # what is taken out may join what is left
        found = less
    return found if len(found) <= LONGEST else found[:LONGEST] + CUT


def nonce_of(*texts: str) -> str:
    """A word that is in none of the texts, and the same whenever they are."""
    whole = "\n".join(map(plain, texts))
    word, turn = "", 0
    while not word or word in whole:
        word = sha256(f"{turn}\n{whole}".encode()).hexdigest()[:12]
        turn += 1
    return word
