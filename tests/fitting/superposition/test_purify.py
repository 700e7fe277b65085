"""Pure interactions: nothing additive is left in them, and no prediction has changed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.fitting.made_problems import design_of, normal, numbers, start_of, uniform
from tests.oracles.anova import additive_part, grid_interaction

from superpose.fitting.superposition import purify
from superpose.fitting.superposition.assemble import assemble
from superpose.fitting.superposition.newton import Solution, State
from superpose.fitting.superposition.posterior import Posterior
from superpose.fitting.superposition.purify import purified
from superpose.networks import Attribute, AxisRows

LEVELS = ("u", "v", "w")
PAIRS, TERMS = ((0, 1), (1, 3)), ((0, 1), (1, 2, 3))


def table(n, seed=0):
    """Two numbers that rise together, one with holes, and a category with holes."""
    x = uniform(n, 4, seed)
    x[:, 1] = 0.6 * x[:, 0] + 0.4 * x[:, 1]
    x[:, 3] = (3 * x[:, 3]).floor()
    x[::5, 2] = torch.nan
    x[3::7, 3] = torch.nan
    category = Attribute("c", "category", None, LEVELS, True)
    return [*numbers(x[:, :3], n_knots=5), category], x


def weights(n):
    return (1 + 3 * uniform(n, 1, 9)[:, 0]).floor()


def assembled(design, theta, attributes, covariance=None):
    """The network at these coefficients, however good they are, and its posterior."""
    p, n_groups = design.n_coefficients, design.groups()[1]
    covariance = torch.eye(p, dtype=torch.float64) if covariance is None else covariance
    eye = torch.eye(n_groups, dtype=torch.float64)
    state = State(theta, start_of(design).rho)
    solution = Solution(state, theta, covariance, eye[:, 0], eye, 0.0, 0.0, 0.0, 1, True)
    return assemble(attributes, design, solution)


def made(n=3100, n_outputs=1, seed=0):
    attributes, x = table(n)
    w = weights(n)
    design = design_of(attributes, x, n_outputs=n_outputs, pairs=PAIRS, terms=TERMS, weight=w)
    network, posterior = assembled(design, normal(design.n_coefficients, seed), attributes)
    return network, posterior, network.encode(x), w, x


def interactions(network):
    return [part for part in network.parts if part.kind != "curve"]


def odd_rows(x):
    """Rows of the table, far beyond it, with holes in every column, and unseen levels."""
    far = x[:50] * 3 - 1
    far[:, 3] = -1.0
    holes = x[:4].clone()
    holes[range(4), range(4)] = torch.nan
    return torch.cat([x, far, holes, torch.full((1, 4), torch.nan).double()])


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_no_prediction_and_no_band_of_a_prediction_changes(n_outputs):
    network, posterior, u, w, x = made(n_outputs=n_outputs)
    pure, after = purified(network, posterior, u, w)
    rows = odd_rows(x)
    size = network(rows).abs().max()
    assert (pure(rows) - network(rows)).abs().max() < 1e-12 * size
    some = network.encode(rows)[-80:]
    before = posterior.variance(some)
    assert (after.variance(some) - before).abs().max() < 1e-10 * before.max()


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_what_is_left_is_orthogonal_to_every_function_of_the_main_curves(n_outputs):
    network, posterior, u, w, _ = made(n_outputs=n_outputs)
    pure, _ = purified(network, posterior, u, w)
    mains = {part.attributes[0]: part for part in pure.parts if part.kind == "curve"}
    for part, before in zip(interactions(pure), interactions(network), strict=True):
        left = part(u) * w[:, None] / w.sum()
        assert left.sum(0).abs().max() < 1e-12
        moved = 0.0
        for p in part.attributes:
            columns = mains[p].basis.cardinal(u[:, p])
            assert (columns.mT @ left).abs().max() < 1e-10 * before(u).abs().max()
            moved += float((columns.mT @ (before(u) * w[:, None] / w.sum())).abs().max())
        assert moved > 1e-3  # there was something to move


def test_on_a_full_table_it_is_the_table_less_its_means():
    """An independent grid, where functional ANOVA is row and column means."""
    grid = torch.cartesian_prod(torch.arange(3.0), torch.arange(3.0)).double().repeat(30, 1)
    attributes = [Attribute(name, "category", None, LEVELS) for name in "ab"]
    design = design_of(attributes, grid, pairs=((0, 1),))
    network, posterior = assembled(design, normal(design.n_coefficients), attributes)
    pure, _ = purified(network, posterior, grid, torch.ones(len(grid)).double())
    raw = network.parts[2](grid)[:9, 0].view(3, 3).numpy()
    np.testing.assert_allclose(
        pure.parts[2](grid)[:9, 0].view(3, 3), grid_interaction(raw), atol=1e-13
    )


def test_on_dependent_rows_with_holes_it_is_the_weighted_projection():
    n = 400
    x = (3 * uniform(n, 2, 4)).floor()
    x[: n // 2, 1] = x[: n // 2, 0]  # the two go together
    x[::9, 0], x[4::11, 1] = torch.nan, torch.nan
    attributes = [Attribute(name, "category", None, LEVELS, True) for name in "ab"]
    w = weights(n)
    design = design_of(attributes, x, pairs=((0, 1),), weight=w)
    # main curves with a height for missing values, as those of a fit
    network, posterior = assembled(design, normal(design.n_coefficients), attributes)
    pure, _ = purified(network, posterior, x, w)
    raw = network.parts[2](x)[:, 0].numpy()
    codes = np.nan_to_num(x.numpy(), nan=3).astype(int)
    left = raw - additive_part(raw, codes, w.numpy())
    np.testing.assert_allclose(pure.parts[2](x)[:, 0].numpy(), left, atol=1e-12)


def test_what_is_pure_stays_as_it_is():
    network, posterior, u, w, _ = made()
    pure, between = purified(network, posterior, u, w)
    again, after = purified(pure, between, u, w)
    for a, b in zip(again.parts, pure.parts, strict=True):
        assert (a(u) - b(u)).abs().max() < 1e-11
    for i in range(len(pure.parts)):
        before = between.part_variance(i, u[:50])
        assert (after.part_variance(i, u[:50]) - before).abs().max() < 1e-8 * before.max()


def test_the_order_of_the_rows_is_of_no_account_and_a_weight_is_so_many_rows():
    network, posterior, u, w, _ = made()
    pure, _ = purified(network, posterior, u, w)
    every = torch.repeat_interleave(u, w.long(), dim=0)
    every = every[torch.randperm(len(every), generator=torch.Generator().manual_seed(1))]
    other, _ = purified(network, posterior, every, torch.ones(len(every)).double())
    for a, b in zip(pure.parts, other.parts, strict=True):
        assert (a(u) - b(u)).abs().max() < 1e-10


def test_few_rows_move_only_what_they_can_tell_from_chance():
    """One column for every so many rows: what chance moves of pure noise stays small."""
    attributes, x = table(240)
    w = torch.ones(240).double()
    design = design_of(attributes, x, pairs=((0, 1),), weight=w)
    network, posterior = assembled(design, normal(design.n_coefficients), attributes)
    pure, after = purified(network, posterior, network.encode(x), w)
    for moved in pure.parts[4].moved:  # a straight line and no more
        u = moved.basis.knots[:, None].expand(-1, 2).contiguous()
        slopes = moved(u)[:, 0].diff() / moved.basis.knots.diff()
        assert slopes.std() < 1e-10 * slopes.abs().mean()
    assert int(240 / (purify.ROWS * 2)) == 0
    assert len(after.shares[4].moved) == 4  # by coefficients and by chance, of two curves


@pytest.mark.parametrize("seed", range(3))
def test_bands_are_those_of_the_moved_coefficients(seed):
    """With covariance v vᵀ the deviation of a part is its derivative along v, to be checked."""
    n, step = 900, 1e-5
    attributes, x = table(n)
    w = weights(n)
    design = design_of(attributes, x, pairs=PAIRS, terms=TERMS, weight=w)
    theta, v = normal(design.n_coefficients, seed), normal(design.n_coefficients, 50 + seed)

    def at(theta, covariance):
        network, posterior = assembled(design, theta, attributes, covariance)
        return purified(network, posterior, network.encode(x), w)

    network, posterior = at(theta, torch.outer(v, v))
    _, silent = at(theta, torch.zeros(len(v), len(v)).double())
    (up, _), (down, _) = (at(theta + sign * step * v, torch.outer(v, v)) for sign in (1, -1))
    u = network.encode(x[:40])
    for i, part in enumerate(network.parts):
        along = (up.parts[i](u) - down.parts[i](u)) / (2 * step)
        variance = posterior.part_variance(i, u) - silent.part_variance(i, u)
        scale = along.abs().max()
        assert (variance.clamp(min=0).sqrt() - along.abs()).abs().max() < 1e-4 * scale, part.kind


def test_what_is_held_neither_takes_nor_gives():
    network, posterior, u, w, _ = made()
    pure, _ = purified(network, posterior, u, w, held={1, 4})
    assert (pure.parts[1].heights == network.parts[1].heights).all()
    assert len(pure.parts[4].moved) == 0
    assert [curve.attributes[0] for curve in pure.parts[5].moved] == [3]  # 1 is held
    assert (pure(u) - network(u)).abs().max() < 1e-12 * network(u).abs().max()


def test_attributes_that_are_copies_share_what_moves():
    """Twins leave it open which of them takes it; the smallest heights do, and they are finite."""
    x = uniform(2000, 1).repeat(1, 2)
    attributes = numbers(x, n_knots=5)
    design = design_of(attributes, x, pairs=((0, 1),))
    network, posterior = assembled(design, normal(design.n_coefficients), attributes)
    pure, after = purified(network, posterior, network.encode(x), torch.ones(2000).double())
    first, second = pure.parts[2].moved
    assert (first.heights - second.heights).abs().max() < 1e-6 * first.heights.abs().max()
    assert after.variance(network.encode(x[:9])).isfinite().all()


def known_variance(posterior, u):
    """J S Jᵀ with every map of every part, none left out because another part undoes it."""
    rows, parts = AxisRows(u), range(len(posterior.shares))
    pieces, left = [posterior._bias(len(u))], 0.0
    for i in parts:
        own, open_variance = posterior._own(i, rows)
        pieces += [own, *posterior._moved(i, rows)]
        left = left + open_variance + posterior._unknown(i, rows)
    return posterior._known(pieces) + left


def test_maps_that_cancel_are_left_out_and_no_others():
    network, posterior, u, w, _ = made()
    pure, after = purified(network, posterior, u, w)
    assert sum(map(len, after._lasting)) == 0 < sum(len(share.moved) for share in after.shares)
    some = u[:40]
    expected = known_variance(after, some)
    assert (after.variance(some) - expected).abs().max() < 1e-9 * expected.max()
    shares = list(after.shares)  # a main curve that was smoothed by hand takes less than was given
    shares[1] = replace(
        shares[1], moved=tuple(it.mapped(lambda h: h / 2) for it in shares[1].moved)
    )
    by_hand = Posterior(pure, after.covariance, shares, after.stride)
    assert by_hand._lasting[1]
    expected = known_variance(by_hand, some)
    assert (by_hand.variance(some) - expected).abs().max() < 1e-9 * expected.max()
    assert (by_hand.variance(some) - after.variance(some)).abs().max() > 1e-3 * expected.max()
