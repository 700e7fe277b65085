"""The slopes in the heights are those of automatic differentiation and of finite differences."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call, jacrev

from superpose.errors import InputError
from superpose.fitting import network_jacobian
from superpose.networks import KSTNetwork


def made_network(widths: list[int], kernel: str = "matern32") -> tuple[KSTNetwork, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    network = KSTNetwork(widths, knots=8, kernel=kernel, generator=generator).double()
    x = torch.rand(9, widths[0], generator=generator, dtype=torch.float64) * 4 - 2
    for parameter in network.parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        parameter.data.add_(noise)
    network(x)
    return network.eval(), x


@pytest.mark.parametrize("widths", [[2, 1], [2, 3, 1], [3, 2, 3, 2]])
@pytest.mark.parametrize("kernel", ["matern12", "matern32", "matern52"])
def test_slopes_are_those_of_autograd(widths: list[int], kernel: str) -> None:
    network, x = made_network(widths, kernel)
    outputs, jacobian = network_jacobian(network, x)
    heights = {name: p.detach() for name, p in network.named_parameters()}
    oracle = jacrev(lambda h: functional_call(network, h, (x,)))(heights)
    expected = torch.cat([oracle[name].flatten(2) for name in heights], 2)
    torch.testing.assert_close(outputs, network(x).detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(jacobian, expected, rtol=1e-10, atol=1e-10)


def test_slopes_are_finite_differences() -> None:
    network, x = made_network([2, 3, 1])
    _, jacobian = network_jacobian(network, x)
    start = torch.nn.utils.parameters_to_vector(network.parameters()).detach()
    for place in range(0, len(start), 7):
        ends = []
        for sign in (1, -1):
            moved = start.clone()
            moved[place] += sign * 1e-6
            torch.nn.utils.vector_to_parameters(moved, network.parameters())
            ends.append(network(x).detach())
        difference = (ends[0] - ends[1]) / 2e-6
        torch.testing.assert_close(jacobian[:, :, place], difference, rtol=1e-6, atol=1e-7)


def test_a_network_in_float32_is_refused() -> None:
    with pytest.raises(InputError, match=r"must be in float64; got torch.float32; pass network"):
        network_jacobian(KSTNetwork([1, 1]), torch.zeros(2, 1))
