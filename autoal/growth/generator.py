"""Generators make texts from prompts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any


class Generator(ABC):
    """A language model that continues prompts, and may learn which of its texts were good."""

    @abstractmethod
    def generate(self, prompts: Sequence[str], seed: int) -> list[str]:
        """A raw text for each prompt; the same seed gives the same texts."""

    def learn(
        self, prompts: Sequence[str], texts: Sequence[str], rewards: Sequence[float]
    ) -> Mapping[str, float]:
        """Make texts that turned out better than others more likely; most generators learn nothing.

        Args:
            prompts: the prompts it was given.
            texts: its text for each, as returned by `generate`.
            rewards: the worth of each text, on any scale: the strategy's score before anything was
                learnt from it.

        Returns:
            Notes for the record of the round, such as `kl`.
        """
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Everything learnt, as tensors and plain values."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
