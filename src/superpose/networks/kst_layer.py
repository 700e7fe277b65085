"""A layer of curves: every link from an input to an output is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import nn

from superpose.curves import CurveFormula, EvenBasis, Form
from superpose.curves.compiled_sum import fits
from superpose.errors import InputError
from superpose.networks.link_formula import link_formula
from superpose.networks.running_axis import RunningAxis


class KSTLayer(nn.Module):
    """y_o = Σ_i f_io(x_i): one Gaussian-process curve a link, learned as heights at its knots.

    A curve is a straight line plus what `GPBasis` interpolates between its control points; the
    line is the linear path beside the curves, and goes on outside the knots. At the start every
    curve is a straight line through the origin, of a random slope that keeps the variance.

    Parameters
    ----------
    in_features, out_features : int
        I and O.
    knots : int, default 16
        Control points a curve. The time of a pass hardly depends on it.
    kernel : {"matern32", "matern12", "matern52"}
        How smooth the curves are.
    length_scale : float, default 0.5
        In half widths of the axis: 0.5 is a quarter of the way from the first to the last knot.
    bounds : (float, float), optional
        Range of the inputs. Without it the axes follow the inputs while training (`RunningAxis`).
    generator : torch.Generator, optional
        Source of the slopes at the start; torch's own without it.

    Attributes
    ----------
    heights : Parameter [I, M, O]
        Curve (i, o) is heights[i, m, o] at knot m.
    axis : RunningAxis
        Inputs to axis units, on which the knots reach from -1 to 1.
    basis : EvenBasis
        Knots, kernel and length scale, shared by all curves.

    Raises
    ------
    InputError
        If knots are too few, the kernel is unknown, or the bounds are not a range.

    Examples
    --------
    >>> import torch
    >>> from superpose.networks import KSTLayer
    >>> layer = KSTLayer(2, 1, knots=9, bounds=(-1, 1))
    >>> with torch.no_grad():
    ...     layer.heights[0, :, 0] = torch.sin(2 * layer.basis.knots)
    ...     layer.heights[1, :, 0] = 1.0
    >>> round(layer(torch.tensor([[0.5, 0.3]])).item(), 2)
    1.84
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        knots: int = 16,
        kernel: str = "matern32",
        *,
        length_scale: float = 0.5,
        bounds: tuple[float, float] | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        self.in_features, self.out_features = in_features, out_features
        self.axis = RunningAxis(in_features, bounds)
        self.basis = EvenBasis(knots, kernel, length_scale=length_scale).to(torch.float32)
        steep = (3 / in_features) ** 0.5 * self.axis.reach  # uniform slopes of variance 1 / I
        slopes = torch.empty(in_features, 1, out_features)
        nn.init.uniform_(slopes, -steep, steep, generator=generator)
        self.heights = nn.Parameter(self.basis.knots.unsqueeze(-1) * slopes)

    @property
    def n_curves(self) -> int:
        """How many curves a reader looks at."""
        return self.in_features * self.out_features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return y [.., O] of x [.., I], of the dtype of x."""
        check_rows(x, self.in_features)
        exact = self.basis.rows.dtype  # at least float32
        flat = x.reshape(-1, self.in_features).to(exact)
        heights = self.heights.to(exact)
        if self.axis.standardises(flat) and fits(flat) and not torch.compiler.is_compiling():
            y, *found = self.basis.standardised_sum(flat, heights, self.axis.reach)
            self.axis.learn(found, len(flat))
        else:
            y = self.basis.sum(flat, heights, *self.axis.place(flat))
        return y.to(x.dtype).reshape(*x.shape[:-1], self.out_features)

    def outside(self, x: torch.Tensor) -> torch.Tensor:
        """Return which inputs of x [N, I] lie outside what was seen in training, boolean [N, I]."""
        return self.axis.outside(x)

    def contributions(self, x: torch.Tensor) -> torch.Tensor:
        """Return f_io(x_i), what every curve adds, [N, I, O], of x [N, I]."""
        u = self.axis.at(x.to(self.basis.rows.dtype))
        cardinal = torch.stack([self.basis.cardinal(column) for column in u.unbind(1)], 1)
        return torch.einsum("nim,imo->nio", cardinal, self.heights.to(cardinal.dtype))

    def curve(self, i: int, o: int) -> LinkCurve:
        """Return the curve from input i to output o, in units of the input, as it stands now."""
        if not (0 <= i < self.in_features and 0 <= o < self.out_features):
            raise InputError(
                f"a curve is named by an input 0 to {self.in_features - 1} and an output 0 to "
                f"{self.out_features - 1}",
                f"got ({i}, {o})",
                "pass two numbers in these ranges",
            )
        centre, spread = float(self.axis.centre[i]), float(self.axis.spread[i])
        support = float(self.axis.lowest[i]), float(self.axis.highest[i])
        heights = self.heights[i, :, o].detach().to("cpu", torch.float64)
        return LinkCurve(self.basis.cpu_copy(), heights, centre, spread, support)

    def prior(self) -> torch.Tensor:
        """Return Σ ½ rᵀ K⁻¹ r over all curves, for curves of unit variance; lines are free.

        Minus the log prior density up to a constant: add ``weight * layer.prior()`` to a loss.
        With Gaussian noise of variance σ² and the mean over N rows as the loss, ½ mean (y - f)²,
        the weight σ² / N gives the posterior mode.
        """
        return 0.5 * self.basis.quadratic_form(self.heights).sum()

    @torch.no_grad()
    def refine(self) -> None:
        """Put a knot between any two; the curves stay what they are, to rounding.

        The heights are a new parameter: give it to the optimizer anew.
        """
        self.basis, heights = self.basis.refined(self.heights)
        self.heights = nn.Parameter(heights, self.heights.requires_grad)

    def extra_repr(self) -> str:
        """Return the sizes, as `print` shows them."""
        return f"{self.in_features}, {self.out_features}"


@dataclass(frozen=True, eq=False)
class LinkCurve:
    """One curve of a layer, in units of its input; float64, apart from the layer.

    Attributes
    ----------
    basis : EvenBasis
        Cardinal functions on the axis.
    heights : Tensor [M]
        At the knots.
    centre, spread : float
        Of the axis: u = (x - centre) / spread.
    support : (float, float)
        Lowest and highest input seen in training.
    covariance : Tensor [M, M], optional
        Of the heights, from a posterior; without it there is no band.
    prior_variance : float, default 0.0
        Of the Gaussian process between and beyond the knots.

    Raises
    ------
    InputError
        By `band`, if there is no covariance, or the level is not between 0 and 1.
    """

    basis: EvenBasis
    heights: torch.Tensor
    centre: float
    spread: float
    support: tuple[float, float]
    covariance: torch.Tensor | None = None
    prior_variance: float = 0.0

    @property
    def knots(self) -> torch.Tensor:
        """Where the control points stand, [M], in units of the input."""
        return self.centre + self.spread * self.basis.knots

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return the curve at x [N]."""
        return self.basis.cardinal(self._axis(x)) @ self.heights

    def derivative(self, x: torch.Tensor) -> torch.Tensor:
        """Return its slope at x [N], per unit of the input."""
        return self.basis.cardinal_derivative(self._axis(x)) @ self.heights / self.spread

    def variance(self, x: torch.Tensor) -> torch.Tensor:
        """Return c(x)ᵀ S c(x) + s² v0(x), the variance of the curve at x [N]."""
        if self.covariance is None:
            raise InputError(
                "a band needs the covariance of the heights",
                "this curve was read off a layer, which has none",
                "read it off a posterior: laplace(model, X, y, ...).curve(i, o)",
            )
        rows = self.basis.cardinal(self._axis(x))
        left_open = self.basis.dense().conditional_variance(self._axis(x))
        return ((rows @ self.covariance) * rows).sum(-1) + self.prior_variance * left_open

    def band(self, x: torch.Tensor, level: float = 0.95) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the limits at x [N] between which the curve lies with this probability."""
        reach = normal_reach(level) * self.variance(x).clamp(min=0.0).sqrt()
        mean = self(x)
        return mean - reach, mean + reach

    def formula(
        self,
        level: float = 0.95,
        *,
        noise: float | None = None,
        forms: Mapping[str, Form] | None = None,
    ) -> CurveFormula:
        """Return the simplest closed form inside the band over the support; see `CurveFormula`.

        Parameters
        ----------
        level : float, default 0.95
            Probability with which the band holds the whole curve.
        noise : float, optional
            Standard deviation of the curve's values, in its units, where it has no covariance.
        forms : mapping of str to Form, optional
            The library; `superpose.curves.FORMS` without it.

        Returns
        -------
        CurveFormula

        Raises
        ------
        InputError
            If the curve has neither a covariance nor a noise, or no support.
        """
        return link_formula(self, level, noise=noise, forms=forms)

    def _axis(self, x: torch.Tensor) -> torch.Tensor:
        return (x.to(torch.float64) - self.centre) / self.spread


def normal_reach(level: float) -> float:
    """Return how many standard deviations to either side of its mean hold a normal number."""
    if not 0 < level < 1:
        raise InputError(
            "level must be between 0 and 1", f"got level={level!r}", "pass for instance 0.95"
        )
    return NormalDist().inv_cdf((1 + level) / 2)


def check_rows(x: torch.Tensor, n_inputs: int) -> None:
    """Refuse what is not floating numbers [.., I], before a layer learns of it."""
    if x.shape[-1:] != (n_inputs,) or not x.is_floating_point():
        raise InputError(
            f"the input must be floating numbers [.., {n_inputs}]",
            f"got {x.dtype} {list(x.shape)}",
            "pass x.float(), one number for each input of the layer",
        )


def check_sizes(in_features: int, out_features: int) -> None:
    """Refuse a layer without inputs or outputs."""
    if in_features < 1 or out_features < 1:
        raise InputError(
            "in_features and out_features must be at least 1",
            f"got {in_features} and {out_features}",
            "pass how many numbers come in and go out",
        )
