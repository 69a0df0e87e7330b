"""A key for each class, so that one stroke labels a row."""

from collections.abc import Sequence

RESERVED = "ugx"  # unsure, guess, broken
KEYS = "1234567890" + "".join(sorted(set("abcdefghijklmnopqrstuvwxyz") - set(RESERVED)))


def keys_of(classes: Sequence[str]) -> list[str]:
    """A key for each class; a one-character name is its own key; "" when keys run out."""
    if len(classes) > len(KEYS):
        return [""] * len(classes)
    own = [name.lower() for name in classes]
    kept = {key for key in own if key in KEYS and own.count(key) == 1}
    free = iter([key for key in KEYS if key not in kept])
    return [key if key in kept else next(free) for key in own]
