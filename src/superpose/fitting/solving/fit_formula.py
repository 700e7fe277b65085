"""From rows to a formula: networks of growing shape, each snapped; evidence takes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from superpose.curves import Form
from superpose.errors import InputError
from superpose.fitting.solving.formula_refinement import RefinedFormula, refine_formula
from superpose.fitting.solving.network_fit import fit_network
from superpose.fitting.solving.pruning import prune
from superpose.fitting.solving.snapping import snap
from superpose.networks import FormulaNetwork, KSTNetwork
from superpose.networks.formula_network import shortest

#: Hidden widths that are tried, one after the other.
SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (2,))
HELD_OUT = 5  # one row in so many is kept apart to compare the formula with its network
ENOUGH = 1e-3  # residuals of a network, in the same share, that tell forms apart
EXACT = 1e-8  # residuals this share of the target's spread end the search
CLOSE = 0.05  # networks further off than this are snapped only if all are


@dataclass(frozen=True, eq=False)
class ShapeTried:
    """What one shape gave: root mean squares over the rows kept apart, in units of the target.

    Attributes
    ----------
    hidden : tuple of int
        Hidden widths.
    network_rmse : float
        Of the network of curves.
    formula_rmse : float, optional
        Of the formula it was snapped to; None where none was looked for.
    """

    hidden: tuple[int, ...]
    network_rmse: float
    formula_rmse: float | None = None


@dataclass(frozen=True, eq=False)
class FormulaReport:
    """The formula of some rows, and how it compares with the network it was read off.

    Attributes
    ----------
    network : FormulaNetwork
        Its parameters are fitted to all rows.
    errors : array [4 links]
        Standard errors of a, b, c, d of every link, 0 where they are held.
    names : list of str
        Of the inputs.
    rmse, network_rmse : float
        Of the formula and of the network of curves, both fitted without them, over rows kept apart.
    rows_rmse : float
        Of the formula over all rows.
    tried : list of ShapeTried

    Examples
    --------
    See `fit_formula`.
    """

    network: FormulaNetwork
    errors: np.ndarray
    names: list[str]
    rmse: float
    network_rmse: float
    rows_rmse: float
    tried: list[ShapeTried]

    @property
    def worse(self) -> bool:
        """Whether the formula predicts rows kept apart worse than the network, by 5 % or more."""
        return self.rmse > 1.05 * self.network_rmse

    def expression(self, digits: int | None = 6) -> Any:
        """Return the formula in sympy, its numbers to so many digits (all of them for None).

        Products are written out where that makes it shorter, and terms below 1e-9 of the largest
        number, which is rounding, are left out.
        """
        return shortest(self.network.expressions(self.names)[0], digits)

    def __str__(self) -> str:
        """Return the formula, and a sentence on how far it can be trusted."""
        beside = f"{self.rmse:.3g} on rows kept apart, the network's {self.network_rmse:.3g}"
        verdict = "It is worse than the network: not its formula." if self.worse else ""
        return f"{self.expression()}\nroot mean square error {beside}. {verdict}".rstrip()


def fit_formula(
    X: torch.Tensor | np.ndarray,
    y: torch.Tensor | np.ndarray,
    *,
    names: Sequence[str] | None = None,
    shapes: Sequence[tuple[int, ...]] = SHAPES,
    forms: Mapping[str, Form] | None = None,
    generator: torch.Generator | None = None,
) -> FormulaReport:
    """Return a formula of the rows, read off a fitted network of curves.

    Networks with the shapes given are fitted in turn. A network that is close is pruned and
    snapped: every curve takes a closed form and all parameters are fitted together. The first
    formula that is exact ends the search; else the one of the largest evidence is returned.

    Parameters
    ----------
    X : Tensor or array [N, n]
        In original units, without missing values.
    y : Tensor or array [N]
    names : sequence of str, optional
        Of the inputs; x1, x2, ... without it.
    shapes : sequence of tuple of int, default ((), (1,), (2,))
        Hidden widths. Functions that need more are found by shapes that have it.
    forms : mapping of str to Form, optional
        The library; `superpose.curves.FORMS` without it.
    generator : torch.Generator, optional
        Of the rows kept apart and of the starts of the networks; one with seed 0 if not given.

    Returns
    -------
    FormulaReport
        Look at ``worse`` before the formula is believed.

    Raises
    ------
    InputError
        If rows, targets and names do not fit together, are not finite, or are too few.

    Examples
    --------
    >>> import torch
    >>> from superpose.fitting import fit_formula
    >>> x = torch.rand(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> report = fit_formula(x, 3 * torch.exp(x[:, 0] + x[:, 1] ** 2), names=["u", "v"])
    >>> report.expression()
    3*exp(u + v**2)
    >>> report.worse
    False
    """
    x, target = _checked(X, y)
    labels = [f"x{i + 1}" for i in range(x.shape[1])] if names is None else list(names)
    if len(labels) != x.shape[1]:
        raise InputError(
            f"names must name the {x.shape[1]} inputs", f"got {labels}", "pass one name each"
        )
    kept, apart = _split(len(x), generator)
    fits = _Shapes(x, target, kept, apart, forms, generator)
    found, tried = fits.run(shapes)
    final = refine_formula(
        found.refined.network, x.numpy(), target.numpy(), free=found.refined.free
    )
    return FormulaReport(
        final.network, final.errors, labels, found.rmse, found.network_rmse, final.rmse, tried
    )


@dataclass(frozen=True, eq=False)
class _Found:
    refined: RefinedFormula
    rmse: float
    network_rmse: float


class _Shapes:
    """The shapes on one set of rows."""

    def __init__(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        kept: torch.Tensor,
        apart: torch.Tensor,
        forms: Mapping[str, Form] | None,
        generator: torch.Generator | None,
    ) -> None:
        self.train, self.test = (x[kept], y[kept]), (x[apart], y[apart])
        self.size = float((y - y.mean()).square().mean().sqrt())
        self.forms, self.generator = forms, generator

    def run(self, shapes: Sequence[tuple[int, ...]]) -> tuple[_Found, list[ShapeTried]]:
        """Return the best formula, and what every shape gave."""
        found: list[_Found] = []
        tried: list[ShapeTried] = []
        waiting: list[tuple[float, KSTNetwork]] = []
        for hidden in shapes:
            network = self.fitted(hidden)
            error = self.error(network)
            tried.append(ShapeTried(hidden, error))
            if error > CLOSE * self.size:
                waiting.append((error, network))
                continue
            found.append(self.snapped(network, error))
            tried[-1] = ShapeTried(hidden, error, found[-1].rmse)
            if found[-1].rmse <= EXACT * self.size:
                break
        if not found:  # none is close: the closest one, which may be all that noise allows
            error, network = min(waiting, key=lambda pair: pair[0])
            found.append(self.snapped(network, error))
            place = next(k for k, each in enumerate(tried) if each.network_rmse == error)
            tried[place] = ShapeTried(tried[place].hidden, error, found[-1].rmse)
        return max(found, key=lambda each: each.refined.log_evidence), tried

    def fitted(self, hidden: tuple[int, ...]) -> KSTNetwork:
        """Return a fitted network of this shape."""
        x, y = self.train
        widths, unused = [x.shape[1], *hidden, 1], torch.Generator()  # the fit draws its starts
        network = KSTNetwork(widths, 8, "matern52", length_scale=1.0, generator=unused)
        found = fit_network(network, x, y, refine_to=16, tolerance=ENOUGH, generator=self.generator)
        return found.network

    def error(self, network: KSTNetwork) -> float:
        """Return the root mean square over the rows kept apart."""
        x, y = self.test
        with torch.no_grad():
            return float((network(x) - y).square().mean().sqrt())

    def snapped(self, network: KSTNetwork, error: float) -> _Found:
        """Return the formula of a network."""
        x, y = self.train
        links = None
        if max(layer.out_features for layer in network.each_layer()) > 1:
            network, links = self.pruned(network)
        refined = snap(network, x, y, self.forms, links=links)
        apart = refined.network(self.test[0].numpy()) - self.test[1].numpy()
        rmse = float(np.sqrt((apart**2).mean()))
        return _Found(refined, rmse if np.isfinite(rmse) else np.inf, error)

    def pruned(self, network: KSTNetwork) -> tuple[KSTNetwork, list[tuple[int, int, int]] | None]:
        """Return the network with as few links as fit the rows as well, within a factor of two."""
        x, y = self.train
        with torch.no_grad():
            before = float((network(x) - y).square().mean().sqrt())
        for tolerance in (0.1, 0.03, 0.01, 0.003):
            found = prune(network, x, tolerance=tolerance, y=y)
            if found.rmse is not None and found.rmse <= 2 * before:
                return found.network, found.links
        return network, None


def _split(n: int, generator: torch.Generator | None) -> tuple[torch.Tensor, torch.Tensor]:
    order = torch.randperm(n, generator=generator or torch.Generator().manual_seed(0))
    return order[n // HELD_OUT :], order[: n // HELD_OUT]


def _checked(
    X: torch.Tensor | np.ndarray, y: torch.Tensor | np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.as_tensor(X, dtype=torch.float64)
    target = torch.as_tensor(y, dtype=torch.float64).reshape(-1, 1)
    if x.ndim != 2 or len(x) != len(target):
        raise InputError(
            "X must be [N, n] and y [N]",
            f"got {tuple(x.shape)} and {tuple(torch.as_tensor(y).shape)}",
            "pass one row of X for every target",
        )
    if not (x.isfinite().all() and target.isfinite().all()):
        raise InputError("X and y must be finite", "got NaN or infinity", "leave these rows out")
    if len(x) < 50:
        raise InputError("a formula needs 50 rows or more", f"got {len(x)}", "pass more rows")
    return x, target
