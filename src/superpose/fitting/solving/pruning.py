"""Pruning of a network of layers: links and nodes that the function does not need go.

Nothing goes on a criterion of its own: what counts is how far the function moves over the rows,
and the result says so.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch

from superpose.errors import InputError
from superpose.fitting.solving.network_jacobian import network_jacobian
from superpose.networks import KSTLayer, KSTNetwork
from superpose.networks.formula_network import Place


@dataclass(frozen=True, eq=False)
class Pruned:
    """A network without the links and nodes it does not need, and what that did to its function.

    Attributes
    ----------
    network : KSTNetwork
        In float64. A link that went is a curve that is zero everywhere.
    links : list of (layer, input, output)
        Those that stayed, in the numbering of ``network``.
    largest_change, rms_change : float
        Of the outputs over the rows, in units of the output.
    rmse : float, optional
        Of the network over the rows, where the targets were given; after refitting.
    """

    network: KSTNetwork
    links: list[Place]
    largest_change: float
    rms_change: float
    rmse: float | None = None


@torch.no_grad()
def prune(
    network: KSTNetwork,
    x: torch.Tensor,
    *,
    tolerance: float = 1e-3,
    y: torch.Tensor | None = None,
) -> Pruned:
    """Return a network without what it does not need, and how far its function moved.

    The link whose replacement by a constant moves the function least goes first, as long as the
    function has moved by no more than the tolerance in all. Nodes that are a straight line of their
    sum are merged, constants are added to a link that stays, and nodes that nothing enters or
    leaves are cut out: these three are exact, to rounding.

    Parameters
    ----------
    network : KSTNetwork
        It stays as it is.
    x : Tensor [N, n]
        Rows that say what is needed.
    tolerance : float, default 0.001
        Root mean square of the change over the rows, as a share of the outputs' standard deviation.
    y : Tensor [N, O], optional
        Targets; with them what is left is fitted again. The change is then the one before.

    Returns
    -------
    Pruned

    Raises
    ------
    InputError
        If the tolerance is negative.

    Examples
    --------
    >>> import torch
    >>> from superpose.fitting import prune
    >>> from superpose.networks import KSTNetwork
    >>> network = KSTNetwork([2, 3, 1], bounds=(-1, 1), generator=torch.Generator().manual_seed(0))
    >>> x = torch.rand(200, 2) * 2 - 1
    >>> pruned = prune(network.eval(), x)  # at its start every curve is a straight line
    >>> len(pruned.links), pruned.rms_change < 1e-5
    (3, True)
    """
    if tolerance < 0:
        raise InputError(
            "tolerance must be 0 or more", f"got {tolerance}", "pass for instance 1e-3"
        )
    x, made = x.double(), deepcopy(network).double().eval()
    before = made(x)
    size = float((before - before.mean(0)).square().mean().sqrt())
    _merge_straight_nodes(made, x, 1e-3 * tolerance * size)
    gone = _drop_links(made, x, before, tolerance * size)
    _fold_constants(made, gone)
    links = _cut_nodes(made, gone)
    change = made(x) - before
    rmse = None
    if y is not None:
        rmse = refit_links(made, x, y.double().reshape(len(x), -1), links)
    return Pruned(
        made, links, float(change.abs().max()), float(change.square().mean().sqrt()), rmse
    )


def _drop_links(
    network: KSTNetwork, x: torch.Tensor, before: torch.Tensor, allowed: float
) -> set[Place]:
    """Make links constant, the least needed first, and return them."""
    left, gone = set(_places(network)), set[Place]()
    while True:
        inputs, changes = _inputs(network, x), {}
        for place in left:
            kept = _replace_by_mean(network, place, inputs)
            changes[place] = float((network(x) - before).square().mean().sqrt())
            _heights(network, place).copy_(kept)
        least = min(changes, key=lambda p: changes[p], default=None)
        if least is None or changes[least] > allowed:
            return gone
        _replace_by_mean(network, least, inputs)
        left.discard(least)
        gone.add(least)


def _replace_by_mean(network: KSTNetwork, place: Place, inputs: list[torch.Tensor]) -> torch.Tensor:
    """Make a link its mean over the rows, and return its heights before."""
    layer, i, o = place
    heights = _heights(network, place)
    kept = heights.clone()
    heights.fill_(
        float(link_values(network.each_layer()[layer], i, inputs[layer][:, i])[:, o].mean())
    )
    return kept


def _merge_straight_nodes(network: KSTNetwork, x: torch.Tensor, allowed: float) -> None:
    """Make one node an output of all hidden nodes whose links behind them are straight lines.

    With Φ_ho(s) = α_ho s + β_ho for all these h, Σ_h Φ_ho(Σ_i ψ_ih) = Σ_i (Σ_h α_ho ψ_ih) + β_o.
    """
    for number in range(len(network.layers) - 1):
        ahead, behind = network.each_layer()[number : number + 2]
        inputs = _inputs(network, x)[number + 1]
        lines = [_line(behind, h, inputs[:, h], allowed) for h in range(behind.in_features)]
        straight = [h for h, line in enumerate(lines) if line is not None]
        if len(straight) <= behind.out_features:
            continue
        slopes = torch.stack([line[0] for line in lines if line is not None])  # [S, O]
        level = torch.stack([line[1] for line in lines if line is not None]).sum(0)
        others = [h for h in range(behind.in_features) if h not in straight]
        merged = ahead.heights[:, :, straight] @ slopes  # [I, M, O]
        sums = inputs[:, straight] @ slopes
        identity = _identity_links(behind, sums, level)
        _narrow(ahead, behind, others)
        _set_heights(ahead, torch.cat([ahead.heights, merged], 2))
        _widen(behind, sums, identity)


def _line(
    layer: KSTLayer, h: int, s: torch.Tensor, allowed: float
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return slopes and levels [O] of the links from a node where all are straight lines."""
    columns = torch.stack([s, torch.ones_like(s)], 1)
    values = link_values(layer, h, s)
    found = torch.linalg.lstsq(columns, values).solution
    away = (columns @ found - values).square().mean().sqrt()
    return (found[0], found[1]) if float(away) <= allowed else None


