"""The gauge of a network of closed forms: one set of parameters for one function.

A hidden number may be scaled and shifted at will where the links behind it take that back. Here
nothing is added in front of a hidden node, and its scale is settled by the first of these that
there is: a link behind it with a free a has a = 1; a straight link behind it has c = 1; the largest
link in front of it has |c| = 1. Outputs have one constant each.
"""

from __future__ import annotations

import numpy as np

from superpose.networks.formula_network import FormulaNetwork, Parameters, Place


def settle(network: FormulaNetwork, x: np.ndarray) -> tuple[FormulaNetwork, np.ndarray]:
    """Return the same function in the gauge, and which of its parameters are free, [4 links].

    Parameters
    ----------
    network : FormulaNetwork
    x : array [N, n]
        Rows, which say what the largest link is.

    Returns
    -------
    network : FormulaNetwork
        Without links that are constant and nodes that nothing depends on.
    free : array [4 links] of bool
    """
    network = without_idle_links(network)
    held: set[tuple[Place, int]] = set()
    for layer in range(len(network.widths) - 2):
        for node in range(network.widths[layer + 1]):
            network = _shifted(network, layer, node, held)
            network = _scaled(network, layer, node, x, held)
    network = _one_constant(network, held)
    free = [
        name in network.forms[place].free and (place, k) not in held
        for place in network.places
        for k, name in enumerate("abcd")
    ]
    return network, np.array(free)


def without_idle_links(network: FormulaNetwork) -> FormulaNetwork:
    """Return the same function without constant links to hidden nodes, and without idle nodes."""
    while True:
        place = next((p for p in network.places if _idle(network, p)), None)
        if place is None:
            return network
        network = _dropped(network, place)


def _idle(network: FormulaNetwork, place: Place) -> bool:
    layer, i, o = place
    if layer < len(network.widths) - 2 and not network.out_of(layer + 1, o):
        return True
    constant = network.forms[place].name == "constant" or network.parameters[place][2] == 0
    constant = constant or (layer > 0 and not network.into(layer - 1, i))
    alone = layer == len(network.widths) - 2 and len(network.into(layer, o)) == 1
    return constant and not alone


def _dropped(network: FormulaNetwork, place: Place) -> FormulaNetwork:
    """Return the network without a link, whose constant goes where it can be kept."""
    layer, _, o = place
    form, (a, b, c, d) = network.forms[place], network.parameters[place]
    level = d if form.name == "constant" or c == 0 else form.curve(np.zeros(1), a, b, c, d)[0]
    forms = {p: f for p, f in network.forms.items() if p != place}
    parameters = {p: v for p, v in network.parameters.items() if p != place}
    others = [p for p in forms if p[0] == layer and p[2] == o]
    if others:
        parameters[others[0]] = _add(parameters[others[0]], d=float(level))
    else:
        for behind in (p for p in forms if p[0] == layer + 1 and p[1] == o):
            parameters[behind] = _add(parameters[behind], b=float(level) * parameters[behind][0])
    return FormulaNetwork(network.widths, forms, parameters)


def _add(p: Parameters, *, b: float = 0.0, d: float = 0.0) -> Parameters:
    return p[0], p[1] + b, p[2], p[3] + d


def _shifted(
    network: FormulaNetwork, layer: int, node: int, held: set[tuple[Place, int]]
) -> FormulaNetwork:
    """Move constants in front of a node into the arguments behind it."""
    parameters, shift = dict(network.parameters), 0.0
    for place in network.into(layer, node):
        shift += parameters[place][3]
        parameters[place] = _add(parameters[place], d=-parameters[place][3])
        held.add((place, 3))
    for place in network.out_of(layer + 1, node):
        moved = _add(parameters[place], b=shift * parameters[place][0])
        parameters[place] = network.forms[place].normal(*moved)
    return FormulaNetwork(network.widths, network.forms, parameters)


def _scaled(
    network: FormulaNetwork, layer: int, node: int, x: np.ndarray, held: set[tuple[Place, int]]
) -> FormulaNetwork:
    """Settle the scale of a node, and hold the parameter that settles it."""
    parameters = dict(network.parameters)
    ahead, behind = network.into(layer, node), network.out_of(layer + 1, node)
    if not ahead:
        return network
    steep = [p for p in behind if network.forms[p].scale == "a" and parameters[p][0] != 0]
    straight = [p for p in behind if network.forms[p].name == "affine" and parameters[p][2] != 0]
    if steep:
        held.add((steep[0], 0))
        factor = parameters[steep[0]][0]
    elif straight:
        held.add((straight[0], 2))
        factor = parameters[straight[0]][2]
    else:
        largest = max(ahead, key=lambda p: _extent(network, p, x))
        held.add((largest, 2))
        factor = 1 / abs(parameters[largest][2])
    for p in ahead:
        a, b, c, d = parameters[p]
        parameters[p] = a, b, c * factor, d * factor
    for p in behind:
        a, b, c, d = parameters[p]
        parameters[p] = network.forms[p].normal(a / factor, b, c, d)
    return FormulaNetwork(network.widths, network.forms, parameters)


def _extent(network: FormulaNetwork, place: Place, x: np.ndarray) -> float:
    """Return how far a link reaches over the rows."""
    layer, i, _ = place
    values = network.forms[place].curve(network.nodes(x)[layer][:, i], *network.parameters[place])
    return float(np.nan_to_num(np.ptp(values)))


def _one_constant(network: FormulaNetwork, held: set[tuple[Place, int]]) -> FormulaNetwork:
    """Keep one constant an output, on its first link."""
    parameters, last = dict(network.parameters), len(network.widths) - 2
    for node in range(network.widths[-1]):
        ends = network.into(last, node)
        for first, place in ((ends[0], other) for other in ends[1:]):
            parameters[first] = _add(parameters[first], d=parameters[place][3])
            parameters[place] = _add(parameters[place], d=-parameters[place][3])
            held.add((place, 3))
    return FormulaNetwork(network.widths, network.forms, parameters)
