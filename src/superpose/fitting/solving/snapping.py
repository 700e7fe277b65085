"""From a fitted network to a formula: forms for each curve, and the best of their combinations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from superpose.curves.curve_formula import CurveFormula, simplest_form
from superpose.curves.form_fit import FormulaFit, Sighting, fit_form
from superpose.curves.forms import FORMS, Form
from superpose.fitting.solving.formula_refinement import (
    RefinedFormula,
    refine_formula,
    without_zeros,
)
from superpose.fitting.solving.network_jacobian import linearise_network
from superpose.fitting.solving.pruning import link_values
from superpose.networks import KSTNetwork
from superpose.networks.formula_network import FormulaNetwork, Place

BINS = 48  # neighbouring rows are seen as one
TRIED = 4  # forms of a curve that a combination may take for their evidence
ROUGH = 0.999  # R² from which on a simple form may be taken, too
SIMPLE = 5  # its complexity
STEPS = 30  # of a combination; the best one goes on
MOST = 80  # combinations that are fitted


@torch.no_grad()
def seen_by_rows(network: KSTNetwork, x: torch.Tensor, y: torch.Tensor) -> dict[Place, Sighting]:
    """Return every curve of a network as the rows see it.

    What a curve adds is known as well as the output depends on it: the inverse variance of its
    value at a row is (∂ output / ∂ curve)² / σ², with σ² the network's mean squared residual. The
    other curves are held, so this compares forms; it is no band.
    """
    at = linearise_network(network, x)
    noise = max(float((y - at.outputs).square().mean()), 1e-18 * float(y.var()))
    sightings, inputs = {}, x
    for layer, links in enumerate(network.each_layer()):
        weights = at.slopes[layer].square().sum(1)  # [N, O]
        for i in range(links.in_features):
            order = torch.argsort(inputs[:, i])
            chunks = torch.tensor_split(order, min(BINS, len(order)))
            centre = torch.stack([inputs[chunk, i].mean() for chunk in chunks])
            values = link_values(links, i, centre)
            for o in range(links.out_features):
                weight = torch.stack([weights[chunk, o].sum() for chunk in chunks]) / noise
                sightings[layer, i, o] = _sighting(centre, values[:, o], weight)
        inputs = links(inputs)
    return sightings


def _sighting(centre: torch.Tensor, values: torch.Tensor, weight: torch.Tensor) -> Sighting:
    root = np.sqrt(weight.clamp(min=1e-12 * float(weight.max()) + 1e-300).numpy())
    x, f = centre.numpy(), values.numpy()
    return Sighting(x, f, root, x, f, 3 / root)


def snap(
    network: KSTNetwork,
    x: torch.Tensor,
    y: torch.Tensor,
    forms: Mapping[str, Form] | None = None,
    *,
    links: Sequence[Place] | None = None,
) -> RefinedFormula:
    """Return the formula of the largest evidence that is found from the curves of a network.

    Each curve starts with the form that suits it best; then one link after the other tries its
    next forms, all parameters fitted together each time, until nothing is gained.

    Parameters
    ----------
    network : KSTNetwork
        Fitted, in float64 and in evaluation.
    x : Tensor [N, n]
    y : Tensor [N, O]
    forms : mapping of str to Form, optional
        The library; `FORMS` without it.
    links : sequence of (layer, input, output), optional
        Those that may be more than a constant; all without it. See `Pruned`.

    Returns
    -------
    RefinedFormula

    Examples
    --------
    >>> import torch
    >>> from superpose.fitting import snap
    >>> from superpose.networks import KSTNetwork
    >>> x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
    >>> network = KSTNetwork([1, 1], bounds=(-1, 1)).double().eval()
    >>> with torch.no_grad():
    ...     network.layers[0].heights[0, :, 0] = torch.exp(network.layers[0].basis.knots)
    >>> snap(network, x, torch.exp(x)).network.expressions(["x"], digits=6)
    (exp(x),)
    """
    library = FORMS if forms is None else forms
    seen = seen_by_rows(network, x, y)
    if links is not None:
        seen = {place: sighting for place, sighting in seen.items() if place in links}
    ranked = {place: simplest_form(sighting, library) for place, sighting in seen.items()}
    options = {place: _options(formula) for place, formula in ranked.items()}
    widths = (network.each_layer()[0].in_features, *(k.out_features for k in network.each_layer()))
    search = _Search(widths, options, x.numpy(), y.numpy())
    best = search.run()
    best = refine_formula(best.network, x.numpy(), y.numpy(), free=best.free)
    best = simplified(best, x.numpy(), y.numpy(), library)
    return without_zeros(best, x.numpy(), y.numpy())


def _options(formula: CurveFormula) -> list[FormulaFit]:
    """Return the best forms of a curve, then simple ones that are not far off, then straight ones.

    The second group is there because the evidence of one curve, the others held, is too sure.
    """
    ranked = [fit for fit in formula.ranked if math.isfinite(fit.log_evidence)]
    simple = [f for f in ranked if f.form.complexity <= SIMPLE and f.r2 >= ROUGH]
    straight = [f for f in ranked if f.name in ("constant", "affine")]
    options = ranked[:TRIED]
    return options + [f for f in simple + straight if f not in options]


class _Search:
    """Combinations of forms, each refined once."""

    def __init__(
        self,
        widths: tuple[int, ...],
        options: dict[Place, list[FormulaFit]],
        x: np.ndarray,
        y: np.ndarray,
    ) -> None:
        self.widths, self.options, self.x, self.y = widths, options, x, y
        self.known: dict[tuple[int, ...], RefinedFormula] = {}
        self.places = sorted(options)

    def run(self) -> RefinedFormula:
        """Return the best combination from which no single change gains."""
        choice = tuple(0 for _ in self.places)
        best, improved = self.refined(choice), True
        while improved and not self._exact(best):
            improved = False
            for k, place in reversed(list(enumerate(self.places))):
                for option in range(len(self.options[place])):
                    other = (*choice[:k], option, *choice[k + 1 :])
                    if len(self.known) >= MOST:
                        return best
                    found = self.refined(other)
                    if found.log_evidence > best.log_evidence + 1e-6:
                        choice, best, improved = other, found, True
        return best

    def refined(self, choice: tuple[int, ...]) -> RefinedFormula:
        """Return the combination with all its parameters fitted together."""
        if choice not in self.known:
            fits = {p: self.options[p][k] for p, k in zip(self.places, choice, strict=True)}
            forms = {place: fit.form for place, fit in fits.items()}
            parameters = {place: fit.parameters for place, fit in fits.items()}
            start = FormulaNetwork(self.widths, forms, parameters)
            self.known[choice] = refine_formula(start, self.x, self.y, steps=STEPS)
        return self.known[choice]

    def _exact(self, found: RefinedFormula) -> bool:
        return found.rmse <= 1e-9 * float(self.y.std())


def simplified(
    best: RefinedFormula, x: np.ndarray, y: np.ndarray, library: Mapping[str, Form]
) -> RefinedFormula:
    """Return the formula with simpler forms where the evidence gains from them.

    A form near a limit of its own is another form: tanh far from its middle is exp, sin over a
    small part of a wave is a square. So each form is fitted by the simpler ones.
    """
    gained = True
    while gained:
        gained = False
        for place in best.network.places:
            for start in _simpler(best.network, place, x, library):
                tried = refine_formula(start, x, y)
                if tried.log_evidence > best.log_evidence + 1e-6:
                    best, gained = tried, True
                    break
            if gained:  # links may have gone, and be numbered anew
                break
    return best


def _simpler(
    network: FormulaNetwork, place: Place, x: np.ndarray, library: Mapping[str, Form]
) -> list[FormulaNetwork]:
    """Return the network with each simpler form that fits a link, the simplest first."""
    form, parameters = network.forms[place], network.parameters[place]
    inputs = network.nodes(x)[place[0]][:, place[1]]
    at = np.quantile(inputs, np.linspace(0, 1, BINS))
    values = form.curve(at, *parameters)
    if not np.ptp(values) > 0 or not np.ptp(at) > 0 or not np.isfinite(values).all():
        return []
    root = np.full(len(at), 1 / np.ptp(values))
    seen = Sighting(at, values, root, at, values, 1 / root)
    fits = [fit_form(f, seen) for f in library.values() if f.complexity < form.complexity]
    fits = sorted((f for f in fits if f.r2 >= ROUGH), key=lambda f: f.form.complexity)
    return [
        FormulaNetwork(
            network.widths,
            {**network.forms, place: fit.form},
            {**network.parameters, place: fit.parameters},
        )
        for fit in fits
    ]
