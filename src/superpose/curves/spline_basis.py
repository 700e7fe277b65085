"""Curves of which a shape is known: splines whose control points say it.

Source: Maatouk and Bay (2017), Math. Geosci. 49:557, integrated hat functions, in which a shape is
a sign of coefficients; written here as the B-splines of the same space (de Boor, 1978, chapters 10
and 11). Wahba (1978), J. R. Stat. Soc. B 40:364, for the prior.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from superpose.errors import InputError

SHAPES = ("increasing", "decreasing", "convex", "concave")
"""What can be known of a curve; at most one of the first two and one of the last two."""

_GAUSS = (
    0.5 / 3.0**0.5
)  # the two places, from the middle, where a rule of Gauss is exact for cubics


class SplineBasis(nn.Module):
    """A spline over shared knots that has a shape exactly where its control points have it.

    f(u) = cardinal(u) @ z with B-splines of degree 2 where the curve only rises or falls, and of
    degree 3 where it is convex or concave. The derivative that the shape is about, f' or f'', is a
    sum of hats, one at each knot: it has one sign everywhere if and only if it has it at the knots,
    which is ``conditions @ z >= 0``. Outside the knots the curve goes on as a straight line.

    The prior charges ∫ f''(u)² w(u) du, straight lines being free: the cubic smoothing spline. The
    unit is that of a Matérn 3/2 process of variance 1 and this length scale, whose second
    derivative has the same spectrum at high frequencies, 4 (√3 / l)³. The weight w is 1 for knots
    at equal distances, and elsewhere the cube of a gap over the mean gap, so that a bend within one
    gap costs the same in narrow and wide ones.

    Parameters
    ----------
    knots : Tensor [M] or sequence of float
        Where pieces meet, strictly increasing, in axis units; two or more.
    shape : sequence of str
        One or two of `SHAPES` that do not contradict each other.
    length_scale : float, default 0.3
        In axis units; it sets the unit of the prior and nothing else.

    Attributes
    ----------
    knots : Tensor [M]
        As given, float64.
    conditions : Tensor [d, M + degree - 1]
        Rows that are 0 or above on the control points of a curve of this shape.
    abscissae : Tensor [M + degree - 1]
        Where the control points stand; heights on a line there make the curve that line.

    Raises
    ------
    InputError
        If the knots are not finite and strictly increasing, or the shape is none.

    Examples
    --------
    Control points that rise make a curve that rises everywhere:

    >>> import torch
    >>> from superpose.curves import SplineBasis
    >>> basis = SplineBasis([0.0, 0.3, 1.0], ["increasing"])
    >>> heights = torch.tensor([0.0, 0.0, 2.0, 2.0]).double()
    >>> bool((basis.conditions @ heights >= 0).all())
    True
    >>> u = torch.tensor([-1.0, 0.0, 0.3, 0.6, 1.0, 2.0]).double()
    >>> (basis.cardinal(u) @ heights).numpy().round(2)
    array([0.  , 0.  , 0.6 , 1.54, 2.  , 2.  ])
    """

    knots: torch.Tensor
    conditions: torch.Tensor
    abscissae: torch.Tensor
    _precision: torch.Tensor

    def __init__(
        self,
        knots: torch.Tensor | Sequence[float],
        shape: Sequence[str],
        *,
        length_scale: float = 0.3,
    ) -> None:
        super().__init__()
        self.shape, self.length_scale = checked_shape(shape), float(length_scale)
        self.degree = 3 if self.bend else 2
        self.register_buffer("knots", _checked(knots))
        p = self.degree
        ends = self._extended(p)[1:-1].unfold(0, p, 1)
        self.register_buffer("abscissae", ends.mean(1))
        self.register_buffer("conditions", self._conditions())
        self.register_buffer("_precision", self._roughness() / (4 * (3.0**0.5 / length_scale) ** 3))

    @property
    def n_heights(self) -> int:
        """Number M + degree - 1 of control points."""
        return len(self.knots) + self.degree - 1

    @property
    def rise(self) -> int:
        """1 where the curve rises, -1 where it falls, 0 where neither is known."""
        return ("increasing" in self.shape) - ("decreasing" in self.shape)

    @property
    def bend(self) -> int:
        """1 where the curve is convex, -1 where it is concave, 0 where neither is known."""
        return ("convex" in self.shape) - ("concave" in self.shape)

    def cardinal(self, u: torch.Tensor) -> torch.Tensor:
        """Return what each control point adds to the curve at u [N], [N, H]; NaN gives 0.

        Rows sum to 1.
        """
        missing = u.isnan()
        u = torch.where(missing, self.knots[0], u)
        within = u.clamp(self.knots[0], self.knots[-1])
        beyond = (u - within).unsqueeze(-1)
        rows = self._splines(within, self.degree) + beyond * self._slopes(within)
        return rows.masked_fill(missing.unsqueeze(-1), 0.0)

    def cardinal_derivative(self, u: torch.Tensor) -> torch.Tensor:
        """Return the slopes of these functions, [N, H], per axis unit; NaN gives 0."""
        missing = u.isnan()
        u = torch.where(missing, self.knots[0], u)
        rows = self._slopes(u.clamp(self.knots[0], self.knots[-1]))
        return rows.masked_fill(missing.unsqueeze(-1), 0.0)

    def precision(self) -> torch.Tensor:
        """Return the prior precision of the control points, [H, H], of rank H - 2."""
        return self._precision

    def conditional_variance(self, u: torch.Tensor) -> torch.Tensor:
        """Return 0 at every u, [N]: the control points say all there is to know of the curve."""
        return torch.zeros_like(u)

    def _slopes(self, u: torch.Tensor) -> torch.Tensor:
        return self._splines(u, self.degree - 1) @ self._differences(self.degree)

    def _extended(self, degree: int) -> torch.Tensor:
        """Return the knots with each end repeated, [M + 2 degree]."""
        first, last = self.knots[:1], self.knots[-1:]
        return torch.cat([first.expand(degree), self.knots, last.expand(degree)])

    def _splines(self, u: torch.Tensor, degree: int) -> torch.Tensor:
        """Return the B-splines at places within the knots by the recursion of Cox and de Boor."""
        t = self._extended(degree)
        gap = torch.searchsorted(self.knots, u.contiguous(), right=True) - 1
        gap = gap.clamp(0, len(self.knots) - 2) + degree
        rows = u.new_zeros(len(u), len(t) - 1).scatter(1, gap[:, None], 1.0)
        for p in range(1, degree + 1):
            width = (t[p:] - t[:-p]).clamp(min=1e-300)
            up = (u[:, None] - t[: -p - 1]) / width[:-1]
            down = (t[p + 1 :] - u[:, None]) / width[1:]
            up = torch.where(rows[:, :-1] > 0, up, 0.0)
            down = torch.where(rows[:, 1:] > 0, down, 0.0)
            rows = up * rows[:, :-1] + down * rows[:, 1:]
        return rows

    def _differences(self, degree: int) -> torch.Tensor:
        """Return what makes the control points of f' [H - 1] out of those of f [H]."""
        t = self._extended(degree)[1:-1]
        eye = torch.eye(len(self.knots) + degree - 1, dtype=t.dtype)
        return degree * eye.diff(dim=0) / (t[degree:] - t[:-degree])[:, None]

    def _conditions(self) -> torch.Tensor:
        """Return the rows of the shape, each of largest entry 1."""
        steep = self._differences(self.degree)
        rows = [self.rise * steep] if self.rise and not self.bend else []
        if self.bend:
            rows.append(self.bend * self._differences(self.degree - 1) @ steep)
        if self.rise and self.bend:  # f' is least where it begins, or where it ends
            rows.append(self.rise * (steep[:1] if self.rise == self.bend else steep[-1:]))
        found = torch.cat(rows)
        return found / found.abs().amax(1, keepdim=True)

    def _roughness(self) -> torch.Tensor:
        """Return the form [H, H] that is ∫ f''(u)² w(u) du."""
        gaps = self.knots.diff()
        middle = (self.knots[1:] + self.knots[:-1]) / 2
        bends = self._differences(self.degree - 1) @ self._differences(self.degree)
        places = torch.stack([middle - _GAUSS * gaps, middle + _GAUSS * gaps], 1).flatten()
        rows = self._splines(places, self.degree - 2) @ bends
        weight = (gaps / gaps.mean()) ** 3 * gaps / 2
        return (rows * weight.repeat_interleave(2)[:, None]).mT @ rows


