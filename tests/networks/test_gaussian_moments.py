"""Rows that are not known exactly, through layers of curves."""

import pytest
import torch

from superpose.errors import InputError
from superpose.networks import KSTLayer, KSTNetwork, gaussian_moments

MATERN = ["matern12", "matern32", "matern52"]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def draws(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


def rough(widths, kernel="matern32", seed=0, knots=10, bend=0.3):
    network = KSTNetwork(widths, knots, kernel, bounds=(-2, 2), generator=seeded(seed))
    network = network.double().eval().requires_grad_(False)
    for place, layer in enumerate(network.each_layer()):
        layer.heights.add_(bend * draws(*layer.heights.shape, seed=10 * seed + place))
    return network


def some_rows(n_inputs, n=2, seed=1):
    root = draws(n, n_inputs, n_inputs, seed=seed) * 0.4
    return draws(n, n_inputs, seed=seed + 1), root @ root.mT


def drawn(network, mean, covariance, n, seed=5):
    """Outputs [n, O] of rows drawn from one normal distribution."""
    x = mean + draws(n, len(mean), seed=seed) @ torch.linalg.cholesky(covariance).mT
    return torch.cat([network(part) for part in x.split(50_000)])


def errors(found, y):
    """Of means and covariances, in standard errors of what was drawn."""
    apart = y - y.mean(0)
    products = apart.unsqueeze(-1) * apart.unsqueeze(-2)
    root = len(y) ** 0.5
    of_mean = (found.mean - y.mean(0)).abs() / (y.std(0) / root)
    return of_mean, (found.covariance - products.mean(0)).abs() / (products.std(0) / root)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", MATERN)
@pytest.mark.parametrize("correlated", [False, True])
def test_one_layer_agrees_with_a_million_draws(kernel, correlated):
    layer = rough([3, 2], kernel)
    mean, covariance = some_rows(3, 1)
    if not correlated:
        covariance = torch.diag_embed(covariance.diagonal(dim1=-2, dim2=-1))
    found = gaussian_moments(layer, mean, covariance, orders=16)
    of_mean, of_covariance = errors(found, drawn(layer, mean[0], covariance[0], 1_000_000))
    assert float(of_mean.max()) < 3
    assert float(of_covariance.max()) < 3


@pytest.mark.slow
def test_correlated_inputs_of_two_curves_agree_with_integration_over_the_plane():
    """E[f g] on a fine grid of both places, at a correlation of .6."""
    layer = rough([2, 1], "matern52")
    mean, rho = torch.tensor([[0.3, -0.2]], dtype=torch.float64), 0.6
    sd = torch.tensor([0.5, 0.3], dtype=torch.float64)
    covariance = torch.tensor([[1, rho], [rho, 1]], dtype=torch.float64) * sd * sd[:, None]
    z = torch.linspace(-8, 8, 2001, dtype=torch.float64)
    x = mean[0] + sd * torch.stack([z, z], 1)
    f, g = layer.each_layer()[0].contributions(x)[..., 0].mT
    joint = torch.exp(-(z[:, None] ** 2 - 2 * rho * z[:, None] * z + z**2) / 2 / (1 - rho**2))
    joint = joint / joint.sum()
    ours = gaussian_moments(layer, mean, covariance[None], orders=24)
    total = (joint * (f[:, None] + g) ** 2).sum() - (joint * (f[:, None] + g)).sum() ** 2
    assert float(ours.variance) == pytest.approx(float(total), rel=1e-6)
    assert float(ours.mean) == pytest.approx(float((joint * (f[:, None] + g)).sum()))


def test_layers_of_straight_lines_are_a_matrix():
    """y = A x has the covariance A C Aᵀ, however many layers there are."""
    network = KSTNetwork([3, 4, 2], bounds=(-1, 1), generator=seeded()).double()
    network = network.eval().requires_grad_(False)
    mean, covariance = some_rows(3)
    matrix = network(torch.eye(3, dtype=torch.float64)) - network(torch.zeros(1, 3).double())
    found = gaussian_moments(network, mean, covariance)
    expected = matrix.mT @ covariance @ matrix
    assert found.mean.allclose(network(mean), atol=1e-6)
    assert found.covariance.allclose(expected, atol=1e-6)


def test_rows_that_are_known_pass_as_they_do():
    network = rough([3, 4, 2])
    mean, _ = some_rows(3)
    found = gaussian_moments(network, mean, torch.zeros(2, 3))
    assert found.mean.allclose(network(mean), atol=1e-9)
    assert found.covariance.abs().max() < 1e-12


def test_a_network_is_close_to_draws_where_the_nodes_between_are_close_to_normal():
    """Sixteen inputs make the sums between the layers nearly normal."""
    network = rough([16, 3, 1], bend=0.1)
    mean, variance = 0.5 * draws(1, 16), torch.full((1, 16), 0.1, dtype=torch.float64)
    found = gaussian_moments(network, mean, variance)
    y = drawn(network, mean[0], torch.diag(variance[0]), 50_000)
    assert abs(float(found.mean) - float(y.mean())) < 0.05 * float(y.std())
    assert float(found.variance) == pytest.approx(float(y.var()), rel=0.05)


def test_covariances_have_no_negative_direction():
    network = rough([4, 5, 5])
    mean, covariance = some_rows(4, 6)
    found = gaussian_moments(network, mean, covariance).covariance
    values = torch.linalg.eigvalsh(found)
    assert bool((values > -1e-6 * values.amax(1, keepdim=True)).all())


def test_uncertain_heights_add_what_is_not_known_of_the_curves():
    """Var[y] = E_x[v] + Var_x[f], against many rows and the variance v at each of them."""
    layer = rough([2, 2]).each_layer()[0]
    size = layer.heights.numel()
    root = draws(size, size, seed=4) / size
    uncertain = root @ root.mT
    mean, covariance = some_rows(2, 1)
    known = gaussian_moments(layer, mean, covariance, orders=24)
    found = gaussian_moments(
        layer, mean, covariance, height_covariances=[uncertain], prior_variances=[0.2], orders=24
    )
    x = mean + draws(40_000, 2, seed=6) @ torch.linalg.cholesky(covariance[0]).mT
    u = (x - layer.axis.centre) / layer.axis.spread
    features = layer.basis.cardinal(u).flatten(1)
    v = torch.einsum("na,aobp,nb->nop", features, uncertain.reshape(20, 2, 20, 2), features)
    left_open = layer.basis.dense().conditional_variance(u.flatten()).reshape(u.shape).sum(1)
    v = v + 0.2 * left_open[:, None, None] * torch.eye(2)
    apart = (found.covariance - known.covariance - v.mean(0)).abs()
    assert float((apart / (v.std(0) / 200)).max()) < 3
    assert found.mean.equal(known.mean)


def test_variances_and_their_diagonal_matrix_are_one():
    layer, (mean, covariance) = rough([3, 2]), some_rows(3)
    variance = covariance.diagonal(dim1=-2, dim2=-1)
    one = gaussian_moments(layer, mean, variance)
    assert gaussian_moments(layer, mean, torch.diag_embed(variance)).covariance.equal(
        one.covariance
    )


@pytest.mark.parametrize(
    ("mean", "covariance", "message"),
    [
        (torch.zeros(2, 2), torch.ones(2, 2), "mean must be [N, 3]"),
        (torch.zeros(2, 3), torch.ones(2, 2), "mean must be [N, 3]"),
        (torch.zeros(2, 3), torch.full((2, 3), torch.inf), "covariance finite"),
        (torch.zeros(2, 3), -torch.ones(2, 3), "variances must not be negative"),
        (torch.full((2, 3), torch.nan), torch.ones(2, 3), "mean and sd must be finite"),
    ],
)
def test_rows_must_fit(mean, covariance, message):
    with pytest.raises(InputError) as error:
        gaussian_moments(KSTLayer(3, 1), mean, covariance)
    assert message in str(error.value)
