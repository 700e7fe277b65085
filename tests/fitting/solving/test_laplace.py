"""The posterior over heights of layers of curves in trained networks."""

import math

import pytest
import torch
from torch import nn

from superpose.errors import InputError
from superpose.fitting import laplace
from superpose.networks import KSTLayer, KSTNetwork

LINES = 1e-4  # share of a bend's precision that a straight line has, as `laplace` says


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def draws(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


def solved(layer, x, y, weight):
    """Heights at the mode, by ridge regression on the cardinal functions; then the layer."""
    u = (x - layer.axis.centre) / layer.axis.spread
    features = layer.basis.cardinal(u.double()).flatten(1)
    inputs, knots, outputs = layer.heights.shape
    prior = torch.block_diag(*[layer.basis.precision()] * inputs) * len(x) * weight
    found = torch.linalg.lstsq(
        torch.cat([features, torch.linalg.cholesky(prior + 1e-10 * torch.eye(len(prior))).mT]),
        torch.cat([y, torch.zeros(len(prior), outputs, dtype=y.dtype)]),
    ).solution
    with torch.no_grad():
        layer.heights.copy_(found.unflatten(0, (inputs, knots)))
    return layer


def additive(n=300, noise=0.1, seed=0):
    x = 2 * torch.rand(n, 2, dtype=torch.float64, generator=seeded(seed)) - 1
    clean = torch.sin(3 * x[:, :1]) + x[:, 1:] ** 2
    return x, clean, clean + noise * draws(n, 1, seed=seed + 1)


def made_layer(x, y, weight=1e-4, knots=9):
    layer = KSTLayer(x.shape[1], 1, knots, bounds=(-1, 1), generator=seeded()).double()
    return solved(layer.eval(), x, y, weight)


def line_prior(basis):
    line = torch.stack([torch.ones_like(basis.knots), basis.knots], 1)
    return line @ torch.linalg.solve(line.mT @ line, line.mT)


def test_one_layer_is_bayesian_linear_regression():
    """Against the joint normal of heights and rows, conditioned on the rows; all in one matrix."""
    x, _, y = additive(60)
    weight, layer = 1e-3, made_layer(*additive(60)[::2], weight=1e-3)
    posterior = laplace(layer, x, y, prior_weight=weight)
    noise = posterior.noise_variance
    s2 = noise / (60 * weight)
    assert posterior.prior_variance == pytest.approx(s2)
    one = torch.linalg.inv(layer.basis.precision() + LINES * line_prior(layer.basis)) * s2
    prior = torch.block_diag(one, one)
    features, at = (layer.basis.cardinal(it).flatten(1) for it in (x, draws(5, 2, seed=7)))
    of_rows = features @ prior @ features.mT + noise * torch.eye(60)
    gain = torch.linalg.solve(of_rows, features @ prior @ at.mT)
    expected = (at @ prior @ at.mT - (features @ prior @ at.mT).mT @ gain).diagonal()
    left_open = layer.basis.dense().conditional_variance(draws(5, 2, seed=7).flatten())
    expected = expected + s2 * left_open.reshape(5, 2).sum(1)
    found = posterior.predict(draws(5, 2, seed=7))
    assert (found.sd**2).ravel().tolist() == pytest.approx(expected.tolist(), rel=1e-6)
    assert found.mean.allclose(layer(draws(5, 2, seed=7)))


def test_noise_and_freedom_are_found():
    x, _, y = additive(2000, noise=0.2)
    posterior = laplace(made_layer(x, y), x, y, prior_weight=1e-4)
    assert posterior.noise_variance == pytest.approx(0.04, rel=0.1)
    assert 5 < posterior.freedom < 17  # of 18 heights, one of which no row can tell


def test_all_layers_against_finite_differences():
    """J S Jᵀ of a network of two layers, with J by differences of every height."""
    network = KSTNetwork([2, 2, 1], knots=7, bounds=(-1, 1), generator=seeded()).double().eval()
    layers = network.each_layer()
    with torch.no_grad():
        for layer in layers:
            layer.heights.add_(0.2 * draws(*layer.heights.shape))
    x, _, y = additive(40)
    posterior = laplace(network, x, y, prior_weight=1e-3, which="all")
    rows = torch.cat([x, draws(4, 2, seed=5)])
    columns = []
    for layer in layers:
        for place in range(layer.heights.numel()):
            with torch.no_grad():
                layer.heights.view(-1)[place] += 1e-5
                up = network(rows)
                layer.heights.view(-1)[place] -= 2e-5
                columns.append((up - network(rows)).ravel() / 2e-5)
                layer.heights.view(-1)[place] += 1e-5
    jacobian = torch.stack(columns, 1)
    prior = torch.block_diag(
        *[
            torch.kron(
                torch.kron(
                    torch.eye(it.in_features), it.basis.precision() + LINES * line_prior(it.basis)
                ),
                torch.eye(it.out_features),
            )
            for it in layers
        ]
    )
    train, asked = jacobian[:40], jacobian[40:]
    hessian = train.mT @ train + 40 * 1e-3 * prior
    expected = posterior.noise_variance * asked @ torch.linalg.solve(hessian, asked.mT)
    posterior.prior_variance = 0.0  # what is open between knots is another test
    found = posterior.covariance_of(rows[40:]).ravel()
    assert found.tolist() == pytest.approx(expected.diagonal().tolist(), rel=1e-5)


def test_what_is_open_in_a_hidden_curve_reaches_the_output_by_the_slope_behind_it():
    network = KSTNetwork([1, 1, 1], knots=9, bounds=(-1, 1), generator=seeded()).double().eval()
    with torch.no_grad():  # a line of slope 3 behind
        network.each_layer()[1].heights[0, :, 0] = 3 * network.each_layer()[1].axis.spread
        network.each_layer()[1].heights[0, :, 0] *= network.each_layer()[1].basis.knots
    x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
    posterior = laplace(
        network, x, network(x).detach() + 0.1 * draws(50, 1), prior_weight=1e-2, which="all"
    )
    posterior.covariance = torch.zeros_like(posterior.covariance)
    u = torch.tensor([[0.1], [2.0]], dtype=torch.float64)
    hidden, outer = network.each_layer()
    between = hidden.basis.dense().conditional_variance(u.ravel())
    behind = outer.basis.dense().conditional_variance(outer.axis(hidden(u)).detach().ravel())
    found = posterior.covariance_of(u).ravel() / posterior.prior_variance
    assert found.tolist() == pytest.approx((9 * between + behind).tolist(), rel=1e-6)


def test_bands_widen_outside_and_outside_is_said():
    x, _, y = additive()
    posterior = laplace(made_layer(x, y), x, y, prior_weight=1e-4)
    steps = torch.tensor([0.5, 1.2, 2.0, 5.0], dtype=torch.float64)
    found = posterior.predict(torch.stack([steps, torch.zeros(4)], 1))
    assert found.outside.tolist() == [False, True, True, True]
    assert bool((found.sd.ravel().diff() > 0).all())
    which = posterior.outside(torch.stack([steps, torch.zeros(4)], 1))[0]
    assert which.tolist() == [[False, False], [True, False], [True, False], [True, False]]
    assert posterior.predict(torch.full((1, 2), math.nan)).outside.item()


def test_a_layer_says_what_it_has_not_seen_in_training():
    layer = KSTLayer(2, 1, generator=seeded())
    assert bool(layer.outside(torch.zeros(1, 2)).all())
    layer(torch.tensor([[0.0, 1.0], [2.0, 3.0]]))
    asked = torch.tensor([[1.0, 3.5], [2.0, 1.0], [-0.1, math.nan]])
    assert layer.outside(asked).tolist() == [[False, True], [False, False], [True, True]]


def test_levels_that_cancel_do_not_widen_predictions_or_curves():
    x, _, y = additive()
    layer = made_layer(x, y, weight=1e-3, knots=16)
    posterior = laplace(layer, x, y, prior_weight=1e-3)
    total, noise = posterior.predict(x).sd.max(), posterior.noise_variance**0.5
    level = posterior.covariance[:16, :16].mean() ** 0.5  # of one curve, as it was before centring
    assert float(level) > 20 * float(total)
    assert total < noise
    places = torch.linspace(-1, 1, 21, dtype=torch.float64)
    for i in range(2):
        low, high = posterior.curve(i, 0).band(places)
        assert float((high - low).max()) / 3.92 < noise


def test_the_band_of_a_curve_is_that_of_the_curve_less_its_mean():
    x, _, y = additive()
    posterior = laplace(made_layer(x, y), x, y, prior_weight=1e-4)
    curve, place = posterior.curve(1, 0), torch.tensor([0.3], dtype=torch.float64)
    rows = curve.basis.cardinal(x[:, 1])
    less = curve.basis.cardinal(place)[0] - rows.mean(0)
    own = posterior.covariance[9:, 9:]
    expected = (
        less @ own @ less
        + posterior.prior_variance * (curve.basis.dense().conditional_variance(place)[0])
    )
    assert float(curve.variance(place)) == pytest.approx(float(expected), rel=1e-6)
    low, high = curve.band(place, level=0.9)
    assert float(high - low) == pytest.approx(2 * 1.6448536 * float(expected) ** 0.5, rel=1e-6)
    assert float(high + low) / 2 == pytest.approx(float(curve(place)))


def test_a_curve_of_a_layer_has_no_band():
    with pytest.raises(InputError, match="a band needs the covariance of the heights"):
        KSTLayer(1, 1).curve(0, 0).band(torch.zeros(1))


def test_intervals_hold_new_rows_when_noise_is_uneven():
    """90 % intervals, noise .05 to .35 with the input: 85 to 95 % of new rows inside."""
    share = []
    for seed in range(5):
        x, clean, _ = additive(700, seed=seed)
        y = clean + (0.05 + 0.3 * x[:, 1:].abs()) * draws(700, 1, seed=50 + seed)
        layer = made_layer(x[:300], y[:300], weight=1e-3, knots=16)
        posterior = laplace(layer, x[:300], y[:300], prior_weight=1e-3)
        found = posterior.predict(x[300:], 0.9, noise=True)
        share.append(((found.lower <= y[300:]) & (y[300:] <= found.upper)).double().mean())
    assert 0.85 < float(torch.stack(share).mean()) < 0.95


def test_bands_of_the_mean_hold_the_truth():
    """Data of the prior: curves drawn from the Gaussian process, 95 % bands, 20 draws."""
    held = []
    for seed in range(20):
        x = 2 * torch.rand(80, 1, dtype=torch.float64, generator=seeded(seed)) - 1
        places = torch.cat([x.ravel(), torch.linspace(-1, 1, 33, dtype=torch.float64)])
        layer = KSTLayer(1, 1, 9, bounds=(-1, 1), length_scale=0.8, generator=seeded()).double()
        kernel = layer.basis.dense().kernel.value(places[:, None] - places)
        truth = torch.linalg.cholesky(kernel + 1e-9 * torch.eye(113)) @ draws(113, seed=seed)
        y = (truth[:80] + 0.3 * draws(80, seed=900 + seed)).unsqueeze(1)
        weight = 0.3**2 / 80  # unit variance
        posterior = laplace(solved(layer.eval(), x, y, weight), x, y, prior_weight=weight)
        found = posterior.predict(places[80:, None])
        inside = (found.lower.ravel() <= truth[80:]) & (truth[80:] <= found.upper.ravel())
        held.append(inside.double().mean())
    assert 0.91 < float(torch.stack(held).mean()) < 0.985


def test_any_network_may_stand_before_the_layer():
    x, _, y = additive()
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(2, 3), nn.Tanh()).double()
    layer = KSTLayer(3, 1, 9, bounds=(-1, 1), generator=seeded()).double()
    whole = nn.Sequential(body, layer).eval()
    posterior = laplace(whole, x, y, prior_weight=1e-3)
    alone = laplace(layer, body(x).detach(), y, prior_weight=1e-3)
    assert posterior.covariance.allclose(alone.covariance, rtol=1e-8)
    assert posterior.predict(x).sd.allclose(alone.predict(body(x).detach()).sd)
    assert all(parameter.requires_grad for parameter in whole.parameters())


