"""The one bridge from estimators to the rooms that read them.

`explain`, `export` and `report` stand on estimators; yet a fitted estimator offers `curves_`,
`explain(X)`, `export(path)` and `report(path)`, because users look for them there. Only this file
knows both sides, and it imports the later rooms when they are asked for.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superpose import __version__
from superpose.atomic import written_whole
from superpose.errors import InputError
from superpose.estimators.links import LOG_LINKS, mean_of, probabilities
from superpose.fitting import Fit

__all__ = [
    "curves",
    "edit_effect",
    "explain",
    "export",
    "held_out",
    "importances",
    "interactions",
    "kept_rows",
    "left_out",
    "report",
    "summarise",
    "summary_after",
    "summary_from",
    "surfaces",
    "terms",
]

Floats = NDArray[np.float64]


def summarise(
    fit: Fit,
    x: Floats,
    y: Floats,
    weight: Floats,
    target: str,
    classes: tuple[str, ...],
    measured: Any,
) -> Any:
    """Keep of the training rows what drawing and reporting need, and the quality measured."""
    from superpose.explain import Outputs
    from superpose.explain import summarise as of

    outputs = Outputs(target, classes, log=fit.loss in LOG_LINKS)
    return of(fit, x, y, outputs=outputs, sample_weight=weight, held_out=measured)


def summary_from(state: dict[str, Any]) -> Any:
    """Rebuild a summary from what its `to_dict` gave."""
    from superpose.explain import TrainingSummary

    return TrainingSummary.from_dict(state)


def curves(model: Any) -> dict[str, Any]:
    """Main curves by name."""
    from superpose.explain import curves as of

    return of(model.fit_, model.summary_)


def surfaces(model: Any) -> Any:
    """Surfaces of the pairs."""
    from superpose.explain import surfaces as of

    return of(model.fit_, model.summary_)


def terms(model: Any) -> Any:
    """Terms, each with outer and inner curves."""
    from superpose.explain import terms as of

    return of(model.fit_, model.summary_)


def importances(model: Any) -> Any:
    """Importances over the training rows."""
    from superpose.explain import Importances

    return Importances.from_summary(model.summary_)


def interactions(model: Any) -> Any:
    """Pairs and terms, with the evidence for each."""
    from superpose.explain import interactions as of

    return of(model.fit_, model.summary_)


def explain(model: Any, x: Floats, offset: Floats | None = None) -> Any:
    """Contributions of every part to the prediction of each row."""
    from superpose.explain import explain as of
    from superpose.explain.parts import outputs_of

    return of(model.fit_, x, outputs_of(model.fit_, model.summary_), offset=offset)


def export(model: Any, path: str | PathLike[str], to: str | None, **options: Any) -> Path:
    """Write a model in a form that needs no superpose."""
    from superpose.export import write_export

    return write_export(model, path, to, **options)


def edit_effect(before: Fit, after: Fit, index: int, rows: Floats, weight: Floats) -> Any:
    """What an edit of one part changes on these rows."""
    from superpose.explain.edit_effect import edit_effect as of

    return of(before, after, index, rows, weight)


def kept_rows(fit: Fit, summary: Any, index: int) -> tuple[Floats, Floats]:
    """Rows and weights that stand for the training rows, for one part."""
    from superpose.explain.edit_effect import kept_rows as of

    return of(fit, summary, index)


def summary_after(summary: Any, fit: Fit, index: int) -> Any:
    """The summary of a model of which one part was edited."""
    from superpose.explain.edit_effect import summary_after as of

    return of(summary, fit, index)


def held_out(model: Any, X: Any, y: Any, source: str, **known: Any) -> Any:
    """Measure a model on rows that it has not seen; ``known`` is their offset or exposure."""
    from superpose.explain import score_held_out

    classes = model.summary_.classes
    if not classes:
        return score_held_out(
            np.asarray(y, dtype=np.float64),
            model.predict(X, **known),
            source=source,
            target=model.target_name_,
            loss=model.fit_.loss,
        )
    labels = np.asarray(y)
    unknown = sorted({str(label) for label in labels[~np.isin(labels, model.classes_)]})
    if unknown:
        raise InputError(
            f"held-out labels must be among those of fit: {', '.join(classes)}",
            f"found {unknown[0]!r}",
            "leave these rows out, or fit on rows of every class",
        )
    codes = np.searchsorted(model.classes_, labels).astype(np.float64)
    predicted = model.predict_proba(X, **known)
    return score_held_out(
        codes, predicted, source=source, target=model.target_name_, classes=classes
    )


def left_out(fit: Fit, y: Floats, weight: Floats, target: str, classes: tuple[str, ...]) -> Any:
    """Measure a fit on the training rows that were left out while its dial was chosen.

    Parameters
    ----------
    fit : Fit
    y, weight : ndarray of shape (n_rows,)
        Target of the rows of the fit, and how many rows each stands for.
    target : str
    classes : tuple of str

    Returns
    -------
    superpose.explain.HeldOut or None
        None where no row was left out.
    """
    from superpose.explain import score_held_out

    outputs = None if fit.held_out is None else fit.held_out.numpy()
    if outputs is None or np.isnan(outputs).all():
        return None
    seen = ~np.isnan(outputs).any(axis=1)
    copies = weight[seen].astype(int) if (weight == np.round(weight)).all() else np.ones(seen.sum())
    outputs = np.repeat(outputs[seen], copies.astype(int), axis=0)
    prediction = probabilities(outputs) if classes else mean_of(outputs[:, 0], fit.loss)
    source = "training rows left out in turn while the dial was chosen, which flatters it a little"
    y = np.repeat(y[seen], copies.astype(int))
    return score_held_out(
        y, prediction, source=source, target=target, classes=classes, loss=fit.loss
    )


def report(
    model: Any, path: str | PathLike[str], X: Any, y: Any, known: dict[str, Any], **asked: Any
) -> Path:
    """Write the page about a model, measured on `X` and `y` where they are given.

    ``known`` is offset and exposure of these rows; ``asked`` are sections made beforehand.
    """
    from superpose.report import write_report

    if (X is None) != (y is None):
        raise InputError(
            "a report is measured on X and y together",
            "found one of them",
            "pass report(path, X, y), or report(path) alone",
        )
    source = "rows given to the report"
    measured = None if X is None else held_out(model, X, y, source, **known)
    about = {
        "Estimator": type(model).__name__,
        "Kernel": str(model.kernel),
        "Control points of a curve": f"{model.knots} at most",
        "Seed": str(model.random_state),
        "Version": f"superpose {__version__}",
    }
    with written_whole(path) as draft:
        write_report(draft, model.fit_, model.summary_, held_out=measured, about=about, **asked)
    return Path(path)
