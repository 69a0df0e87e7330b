"""Features that need no download: patches compared with typical patches of the pool."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from autoal.bounds import whole
from autoal.data.rows import Rows
from autoal.encoders.encoder import Encoder, demand_pictures
from autoal.maths.clusters import kmeans_from
from autoal.seeding import generator

SAMPLE = 100_000  # patches from which the typical ones are learnt
FITTED = 2000  # images used to standardise activations and find their components
BLOCK = 16  # images looked at together: their intermediate results fit in a processor's cache
LEARNT = ("mean", "whitening", "centres", "average", "deviation", "axes")


class Patches(Encoder):
    """Convolutional k-means (Coates, Ng and Lee, 2011).

    Patches are normalised and whitened; each is compared with k-means centres by how much nearer
    than average it is ("triangle" activation); this is summed over the four quadrants.

    Args:
        count: of k-means centres; there are four features for each.
        size: of a patch, height and width.
        components: how many principal components of the features to keep; 0 keeps all features.
        image: height and width to which larger images are shrunk, since cost grows with their area.
        seed: of the patches drawn and of k-means.
    """

    mean: Tensor  # of the patches
    whitening: Tensor
    centres: Tensor
    average: Tensor  # of each activation over some of the pool
    deviation: Tensor
    axes: Tensor | None  # the principal components; None if all activations are kept

    def __init__(
        self,
        count: int = 400,
        size: int = 6,
        components: int = 512,
        image: int = 32,
        seed: int = 0,
    ) -> None:
        whole("count", count, least=2, most=10_000)
        whole("size", size, least=1, most=64)
        whole("components", components, least=0)
        whole("image", image, least=size, most=1024)
        whole("seed", seed)
        self.count = count
        self.size = size
        self.components = components
        self.image = image
        self.seed = seed

    def key(self) -> str:
        return repr((self.count, self.size, self.components, self.image, self.seed))

    def learn(self, pool: Rows, device: torch.device) -> None:
        demand_pictures(self, pool)
        self._learn_centres(pool.inputs, device)
        some = _some(len(pool), FITTED, generator(self.seed, "components"))
        self._learn_components(self._activations(pool.inputs[some.to(pool.inputs.device)]))

    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        """Standardise by the pool, and project on its principal components."""
        demand_pictures(self, rows)
        self._move(device)
        standard = (self._activations(rows.inputs) - self.average) / self.deviation
        return standard if self.axes is None else standard @ self.axes

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in LEARNT}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name in LEARNT:
            setattr(self, name, state[name])

    def _move(self, device: torch.device) -> None:
        for name, learnt in self.state_dict().items():
            setattr(self, name, None if learnt is None else learnt.to(device))

    def _learn_centres(self, images: Tensor, device: torch.device) -> None:
        """Learn the whitening and the centres from patches drawn anywhere in the images."""
        stream = generator(self.seed, "patches")
        per_image = -(-SAMPLE // len(images))
        drawn = []
        for block in self._blocks(images[_some(len(images), SAMPLE, stream)]):
            patches = self._patches(block.to(device))  # (images, places, pixels)
            places = torch.randint(patches.shape[1], (len(patches), per_image), generator=stream)
            rows = torch.arange(len(patches)).unsqueeze(1)
            drawn.append(patches[rows.to(device), places.to(device)].flatten(0, 1))
        sample = torch.cat(drawn)
        self.mean = sample.mean(0)
        variances, axes = torch.linalg.eigh((sample - self.mean).T.cov())
        self.whitening = axes * (variances.clamp(min=0) + 0.1).rsqrt() @ axes.T
        white = (sample - self.mean) @ self.whitening
        # From uniform draws: the remote patches that k-means++ prefers resemble no others.
        begin = white[torch.randperm(len(white), generator=stream)[: self.count].to(white.device)]
        self.centres = kmeans_from(white, begin).centres

    def _learn_components(self, found: Tensor) -> None:
        """Learn the statistics of activations, and their principal components."""
        self.average, self.deviation = found.mean(0), found.std(0, correction=0) + 1e-4
        self.axes = None
        if 0 < self.components < found.shape[1]:
            standard = (found - self.average) / self.deviation
            _, axes = torch.linalg.eigh(standard.T.cov(correction=0))
            self.axes = axes[:, -self.components :].flip(1)

    def _blocks(self, images: Tensor) -> Iterator[Tensor]:
        """Float images of at most the size to look at."""
        for block in images.split(BLOCK):
            pixels = block.float()
            if max(pixels.shape[2:]) > self.image:
                shape = [min(side, self.image) for side in pixels.shape[2:]]
                pixels = functional.interpolate(pixels, shape, mode="area")
            yield pixels

    def _patches(self, pixels: Tensor) -> Tensor:
        """All patches at even brightness and contrast, (images, places, pixels)."""
        size = (min(self.size, pixels.shape[2]), min(self.size, pixels.shape[3]))
        patches = functional.unfold(pixels, size).transpose(1, 2)
        centred = patches - patches.mean(2, keepdim=True)
        # The constant, in squared grey values, keeps flat patches flat.
        return centred / (centred.square().mean(2, keepdim=True) + 10).sqrt()

    def _activations(self, images: Tensor) -> Tensor:
        """Pooled nearness to each centre, (images, 4 x centres)."""
        return torch.cat([self._nearness(block) for block in self._blocks(images)])

    def _nearness(self, pixels: Tensor) -> Tensor:
        device = self.centres.device
        size = (min(self.size, pixels.shape[2]), min(self.size, pixels.shape[3]))
        places = [length - side + 1 for length, side in zip(pixels.shape[2:], size, strict=True)]
        white = (self._patches(pixels.to(device)) - self.mean) @ self.whitening
        lengths = white.square().sum(2, keepdim=True) + self.centres.square().sum(1)
        distances = torch.sub(lengths, white @ self.centres.T, alpha=2).clamp_(min=0).sqrt_()
        nearness = (distances.mean(2, keepdim=True) - distances).clamp_(min=0)
        grid = nearness.transpose(1, 2).unflatten(2, places)
        return functional.adaptive_avg_pool2d(grid, 2).flatten(1)


def _some(count: int, wanted: int, stream: torch.Generator) -> Tensor:
    """At most this many rows of `count`, ascending."""
    return torch.randperm(count, generator=stream)[:wanted].sort().values
