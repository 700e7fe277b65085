"""Everything that the page shows, read once from the fitted model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from superpose.explain import (
    Comparison,
    Curve,
    GroupView,
    HeldOut,
    Importance,
    Importances,
    Outputs,
    PartSummary,
    Stability,
    Surface,
    Term,
    TrainingSummary,
    curves,
    surfaces,
    terms,
)
from superpose.explain.parts import outputs_of

if TYPE_CHECKING:
    from superpose.fitting import Fit

__all__ = ["Reading"]


@dataclass(frozen=True, eq=False)
class Reading:
    """A fitted model as the report reads it; all sections are written from this."""

    fit: Fit
    summary: TrainingSummary
    held_out: HeldOut | None
    outputs: Outputs
    curves: dict[str, Curve]
    surfaces: dict[str, Surface]
    terms: dict[str, Term]
    importances: Importances
    stability: Stability | None = None
    groups: GroupView | None = None
    comparison: Comparison | None = None

    @classmethod
    def of(
        cls,
        fit: Fit,
        summary: TrainingSummary,
        held_out: HeldOut | None,
        stability: Stability | None = None,
        groups: GroupView | None = None,
        comparison: Comparison | None = None,
    ) -> Reading:
        """Read a fitted model; its curves become those of the page."""
        return cls(
            fit=fit,
            summary=summary,
            held_out=held_out or summary.held_out,
            outputs=outputs_of(fit, summary),
            curves=curves(fit, summary),
            surfaces=surfaces(fit, summary),
            terms=terms(fit, summary),
            importances=Importances.from_summary(summary),
            stability=stability,
            groups=groups,
            comparison=comparison,
        )

    @property
    def ranked(self) -> list[tuple[int, PartSummary, Importance]]:
        """The parts and their positions, the most important first."""
        order = sorted(enumerate(self.summary.parts), key=lambda item: -item[1].importance)
        return [
            (i, part, Importance(part.name, part.importance, part.lower, part.upper))
            for i, part in order
        ]

    @property
    def unit(self) -> str:
        """What the parts add up to, in words."""
        return self.outputs.units[0] if len(self.outputs.units) == 1 else "log-probabilities"

    def count(self, kind: str) -> int:
        """How many parts are of a kind."""
        return sum(part.kind == kind for part in self.summary.parts)
