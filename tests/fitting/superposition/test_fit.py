"""Whole fits: known truths are found, nothing is found in noise, odd tables break nothing."""

import warnings

import numpy as np
import pytest
import torch
from tests.fitting.made_problems import classes, generator, normal, numbers, uniform

from superpose.curves import KERNELS, Axis
from superpose.errors import ConvergenceWarning, InputError
from superpose.fitting import fit_superposition
from superpose.fitting.superposition import finish as finish_module
from superpose.networks import Attribute


def fitted(x, y, loss="gaussian", pairs=0, terms=0, n_knots=12, **options):
    attributes = options.pop("attributes", None) or numbers(x, n_knots)
    return fit_superposition(attributes, x, y, loss=loss, pairs=pairs, terms=terms, **options)


def r2(fit, x, truth):
    with torch.no_grad():
        gap = fit.network(x)[:, 0] - truth
    return 1 - float((gap**2).mean() / truth.var())


def additive(x):
    return 2 * torch.sin(6 * x[:, 0]) + 3 * x[:, 1] + 4 * (x[:, 2] - 0.5) ** 2


@pytest.mark.filterwarnings("ignore:the covariance of")  # squared exponentials say so
@pytest.mark.parametrize("kernel", KERNELS)
def test_an_additive_truth_is_found(kernel):
    """The error of the fit is what the degrees of freedom cost: σ √(dof / N), and half as much."""
    n, noise = 500, 0.5
    x = uniform(n, 4)
    y = additive(x) + noise * normal(n)
    fit = fitted(x, y, kernel=kernel)
    assert fit.converged
    new = uniform(1000, 4, seed=9)
    gap = fit.network(new)[:, 0] - additive(new)
    assert float(gap.square().mean().sqrt()) < 1.5 * noise * ((fit.dof() + 1) / n) ** 0.5
    assert fit.noise == pytest.approx(noise, rel=0.1)
    sine, line, _, nothing = fit.posterior.dof
    assert sine > 5
    assert max(line, nothing) < 4
    inside = gap.abs() < 1.96 * fit.posterior.variance(fit.network.encode(new))[:, 0].sqrt()
    assert 0.85 < float(inside.double().mean()) <= 1.0


def test_degrees_of_freedom_of_the_whole_model():
    x = uniform(200, 2)
    fit = fitted(x, additive(torch.cat([x, x[:, :1]], 1)) + 0.1 * normal(200))
    assert fit.dof() == pytest.approx(sum(fit.posterior.dof))
    line = fitted(x[:, :1].round(), x[:, 0].round() + 0.1 * normal(200))
    assert line.dof() == pytest.approx(1.0, abs=0.02)  # two values: one straight line, well known


def test_the_path_says_what_was_tried():
    x = uniform(120, 3)
    fit = fitted(x, additive(x) + normal(120), pairs=2, terms=0)
    assert [step.pairs for step in fit.path] == [0, 2]
    assert [step.chosen for step in fit.path] == [False, True]
    assert [step.cost for step in fit.path] == [3.0, 7.0]
    assert [step.curves for step in fit.path] == [3, 5]
    assert fit.network.n_curves() == 5
    assert fit.path[-1].dof == pytest.approx(fit.dof(), rel=0.3)


def test_named_pairs_are_the_pairs():
    x = uniform(120, 3)
    fit = fitted(x, additive(x) + normal(120), pairs=[(2, 0)])
    assert [part.attributes for part in fit.network.parts] == [(0,), (1,), (2,), (0, 2)]


@pytest.mark.slow
def test_one_planted_pair_is_one_pair():
    n = 500
    x = uniform(n, 6, seed=2)
    y = x[:, 0] + 12 * (x[:, 1] - 0.5) * (x[:, 4] - 0.5) + 0.5 * normal(n)
    fit = fitted(x, y, pairs="auto")
    pairs = [part.attributes for part in fit.network.parts if part.kind == "pair"]
    assert (1, 4) in pairs
    assert len(pairs) <= 2
    assert [step.pairs for step in fit.path if step.chosen] == [len(pairs)]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["gaussian", "bernoulli"])
