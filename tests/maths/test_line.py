import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from autoal.maths.line import fitted


@pytest.mark.parametrize("ridge", [0.1, 10.0])
def test_a_line_is_that_of_scikit_learn(ridge: float) -> None:
    columns = np.random.default_rng(0).normal(3, (1, 20, 0.1), (40, 3))
    targets = columns @ [2.0, -0.1, 4.0] + np.random.default_rng(1).normal(size=40)
    scale = StandardScaler().fit(columns)
    reference = Ridge(ridge).fit(scale.transform(columns), targets)
    line = fitted(torch.from_numpy(columns), torch.from_numpy(targets), ridge)
    found = line.at(torch.from_numpy(columns))
    np.testing.assert_allclose(found, reference.predict(scale.transform(columns)))
    left = targets - reference.predict(scale.transform(columns))
    assert line.variance == pytest.approx(np.square(left).sum() / (40 - 3 - 1))


def test_a_column_that_is_constant_says_nothing() -> None:
    columns = torch.tensor([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]).double()
    line = fitted(columns, torch.tensor([1.0, 2.0, 3.0]).double(), 1e-9)
    assert line.at(columns).tolist() == pytest.approx([1.0, 2.0, 3.0])
    assert line.weight[1] == 0