def _identity_links(layer: KSTLayer, sums: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Return heights [O, M, O] of links that hand on O sums, the first with the levels."""
    knots, count = layer.basis.knots, layer.out_features
    heights = knots.new_zeros(count, len(knots), count)
    centre, spread = _reach(sums)
    for o in range(count):
        heights[o, :, o] = centre[o] + spread[o] * knots + level[o]
    return heights


def _reach(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    low, high = values.amin(0), values.amax(0)
    return (low + high) / 2, ((high - low) / 2).clamp(min=1e-6)


def _narrow(ahead: KSTLayer, behind: KSTLayer, kept: list[int]) -> None:
    """Keep these nodes between two layers."""
    _set_heights(ahead, ahead.heights[:, :, kept])
    _set_heights(behind, behind.heights[kept])
    for name in ("centre", "variance", "lowest", "highest"):
        setattr(behind.axis, name, getattr(behind.axis, name)[kept])


def _widen(behind: KSTLayer, sums: torch.Tensor, heights: torch.Tensor) -> None:
    """Give a layer more inputs, which reach as far as these sums do."""
    axis, (centre, spread) = behind.axis, _reach(sums)
    _set_heights(behind, torch.cat([behind.heights, heights]))
    axis.centre = torch.cat([axis.centre, centre])
    axis.variance = torch.cat([axis.variance, (spread / axis.reach) ** 2])
    axis.lowest = torch.cat([axis.lowest, sums.amin(0)])
    axis.highest = torch.cat([axis.highest, sums.amax(0)])


def _set_heights(layer: KSTLayer, heights: torch.Tensor) -> None:
    layer.heights = torch.nn.Parameter(heights.detach().clone())
    layer.in_features, _, layer.out_features = layer.heights.shape


def _fold_constants(network: KSTNetwork, gone: set[Place]) -> None:
    """Add what constant links hold to a link of the same node that stays, where there is one."""
    for place in gone:
        layer, _, o = place
        stays = [p for p in _places(network) if p[0] == layer and p[2] == o and p not in gone]
        if stays:
            _heights(network, stays[0]).add_(_heights(network, place)[0])
            _heights(network, place).zero_()


def _cut_nodes(network: KSTNetwork, gone: set[Place]) -> list[Place]:
    """Cut out hidden nodes that nothing enters or leaves; return the links that are left."""
    left = [p for p in _places(network) if p not in gone]
    for number in range(len(network.layers) - 1, 0, -1):
        ahead, behind = network.each_layer()[number - 1 : number + 1]
        kept = [
            h
            for h in range(behind.in_features)
            if any(p[0] == number and p[1] == h for p in left)
            and any(p[0] == number - 1 and p[2] == h for p in left)
        ]
        if not kept:
            kept = [0]  # a layer cannot be empty; the function is constant behind it
        for h in set(range(behind.in_features)) - set(kept):
            _keep_level(network, number, h, kept[0])
        _narrow(ahead, behind, kept)
        rank = {h: new for new, h in enumerate(kept)}
        left = [
            (k, rank[i] if k == number else i, rank[o] if k == number - 1 else o)
            for k, i, o in left
            if not (k == number and i not in rank) and not (k == number - 1 and o not in rank)
        ]
    return left


def _keep_level(network: KSTNetwork, number: int, h: int, other: int) -> None:
    """Move what a node without links puts out to another node of its layer."""
    ahead, behind = network.each_layer()[number - 1 : number + 1]
    value = ahead.heights[:, 0, h].sum().reshape(1)  # its links are constant
    behind.heights[other] += link_values(behind, h, value)
    behind.heights[h] = 0.0


def link_values(layer: KSTLayer, i: int, x: torch.Tensor) -> torch.Tensor:
    """Return what the links from one input of a layer add at its values x [N], [N, O]."""
    u = (x - layer.axis.centre[i]) / layer.axis.spread[i]
    return layer.basis.cardinal(u) @ layer.heights[i]


def _places(network: KSTNetwork) -> list[Place]:
    return [
        (number, i, o)
        for number, layer in enumerate(network.each_layer())
        for i in range(layer.in_features)
        for o in range(layer.out_features)
    ]


def _heights(network: KSTNetwork, place: Place) -> torch.Tensor:
    layer, i, o = place
    return network.each_layer()[layer].heights.data[i, :, o]


def _inputs(network: KSTNetwork, x: torch.Tensor) -> list[torch.Tensor]:
    """Return what enters every layer."""
    found = [x]
    for layer in network.each_layer()[:-1]:
        found.append(layer(found[-1]))
    return found


@torch.no_grad()
def refit_links(
    network: KSTNetwork, x: torch.Tensor, y: torch.Tensor, links: list[Place], *, steps: int = 20
) -> float:
    """Fit the heights of these links again by damped Gauss-Newton; return the root mean square."""
    kept = torch.cat(
        [
            torch.tensor([(number, i, o) in links for o in range(layer.out_features)])
            .expand(layer.basis.n_heights, -1)
            .flatten()
            for number, layer in enumerate(network.each_layer())
            for i in range(layer.in_features)
        ]
    )
    heights = [layer.heights for layer in network.each_layer()]
    vector = torch.nn.utils.parameters_to_vector(heights)
    damping, loss = 1e-3, float((y - network(x)).square().mean())
    for _ in range(steps):
        outputs, jacobian = network_jacobian(network, x)
        columns = jacobian.flatten(0, 1)[:, kept]
        normal, pull = columns.mT @ columns, columns.mT @ (y - outputs).flatten()
        scale = float(normal.diagonal().max())
        while damping < 1e6:
            normal_damped = normal + scale * 1e-3 * damping * torch.eye(len(normal)).to(normal)
            moved = vector.clone()
            moved[kept] += torch.linalg.solve(normal_damped, pull)
            torch.nn.utils.vector_to_parameters(moved, heights)
            found = float((y - network(x)).square().mean())
            if found < loss:
                break
            damping *= 8
        else:
            torch.nn.utils.vector_to_parameters(vector, heights)
            break
        gained, vector, loss, damping = loss - found, moved, found, max(damping / 8, 1e-9)
        if gained < 1e-4 * loss:
            break
    return loss**0.5
