"""Contenders over all settings: their gains over each other and over the best, and their shares.

docs/report.md defines each number.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autoal.report.comparisons import (
    Measure,
    family_size,
    in_common,
    paired_differences,
    rounded,
)
from autoal.report.groups import Setting
from autoal.report.runs import Floats
from autoal.report.statistics import (
    Interval,
    can_show,
    fieller,
    fixed_interval,
    holm,
    t_interval,
    t_test,
    typical,
    typical_interval,
)

FEWEST = 3  # settings, or seeds, that say something about further ones
SIGNS = (1, 0, -1, None)  # signs of a gain: won, level, lost, too few seeds
SLIGHT = 0.005  # a loss of area that nobody minds


@dataclass(frozen=True)
class Gain:
    """One contender minus another in one setting, pair by pair."""

    differences: Floats
    comparisons: int = 1  # contenders that are tested beside this one

    @property
    def mean(self) -> float:
        return float(self.differences.mean())

    @property
    def interval(self) -> Interval | None:
        """The interval of the mean; one pair has none."""
        return t_interval(self.differences) if len(self.differences) > 1 else None

    @property
    def sign(self) -> int | None:
        """1 if the setting is won, -1 if it is lost, 0 if neither is shown.

        None where the signed-rank test could not show it either: there are too few seeds.
        """
        low, high = self.interval or (0.0, 0.0)
        return int(low > 0) - int(high < 0) if self._enough else None

    @property
    def _enough(self) -> bool:
        return can_show(len(self.differences), self.comparisons)


def _gain(setting: Setting, first: str, second: str, measure: Measure = "area") -> Gain:
    paired = paired_differences(setting, first, second, measure)
    return Gain(paired, family_size(setting, first, second))


def leading(setting: Setting) -> list[str]:
    """The honest contender with the largest area, and those that are not shown to be worse.

    None where seeds are too few to show it of each of them.
    """
    best, *others = [name for name in setting.ranked if name in setting.honest] or [""]
    signs = {name: _gain(setting, best, name).sign for name in others}
    level = [name for name, sign in signs.items() if sign != 1]
    return [best, *level] if signs and None not in signs.values() else []


@dataclass(frozen=True)
class Gains:
    """One contender minus another in every setting in which they have a pair."""

    by_setting: dict[str, Gain]

    def __bool__(self) -> bool:
        return bool(self.by_setting)

    @property
    def means(self) -> Floats:
        """The mean difference in each setting."""
        return np.array([gain.mean for gain in self.by_setting.values()])

    @property
    def mean(self) -> float | None:
        """The mean over the settings, whatever their seeds."""
        return float(self.means.mean()) if self else None

    @property
    def over_further_settings(self) -> Interval | None:
        """The interval of the mean for settings drawn at random; too few show nothing."""
        return t_interval(self.means) if len(self.means) >= FEWEST else None

    @property
    def typical(self) -> float | None:
        """The difference in a typical setting; a single outlier hardly moves it."""
        return typical(self.means) if self else None

    @property
    def typical_over_further_settings(self) -> Interval | None:
        """The interval of that, by the signed-rank test; it takes six settings."""
        return typical_interval(self.means)

    @property
    def over_further_seeds(self) -> Interval | None:
        """The interval of the mean over these very settings; each needs two pairs."""
        groups = [gain.differences for gain in self.by_setting.values()]
        return fixed_interval(groups) if min(map(len, groups), default=0) > 1 else None

    def count(self, sign: int | None) -> int:
        """How many settings are won (1), level (0) or lost (-1), or have too few seeds (None)."""
        return sum(gain.sign == sign for gain in self.by_setting.values())


def gains(
    settings: Sequence[Setting], first: str, second: str | None, measure: Measure = "area"
) -> Gains:
    """The gains of the first contender over the second."""
    found = {
        setting.name: _gain(setting, first, second, measure)
        for setting in settings
        if second is not None
    }
    return Gains({name: gain for name, gain in found.items() if len(gain.differences)})


@dataclass(frozen=True)
class Overall:
    """One contender minus another over all settings that have both."""

    first: str
    second: str
    gains: Gains
    p: float | None  # of no difference, over settings such as these
    corrected: float | None


def over_all(settings: Sequence[Setting], base: str) -> list[Overall]:
    """Every other honest contender minus this one, the best first; one family."""
    names = dict.fromkeys(name for setting in settings for name in setting.honest if name != base)
    found = {name: gain for name in names if (gain := gains(settings, name, base))}
    tested = {name: t_test(gain.means) for name, gain in found.items() if len(gain.means) >= FEWEST}
    corrected = dict(zip(tested, holm([*tested.values()]), strict=True))
    compared = [
        Overall(name, base, gain, tested.get(name), corrected.get(name))
        for name, gain in found.items()
    ]
    return sorted(compared, key=lambda overall: -overall.gains.means.mean())


@dataclass(frozen=True)
class Hindsight:
    """A contender minus the best of others in one setting, which is known only afterwards."""

    best: str
    gain: Gain

    @property
    def verdict(self) -> str:
        """In plain words."""
        if self.gain.sign is None:
            return "too few seeds for a verdict"
        _, high = self.gain.interval or (0.0, 0.0)
        if high < -SLIGHT:
            return f"worse by more than {SLIGHT:g}"
        return {1: "better", 0: "no difference shown", -1: "worse"}[self.gain.sign]


def in_hindsight(
    settings: Sequence[Setting], name: str, others: Collection[str] = ()
) -> dict[str, Hindsight]:
    """This contender minus the best other one of each setting.

    Args:
        settings: in which to look; those without any pair are left out.
        name: of the contender.
        others: that it is held against; default: all honest ones that are not made of others.
    """
    found = {}
    for setting in settings:
        rivals = [rival for rival in others or setting.single if rival != name]
        over = {rival: gains([setting], name, rival) for rival in rivals}
        against = {rival: gain for rival, told in over.items() for gain in told.by_setting.values()}
        if against:
            best = min(against, key=lambda rival: against[rival].mean)
            found[setting.name] = Hindsight(best, against[best])
    return found


@dataclass(frozen=True)
class Share:
    """The gain of a contender over random, as a share of the upper reference's."""

    own: Floats  # gains of every seed, or of every setting
    most: Floats

    @property
    def value(self) -> float:
        return float(self.own.sum() / self.most.sum())

    @property
    def interval(self) -> Interval | None:
        return fieller(self.own, self.most) if len(self.own) >= FEWEST else None

    @classmethod
    def over(cls, shares: Mapping[str, "Share"]) -> "Share":
        """The share over several settings: the sum of their gains over that of the reference's."""
        own = np.array([share.own.mean() for share in shares.values()])
        most = np.array([share.most.mean() for share in shares.values()])
        return cls(own, most)


def shares(settings: Sequence[Setting], name: str) -> dict[str, Share]:
    """By setting, if the upper reference is shown to be better than random in these pairs."""
    found = {}
    for setting in settings:
        reference = best_reference(setting)
        if reference and setting.baseline and name not in (reference, setting.baseline):
            own, most, base = in_common(setting, (name, reference, setting.baseline))
            share = Share(rounded(own - base), rounded(most - base))
            low, _ = Gain(share.most).interval or (0.0, 0.0)
            if low > 0:
                found[setting.name] = share
    return found


def best_reference(setting: Setting) -> str | None:
    """The upper reference with the largest mean area."""
    return next((name for name in setting.ranked if name in setting.references), None)
