"""Names that tell apart what shares one."""

import json
from collections import Counter
from collections.abc import Sequence

from autoal.settings import Settings, differences

SHOWN = 3  # differing options in a name


def tell_apart(names: Sequence[str], options: Sequence[Settings]) -> list[str]:
    """The names; those that several share are followed by the options in which these differ."""
    full_names: list[str] = []
    for name, mine in zip(names, options, strict=True):
        own: Settings = {}
        for other, theirs in zip(names, options, strict=True):
            if other == name:
                own |= {key: here for key, (here, _) in differences(mine, theirs).items()}
        first = sorted(own, key=lambda key: (key.count("."), key))[:SHOWN]
        parts = ", ".join(f"{key}={shown(own[key])}" for key in first)
        full_names.append(f"{name} ({parts})" if parts else name)
    return _numbered(full_names)


def _numbered(names: Sequence[str]) -> list[str]:
    """Names that are still the same get a number."""
    counts: Counter[str] = Counter()
    unique = []
    for name in names:
        counts[name] += 1
        unique.append(name if counts[name] == 1 else f"{name} #{counts[name]}")
    return unique


def shown(value: object) -> str:
    """A value of the settings, as people read it."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
