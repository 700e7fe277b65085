"""Categories behind the methods of a curve."""

import pytest
import torch

from superpose.curves import LevelBasis
from superpose.errors import InputError

CODES = torch.tensor([1.0, 0.0, -1.0, float("nan")], dtype=torch.float64)


def test_levels_are_one_hot_and_unseen_or_missing_add_nothing():
    basis = LevelBasis(2)
    assert basis.cardinal(CODES).tolist() == [[0, 1], [1, 0], [0, 0], [0, 0]]
    assert basis.cardinal_derivative(CODES).abs().max() == 0
    assert basis.conditional_variance(CODES).tolist() == [0, 0, 1, 0]
    assert torch.equal(basis.precision(), torch.eye(2, dtype=torch.float64))
    assert basis.log_determinant().item() == 0
    assert basis.n_heights == 2


def test_at_least_one_level():
    with pytest.raises(InputError, match="n_levels must be at least 1; got n_levels=0"):
        LevelBasis(0)
