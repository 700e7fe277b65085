"""From a fitted network to a formula: forms for each curve, and the best of their combinations."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch

from superpose.curves.curve_formula import CurveFormula, simplest_form
from superpose.curves.form_fit import FormulaFit, Sighting
from superpose.curves.forms import FORMS, Form
from superpose.fitting.refine_formula import RefinedFormula, refine_formula, without_zeros
from superpose.networks import KSTNetwork
from superpose.networks.formula_network import FormulaNetwork, Place

BINS = 48  # neighbouring rows are seen as one
TRIED = 5  # forms of a curve that a combination may take


def seen_by_rows(network: KSTNetwork, x: torch.Tensor, y: torch.Tensor) -> dict[Place, Sighting]:
    """Return every curve of a network as the rows see it.

    What a curve adds is known as well as the output depends on it: the inverse variance of its
    value at a row is (∂ output / ∂ curve)² / σ², with σ² the network's mean squared residual. The
    other curves are held, so this compares forms; it is no band.
    """
    outputs, layers = _slopes(network, x)
    noise = float((y - outputs).square().mean())
    noise = max(noise, 1e-18 * float(y.var()))
    sightings = {}
    for layer, (inputs, weights) in enumerate(layers):
        links = network.each_layer()[layer]
        for i in range(links.in_features):
            order = torch.argsort(inputs[:, i])
            chunks = torch.tensor_split(order, min(BINS, len(order)))
            at = torch.stack([inputs[chunk, i].mean() for chunk in chunks])
            for o in range(links.out_features):
                weight = torch.stack([weights[chunk, o].sum() for chunk in chunks]) / noise
                values = links.curve(i, o)(at)
                sightings[layer, i, o] = _sighting(at, values, weight)
    return sightings


def _sighting(at: torch.Tensor, values: torch.Tensor, weight: torch.Tensor) -> Sighting:
    root = np.sqrt(weight.clamp(min=1e-12 * float(weight.max()) + 1e-300).numpy())
    x, f = at.numpy(), values.numpy()
    return Sighting(x, f, root, x, f, 3 / root)


@torch.no_grad()
def _slopes(
    network: KSTNetwork, x: torch.Tensor
) -> tuple[torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]]:
    """Return the outputs and of each layer its inputs [N, I] and Σ_k (∂ output_k / ∂ out_o)²."""
    layers, inputs = network.each_layer(), [x]
    for layer in layers:
        inputs.append(layer(inputs[-1]))
    outputs = inputs.pop()
    behind = torch.eye(outputs.shape[1], dtype=x.dtype).expand(len(x), -1, -1)
    found = []
    for layer, into in zip(reversed(layers), reversed(inputs), strict=True):
        found.append((into, behind.square().sum(1)))
        slopes = torch.stack(
            [
                torch.stack(
                    [layer.curve(i, o).derivative(into[:, i]) for o in range(layer.out_features)], 1
                )
                for i in range(layer.in_features)
            ],
            1,
        )  # [N, I, O]
        behind = behind @ slopes.mT
    return outputs, found[::-1]


def snap(
    network: KSTNetwork,
    x: torch.Tensor,
    y: torch.Tensor,
    forms: Mapping[str, Form] | None = None,
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

    Returns
    -------
    RefinedFormula
    """
    library = FORMS if forms is None else forms
    seen = seen_by_rows(network, x, y)
    ranked = {place: simplest_form(sighting, library) for place, sighting in seen.items()}
    options = {place: _options(formula) for place, formula in ranked.items()}
    widths = (network.each_layer()[0].in_features, *(k.out_features for k in network.each_layer()))
    search = _Search(widths, options, x.numpy(), y.numpy())
    return without_zeros(search.run(), x.numpy(), y.numpy())


def _options(formula: CurveFormula) -> list[FormulaFit]:
    """Return the best forms of a curve, with what is simpler than all of them."""
    best = [fit for fit in formula.ranked if math.isfinite(fit.log_evidence)][:TRIED]
    simple = [fit for fit in formula.ranked if fit.name in ("constant", "affine")]
    return best + [fit for fit in simple if fit not in best]


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
            self.known[choice] = refine_formula(start, self.x, self.y)
        return self.known[choice]

    def _exact(self, found: RefinedFormula) -> bool:
        return found.rmse <= 1e-9 * float(self.y.std())
