"""Small tables, and designs over them, for the tests of fitting."""

from __future__ import annotations

import torch

from superpose.curves import Axis
from superpose.fitting.superposition.columns import Block, main_block, pair_block, side
from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.losses import loss_named
from superpose.fitting.superposition.newton import State
from superpose.fitting.superposition.problem import Problem
from superpose.fitting.superposition.term_columns import TermColumns, narrowed, outer_basis
from superpose.networks import Attribute, InputBasis

LENGTH_SCALE = 0.3


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def uniform(n: int, columns: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, columns, generator=generator(seed), dtype=torch.float64)


def normal(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, generator=generator(seed), dtype=torch.float64)


def numbers(x: torch.Tensor, n_knots: int = 8) -> list[Attribute]:
    """Attributes for the columns of a table, with an offset for missing values where there are."""
    return [
        Attribute(
            f"x{p}",
            "number",
            Axis.from_data(x[:, p], n_knots=n_knots),
            None,
            bool(x[:, p].isnan().any()),
        )
        for p in range(x.shape[1])
    ]


def encoded(attributes: list[Attribute], x: torch.Tensor) -> torch.Tensor:
    return torch.stack([a.encode(x[:, p]) for p, a in enumerate(attributes)], 1)


def blocks_of(
    attributes: list[Attribute], u: torch.Tensor, weight: torch.Tensor
) -> tuple[Block, ...]:
    bases = [InputBasis(a, length_scale=LENGTH_SCALE, missing=a.missing) for a in attributes]
    return tuple(main_block(p, basis, u[:, p], weight) for p, basis in enumerate(bases))


def sides_of(attributes: list[Attribute], u: torch.Tensor, weight: torch.Tensor):
    bases = [InputBasis(a, length_scale=LENGTH_SCALE) for a in attributes]
    return [side(basis, u[:, p], weight) for p, basis in enumerate(bases)]


def design_of(
    attributes: list[Attribute],
    x: torch.Tensor,
    *,
    n_outputs: int = 1,
    pairs: tuple[tuple[int, int], ...] = (),
    terms: tuple[tuple[int, ...], ...] = (),
    weight: torch.Tensor | None = None,
) -> Design:
    """Main curves of every attribute, and the pairs and terms that are asked for."""
    weight = torch.ones(len(x), dtype=torch.float64) if weight is None else weight
    u = encoded(attributes, x)
    sides = sides_of(attributes, u, weight)
    blocks = blocks_of(attributes, u, weight)
    blocks += tuple(pair_block(p, r, (sides[p], sides[r]), weight, 12) for p, r in pairs)
    columns = tuple(
        TermColumns(read, tuple(narrowed(sides[p]) for p in read), *outer_basis(), weight)
        for read in terms
    )
    return Design(blocks, len(x), n_outputs, columns)


def problem_of(
    y: torch.Tensor, loss: str = "gaussian", weight: torch.Tensor | None = None
) -> Problem:
    weight = torch.ones(len(y), dtype=torch.float64) if weight is None else weight
    return Problem(y, weight, loss_named(loss, y))


def start_of(design: Design, rho: float = 0.0, seed: int | None = None) -> State:
    """Zero coefficients, or random ones with a seed: terms do not start at zero."""
    theta = torch.zeros(design.n_coefficients, dtype=torch.float64)
    if seed is not None:
        theta = 0.5 * normal(design.n_coefficients, seed)
    return State(theta, torch.full((design.groups()[1],), rho, dtype=torch.float64))


def classes(f: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """Draw classes with the log-odds f [N], or the log-probabilities f [N, K]."""
    if f.ndim == 1:
        return (torch.rand(len(f), generator=generator(seed)) < torch.sigmoid(f)).double()
    probability = torch.softmax(f, 1)
    return torch.multinomial(probability, 1, generator=generator(seed))[:, 0].double()
