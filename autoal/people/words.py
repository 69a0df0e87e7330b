"""The words that people write for a class, or to decline a row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches

from autoal.errors import UserError
from autoal.people.events import DECLINED, LABEL
from autoal.people.spreadsheet import cell


class Words:
    """The words with a meaning in the place of a class.

    A class goes by its name, ignoring case if that is unambiguous. If a class has the name of a
    declining word, the class is meant.

    Args:
        classes: of the data set, in its order.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        folded = Counter(name.casefold() for name in classes)
        self.classes = classes
        self.declining = [word for word in DECLINED if word not in folded]
        self._classes = {
            **{name.casefold(): name for name in classes if folded[name.casefold()] == 1},
            **{cell(name).strip(): name for name in classes},
            **{name.strip(): name for name in classes},
        }

    def meaning(self, text: str) -> tuple[str, str | None]:
        """The kind of answer in a text, and the class that it names."""
        for form in (text, text.casefold(), re.sub(r"\.0+$", "", text)):  # programs write 3 as 3.0
            if form in self._classes:
                return LABEL, self._classes[form]
        if text.casefold() in self.declining:
            return text.casefold(), None
        raise UserError(f"{text!r} is not one of the classes{self._hint(text)}")

    def choices(self) -> str:
        """All words, for a message."""
        classes = ", ".join(self.classes)
        if not self.declining:
            return classes
        return f"{classes}, or {' or '.join(self.declining)} to set a row aside"

    def _hint(self, text: str) -> str:
        if text.isdecimal():
            return ", which go by their names"
        near = get_close_matches(text.casefold(), [name.casefold() for name in self._classes], n=1)
        return f"; did you mean {self._classes[near[0]]!r}?" if near else ""