def test_two_outputs_are_twice_one():
    x, _, y = additive()
    one = laplace(made_layer(x, y), x, y, prior_weight=1e-4)
    wide = KSTLayer(2, 2, 9, bounds=(-1, 1), generator=seeded()).double().eval()
    both = laplace(
        solved(wide, x, torch.cat([y, y], 1), 1e-4), x, torch.cat([y, y], 1), prior_weight=1e-4
    )
    assert both.noise_variance == pytest.approx(one.noise_variance, rel=1e-6)
    found = both.covariance_of(x[:5])
    assert found[:, 0, 1].abs().max() < 1e-12
    assert found[:, 1, 1].tolist() == pytest.approx(
        one.covariance_of(x[:5]).ravel().tolist(), rel=1e-4
    )


def classes(n=200, seed=0):
    x = 2 * torch.rand(n, 2, dtype=torch.float64, generator=seeded(seed)) - 1
    logits = torch.stack([torch.zeros(n), 3 * torch.sin(3 * x[:, 0]), 2 * x[:, 1]], 1)
    return x, logits.softmax(1).multinomial(1, generator=seeded(seed + 1)).ravel()


def test_classes_against_the_second_derivative_of_the_loss():
    """(G + Λ) is the Hessian of N times the loss where it is linear in the heights: by autograd."""
    x, y = classes(50)
    layer = KSTLayer(2, 3, 5, bounds=(-1, 1), generator=seeded()).double().eval()
    posterior = laplace(layer, x, y, prior_weight=1e-2, loss="categorical")

    def loss(heights):
        logits = layer.basis.sum(layer.axis(x), heights.view(2, 5, 3))
        bends = 0.5 * layer.basis.quadratic_form(heights.view(2, 5, 3)).sum()
        line = line_prior(layer.basis)
        lines = 0.5 * torch.einsum(
            "imo,mk,iko->", heights.view(2, 5, 3), line, heights.view(2, 5, 3)
        )
        ce = nn.functional.cross_entropy(logits, y, reduction="sum")
        return ce + 50 * 1e-2 * (bends + LINES * lines)

    hessian = torch.autograd.functional.hessian(loss, layer.heights.detach().flatten())
    eye = torch.eye(30, dtype=torch.float64)
    assert (posterior.covariance @ hessian).allclose(eye, atol=1e-6)


