import torch

from autoal import QueryStrategy, View


class Density(QueryStrategy):
    """Most typical first: nearness to the `k` nearest rows of the pool."""

    def __init__(self, k: int = 10) -> None:
        self.k = k

    def score(self, view: View, budget: int) -> torch.Tensor:
        points = view.pool.embeddings.float()
        nearest = torch.cdist(points, points).topk(min(self.k, len(points)), largest=False)
        return -nearest.values.mean(1)
