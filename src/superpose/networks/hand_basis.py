"""A basis with one stretch drawn by hand: straight lines between places, outside it as it was."""

from __future__ import annotations

import torch
from torch import nn

from superpose.networks.attribute import Attribute
from superpose.networks.input_basis import InputBasis


class HandBasis(InputBasis):
    """Cardinal functions of a curve of which a person drew one stretch.

    Between the first and the last place the curve is straight, in units of the attribute, from
    place to place; everywhere else its cardinal functions are, bit for bit, those of the basis
    underneath. So it steps at the two ends unless the heights there agree.

    Parameters
    ----------
    base : InputBasis
        The basis underneath.
    attribute : Attribute
        The column; a number.
    places : Tensor [P]
        Increasing values of the attribute, in its units, two or more. Their heights come before
        those of ``base``.

    Attributes
    ----------
    ends : Tensor [2]
        The first and the last place, on the axis.

    Examples
    --------
    >>> import torch
    >>> from superpose.curves import Axis
    >>> age = Attribute("age", "number", Axis.from_data(torch.tensor([0.0, 50.0, 100.0])))
    >>> basis = HandBasis(InputBasis(age), age, torch.tensor([40.0, 60.0]).double())
    >>> heights = torch.tensor([1.0, 2.0, 0.0, 0.0, 0.0]).double()
    >>> u = age.encode(torch.tensor([39.0, 40.0, 45.0, 60.0, 61.0]).double())
    >>> (basis.cardinal(u) @ heights).tolist()
    [0.0, 1.0, 1.25, 2.0, 0.0]
    """

    places: torch.Tensor
    ends: torch.Tensor

    def __init__(self, base: InputBasis, attribute: Attribute, places: torch.Tensor) -> None:
        nn.Module.__init__(self)
        self.base, self.attribute = base, attribute
        self.kind, self.missing, self.length_scale = base.kind, base.missing, base.length_scale
        self.basis, self.shape_of = base.basis, base.shape_of
        self.register_buffer("places", places.clone())
        self.register_buffer("ends", attribute.encode(places[[0, -1]]))

    @property
    def n_heights(self) -> int:
        """Number of heights: of the places, then of the basis underneath."""
        return len(self.places) + self.base.n_heights

    def cardinal(self, u: torch.Tensor) -> torch.Tensor:
        """Return the cardinal functions [N, P + H]; each row is of the stretch or of the rest."""
        inside = self._inside(u)
        rest = self.base.cardinal(u).masked_fill(inside[:, None], 0.0)
        left, share, _ = self._along(u)
        rows = u.new_zeros(len(u), len(self.places))
        rows = rows.scatter(1, torch.stack([left, left + 1], 1), torch.stack([1 - share, share], 1))
        return torch.cat([rows.masked_fill(~inside[:, None], 0.0), rest], 1)

    def cardinal_derivative(self, u: torch.Tensor) -> torch.Tensor:
        """Return their slopes [N, P + H] per axis length."""
        inside = self._inside(u)
        rest = self.base.cardinal_derivative(u).masked_fill(inside[:, None], 0.0)
        at = u.detach().clone().requires_grad_()
        with torch.enable_grad():
            left, share, width = self._along(at)
            (units,) = torch.autograd.grad((share * width).sum(), at)
        slope = units / width
        rows = u.new_zeros(len(u), len(self.places))
        rows = rows.scatter(1, torch.stack([left, left + 1], 1), torch.stack([-slope, slope], 1))
        return torch.cat([rows.masked_fill(~inside[:, None], 0.0), rest], 1)

    def conditional_variance(self, u: torch.Tensor) -> torch.Tensor:
        """Return what the heights leave open, [N]: nothing within the stretch."""
        return self.base.conditional_variance(u).masked_fill(self._inside(u), 0.0)

    def directions(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return those of the basis underneath; the heights of the places have no prior."""
        blank = (0, 0, len(self.places), 0)
        line, white = self.base.directions()
        return nn.functional.pad(line, blank), nn.functional.pad(white, blank)

    def _inside(self, u: torch.Tensor) -> torch.Tensor:
        return (u >= self.ends[0]) & (u <= self.ends[1])

    def _along(self, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the place to the left of each u, how far it is to the next one, and the gap."""
        assert self.attribute.axis is not None
        within = torch.where(self._inside(u), u, self.ends[0])
        x = self.attribute.axis.from_axis(within).clamp(self.places[0], self.places[-1])
        left = torch.searchsorted(self.places, x.detach().contiguous(), right=True) - 1
        left = left.clamp(0, len(self.places) - 2)
        width = self.places[left + 1] - self.places[left]
        return left, (x - self.places[left]) / width, width
