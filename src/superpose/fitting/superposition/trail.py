"""What held-out rows say along the dial, step by step, and the step that they choose."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from superpose.fitting.superposition.dial import SAME, DialStep, choose, reading_cost
from superpose.fitting.superposition.growth import Growth
from superpose.fitting.superposition.problem import Problem


@dataclass(frozen=True)
class Trail:
    """Held-out outputs along one direction of the dial.

    Attributes
    ----------
    problem : Problem
    counts : list of int
        Pairs, or terms, at each step; the first is where it started.
    outputs : list of Tensor [N, K]
        Outputs of each row, made without it; NaN where a row was not held out.
    costs : list of float
        What each step costs to read, in curves.
    curves : list of int
        Curves and surfaces of each step.
    freedom : list of float
        Effective degrees of freedom, mean over the folds.
    names : list of tuple of str
        What the first fold added in each step.
    """

    problem: Problem
    counts: list[int] = field(default_factory=list)
    outputs: list[torch.Tensor] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    curves: list[int] = field(default_factory=list)
    freedom: list[float] = field(default_factory=list)
    names: list[tuple[str, ...]] = field(default_factory=list)

    def note(self, count: int, folds: list[Growth]) -> None:
        """Write down a step."""
        known = sum(map(len, self.names))
        self.names.append(tuple(added_names(folds[0])[known:]))
        self.counts.append(count)
        self.outputs.append(_held_out_outputs(folds))
        self.costs.append(sum(cost(fold) for fold in folds) / len(folds))
        self.curves.append(round(sum(n_curves(fold) for fold in folds) / len(folds)))
        freedom = [float(f.solution.freedom.sum()) for f in folds if f.solution is not None]
        self.freedom.append(sum(freedom) / max(len(freedom), 1))

    @property
    def losses(self) -> list[torch.Tensor]:
        """Loss of each row that was held out, [N] a step; NaN elsewhere."""
        return [self.problem.loss.value(f, self.problem.y) for f in self.outputs]

    @property
    def idle(self) -> int:
        """Steps since the best one."""
        weight = self.problem.weight * ~self.losses[0].isnan()
        means = [float((weight * loss.nan_to_num()).sum()) for loss in self.losses]
        return len(means) - 1 - means.index(min(means))

    @property
    def still(self) -> bool:
        """Whether the last two steps used next to no more freedom: the evidence shut them."""
        return len(self.freedom) > 2 and self.freedom[-1] < self.freedom[-3] + SAME

    def choose(self) -> tuple[int, list[float], list[float]]:
        """Return the chosen step, the mean losses, and the errors of their differences."""
        problem = self.problem
        start = problem.loss.start(problem.y, problem.weight)
        constant = problem.value(start.expand(len(problem.y), -1)) / float(problem.weight.sum())
        return choose(self.losses, problem.weight, self.costs, constant, self.freedom)

    def steps(self, chosen: int) -> tuple[DialStep, ...]:
        """Return the steps for the path, one of them marked as chosen; all count as pairs."""
        _, means, errors = self.choose()
        unit = 2.0 if self.problem.loss.has_noise else 1.0  # the loss is half a squared error
        table = zip(self.counts, self.curves, self.costs, self.freedom, strict=True)
        return tuple(
            DialStep(
                *(count, 0, curves, cost, freedom, unit * means[i], unit * errors[i], i == chosen),
                names=self.names[i],
            )
            for i, (count, curves, cost, freedom) in enumerate(table)
        )

    def behind(self, path: tuple[DialStep, ...], chosen: int) -> tuple[DialStep, ...]:
        """Put the steps of terms behind the chosen step of the pairs, on its level of loss."""
        base = next(step for step in path if step.chosen)
        steps = self.steps(chosen)
        shift = base.loss - steps[0].loss
        more = tuple(
            replace(step, pairs=base.pairs, terms=step.pairs, loss=step.loss + shift)
            for step in steps[1:]
        )
        if not chosen:
            return path + more
        return tuple(replace(step, chosen=False) for step in path) + more


def _held_out_outputs(folds: list[Growth]) -> torch.Tensor:
    first = folds[0].outputs()
    total = torch.full_like(first, torch.nan)
    for fold in folds:
        total = torch.where(fold.kept[:, None], total, fold.outputs())
    return total


def added_names(growth: Growth) -> list[str]:
    """Return readable names of the pairs and terms of a model, in the order they came."""
    names = [attribute.name for attribute in growth.rows.attributes]
    read = growth.pairs + [t.attributes for t in growth.design.terms]
    pairs = len(growth.pairs)
    return [
        " × ".join(names[p] for p in parts)
        if i < pairs
        else f"term {i - pairs + 1} ({', '.join(names[p] for p in parts)})"
        for i, parts in enumerate(read)
    ]


def n_curves(growth: Growth) -> int:
    """Return how many curves and surfaces there are to read."""
    widths = [len(t.attributes) + 1 for t in growth.design.terms]
    return len(growth.design.blocks) + sum(widths)


def cost(growth: Growth) -> float:
    """Return what the model costs to read, in curves."""
    pairs = len(growth.pairs)
    widths = [len(t.attributes) for t in growth.design.terms]
    return reading_cost(len(growth.design.blocks) - pairs, pairs, widths)