def test_probabilities_far_away_are_less_sure():
    x, y = classes(400)
    layer = KSTLayer(2, 3, 9, bounds=(-1, 1), generator=seeded()).double().eval()
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=25)

    def closure():
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(layer(x), y) + 1e-3 * layer.prior()
        loss.backward()
        return loss

    optimiser.step(closure)
    posterior = laplace(layer, x, y, prior_weight=1e-3, loss="categorical")
    asked = torch.tensor([[0.5, 0.0], [8.0, 0.0]], dtype=torch.float64)
    found = posterior.predict(asked, generator=seeded())
    assert found.mean.sum(1).tolist() == pytest.approx([1.0, 1.0])
    assert bool((found.lower <= found.mean).all() & (found.mean <= found.upper).all())
    width = (found.upper - found.lower).amax(1)
    assert width[1] > 2 * width[0]
    assert layer(asked).softmax(1).amax(1)[1] > found.mean.amax(1)[1]
    again = posterior.predict(asked, generator=seeded())
    assert again.mean.equal(found.mean)


def test_gaussian_rows_through_a_posterior():
    """Mean and variance against draws of rows and heights together; one layer, so exact."""
    x, _, y = additive(80)
    layer = made_layer(x, y, weight=1e-2)
    posterior = laplace(layer, x, y, prior_weight=1e-2)
    posterior.prior_variance = 0.0
    mean = torch.tensor([[0.2, -0.4]], dtype=torch.float64)
    covariance = torch.tensor([[[0.09, 0.05], [0.05, 0.09]]], dtype=torch.float64)
    n = 100_000
    rows = mean + draws(n, 2, seed=3) @ torch.linalg.cholesky(covariance[0]).mT
    posterior.covariance = posterior.covariance / posterior.noise_variance  # louder than the rows
    root = torch.linalg.cholesky(posterior.covariance)
    features = layer.basis.cardinal(rows).flatten(1)
    heights = layer.heights.detach().flatten()
    drawn = (features * (heights + draws(n, 18, seed=4) @ root.mT)).sum(1)
    found = posterior.moments(mean, covariance)
    assert abs(float(found.mean) - float(drawn.mean())) < 3 * float(drawn.std()) / n**0.5
    fourth = float(((drawn - drawn.mean()) ** 4).mean())
    error = ((fourth - float(drawn.var()) ** 2) / n) ** 0.5
    assert abs(float(found.variance) - float(drawn.var())) < 3 * error


