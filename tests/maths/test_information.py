import pytest
import torch

from autoal.maths import information
from autoal.maths.information import Batch, Evidence
from autoal.seeding import generator


def test_a_batch_by_hand() -> None:
    rows = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    evidence = Evidence(rows, torch.full((3, 1, 1), 0.25).double())
    assert evidence.information().tolist() == [[2, 0], [0, 1]]
    batch = Batch(torch.eye(2).double(), evidence.information() / 3)
    expected = torch.tensor([1 / 3, 1 / 6, 1 / 3]).double()
    torch.testing.assert_close(batch.worth(evidence), expected)
    assert batch.grow(evidence, 2) == [0, 1]
    expected = torch.tensor([1 / 9, 1 / 18, 1 / 9]).double()  # at M = diag(2, 2)
    torch.testing.assert_close(batch.worth(evidence), expected)
    assert batch.shrink(evidence, [0, 1], 1) == [0]


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("active", [40, 1024])
def test_growing_equals_a_search_over_all_rows(
    monkeypatch: pytest.MonkeyPatch, active: int, classes: int
) -> None:
    monkeypatch.setattr(information, "ACTIVE", active)
    factors = torch.randn(200, classes, classes, generator=generator(0)).double()
    features = torch.randn(200, 6, generator=generator(1))
    evidence = Evidence(features, factors @ factors.mT / 10)
    rows = torch.einsum("nac,nj->najc", factors, features.double()).flatten(1, 2) / 10**0.5
    whole, known = evidence.information() / 200, torch.eye(6 * classes).double()
    torch.testing.assert_close((rows @ rows.mT).mean(0), whole, rtol=1e-4, atol=1e-4)

    expected: list[int] = []
    for _ in range(12):
        left = torch.linalg.inv(known + rows @ rows.mT).mul(whole).sum((1, 2))
        left[expected] = torch.inf
        expected.append(int(left.argmin()))
        known = known + rows[expected[-1]] @ rows[expected[-1]].T
    batch = Batch(torch.eye(6 * classes).double(), whole)
    assert batch.grow(evidence, 12) == expected
    inverse = torch.linalg.inv(known)
    torch.testing.assert_close(batch.inverse, inverse, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(batch.reach, inverse @ whole @ inverse, rtol=1e-3, atol=1e-5)


def test_what_comes_and_goes_leaves_nothing_behind() -> None:
    features = torch.randn(20, 5, generator=generator(0))
    evidence = Evidence(features, torch.ones(20, 1, 1).double())
    whole = evidence.information()
    batch = Batch(torch.eye(5).double(), whole)
    assert batch.shrink(evidence, batch.grow(evidence, 8), 8) == []
    torch.testing.assert_close(batch.inverse, torch.eye(5).double())
    torch.testing.assert_close(batch.reach, whole)


def test_numbers_that_overflow_end_too() -> None:
    evidence = Evidence(torch.full((40, 3), 1e30), torch.ones(40, 1, 1).double())
    batch = Batch(torch.eye(3).double(), torch.eye(3).double())
    assert batch.worth(evidence).isnan().all()
    picks = batch.grow(evidence, 5)
    assert len(set(picks)) == 5


def test_the_covariances_of_all_classes_are_those_of_the_definition() -> None:
    probs = torch.randn(10, 4, generator=generator(0)).softmax(1).double()
    expected = probs.diag_embed() - probs[:, :, None] * probs[:, None]
    torch.testing.assert_close(information.of_all(probs, torch.eye(4).double()), expected)


def test_the_leading_directions_are_those_of_most_spread() -> None:
    rows = torch.randn(200, 3, generator=generator(0)) * torch.tensor([1.0, 5.0, 0.1])
    moments = information.moments(rows)
    torch.testing.assert_close(moments, (rows.T @ rows).double())
    found = information.leading(moments, 2)
    assert found.shape == (3, 2)
    assert found.abs().argmax(0).tolist() == [0, 1]
    torch.testing.assert_close(information.along(rows, found), rows @ found.float())
