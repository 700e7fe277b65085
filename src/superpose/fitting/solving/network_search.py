"""The search for a network: several starts, the best one refined, as wide as the evidence asks."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from superpose.fitting.deadline import Deadline
from superpose.fitting.solving.network_axes import cover_sums
from superpose.fitting.solving.network_evidence import Climbed, NetworkState, climb
from superpose.fitting.solving.network_problem import NetworkProblem
from superpose.fitting.solving.network_starts import draw, narrower
from superpose.fitting.solving.white_heights import coefficient_groups, read_coefficients
from superpose.networks import KSTNetwork

FIRST_STEPS, STEPS = 12, 30
FEWEST_ROWS = 300
"""That a start looks at; twice its coefficients if that is more."""
FIRST_NOISE = 0.1
"""Of the variance of the target: what a start may leave."""
WORTH = 0.02
"""Nats a row that more knots or a wider network have to gain: 2 % of σ."""
CROWDED = 0.75
"""Coefficients a row from which knots are not added."""


@dataclass(frozen=True)
class NetworkStep:
    """One climb of the search.

    Attributes
    ----------
    widths : tuple of int
        Of the network.
    knots : int
    start : int
        Which random start it came from; -1 for the network as it was given.
    steps : int
        Levenberg-Marquardt steps.
    evidence : float
        Where it ended, in nats, for the standardised target.
    rmse : float
        Over the rows, in standard deviations of the target.
    cpu_seconds : float
        Since the fit began.
    """

    widths: tuple[int, ...]
    knots: int
    start: int
    steps: int
    evidence: float
    rmse: float
    cpu_seconds: float


@dataclass(frozen=True)
class Candidate:
    """A network on its way, and where its last climb ended."""

    network: KSTNetwork
    found: Climbed
    start: int


@dataclass
class Search:
    """What all climbs of a fit share, and what they did.

    Attributes
    ----------
    x, y : Tensor [N, n], [N, K]
        Rows, and the standardised target.
    noise : float or None
        Its variance where it is known, else None.
    refine_to : int
        Knots at most.
    tolerance : float
        Of the root mean square residual: good enough.
    deadline : Deadline
    generator : torch.Generator
    trail : list of NetworkStep
    """

    x: torch.Tensor
    y: torch.Tensor
    noise: float | None
    refine_to: int
    tolerance: float
    deadline: Deadline
    generator: torch.Generator
    trail: list[NetworkStep] = field(default_factory=list)
    began: float = field(default_factory=time.process_time)

    def widen(self, network: KSTNetwork, widths: Sequence[int], restarts: int) -> Candidate:
        """Return the best of wider and wider networks; end where a wider one is no better."""
        best: Candidate | None = None
        for width in widths:
            candidate = self.refine(self.start(narrower(network, width, self.generator), restarts))
            if best is not None and not self.pays(candidate, best):
                break
            best = candidate
            if self.enough(best):
                break
        assert best is not None
        return best

    def start(self, network: KSTNetwork, restarts: int) -> Candidate:
        """Return the best of several random starts, after a few steps each on some of the rows."""
        enough = max(FEWEST_ROWS, 2 * network.n_curves * n_knots(network))
        stride = max(1, len(self.x) // enough)
        some = replace(self, x=self.x[::stride], y=self.y[::stride])
        best: Candidate | None = None
        for number in range(restarts):
            drawn = draw(network, some.x, self.generator)
            candidate = some.climb(drawn, self.unfitted(drawn), number, FIRST_STEPS)
            if best is None or candidate.found.evidence > best.found.evidence:
                best = candidate
            if self.deadline.over():
                break
        assert best is not None
        return best

    def refine(self, candidate: Candidate) -> Candidate:
        """Climb on, and again with a knot between any two, while that pays."""
        candidate = self.again(candidate)
        while not self.enough(candidate) and self.refinable(candidate.network):
            finer = self.again(candidate, finer=True)
            if not self.pays(finer, candidate):
                break
            candidate = finer
        return candidate

    def enough(self, candidate: Candidate) -> bool:
        """Whether nothing is left to be gained, or no time."""
        return self.rmse(candidate.found) < self.tolerance or self.deadline.over()

    def pays(self, candidate: Candidate, before: Candidate) -> bool:
        """Whether a candidate has enough evidence over another."""
        gain = candidate.found.evidence - before.found.evidence
        return gain > WORTH * self.y.numel()

    def refinable(self, network: KSTNetwork) -> bool:
        """Whether there may be more knots, and are rows enough for them."""
        finer = 2 * n_knots(network) - 1
        return finer <= self.refine_to and network.n_curves * finer <= CROWDED * self.y.numel()

    def rmse(self, found: Climbed) -> float:
        """Return the root mean square residual."""
        return float((2 * found.loss / self.y.numel()) ** 0.5)

    def again(self, candidate: Candidate, *, finer: bool = False) -> Candidate:
        """Climb on from where a candidate is, on a copy."""
        network = copy.deepcopy(candidate.network)
        if finer:
            network.refine()
        cover_sums(network, self.x)
        return self.climb(network, candidate.found.state, candidate.start, STEPS)

    def climb(self, network: KSTNetwork, state: NetworkState, start: int, steps: int) -> Candidate:
        """Climb from the heights of a network, which changes, with precisions and noise given."""
        problem = NetworkProblem(network, self.x, self.y)
        state = NetworkState(problem.start(), state.log_precision, state.noise)
        fixed = self.noise is not None
        found = climb(problem, state, steps=steps, fixed_noise=fixed, deadline=self.deadline)
        problem.value(found.state.theta)
        self.trail.append(
            NetworkStep(
                widths_of(network),
                n_knots(network),
                start,
                found.steps,
                found.evidence,
                self.rmse(found),
                time.process_time() - self.began,
            )
        )
        return Candidate(network, found, start)

    def unfitted(self, network: KSTNetwork) -> NetworkState:
        """Return the state of a network before its first step."""
        zeros = torch.zeros(coefficient_groups(network)[1], dtype=torch.float64)
        noise = FIRST_NOISE if self.noise is None else self.noise
        return NetworkState(read_coefficients(network), zeros, noise)


def n_knots(network: KSTNetwork) -> int:
    """Return how many knots the curves of a network have."""
    return network.each_layer()[0].basis.n_heights


def widths_of(network: KSTNetwork) -> tuple[int, ...]:
    """Return the numbers going in, between the layers, and coming out."""
    layers = network.each_layer()
    return (layers[0].in_features, *(layer.out_features for layer in layers))


def widest(network: KSTNetwork) -> int:
    """Return the largest number between layers; 1 where there is one layer."""
    return max(widths_of(network)[1:-1], default=1)