def test_rows_that_are_known_have_the_variance_of_predict():
    x, _, y = additive()
    posterior = laplace(made_layer(x, y), x, y, prior_weight=1e-4)
    asked = draws(4, 2, seed=2)
    found = posterior.moments(asked, torch.zeros_like(asked))
    expected = posterior.predict(asked)
    assert found.mean.allclose(expected.mean)
    assert found.variance.sqrt().allclose(expected.sd, rtol=1e-5)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"loss": "hinge"}, "loss must be normal or categorical"),
        ({"which": "first"}, "which last or all"),
        ({"prior_weight": 0.0}, "prior_weight positive"),
        ({"model": nn.Linear(2, 1)}, "the network must hold a KSTLayer"),
        ({"y": torch.zeros(7)}, "y must be finite and as the outputs"),
        ({"loss": "categorical"}, "y must hold codes of classes"),
        (
            {"model": KSTLayer(2, 2), "loss": "categorical", "y": torch.zeros(7).long()},
            "got shape (7,) of torch.int64 for 2 logits of 20 rows",
        ),
        ({"model": nn.Sequential(KSTLayer(2, 1), nn.Flatten(0))}, "the outputs must be [N, K]"),
    ],
)
def test_what_does_not_fit_is_said(changed, message):
    x, _, y = additive(20)
    given = {"model": KSTLayer(2, 1), "X": x, "y": y, "prior_weight": 1e-3} | changed
    with pytest.raises(InputError) as error:
        laplace(given.pop("model"), given.pop("X"), given.pop("y"), **given)
    assert message in str(error.value)