def test_in_noise_hardly_anything_is_found(loss):
    """Four columns of noise: a few degrees of freedom, and a pair in one table of five at most."""
    n, found = 300, []
    for seed in range(5):
        x = uniform(n, 4, seed=100 + seed)
        y = normal(n, 200 + seed) if loss == "gaussian" else classes(torch.zeros(n), seed)
        found.append(fitted(x, y, loss, pairs="auto"))
    assert sum(part.kind == "pair" for fit in found for part in fit.network.parts) <= 1
    assert np.median([fit.dof() for fit in found]) < 6


@pytest.mark.slow
def test_in_noise_there_is_no_term():
    x = uniform(150, 4, seed=100)
    fit = fitted(x, normal(150, 200), terms="auto")
    assert [part.kind for part in fit.network.parts] == ["curve"] * 4
    with torch.no_grad():
        assert fit.network(x).var() < 0.1


@pytest.mark.slow
def test_a_product_of_curves_needs_a_term():
    """y = exp(sum of three curves): one outer curve over three inner ones, no sum of curves."""
    n = 300

    def truth(x):
        return torch.exp(torch.sin(4 * x[:, 0]) + 2 * x[:, 1] - 3 * (x[:, 2] - 0.5) ** 2)

    x, new = uniform(n, 4, seed=5), uniform(1000, 4, seed=6)
    y = truth(x) + 0.1 * normal(n)
    without = fitted(x, y)
    fit = fitted(x, y, terms=1)
    (term,) = [part for part in fit.network.parts if part.kind == "term"]
    assert set(term.attributes) >= {0, 1, 2}
    lost, kept = 1 - r2(without, new, truth(new)), 1 - r2(fit, new, truth(new))
    assert kept < lost / 3
    assert kept < 0.02


def test_three_classes_beat_chance():
    n = 300
    x = uniform(n, 2)
    f = torch.stack([4 * torch.sin(5 * x[:, 0]), 5 * x[:, 1], torch.zeros(n)], 1)
    fit = fitted(x, classes(f), "multinomial")
    new = uniform(500, 2, seed=8)
    g = torch.stack([4 * torch.sin(5 * new[:, 0]), 5 * new[:, 1], torch.zeros(500)], 1)
    y = classes(g, seed=4).long()
    loss = torch.nn.functional.cross_entropy(fit.network(new), y)
    best = torch.nn.functional.cross_entropy(g, y)
    assert loss < 1.1 * best + 0.02
    assert loss < 0.8 * np.log(3)
    assert fit.converged
    assert fit.gradient < 1e-3
    assert fit.noise is None
    # outputs are centred log-probabilities, and bands are as wide as what the rows leave open
    assert fit.network(new).mean(1).abs().max() < 1e-6
    assert fit.posterior.variance(fit.network.encode(new)).sqrt().median() < 1.0


def test_units_of_the_target_are_kept():
    x = uniform(150, 2)
    y = additive(torch.cat([x, x[:, :1]], 1)) + 0.3 * normal(150)
    one, other = fitted(x, y), fitted(x, 1e6 + 1e3 * y)
    assert torch.allclose(other.network(x), 1e6 + 1e3 * one.network(x), rtol=1e-9)
    assert other.noise == pytest.approx(1e3 * one.noise, rel=1e-5)
    assert other.evidence == pytest.approx(one.evidence - 149 * np.log(1e3), abs=1e-3)
    u = one.network.encode(x)
    assert torch.allclose(other.posterior.variance(u), 1e6 * one.posterior.variance(u), rtol=1e-4)


@pytest.mark.parametrize("terms", [0, 1])
def test_twice_the_same_bits(terms):
    x = uniform(40, 2)
    y = x[:, 0] * x[:, 1] + 0.1 * normal(40)
    state = torch.random.get_rng_state()
    one, two = (fitted(x, y, pairs=1, terms=terms, n_knots=6, random_state=3) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), state)
    for a, b in zip(one.network.parameters(), two.network.parameters(), strict=True):
        assert torch.equal(a, b)
    assert torch.equal(one.posterior.covariance, two.posterior.covariance)
    assert one.path == two.path


def test_a_fit_that_runs_out_of_steps_warns(monkeypatch):
    def short(growth):
        return growth.fit(iterations=1, tolerance=1e-12)

    monkeypatch.setattr(finish_module, "finish", short)
    x = uniform(60, 1)
    with pytest.warns(ConvergenceWarning, match="the fit should have converged; "):
        fit = fitted(x, x[:, 0].sin() + 0.1 * normal(60))
    assert not fit.converged


