"""What tests of perturbing optimizers share: a small smooth network, its rows and its gradients."""

import torch
from torch import nn


def made_rows(n=24, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, generator=generator, dtype=dtype)
    return x, torch.sin(x.sum(1, keepdim=True))


def made_network(seed=0, dtype=torch.float64):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).to(dtype)


def loss_of(network, x, y):
    return (network(x) - y).square().mean()


def closure_of(optimizer, network, x, y, seen=None):
    """The plain closure; with a list in ``seen``, the losses are put there."""

    def closure():
        optimizer.zero_grad()
        loss = loss_of(network, x, y)
        loss.backward()
        if seen is not None:
            seen.append(loss.item())
        return loss

    return closure


def weights_of(network):
    return torch.cat([p.detach().reshape(-1) for p in network.parameters()]).clone()


def outer_gradient(kind, x, y, network=None, **options):
    """The gradient a step takes, as one vector: with SGD of rate 1 it is how far the step goes."""
    network = made_network() if network is None else network
    before = weights_of(network)
    optimizer = kind(network.parameters(), torch.optim.SGD, lr=1.0, **options)
    optimizer.step(closure_of(optimizer, network, x, y))
    return before - weights_of(network)


def gradient_of(value, network, x, y):
    """The gradient of value(loss, gradients) at the weights, by differentiating twice."""
    weights = list(network.parameters())
    loss = loss_of(network, x, y)
    gradients = torch.autograd.grad(loss, weights, create_graph=True)
    found = torch.autograd.grad(value(loss, gradients), weights)
    return torch.cat([one.reshape(-1) for one in found])
