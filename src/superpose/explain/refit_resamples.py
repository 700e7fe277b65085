"""Refitting a model on resampled rows, and comparing the curves that come out."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.base import clone

from superpose.errors import ConvergenceWarning, InputError
from superpose.explain.at_rows import curve_at, original
from superpose.explain.curve_spread import CurveSpread, Stability
from superpose.explain.importance import Importances
from superpose.explain.parts import half_width, parts_of

if TYPE_CHECKING:
    from superpose.estimators import KSTClassifier, KSTRegressor

__all__ = ["at_its_dial", "stability"]

Array = NDArray[np.float64]
_ROWS = 1000


def stability(
    model: KSTClassifier | KSTRegressor,
    X: Any,
    y: Any,
    *,
    n_resamples: int = 20,
    share: float | None = 0.5,
    grow: bool = False,
    random_state: int = 0,
) -> Stability:
    """Fit the model again on resampled rows, and see what moves.

    A curve that a reader may rely on comes back in every refit; a pair that is chosen in half of
    them is half luck. If bands tell the truth about resampling, a refitted curve lies inside the
    model's own 95 % band at about 95 % of the rows, or more: the band also holds what smoothing
    bends, which resampling cannot show. A share far below says that the band is too narrow.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted; changes by hand are not repeated.
    X : array-like or dataframe of shape (n_rows, n_columns)
        Rows with the columns of fit, usually those of fit themselves.
    y : array-like of shape (n_rows,)
        Their target.
    n_resamples : int, default 20
        Refits; the cost is about that of so many fits.
    share : float or None, default 0.5
        Draw this share of the rows without replacement. A mean over half of the rows scatters about
        the mean of all of them as that does about the truth; distances for other shares s are
        multiplied by √(s / (1 - s)), which makes them comparable. None draws as many rows as there
        are, with replacement (the bootstrap): rows drawn twice look like more data than there are,
        so curves come out rougher.
    grow : bool, default False
        Whether every refit chooses its own dial. Otherwise it has the model's pairs, and as many
        terms.
    random_state : int, default 0
        Seed of the resamples.

    Returns
    -------
    Stability

    Raises
    ------
    InputError
        If there are no resamples, or the share is not between 0 and 1.

    Warns
    -----
    ConvergenceWarning
        Where refits stopped before they converged; with how many.

    References
    ----------
    A. Buja and W. Stuetzle, "Observations on bagging", Statistica Sinica 16, 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import stability
    >>> x = np.random.default_rng(0).uniform(-1, 1, (80, 2))
    >>> y = 2 * x[:, 0] + np.random.default_rng(1).normal(0, 0.3, 80)
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, y)
    >>> found = stability(model, x, y, n_resamples=3)
    >>> found.to_frame()["curve"].tolist(), found.n_resamples
    (['x0', 'x1'], 3)
    """
    _check(n_resamples, share)
    rng = np.random.default_rng(random_state)
    other = clone(model) if grow else at_its_dial(model)
    weights = [_resample(rng, len(X), share) for _ in range(n_resamples)]
    refits = [_refit(other, X, y, weight) for weight in weights]
    _warn_of_unfinished(refits)
    rows = model._encode(X)[:: max(1, len(X) // _ROWS)]
    names = list(model.curves_)
    ranked = [_importances(it, names) for it in (model, *refits)]
    drawn = "without replacement" if share else "with replacement"
    return Stability(
        curves={name: _spread(model, refits, name, rows, share) for name in names},
        pairs=_shares(_read_by(it, "pair") for it in refits),
        terms=_shares(_read_by(it, "term") for it in refits),
        names=tuple(names),
        importances=np.stack(ranked[1:]),
        reference=ranked[0],
        rank_correlations=np.array([_rank_correlation(ranked[0], it) for it in ranked[1:]]),
        resampling=f"{round((share or 1) * len(X)):,} rows drawn {drawn}",
        grown=grow,
    )


def at_its_dial(model: Any) -> Any:
    """An unfitted model whose dial is set to where a fitted one's stands.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    >>> at_its_dial(KSTRegressor(pairs=1, terms=0).fit(x, x[:, 0] * x[:, 1])).pairs
    [(0, 1)]
    """
    parts = parts_of(model.fit_)
    pairs = [tuple(int(p) for p in part.attributes) for part in parts if part.kind == "pair"]
    terms = sum(part.kind == "term" for part in parts)
    return clone(model).set_params(pairs=pairs or 0, terms=terms)


def _check(n_resamples: int, share: float | None) -> None:
    if n_resamples < 1:
        raise InputError(
            "n_resamples must be 1 or more", f"found {n_resamples}", "20 show most of it"
        )
    if share is not None and not 0 < share < 1:
        raise InputError(
            "share must be between 0 and 1",
            f"found {share:g}",
            "pass 0.5, or None for the bootstrap",
        )


def _resample(rng: np.random.Generator, n_rows: int, share: float | None) -> Array:
    """How often each row is drawn [N]."""
    if share is None:
        return rng.multinomial(n_rows, np.full(n_rows, 1 / n_rows)).astype(np.float64)
    weight = np.zeros(n_rows)
    weight[rng.permutation(n_rows)[: max(2, round(share * n_rows))]] = 1.0
    return weight


def _refit(model: Any, X: Any, y: Any, weight: Array) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # said once, of all refits
        refit = clone(model).fit(X, y, sample_weight=weight)
    if refit.stopped_ is not None and refit.stopped_.reason == "interrupted":
        raise KeyboardInterrupt  # what is wanted is all of the refits, not this one
    return refit


def _warn_of_unfinished(refits: list[Any]) -> None:
    unfinished = sum(not it.fit_.converged for it in refits)
    if unfinished:
        warnings.warn(
            f"every refit should have converged; {unfinished} of {len(refits)} stopped before; "
            "draw a larger share, or use fewer pairs and terms",
            ConvergenceWarning,
            stacklevel=3,
        )


def _importances(model: Any, names: list[str]) -> Array:
    ranked = Importances.from_summary(model.summary_)
    return np.array([ranked[name].value for name in names])


def _rank_correlation(first: Array, second: Array) -> float:
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first, second).statistic)


def _read_by(model: Any, kind: str) -> set[str]:
    """The sets of attributes that pairs, or terms, of a model read."""
    names = [attribute.name for attribute in model.fit_.network.attributes]
    read = [part.attributes for part in parts_of(model.fit_) if part.kind == kind]
    return {" × ".join(names[p] for p in sorted(columns)) for columns in read}


def _shares(chosen: Iterable[set[str]]) -> dict[str, float]:
    sets = list(chosen)
    counts = Counter(name for found in sets for name in sorted(found))
    return {name: count / len(sets) for name, count in counts.most_common()}


def _spread(
    model: Any, refits: list[Any], name: str, rows: Array, share: float | None
) -> CurveSpread:
    """A curve of the model and of the refits, on its grid and at rows.

    Every refit is centred over its own rows; here all are centred over the same.
    """
    curve = model.curves_[name]
    p = [attribute.name for attribute in model.fit_.network.attributes].index(name)
    values, grid = original(model, p, rows[:, p]), original(model, p, curve.x)
    mean, sd = curve_at(model, p, values)
    at_rows = np.stack([curve_at(it, p, values)[0] for it in refits])
    away = at_rows - mean
    shift = np.nanmean(away, axis=1, keepdims=True)
    scale = np.sqrt(share / (1 - share)) if share else 1.0
    away = scale * np.abs(away - shift)
    known = np.isfinite(away)
    reach = np.broadcast_to(half_width(curve.level) * sd, away.shape)
    return CurveSpread(
        curve=curve,
        refits=np.stack([curve_at(it, p, grid)[0] for it in refits]) - shift,
        spread=float(np.sqrt(np.mean(away[known] ** 2))),
        inside=float(np.mean(away[known] <= reach[known])),
    )
