"""An encoder that suits the rows and what is installed."""

import sys
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.data.texts import are_texts
from autoal.encoders.encoder import Encoder, are_pictures
from autoal.encoders.lite import EXTRA, weights_path
from autoal.encoders.patches import Patches
from autoal.encoders.pretrained import Lite0
from autoal.encoders.tfidf import Tfidf

CHOICES: dict[str, type[Encoder]] = {"lite0": Lite0, "patches": Patches, "tfidf": Tfidf}
SAID = {
    "lite0": "encoder=auto: the pictures go through lite0, which was trained on photographs",
    "patches": f"encoder=auto: the pictures go through patches; for better features: {EXTRA}",
    "tfidf": "encoder=auto: the texts go through tfidf; for better features: encoder=sentence",
}


class Auto(Encoder):
    """Tfidf for texts; for pictures Lite0, or Patches without its weights; leaves other rows."""

    def __init__(self) -> None:
        self._take(_for_pictures())

    def key(self) -> str:
        """The key of both choices, since the rows decide between them."""
        return repr([(name, CHOICES[name]().key()) for name in (_for_pictures(), "tfidf")])

    def leaves(self, rows: Rows) -> bool:
        return not (are_pictures(rows) or are_texts(rows))

    def learn(self, pool: Rows, device: torch.device) -> None:
        self._take("tfidf" if are_texts(pool) else _for_pictures())
        print(SAID[self.choice], file=sys.stderr)
        self.chosen.learn(pool, device)

    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        return self.chosen.encode(rows, device)

    def stream(self, rows: Rows, device: torch.device) -> Iterator[Tensor]:
        return self.chosen.stream(rows, device)

    def state_dict(self) -> dict[str, Any]:
        return {"choice": self.choice, "state": self.chosen.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._take(state["choice"])
        self.chosen.load_state_dict(state["state"])

    def _take(self, choice: str) -> None:
        self.choice = choice
        self.chosen = CHOICES[choice]()


def _for_pictures() -> str:
    return "patches" if weights_path() is None else "lite0"
