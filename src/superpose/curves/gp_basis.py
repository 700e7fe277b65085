"""The fixed linear algebra of a Gaussian-process curve over shared knots.

Source: Rasmussen and Williams (2006), section 2.7 (a linear mean with a flat prior, also known as
universal kriging); Chen, Ding and Tuo (2022), JMLR 23:127, for the packets.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from superpose.curves.dense import DenseFeatures
from superpose.curves.kernels import AbstractKernel, AbstractMatern
from superpose.curves.kernels import kernel as kernel_of
from superpose.curves.packets import KernelPackets
from superpose.errors import InputError

_CHUNK = 8192  # rows at a time: tables and results of one chunk stay in the processor's cache
_ISOLATED = 30.0  # exp(-30): neighbours further apart hardly know of each other, nor do packets


class GPBasis(nn.Module):
    """The GP interpolant through control points, as fixed functions of the axis.

    A curve is a straight line plus a Gaussian process of unit variance,
    f(u) = a + b u + k(u, U) K⁻¹ r with r = z - a - b U, where z are the heights at the knots U.
    The line has a flat prior and is the generalised least-squares line of the heights, so the
    curve is linear in z: f(u) = cardinal(u) @ z. Outside the knots the curve bends back to that
    line, and goes on as a straight line.

    Parameters
    ----------
    knots : Tensor [M] or sequence of float
        Places of the control points, strictly increasing, in axis units.
    kernel : {"matern32", "matern12", "matern52", "squared_exponential"}
        The covariance; it decides how smooth the curve is between control points.
    length_scale : float
        In axis units. Larger gives smoother curves that the prior bends less willingly.

    Attributes
    ----------
    knots : Tensor [M]
        As given, float64.
    kernel : AbstractKernel
        The covariance.

    Raises
    ------
    InputError
        If the knots are not finite and strictly increasing, or the kernel is unknown.

    Notes
    -----
    Everything is built in float64. ``basis.to(torch.float32)`` keeps the tables, which are then
    evaluated in float32 to about 1e-6 of the largest height.

    Examples
    --------
    A straight line through the heights is reproduced everywhere, also far outside the knots:

    >>> import torch
    >>> basis = GPBasis([0.0, 0.2, 0.5, 0.6, 1.0], kernel="matern32", length_scale=0.5)
    >>> u = torch.tensor([0.1, 0.7, 3.0], dtype=torch.float64)
    >>> basis.cardinal(u) @ (1 + 2 * basis.knots)
    tensor([1.2000, 2.4000, 7.0000], dtype=torch.float64)
    """

    knots: torch.Tensor
    _line_rows: torch.Tensor  # B [q, M]: heights to the coefficients of the line
    _weight_rows: torch.Tensor  # W [J, M]: heights to the weights of the features
    _line_weights: torch.Tensor  # P [J, q]: what interpolates the functions of the line
    _line_covariance: torch.Tensor  # (Hᵀ K⁻¹ H)⁻¹ [q, q]
    _gram_inverse: torch.Tensor  # [J, J]
    _precision: torch.Tensor  # [M, M]
    _log_determinant: torch.Tensor  # []

    def __init__(
        self,
        knots: torch.Tensor | Sequence[float],
        kernel: str = "matern32",
        *,
        length_scale: float,
    ) -> None:
        super().__init__()
        self.register_buffer("knots", _checked(knots))
        self.kernel = kernel_of(kernel, length_scale)
        self.features = _features(self.knots, self.kernel)
        for name, table in _kriging(self.knots, self.features).items():
            self.register_buffer(name, table)

    @property
    def n_heights(self) -> int:
        """Number M of control points."""
        return self.knots.shape[0]

    def cardinal(self, u: torch.Tensor) -> torch.Tensor:
        """Return the cardinal functions: row i holds what each height adds to the curve at u_i.

        Parameters
        ----------
        u : Tensor [N]
            Places on the axis. NaN gives a row of zeros.

        Returns
        -------
        Tensor [N, M]
            Rows sum to 1 and reproduce straight lines; column j is 1 at knot j, 0 at the others.
        """
        return torch.cat([self._cardinal(chunk) for chunk in u.split(_CHUNK)])

    def _cardinal(self, u: torch.Tensor) -> torch.Tensor:
        missing = u.isnan()
        u = torch.where(missing, self.knots[0], u)
        rows = _line(u, self.knots) @ self._line_rows + self.features.values(u) @ self._weight_rows
        return rows.masked_fill(missing.unsqueeze(-1), 0.0)

    def active(self, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the features that may be non-zero at u, in compact form.

        Returns
        -------
        start : Tensor [N]
            First active feature.
        values : Tensor [N, 2p]
            Its value and those of the next ones: 2, 4, 6 packets for Matérn 1/2, 3/2, 5/2; all M
            kernels where packets are not used (few knots, isolated knots, squared exponential).
        """
        start, values = self.features.active(u)
        return start, values.masked_fill(u.isnan().unsqueeze(-1), 0.0)

    def line(self, u: torch.Tensor) -> torch.Tensor:
        """Return the functions of the linear mean at u, [N, q]: 1, and -1 to 1 over the knots."""
        return _line(u, self.knots)

    def rows(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what makes cardinal functions of the line [q, M] and of the features [J, M].

        Where u is known, cardinal(u) = line(u) @ the first + features(u) @ the second.
        """
        return self._line_rows, self._weight_rows

    def cardinal_derivative(self, u: torch.Tensor) -> torch.Tensor:
        """Return the slopes of the cardinal functions, [N, M], per axis unit; NaN gives 0."""
        missing = u.isnan()
        u = torch.where(missing, self.knots[0], u)
        slope = _line_slope(u, self.knots)
        rows = slope @ self._line_rows + self.features.slopes(u) @ self._weight_rows
        return rows.masked_fill(missing.unsqueeze(-1), 0.0)

    def precision(self) -> torch.Tensor:
        """Return the prior precision Q of the heights, [M, M], for unit variance.

        zᵀ Q z = rᵀ K⁻¹ r with r the heights less their line. Straight lines are free: Q has
        rank M - 2, and its null space is 1 and U.
        """
        return self._precision

    def quadratic_form(self, heights: torch.Tensor) -> torch.Tensor:
        """Return zᵀ Q z for heights z [.., M], as wᵀ G w over the diagonals of the banded G."""
        weights = heights @ self._weight_rows.mT
        return self.features.squared_norm(weights)

    def log_determinant(self) -> torch.Tensor:
        """Return the log-determinant of the prior covariance of the heights, lines left out.

        It is log det K + log det(Hᵀ K⁻¹ H) - log det(Hᵀ H), which is minus the logarithm of the
        product of the M - 2 non-zero eigenvalues of `precision`; 0 when there are none.
        """
        return self._log_determinant

    def conditional_variance(self, u: torch.Tensor) -> torch.Tensor:
        """Return the variance left at u when all heights are known, [N], for unit variance.

        Zero at the knots; between them it says how far the curve may stray, and outside it grows
        with the square of the distance, because the slope of the line is not known. NaN gives 0.
        """
        return torch.cat([self._conditional_variance(chunk) for chunk in u.split(_CHUNK)])

    def _conditional_variance(self, u: torch.Tensor) -> torch.Tensor:
        missing = u.isnan()
        u = torch.where(missing, self.knots[0], u)
        phi = self.features.values(u)
        known = ((phi @ self._gram_inverse) * phi).sum(-1)
        gap = _line(u, self.knots) - phi @ self._line_weights  # h of equation 2.42
        open_line = ((gap @ self._line_covariance) * gap).sum(-1)
        return (1 - known + open_line).clamp(min=0.0).masked_fill(missing, 0.0)


def _checked(knots: torch.Tensor | Sequence[float]) -> torch.Tensor:
    knots = torch.as_tensor(knots, dtype=torch.float64).detach().clone()
    increasing = knots.ndim == 1 and len(knots) > 0 and bool((knots.diff() > 0).all())
    if not increasing or not bool(knots.isfinite().all()):
        raise InputError(
            "knots must be finite and strictly increasing",
            f"got knots={knots.tolist()}",
            "sort them and merge those that are equal",
        )
    return knots


def _features(knots: torch.Tensor, kernel: AbstractKernel) -> DenseFeatures | KernelPackets:
    if (
        isinstance(kernel, AbstractMatern)
        and len(knots) > 2 * kernel.order
        and kernel.rate * knots.diff().max() < _ISOLATED
    ):
        return KernelPackets(knots, kernel)
    return DenseFeatures(knots, kernel)


def _line(u: torch.Tensor, knots: torch.Tensor) -> torch.Tensor:
    """Return the functions of the linear mean at u, [N, q]: 1, and the centred, scaled axis."""
    if len(knots) == 1:
        return torch.ones_like(u).unsqueeze(-1)
    centre, half = (knots[-1] + knots[0]) / 2, (knots[-1] - knots[0]) / 2
    return torch.stack([torch.ones_like(u), (u - centre) / half], dim=-1)


def _line_slope(u: torch.Tensor, knots: torch.Tensor) -> torch.Tensor:
    if len(knots) == 1:
        return torch.zeros_like(u).unsqueeze(-1)
    return torch.stack([torch.zeros_like(u), 2 / (knots[-1] - knots[0]) + 0 * u], dim=-1)


def _kriging(
    knots: torch.Tensor, features: DenseFeatures | KernelPackets
) -> dict[str, torch.Tensor]:
    eye = torch.eye(len(knots), dtype=knots.dtype)
    line = _line(knots, knots)  # H [M, q]
    fitted = features.project(eye, line)  # Hᵀ K⁻¹ [q, M]
    information = fitted @ line  # Hᵀ K⁻¹ H [q, q]
    line_rows = torch.linalg.solve(information, fitted)  # B [q, M]
    weight_rows = features.weights(eye - line @ line_rows)  # W [J, M]
    precision = weight_rows.mT @ features.gram() @ weight_rows
    log_determinant = (
        features.log_determinant() + torch.logdet(information) - torch.logdet(line.mT @ line)
    )
    return {
        "_line_rows": line_rows,
        "_weight_rows": weight_rows,
        "_line_weights": features.weights(line),
        "_line_covariance": torch.linalg.inv(information),
        "_gram_inverse": features.gram_inverse(),
        "_precision": (precision + precision.mT) / 2,
        "_log_determinant": log_determinant,
    }
