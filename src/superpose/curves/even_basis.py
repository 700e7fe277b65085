"""Curves over evenly spaced knots, many at once and fast: the inside of layers of deep networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from superpose.curves.compiled_sum import fast_sum, fits, plain_sum
from superpose.curves.curve_sum import curve_each, spread_rows
from superpose.curves.gp_basis import GPBasis
from superpose.curves.standardised_sum import standardised_sum
from superpose.curves.translates import make_translates
from superpose.errors import InputError


class EvenBasis(nn.Module):
    """The curves of `GPBasis` over M even knots on [-1, 1], evaluated through shifted packets.

    A curve is linear in its heights, f(u) = cardinal(u) @ z, as in `GPBasis`; here a sum of many
    curves is read in one pass, at 2p products a curve, however many knots there are.

    Parameters
    ----------
    n_knots : int
        M, at least 3, 5, 7 for Matérn 1/2, 3/2, 5/2.
    kernel : {"matern32", "matern12", "matern52"}
        The covariance.
    length_scale : float
        In units of the axis, on which the knots reach from -1 to 1.

    Attributes
    ----------
    knots : Tensor [M]
    rows : Tensor [J + 2, M]
        Heights to the weights of J = M + 2p - 2 packets, then slope and level of the line.
    bending : Tensor [M - 2, M]
        F with ‖F z‖² = rᵀ K⁻¹ r: white coordinates of what is not a straight line.

    Notes
    -----
    Tables are made in float64 and kept in the dtype of the module, or float32 if that is shorter.
    Beyond the ends a curve goes on from its derivatives there, which in single precision lose
    digits where a length scale holds very many knots: by Matérn 5/2 with 64 knots a length scale
    the error is some 1e-3 of the largest height. There Matérn 3/2 or float64 is the better choice.

    Examples
    --------
    >>> import torch
    >>> from superpose.curves import EvenBasis
    >>> basis = EvenBasis(9, length_scale=0.5)
    >>> u = torch.tensor([0.1, 3.0], dtype=torch.float64)
    >>> basis.cardinal(u) @ (1 + 2 * basis.knots)  # straight lines go on
    tensor([1.2000, 7.0000], dtype=torch.float64)
    """

    knots: torch.Tensor
    powers: torch.Tensor
    tail: torch.Tensor
    rows: torch.Tensor
    bending: torch.Tensor

    def __init__(self, n_knots: int, kernel: str = "matern32", *, length_scale: float) -> None:
        super().__init__()
        self.kernel_name, self.length_scale = kernel, float(length_scale)
        with torch.device("cpu"):
            self._translates = make_translates(n_knots, kernel, length_scale)
        self._keep(torch.float64, torch.get_default_device())

    @property
    def n_heights(self) -> int:
        """Number M of control points."""
        return self._translates.n_knots

    @property
    def rate(self) -> float:
        """The decay c = sqrt(2 nu) / length scale beyond the ends."""
        return self._translates.rate

    def sum(
        self,
        x: torch.Tensor,
        heights: torch.Tensor,
        centre: torch.Tensor | None = None,
        spread: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return y_o = Σ_i f_io(u_i), [N, O], at u [N, I] for heights [I, M, O].

        With ``centre`` and ``spread`` [I], u = (x - centre) / spread; otherwise u is x.
        """
        centre = x.new_zeros(x.shape[1]) if centre is None else centre
        spread = x.new_ones(x.shape[1]) if spread is None else spread
        tables = self.rows, self.powers, self.tail
        with torch.autocast(x.device.type, enabled=False):
            add = fast_sum if fits(x) else plain_sum
            return add(x, heights, centre, spread, *tables, self.rate)

    def standardised_sum(
        self, x: torch.Tensor, heights: torch.Tensor, reach: float
    ) -> tuple[torch.Tensor, ...]:
        """Return `sum` of x [N, I] standardised by its own columns, where `fits`; see there."""
        with torch.autocast(x.device.type, enabled=False):
            tables = self.rows, self.powers, self.tail, self.rate
            return standardised_sum(x, heights, reach, *tables)

    def each(self, u: torch.Tensor, heights: torch.Tensor) -> torch.Tensor:
        """Return y_i = f_i(u_i), [N, I], at u [N, I] for heights [I, M]."""
        return curve_each(u, heights @ self.rows.mT, self.powers, self.tail, self.rate)

    def cardinal(self, u: torch.Tensor) -> torch.Tensor:
        """Return what each height adds to a curve at u [N], shape [N, M]; NaN gives NaN."""
        return spread_rows(u, self.n_heights, self.powers, self.tail, self.rate) @ self.rows

    def cardinal_derivative(self, u: torch.Tensor) -> torch.Tensor:
        """Return the slopes of the cardinal functions at u [N], shape [N, M]."""
        tables = self.powers, self.tail, self.rate
        return spread_rows(u, self.n_heights, *tables, slopes=True) @ self.rows

    def precision(self) -> torch.Tensor:
        """Return the prior precision Q of the heights, [M, M], as `GPBasis.precision`."""
        return self.bending.mT @ self.bending

    def quadratic_form(self, heights: torch.Tensor) -> torch.Tensor:
        """Return zᵀ Q z of each column of heights [.., M, O], shape [.., O]."""
        return (self.bending @ heights).square().sum(-2)

    def refined(self, heights: torch.Tensor) -> tuple[EvenBasis, torch.Tensor]:
        """Return a basis with a knot between any two, and heights of the same curves in it.

        The old curve is a sum of kernels of the old knots, which are among the new ones, so it is
        its own interpolant there.

        Parameters
        ----------
        heights : Tensor [.., M, O]

        Returns
        -------
        finer : EvenBasis
        heights : Tensor [.., 2M - 1, O]
        """
        finer = EvenBasis(2 * self.n_heights - 1, self.kernel_name, length_scale=self.length_scale)
        exact = self.cpu_copy().cardinal(finer.knots).to(heights.device)
        found = (exact @ heights.detach().double()).to(heights.dtype)
        return finer.to(self.rows.device, self.rows.dtype), found

    def cpu_copy(self) -> EvenBasis:
        """Return the same basis in float64 on the host."""
        with torch.device("cpu"):
            return EvenBasis(self.n_heights, self.kernel_name, length_scale=self.length_scale)

    def dense(self) -> GPBasis:
        """Return the same curves as a `GPBasis` in float64, with variances between knots."""
        with torch.device("cpu"):
            knots = torch.linspace(-1, 1, self.n_heights, dtype=torch.float64)
            return GPBasis(knots, self.kernel_name, length_scale=self.length_scale)

    def extra_repr(self) -> str:
        """Return knots, kernel and length scale, as `print` shows them."""
        return f"{self.n_heights}, {self.kernel_name!r}, length_scale={self.length_scale:g}"

    def get_extra_state(self) -> torch.Tensor:
        """Return nu of the kernel and the length scale: what heights mean nothing without."""
        made = self._translates
        return torch.tensor([made.order - 0.5, self.length_scale], dtype=torch.float64)

    def set_extra_state(self, state: torch.Tensor) -> None:
        """See that heights which are being loaded belong to these curves.

        Raises
        ------
        InputError
            If they were saved with another kernel or length scale.
        """
        own = self.get_extra_state().tolist()
        if state.tolist() != own:
            raise InputError(
                "heights are loaded into curves of the kernel and length scale they had: "
                f"here Matérn {own[0]:g} and {own[1]:g}",
                f"the state has Matérn {state[0]:g} and {state[1]:g}",
                "make the layer with these before load_state_dict",
            )

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> EvenBasis:
        super()._apply(fn, recurse)
        found = self.rows
        self._keep(torch.promote_types(found.dtype, torch.float32), found.device)
        return self

    def _keep(self, dtype: torch.dtype, device: torch.device) -> None:
        made = self._translates
        knots = torch.linspace(-1, 1, made.n_knots, dtype=torch.float64, device="cpu")
        tables = {
            "knots": knots,
            "powers": made.powers if dtype == torch.float64 else made.short_powers,
            "tail": made.tail,
            "rows": made.rows,
            "bending": made.bending,
        }
        for name, table in tables.items():
            self.register_buffer(name, table.to(device, dtype), persistent=False)
