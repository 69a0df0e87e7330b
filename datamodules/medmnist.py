"""MedMNIST v2 and MedMNIST+ (Yang et al., 2023): the 2-D sets with one label per image."""

from typing import Any

from autoal.bounds import choice
from autoal.data.contract import Loaded
from autoal.data.memory import MEMORY
from autoal.errors import UserError, unknown

from .files import DataFile
from .npz_arrays import npz_arrays
from .published import PublishedData

ARRAYS = tuple(
    f"{part}_{kind}" for part in ("train", "val", "test") for kind in ("images", "labels")
)
SIZES = (28, 64, 128, 224)


class MedMnist(PublishedData):
    """One of the sets, by its flag.

    Args:
        flag: such as organcmnist or pathmnist.
        size: of the images: 28, 64, 128 or 224.
        memory: where the images are, ram or disk; auto is disk if they would take more than a
            quarter of the free memory.
        options: of every `PublishedData`.
    """

    def __init__(self, flag: str, size: int = 28, memory: str = "auto", **options: Any) -> None:
        super().__init__(**options)
        choice("memory", memory, MEMORY)
        self.memory = memory
        from medmnist import INFO  # late: it makes a folder in the home directory

        flat = {name for name in INFO if not name.endswith("3d")}
        if flag not in flat:
            raise unknown("flag", flag, flat)
        if size not in SIZES:
            raise UserError(f"size={size}: MedMNIST has {', '.join(map(str, SIZES))}")
        self.info: dict[str, Any] = INFO[flag]
        if self.info["task"].startswith("multi-label"):
            raise UserError(
                f"{flag} has several labels an image ({self.info['task']}); "
                "a query here buys one label, so such sets are not supported"
            )
        suffix = "" if size == 28 else f"_{size}"
        url, md5 = self.info[f"url{suffix}"], self.info[f"MD5{suffix}"]
        self.file = DataFile(f"{flag}{suffix}.npz", (url,), md5)
        self.classes = tuple(self.info["label"].values())
        self.counts = (self.info["n_samples"]["train"], self.info["n_samples"]["test"])

    def load(self) -> Loaded:
        path = self.folder.get(self.file)
        return self.parts(npz_arrays(path, self.memory, ARRAYS))