def odd_tables():
    """Tables that someone has, by name: x, y."""
    x, noise = uniform(60, 3), normal(60)
    constant, empty, twins = x.clone(), x.clone(), x.clone()
    constant[:, 1] = 4.0
    empty[:, 2] = torch.nan
    twins[:, 1] = twins[:, 0]
    huge = x * torch.tensor([1e12, 1e-12, 1.0])
    outlier = x.clone()
    outlier[0, 0] = 1e9
    return {
        "a constant column": (constant, x[:, 0] + noise),
        "a column without a value": (empty, x[:, 0] + noise),
        "a column twice": (twins, x[:, 0] + 0.1 * noise),
        "one column": (x[:, :1], x[:, 0] + noise),
        "two rows": (x[:2], x[:2, 0]),
        "three rows": (x[:3], x[:3, 0]),
        "a constant target": (x, torch.full((60,), 7.0).double()),
        "units far apart": (huge, x[:, 0] + 0.1 * noise),
        "an outlier": (outlier, x[:, 0] + 0.1 * noise),
        "a target without noise": (x, x[:, 0]),
        "more columns than rows": (uniform(50, 200).round(decimals=1), normal(50)),
    }


@pytest.mark.filterwarnings("ignore::superpose.errors.ConvergenceWarning")
@pytest.mark.parametrize("name", odd_tables())
def test_odd_tables_are_fitted(name):
    x, y = odd_tables()[name]
    fit = fitted(x, y, n_knots=8 if x.shape[1] < 100 else 3)
    u = fit.network.encode(x)
    for found in (fit.network(x), fit.posterior.variance(u)):
        assert found.isfinite().all()
    assert fit.posterior.variance(u).min() >= 0
    with torch.no_grad():
        gap = (fit.network(x)[:, 0] - y).square().mean()
    assert gap <= 1.001 * (y - y.mean()).square().mean() + 1e-12
    assert fit.network.contributions(x).mean(0).abs().max() < 1e-6 * max(float(y.abs().max()), 1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::superpose.errors.ConvergenceWarning")
@pytest.mark.parametrize(
    "name",
    [
        "a constant column",
        "a column without a value",
        "one column",
        "a column twice",
        "two rows",
        "a constant target",
    ],
)
def test_odd_tables_are_fitted_with_the_whole_dial(name):
    x, y = odd_tables()[name]
    fit = fitted(x, y, pairs="auto", terms="auto", n_knots=8)
    assert fit.network(x).isfinite().all()
    assert fit.posterior.variance(fit.network.encode(x)).isfinite().all()
    named = fitted(x, y, pairs=[(0, 1)] if x.shape[1] > 1 else 0, n_knots=8)
    assert named.network(x).isfinite().all()


def test_two_columns_that_are_one_share_it():
    x = uniform(100, 1).expand(-1, 2)
    y = torch.sin(6 * x[:, 0]) + 0.1 * normal(100)
    both, alone = fitted(x, y), fitted(x[:, :1], y)
    assert (both.network(x) - alone.network(x[:, :1])).abs().max() < 0.05
    first, second = both.network.contributions(x)[:, :, 0].T
    assert (first - second).abs().max() < 1e-6


def test_levels_and_missing_values():
    codes = torch.arange(200) % 4
    x = torch.stack([codes.double(), uniform(200, 1)[:, 0]], 1)
    x[::5, 1] = torch.nan
    effect = torch.tensor([0.0, 1.0, -2.0, 3.0], dtype=torch.float64)
    clean = effect[codes] + torch.where(x[:, 1].isnan(), 2.0, 4 * x[:, 1])
    levels = Attribute("c", "category", None, ("a", "b", "c", "d"))
    number = Attribute("u", "number", Axis.from_data(x[:, 1], n_knots=8), None, True)
    fit = fitted(x, clean + 0.1 * normal(200), attributes=[levels, number])
    with torch.no_grad():
        assert (fit.network(x)[:, 0] - clean).abs().max() < 0.2
        unseen = torch.tensor([[-1.0, 0.5]], dtype=torch.float64)
        assert fit.network.contributions(unseen)[0, 0, 0] == 0
    variance = fit.posterior.part_variance(0, fit.network.encode(torch.cat([unseen, x[:4]])))
    assert variance[0] > 10 * variance[1:].max()


def test_broken_targets_and_weights_are_refused():
    x, y = uniform(20, 1), normal(20)
    with pytest.raises(InputError) as error:
        fitted(x, y.where(y < y.max(), torch.nan))
    assert str(error.value) == (
        "targets must be finite, and weights finite and 0 or above; "
        "found 1 targets and 0 weights that are not; leave these rows out"
    )
    with pytest.raises(InputError, match="found 0 targets and 20 weights that are not"):
        fitted(x, y, sample_weight=-torch.ones(20, dtype=torch.float64))
    with pytest.raises(InputError) as error:
        fitted(x, y, sample_weight=torch.full((20,), 0.05, dtype=torch.float64))
    assert str(error.value) == (
        "weights say how many rows each row stands for, and must sum to more than 1; "
        "they sum to 1; multiply them by the number of rows, or leave them out"
    )
    with pytest.raises(InputError) as error:
        fitted(x, y, "poisson")
    assert str(error.value) == (
        'counts ("poisson") must be 0 or above, and not all of them 0; found -2.31041 as the '
        "smallest, 1.48807 as the largest; correct them, or take another loss"
    )
    with pytest.raises(InputError, match='^targets of "gamma" must be above 0; found -2.31041; '):
        fitted(x, y, "gamma")
    with pytest.raises(InputError, match="found 0 as the smallest, 0 as the largest"):
        fitted(x, torch.zeros_like(y), "poisson")


def test_weights_of_zero_leave_rows_out():
    x, y = uniform(60, 1), normal(60)
    x_all = torch.cat([x, uniform(20, 1, 5)])
    y_all = torch.cat([y, 50 + normal(20, 5)])
    weight = torch.cat([torch.ones(60), torch.zeros(20)]).double()
    attributes = numbers(x)
    one = fitted(x, y, attributes=attributes)
    two = fitted(x_all, y_all, attributes=attributes, sample_weight=weight)
    assert torch.allclose(one.network(x), two.network(x), atol=1e-6)


@pytest.mark.parametrize("n", [30, 60])
def test_the_order_of_the_columns_changes_nothing(n):
    x = uniform(n, 4)
    y = additive(x) + normal(n)
    order = torch.randperm(4, generator=generator(2))
    one, two = fitted(x, y), fitted(x[:, order], y)
    assert torch.allclose(one.network(x), two.network(x[:, order]), atol=1e-4)


def test_where_no_pair_promises_evidence_none_is_tried():
    x = uniform(200, 3)
    main = (4 * x[:, 0]).sin() + normal(200, 3)
    path = fit_superposition(numbers(x), x, main, loss="gaussian", terms=0).path
    assert [step.pairs for step in path] == [0]
    both = main + 8 * (x[:, 1] - 0.5) * (x[:, 2] - 0.5)
    path = fit_superposition(numbers(x), x, both, loss="gaussian", terms=0).path
    assert max(step.pairs for step in path) > 0


def test_the_dial_stops_where_the_evidence_shuts_what_it_adds():
    x = uniform(300, 6)
    y = 3 * (x[:, 0] - 0.5) * (x[:, 1] - 0.5) + 0.3 * normal(300, 3)
    path = fit_superposition(numbers(x), x, y, loss="gaussian", terms=0).path
    assert path[-1].pairs < 16  # of 15 that there are, and one that interacts
    assert next(step.pairs for step in path if step.chosen) == 1


def test_the_steps_of_a_fit_with_terms_are_all_counted():
    x = uniform(60, 2)
    y = (6 * x.sum(1)).sin() + 0.1 * normal(60)
    assert fitted(x, y, terms=[(0, 1)], n_knots=8).iterations > 1


@pytest.mark.parametrize("noise", [0.1, 0.0])
def test_a_model_with_terms_says_that_it_has_converged_where_little_is_left(noise):
    """Polished once, these had 3.4 and 1.5 nats left in the metric of where they ended."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.uniform(-1, 1, (150, 4)))
    y = (3 * x[:, :3].sum(1)).sin() + noise * torch.from_numpy(rng.normal(size=150))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = fit_superposition(numbers(x, 8), x, y, loss="gaussian", pairs=0, terms=2)
    assert fit.converged
    assert fit.gradient < 0.02
