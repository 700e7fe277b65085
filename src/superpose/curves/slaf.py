"""Self-learnable activations: curves that are polynomials of a running input.

Source: Goyal, Goyal and Lall (2019), "Learning Activation Functions: A new paradigm for
understanding Neural Networks", arXiv:1906.09529, and the authors' code (github.com/mohit1997/PAF).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import torch
from torch import nn

from superpose.curves.polynomial_bases import (
    Table,
    basis_elements,
    element_slopes,
    empirical_table,
    recurrence_table,
    stieltjes,
    three_term,
)
from superpose.errors import InputError

#: The authors' routines GC (gradient clipping), MS (max scaling) and BN (mean-variance).
SLAF_ROUTINES = ("clipped", "scaled", "normalised")
_TINY = 1e-8  # added to variances, as in the authors' code
_MEMORY = 0.01  # the share of a new batch in what is remembered, once 100 have been seen


class Frame(NamedTuple):
    """In which unit a curve's elements are read; every entry has one column a curve."""

    centre: torch.Tensor  # [C]: t = (x - centre) / spread
    spread: torch.Tensor  # [C]
    table: Table  # the recurrence of the basis, [3, k] or [3, k, C]
    mean: torch.Tensor  # [k + 1, C]: taken from every element ..
    size: torch.Tensor  # [k + 1, C]: .. which is then divided by this

    def line(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return centre and spread of the first element, (x - centre) / spread, both [C]."""
        scale, shift = self.table[0][0], self.table[1][0]
        centre = self.centre + self.spread * (self.mean[1] - shift) / scale
        return centre, self.spread * self.size[1] / scale

    def standardising(self, mean: torch.Tensor, variance: torch.Tensor) -> Frame:
        """Return the frame in which elements of this mean and variance, [k + 1, C], have 0 and 1.

        All but the constant, which stays 1.
        """
        size = (variance + _TINY).sqrt()
        return self._replace(
            mean=torch.cat([torch.zeros_like(mean[:1]), mean[1:]]),
            size=torch.cat([torch.ones_like(size[:1]), size[1:]]),
        )


class SLAF(nn.Module):
    """C curves, each a sum of polynomials with weights that are learned.

    f_c(x) = m_c + s_c Σ_j a_cj g_j(t), t = (x - centre_c) / spread_c, over the degrees j = 0 .. k
    (Goyal, Goyal and Lall 2019), where g_1 = (x - m_c) / s_c: in its own unit a curve is
    Σ_j a_cj g_j, and a = (0, 1, 0, ..) is the identity, where learning starts. Read the curve
    (`drawn`), not the coefficients, which mean different things in different bases. It is the
    polynomial where there was data (`support`) and goes on straight outside.

    Parameters
    ----------
    n_curves : int, default 1
        Number C of curves: one a unit of [N, C], one a channel of [N, C, ..]. With 1, all units
        share one curve.
    degree : int, default 7
        The highest degree k. A higher one bends more often and is harder to learn.
    basis : {"chebyshev", "powers", "hermite", "empirical"}
        The elements g: t and T_j(tanh t), bounded but for their line (no polynomial of x, but of
        tanh t); t^j, as the authors have it; He_j(t) / √j!, orthonormal for a normal input;
        polynomials that are made orthonormal over the running input.
    routine : {"clipped", "scaled", "normalised"}
        What keeps learning stable. "clipped" (the authors' GC): t is the standardised input, and
        the optimiser's step clips the gradient (`routine_step`). "scaled" (MS):
        t = x / (m max|x|), m learned, 2 at first. "normalised" (BN): each element is standardised
        by itself; powers are those of x / rms(x), not centred.

    Attributes
    ----------
    coefficients : Parameter [C, degree + 1]
        a; dimensionless.
    margin : Parameter [C] or None
        m of the routine "scaled".
    support : Tensor [C, 2]
        Lowest and highest place of the last hundred batches or so; -1 and 1 before the first.
    batches : Tensor []
        How many batches were seen in training.

    Raises
    ------
    InputError
        If basis or routine is unknown, a size is below 1, the input has another number of
        columns, or a training batch has one row.

    Notes
    -----
    In training the statistics are those of the batch, through which the gradient passes; they are
    remembered with a share of 1 / batches, later of 0.01, and frozen in evaluation. The recurrence
    of "empirical" and the range are the remembered ones at once. The authors' gates
    (sigmoid(att_j) w_j) are one coefficient here, and their noise at the start is left out.

    Examples
    --------
    >>> import torch
    >>> curve = SLAF(degree=3, basis="hermite")
    >>> _ = curve(torch.linspace(-2, 4, 601).unsqueeze(1))  # one batch: what the input is like
    >>> curve.coefficients.data[0, 3] = 0.2
    >>> x = torch.tensor([[-1.0], [1.0], [3.0], [1e6]])
    >>> [f"{value:.4g}" for value in curve.eval()(x).ravel().tolist()]
    ['-0.7271', '1', '2.727', '1.487e+06']
    """

    support: torch.Tensor
    batches: torch.Tensor
    _mean: torch.Tensor  # [C], of the input
    _variance: torch.Tensor  # [C]
    _recurrence: torch.Tensor  # [2, k, C], of the empirical basis
    _element_mean: torch.Tensor  # [k + 1, C]
    _element_variance: torch.Tensor  # [k + 1, C]

    def __init__(
        self,
        n_curves: int = 1,
        degree: int = 7,
        basis: str = "chebyshev",
        routine: str = "clipped",
    ) -> None:
        super().__init__()
        _check(n_curves, routine)
        self.basis, self.routine = basis, routine
        self._fixed_table = recurrence_table(basis, degree)
        start = torch.zeros(n_curves, degree + 1)
        start[:, 1] = 1.0
        self.coefficients = nn.Parameter(start)
        scaled = routine == "scaled"
        self.margin = nn.Parameter(torch.full((n_curves,), 2.0)) if scaled else None
        self.register_buffer("batches", torch.zeros(()))
        self.register_buffer("support", torch.tensor([-1.0, 1.0]).repeat(n_curves, 1))
        self.register_buffer("_mean", torch.zeros(n_curves))
        self.register_buffer("_variance", torch.ones(n_curves))
        self.register_buffer("_recurrence", torch.zeros(2, degree, n_curves))
        self.register_buffer("_element_mean", torch.zeros(degree + 1, n_curves))
        self.register_buffer("_element_variance", torch.ones(degree + 1, n_curves))
        self._recurrence[1] = torch.arange(1.0, degree + 1).sqrt().unsqueeze(1)  # of hermite

    @property
    def degree(self) -> int:
        """The highest degree k."""
        return self.coefficients.shape[1] - 1

    @property
    def n_curves(self) -> int:
        """Number C of curves."""
        return len(self.coefficients)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the curves at x [N, C, ..], column c by curve c; same shape."""
        rows = self._rows(x)
        value = self._learning(rows) if self.training else self._frozen(rows)
        return value.reshape(x.movedim(1, -1).shape).movedim(-1, 1)

    @torch.no_grad()
    def elements(self, x: torch.Tensor) -> torch.Tensor:
        """Return g_0 .. g_k at rows x [R, C], [k + 1, R, C], with the statistics remembered."""
        frame = self._remembered()
        return self._standardised(self._raw(self._rows(x), frame), frame)

    def derivative(self, x: torch.Tensor) -> torch.Tensor:
        """Return the slopes of the frozen curves at rows x [R, C]; constant outside the support."""
        low, high = self.support.unbind(1)
        return self._slope(self._rows(x).clamp(low, high), self._remembered())

    @torch.no_grad()
    def drawn(self, n_points: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
        """Return places over each curve's support and the frozen curves there, both [G, C]."""
        share = torch.linspace(0, 1, n_points).to(self.support).unsqueeze(1)
        low, high = self.support.unbind(1)
        x = low + share * (high - low)
        return x, self._frozen(x)

    def prior(self) -> torch.Tensor:
        """Return ½ Σ_c Σ_j j (j - 1) a_cj², what bending costs, to be added to the loss.

        For "hermite" it is half the mean of g''² over a standard normal place. Constant and
        line are free.
        """
        return self._bending() @ self.coefficients.square().sum(0) / 2

    @torch.no_grad()
    def shrink(self, amount: float) -> None:
        """Divide the coefficient of degree j by 1 + amount j (j - 1): `prior` as its own step.

        It is the proximal step of amount times the prior, whatever the optimiser does beside it.
        """
        self.coefficients.div_(1 + amount * self._bending())

    def compose(
        self, inputs: Sequence[Any], number: Callable[[float], Any] = Fraction
    ) -> list[Any]:
        """Return curve c of ``inputs[c]`` in exact arithmetic, as it is inside its support.

        Parameters
        ----------
        inputs : sequence
            One a curve (any number of them where one curve is shared): fractions, or polynomials
            of any library, anything that can be multiplied and added.
        number : callable, default fractions.Fraction
            What turns a float into a number that can be multiplied with the inputs.

        Returns
        -------
        list
            One a curve. Exact but for 1 / spread and 1 / size, which are rounded to float64, so
            that all denominators stay powers of two.

        Raises
        ------
        InputError
            If the basis is "chebyshev", whose elements are polynomials of tanh t.
        """
        if self.basis == "chebyshev":
            raise InputError(
                "the curves must be polynomials",
                'basis="chebyshev" has polynomials of tanh t',
                'use basis="hermite" or "empirical", or read the curve with `drawn`',
            )
        frame = self._remembered()
        curves = range(self.n_curves) if self.n_curves > 1 else [0] * len(inputs)
        return [self._composed(frame, c, x, number) for c, x in zip(curves, inputs, strict=True)]

    def extra_repr(self) -> str:
        """Say what was chosen."""
        return f"{self.n_curves}, degree={self.degree}, basis={self.basis}, routine={self.routine}"

    # -- values ------------------------------------------------------------------------------

    def _rows(self, x: torch.Tensor) -> torch.Tensor:
        """Return x [N, C, ..] as rows [R, C]."""
        if x.ndim < 2 or (self.n_curves > 1 and x.shape[1] != self.n_curves):
            raise InputError(
                f"the input of {self.n_curves} curves must be [N, {self.n_curves}, ..]",
                f"got shape {list(x.shape)}",
                "give n_curves the number of units or channels, or 1 to share one curve",
            )
        return x.movedim(1, -1).reshape(-1, self.n_curves)

    def _learning(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the curves at a training batch, whose statistics are remembered."""
        if len(rows) < 2:
            raise InputError(
                "a training batch must have at least 2 rows",
                f"got {len(rows)}",
                "call `eval()` to predict, or drop the last, incomplete batch",
            )
        mean, variance = rows.mean(0), rows.var(0, correction=0)
        share = self._remember_input(rows, mean, variance)
        frame = self._frame(mean, variance)
        if self.basis == "empirical":
            t = (rows - frame.centre) / frame.spread
            self._remember(self._recurrence, stieltjes(t, self.degree), share)
            frame = self._frame(mean, variance)
        raw = self._raw(rows, frame)
        if self.routine == "normalised":
            element_mean, element_variance = raw.mean(1), raw.var(1, correction=0)
            self._remember(self._element_mean, element_mean, share)
            self._remember(self._element_variance, element_variance, share)
            frame = frame.standardising(element_mean, element_variance)
        return self._sum(self._standardised(raw, frame), frame)

    def _frozen(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the curves by what is remembered: polynomial in the support, straight outside."""
        frame = self._remembered()
        low, high = self.support.unbind(1)
        inside = rows.clamp(low, high)
        value = self._sum(self._standardised(self._raw(inside, frame), frame), frame)
        slope_low, slope_high = self._slope(self.support.mT, frame)
        beyond = rows - inside
        return value + slope_low * beyond.clamp(max=0) + slope_high * beyond.clamp(min=0)

    def _raw(self, rows: torch.Tensor, frame: Frame) -> torch.Tensor:
        return basis_elements((rows - frame.centre) / frame.spread, self.basis, frame.table)

    def _standardised(self, raw: torch.Tensor, frame: Frame) -> torch.Tensor:
        if self.routine != "normalised":
            return raw
        return (raw - frame.mean.unsqueeze(1)) / frame.size.unsqueeze(1)

    def _sum(self, elements: torch.Tensor, frame: Frame) -> torch.Tensor:
        """Return m + s Σ_j a_j g_j, [R, C], where g_1 = (x - m) / s."""
        centre, spread = frame.line()
        return centre + spread * (elements * self.coefficients.mT.unsqueeze(1)).sum(0)

    def _slope(self, rows: torch.Tensor, frame: Frame) -> torch.Tensor:
        t = (rows - frame.centre) / frame.spread
        slopes = element_slopes(t, self.basis, frame.table) / frame.size.unsqueeze(1)
        _, spread = frame.line()
        return (slopes * self.coefficients.mT.unsqueeze(1)).sum(0) * spread / frame.spread

    def _bending(self) -> torch.Tensor:
        j = torch.arange(self.degree + 1).to(self.coefficients)
        return j * (j - 1)

    def _composed(self, frame: Frame, c: int, x: Any, number: Callable[[float], Any]) -> Any:
        """Return curve c of x."""
        table = [[number(_entry(value, c)) for value in row] for row in frame.table]
        centre, spread = _entry(frame.centre, c), _entry(frame.spread, c)
        t = (x - number(centre)) * number(1 / spread)
        total, one = 0 * x, 0 * x + number(1.0)
        for j, element in enumerate(three_term(t, one, table)):
            weight = _entry(self.coefficients[c, j], c) / _entry(frame.size[j], c)
            total = total + (element - number(_entry(frame.mean[j], c))) * number(weight)
        line_centre, line_spread = frame.line()
        return total * number(_entry(line_spread, c)) + number(_entry(line_centre, c))

    # -- statistics --------------------------------------------------------------------------

    def _frame(self, mean: torch.Tensor, variance: torch.Tensor) -> Frame:
        """Return the unit of inputs with this mean and variance, elements as they are."""
        if self.margin is not None:
            centre, spread = torch.zeros_like(mean), self.margin * self.support.abs().amax(1)
            spread = spread + _TINY
        elif self.routine == "normalised" and self.basis == "powers":
            centre, spread = torch.zeros_like(mean), (variance + mean**2 + _TINY).sqrt()
        else:
            centre, spread = mean, (variance + _TINY).sqrt()
        fixed = self.basis != "empirical"
        table = self._fixed_table if fixed else tuple(empirical_table(self._recurrence))
        zero = torch.zeros_like(self._element_mean)
        return Frame(centre, spread, table, zero, zero + 1)

    def _remembered(self) -> Frame:
        frame = self._frame(self._mean, self._variance)
        if self.routine == "normalised":
            frame = frame.standardising(self._element_mean, self._element_variance)
        return frame

    @torch.no_grad()
    def _remember_input(
        self, rows: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor
    ) -> torch.Tensor:
        """Remember mean, variance and range of a batch; return the share that it has in them.

        The range grows to the batch's at once and comes back slowly.
        """
        share = (1 / (self.batches + 1)).clamp(min=_MEMORY)
        self._remember(self._mean, mean, share)
        self._remember(self._variance, variance, share)
        low, high = rows.amin(0), rows.amax(0)
        self._remember(self.support, torch.stack([low, high], 1), share)
        self.support[:, 0] = self.support[:, 0].minimum(low)
        self.support[:, 1] = self.support[:, 1].maximum(high)
        self.batches += 1
        return share

    @torch.no_grad()
    def _remember(self, kept: torch.Tensor, new: torch.Tensor, share: torch.Tensor) -> None:
        kept += share * (new.to(kept.dtype) - kept)


def _check(n_curves: int, routine: str) -> None:
    if routine not in SLAF_ROUTINES:
        raise InputError(
            f"routine must be one of {', '.join(SLAF_ROUTINES)}",
            f"got routine={routine!r}",
            'use "clipped"',
        )
    if n_curves < 1:
        raise InputError(
            "n_curves must be at least 1", f"got n_curves={n_curves}", "pass the number of units"
        )


def _entry(values: Any, c: int) -> float:
    """Return the number of curve c: of [C], or the same for all."""
    if torch.is_tensor(values):
        values = values.detach()
        return float(values[c]) if values.ndim else float(values)
    return float(values)
