"""What makes texts from prompts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any


class Generator(ABC):
    """A language model that goes on with prompts, and may learn which of its texts were good."""

    @abstractmethod
    def generate(self, prompts: Sequence[str], seed: int) -> list[str]:
        """A text for each prompt, as it comes; the same seed gives the same texts."""

    def learn(
        self, prompts: Sequence[str], texts: Sequence[str], rewards: Sequence[float]
    ) -> Mapping[str, float]:
        """Make texts likelier that turned out better than others; most learn nothing.

        Args:
            prompts: that it was given.
            texts: what it made of each, as `generate` gave it.
            rewards: what each text was worth, on any scale: how the strategy scored it before
                anything of it was learnt.

        Returns:
            What the record of the round is to tell of it, such as `kl`.
        """
        return {}

    def state_dict(self) -> dict[str, Any]:
        """All that was learnt, as tensors and plain values."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