def checked_shape(shape: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a shape in the order of `SHAPES`."""
    several = isinstance(shape, Iterable) and not isinstance(shape, str)
    words = tuple(shape) if several else (shape,)
    found = tuple(word for word in SHAPES if word in words)
    known = len(words) > 0 and all(word in SHAPES for word in words)
    if known and not (
        {"increasing", "decreasing"} <= {*found} or {"convex", "concave"} <= {*found}
    ):
        return found
    raise InputError(
        "a shape must be increasing or decreasing, convex or concave, or one of each",
        f"found {shape!r}",
        'write "increasing", or ("increasing", "concave")',
    )


def opposite(shape: Sequence[str]) -> tuple[str, ...]:
    """Return the shape of -f where f has this shape."""
    turned = dict(zip(SHAPES, (SHAPES[1], SHAPES[0], SHAPES[3], SHAPES[2]), strict=True))
    return tuple(turned[word] for word in checked_shape(shape))


def _checked(knots: torch.Tensor | Sequence[float]) -> torch.Tensor:
    knots = torch.as_tensor(knots, dtype=torch.float64).detach().clone()
    increasing = knots.ndim == 1 and len(knots) > 1 and bool((knots.diff() > 0).all())
    if not increasing or not bool(knots.isfinite().all()):
        raise InputError(
            "knots of a shaped curve must be two or more, finite and strictly increasing",
            f"got knots={knots.tolist()}",
            "sort them and merge those that are equal",
        )
    return knots