def test_rows_pass_through_layers_of_curves_only():
    x, _, y = additive(20)
    model = nn.Sequential(KSTLayer(2, 1, bounds=(-1, 1)))
    with pytest.raises(InputError, match="through layers of curves only; got a Sequential"):
        laplace(model, x, y, prior_weight=1e-3).moments(x, x**2)


def test_gaussian_rows_through_a_posterior_of_all_layers():
    """Against draws of rows, and of the network linearised in its heights, at each of them."""
    network = KSTNetwork([2, 2, 1], knots=7, bounds=(-1, 1), generator=seeded()).double().eval()
    x, _, y = additive(100)
    posterior = laplace(network, x, y, prior_weight=1e-2, which="all")
    mean = torch.tensor([[0.2, -0.4]], dtype=torch.float64)
    variance = torch.full((1, 2), 0.02, dtype=torch.float64)
    rows = mean + variance.sqrt() * draws(4000, 2, seed=3)
    unknown = posterior.covariance_of(rows)
    found = posterior.moments(mean, variance)
    varies = float(network(rows).detach().var())
    assert float(unknown.mean()) > 0.01 * varies
    expected = float(unknown.mean()) + varies
    assert float(found.variance) == pytest.approx(expected, rel=0.03)


def test_the_model_that_was_passed_is_left_as_it_was_and_may_change():
    """A copy is taken, which stands still: its axes do not follow, it is not trained on."""
    x, _, y = additive(60)
    layer = KSTLayer(2, 1, generator=seeded())
    layer(x.float())
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    posterior = laplace(layer, x.float() * 3, y, prior_weight=1e-3)
    first = posterior.predict(x * 5)
    assert all(value.equal(before[name]) for name, value in layer.state_dict().items())
    assert posterior.layers[0].axis.centre.float().equal(layer.axis.centre)
    with torch.no_grad():
        layer.heights.add_(1.0)
    assert posterior.predict(x * 5).mean.equal(first.mean)
    assert layer.training


def test_the_noise_is_what_the_residuals_are_over_the_freedom_left():
    x, _, y = additive(60)
    layer = made_layer(x, y)
    posterior = laplace(layer, x, y, prior_weight=1e-4)
    squares = float((layer(x).detach() - y).square().sum())
    assert posterior.noise_variance == pytest.approx(squares / (60 - posterior.freedom))
