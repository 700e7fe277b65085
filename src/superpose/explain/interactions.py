"""Which attributes interact, with what the data say for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from superpose.explain.importance import Importance
from superpose.explain.parts import part_names, parts_of
from superpose.explain.read_curves import importance_of
from superpose.explain.summary import TrainingSummary
from superpose.explain.text import number, signed, table

if TYPE_CHECKING:
    import pandas as pd

    from superpose.fitting import Fit

__all__ = ["Interaction", "Interactions", "NotKept", "interactions"]


@dataclass(frozen=True)
class Interaction:
    """Attributes that a model found, or was told, to act together.

    Attributes
    ----------
    name : str
        Of the part, such as "age × bmi".
    kind : {"pair", "term"}
    attributes : tuple of str
    evidence : float or None
        What the part adds to the log evidence of a model with all others, in nats: exp(evidence)
        are the odds for it, before any opinion. Below about 3 it is weak. None for a part held by
        hand.
    share : float
        Variance of what it adds, as a share of the variance of the predictions, link scale.
    moved : float
        Share of what was learned for it that was additive and stands in the main curves.
    importance : Importance
    """

    name: str
    kind: str
    attributes: tuple[str, ...]
    evidence: float | None
    share: float
    moved: float
    importance: Importance


@dataclass(frozen=True)
class NotKept:
    """Two attributes that were screened as a pair, and are none in the model.

    Attributes
    ----------
    name : str
        Such as "age × bmi".
    attributes : tuple of two str
    gain : float
        Evidence, in nats, that a rough surface of the two promises for what the model leaves
        unexplained. It flatters: the best of many pairs gains a few nats by chance. What counted
        was the loss on rows held out.
    """

    name: str
    attributes: tuple[str, str]
    gain: float


@dataclass(frozen=True, repr=False)
class Interactions:
    """The interactions of a model, the one with the largest share of the variance first.

    Attributes
    ----------
    found : tuple of Interaction
    not_kept : tuple of NotKept
        Up to ten pairs that were screened and left out, the one that promised most first; empty
        where pairs were not looked for.

    Examples
    --------
    >>> from superpose.explain import Importance, Interaction, Interactions
    >>> size = Importance("age × bmi", 0.5, 0.4, 0.6)
    >>> Interactions((Interaction("age × bmi", "pair", ("age", "bmi"), 12.3, 0.04, 0.3, size),))
    1 interaction
      part        evidence, nats   share of variance   moved to main curves   importance
      age × bmi            +12.3                 4 %                   30 %          0.5
    """

    found: tuple[Interaction, ...]
    not_kept: tuple[NotKept, ...] = ()

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, place: int) -> Interaction:
        return self.found[place]

    def to_frame(self) -> pd.DataFrame:
        """One row an interaction: part, kind, attributes, evidence, share, moved, importance."""
        import pandas as pd

        rows = [
            {**vars(it), "attributes": list(it.attributes), "importance": it.importance.value}
            for it in self.found
        ]
        names = list(Interaction.__dataclass_fields__)
        return pd.DataFrame(rows, columns=names).rename(columns={"name": "part"})

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, ready for `json.dumps`."""
        rest = [{**vars(it), "attributes": list(it.attributes)} for it in self.not_kept]
        return {"interactions": self.to_frame().to_dict("records"), "not_kept": rest}

    def rows(self) -> tuple[list[str], list[list[str]]]:
        """Head and rows of a table, as text."""
        head = ["part", "evidence, nats", "share of variance", "moved to main curves", "importance"]
        return head, [
            [
                it.name,
                "held" if it.evidence is None else signed(round(it.evidence, 2)),
                f"{number(round(100 * it.share, 2), 2)} %",
                f"{number(round(100 * it.moved, 2), 2)} %",
                number(it.importance.value),
            ]
            for it in self.found
        ]

    def __repr__(self) -> str:
        head = f"{len(self)} interaction" + ("" if len(self) == 1 else "s")
        lines = [head, *([table(*self.rows())] if self.found else [])]
        if self.not_kept:
            rest = [[it.name, signed(round(it.gain, 2))] for it in self.not_kept]
            lines += ["not kept", table(["pair", "promised by screening, nats"], rest)]
        return "\n".join(lines)


def interactions(fit: Fit, summary: TrainingSummary) -> Interactions:
    r"""Which attributes interact: every pair and term of a model, with the evidence for it.

    The evidence is the logarithm of a Bayes factor, by Savage and Dickey: with coefficients
    :math:`\theta`, of posterior :math:`N(\hat\theta, S)` and prior :math:`N(0, s^2 I)`,

    .. math:: \log N(0 \mid 0, s^2 I) - \log N(0 \mid \hat\theta, S).

    Parts were chosen on rows held out, not by this number, and smoothness and noise are as fitted.
    For a term it is that of its outer curve with the inner curves as they are, which is rough.
    A part whose importance is small and whose evidence is large is there, and does not matter much.

    Parameters
    ----------
    fit : Fit
    summary : TrainingSummary

    Returns
    -------
    Interactions

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import interactions
    >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    >>> model = KSTRegressor(pairs=[(0, 1)], terms=0).fit(x, x[:, 0] * x[:, 1])
    >>> found = interactions(model.fit_, model.summary_)
    >>> found[0].attributes, found[0].evidence > 100, found[0].share > 0.9
    (('x0', 'x1'), True, True)
    """
    names = [attribute.name for attribute in fit.network.attributes]
    of = part_names(fit)
    found = [
        Interaction(
            name=of[i],
            kind=part.kind,
            attributes=tuple(names[p] for p in part.attributes),
            evidence=fit.posterior.evidence(i),
            share=kept.share,
            moved=kept.moved,
            importance=importance_of(kept),
        )
        for i, (part, kept) in enumerate(zip(parts_of(fit), summary.parts, strict=True))
        if part.kind != "curve"
    ]
    rest = [(names[it.attributes[0]], names[it.attributes[1]], it.gain) for it in fit.screened]
    not_kept = tuple(NotKept(f"{a} × {b}", (a, b), gain) for a, b, gain in rest)
    return Interactions(tuple(sorted(found, key=lambda it: -it.share)), not_kept)
