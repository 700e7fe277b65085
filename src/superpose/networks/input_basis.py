"""The cardinal functions of one attribute: a GP on its axis, or its levels, and missing values."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from superpose.curves import GPBasis, LevelBasis, SplineBasis
from superpose.networks.attribute import Attribute


class InputBasis(nn.Module):
    """What the curves of one attribute are written in: one function per height.

    f(u) = cardinal(u) @ heights. A number has one height per knot, a category one per level; with
    ``missing`` one more height stands for the missing values, and is read there only. The heights
    of a number whose attribute has a shape are the control points of a `SplineBasis`.

    Parameters
    ----------
    attribute : Attribute
        The column.
    knots : Tensor [M], optional
        Knots on the axis; those of the attribute by default.
    kernel : str, default "matern32"
        Covariance of a number's curve.
    length_scale : float, default 0.3
        Of the covariance, in axis lengths.
    missing : bool, default False
        Whether missing values have a height of their own. Without it they contribute 0.

    Examples
    --------
    >>> import torch
    >>> colour = Attribute("colour", "category", None, ("blue", "red"))
    >>> InputBasis(colour, missing=True).cardinal(torch.tensor([1.0, float("nan")]))
    tensor([[0., 1., 0.],
            [0., 0., 1.]])
    """

    def __init__(
        self,
        attribute: Attribute,
        knots: torch.Tensor | None = None,
        *,
        kernel: str = "matern32",
        length_scale: float = 0.3,
        missing: bool = False,
    ) -> None:
        super().__init__()
        self.kind, self.missing, self.length_scale = attribute.kind, missing, length_scale
        self.basis: GPBasis | LevelBasis | SplineBasis
        if attribute.axis is None:
            self.basis = LevelBasis(attribute.n_levels)
        else:
            knots = torch.as_tensor(attribute.axis.knots) if knots is None else knots
            self.basis = (
                SplineBasis(knots, attribute.shape, length_scale=length_scale)
                if attribute.shape and len(knots) > 1  # else the curve is a constant
                else GPBasis(knots, kernel, length_scale=length_scale)
            )
        self.shape_of = attribute.shape_of if self.shape else ()

    @property
    def knots(self) -> torch.Tensor:
        """Knots on the axis, or level codes, [M]."""
        return self.basis.knots

    @property
    def shape(self) -> tuple[str, ...]:
        """What is known of the curve, in words; nothing for most."""
        return self.basis.shape if isinstance(self.basis, SplineBasis) else ()

    @property
    def n_heights(self) -> int:
        """Number H of heights, that of missing values included."""
        return self.basis.n_heights + self.missing

    def cardinal(self, u: torch.Tensor) -> torch.Tensor:
        """Return the cardinal functions [N, H]; rows sum to 1 wherever the attribute is known."""
        return self._with_missing(self.basis.cardinal(u), u)

    def cardinal_derivative(self, u: torch.Tensor) -> torch.Tensor:
        """Return their slopes [N, H] per axis length."""
        rows = self.basis.cardinal_derivative(u)
        return torch.cat([rows, torch.zeros_like(rows[:, :1])], 1) if self.missing else rows

    def conditional_variance(self, u: torch.Tensor) -> torch.Tensor:
        """Return the prior variance that the heights leave open at u, [N], per unit variance."""
        return self.basis.conditional_variance(u)

    def directions(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return how heights are made from coefficients with independent standard normal priors.

        heights = line @ (slope coefficient) + white @ v. The GP part is whitened, so that
        vᵀ v = rᵀ K⁻¹ r. The height of missing values takes part in neither.

        Returns
        -------
        line : Tensor [H, 1 or 0]
            A straight line that rises by 1 over the axis; none for categories and constants.
        white : Tensor [H, M - 2, or L for categories]
            Directions of unit prior variance.
        """
        if isinstance(self.basis, LevelBasis):
            line, white = self.knots.new_zeros(len(self.knots), 0), torch.eye(len(self.knots))
        else:
            spline = isinstance(self.basis, SplineBasis)
            line = _line(cast(SplineBasis, self.basis).abscissae if spline else self.knots)
            white = _whitened(self.basis.precision())
        blank = (0, 0, 0, int(self.missing))
        pad = nn.functional.pad
        return pad(line, blank).double(), pad(white, blank).double()

    def _with_missing(self, rows: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        return torch.cat([rows, u.isnan().to(rows.dtype)[:, None]], 1) if self.missing else rows


def _line(knots: torch.Tensor) -> torch.Tensor:
    if len(knots) < 2:
        return knots.new_zeros(len(knots), 0)
    return ((knots - knots.mean()) / (knots[-1] - knots[0]))[:, None]


def _whitened(precision: torch.Tensor) -> torch.Tensor:
    """Return V Λ^(-1/2) over the M - 2 non-zero eigenvalues of the precision, smoothest first."""
    n_free = min(2, len(precision))
    values, vectors = torch.linalg.eigh(precision)
    values, vectors = values[n_free:], vectors[:, n_free:]
    signs = torch.sign(vectors.gather(0, vectors.abs().argmax(0, keepdim=True)))
    return vectors * signs / values.sqrt()
