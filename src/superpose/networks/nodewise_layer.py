"""A linear map, then one curve a node: a layer with few curves."""

from __future__ import annotations

import torch
from torch import nn

from superpose.curves import EvenBasis
from superpose.errors import InputError
from superpose.networks.kst_layer import check_rows, check_sizes
from superpose.networks.running_axis import RunningAxis


class NodewiseLayer(nn.Module):
    """y_o = f_g(o)(Σ_i W_oi x_i + b_o): a linear map, then a curve for each node or group of nodes.

    The cheap neighbour of `KSTLayer`: O curves instead of I · O. Groups of neighbouring nodes may
    share one curve, as in the rational activations of the Kolmogorov-Arnold transformer (Yang and
    Wang 2025, https://arxiv.org/abs/2409.10594). At the start a curve
    hands on its node, in standard deviations (or half widths of the bounds).

    Parameters
    ----------
    in_features, out_features : int
        I and O.
    knots, kernel, length_scale, bounds, generator
        As in `KSTLayer`; the axes are those of the nodes.
    groups : int, optional
        Curves, shared out evenly over the nodes; a divisor of O. Without it one a node.

    Attributes
    ----------
    linear : nn.Linear
        The map before the curves.
    heights : Parameter [groups, M]
        In units of the nodes' standard deviations (or bounds), at the knots.

    Examples
    --------
    >>> import torch
    >>> from superpose.networks import NodewiseLayer
    >>> layer = NodewiseLayer(3, 4, groups=2)
    >>> layer.n_curves, layer(torch.ones(5, 3)).shape
    (2, torch.Size([5, 4]))
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
        groups: int | None = None,
    ) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        groups = out_features if groups is None else groups
        if groups < 1 or out_features % groups:
            raise InputError(
                "groups must divide out_features",
                f"got groups={groups} for out_features={out_features}",
                "pass a divisor, or leave it out for one curve a node",
            )
        where = torch.get_default_device()
        self.linear = nn.utils.skip_init(nn.Linear, in_features, out_features, device=where)
        steep = (3 / in_features) ** 0.5
        nn.init.uniform_(self.linear.weight, -steep, steep, generator=generator)
        nn.init.zeros_(self.linear.bias)
        self.axis = RunningAxis(out_features, bounds)
        self.basis = EvenBasis(knots, kernel, length_scale=length_scale).to(torch.float32)
        straight = self.axis.reach * self.basis.knots if bounds is None else self.basis.knots
        self.heights = nn.Parameter(straight.repeat(groups, 1))

    @property
    def n_curves(self) -> int:
        """How many curves a reader looks at."""
        return len(self.heights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return y [.., O] of x [.., I], of the dtype of x."""
        check_rows(x, self.linear.in_features)
        nodes = self.linear(x.reshape(-1, self.linear.in_features).to(self.heights.dtype))
        shared = self.linear.out_features // len(self.heights)
        exact = self.basis.rows.dtype  # at least float32
        heights = self.heights.to(exact).repeat_interleave(shared, 0)
        y = self.basis.each(self.axis(nodes.to(exact)), heights)
        return y.to(x.dtype).reshape(*x.shape[:-1], self.linear.out_features)

    def prior(self) -> torch.Tensor:
        """Return Σ ½ rᵀ K⁻¹ r over the curves, as `KSTLayer.prior`."""
        return 0.5 * self.basis.quadratic_form(self.heights.mT).sum()

    @torch.no_grad()
    def refine(self) -> None:
        """Put a knot between any two, as `KSTLayer.refine`."""
        self.basis, heights = self.basis.refined(self.heights.mT)
        self.heights = nn.Parameter(heights.mT.contiguous(), self.heights.requires_grad)
