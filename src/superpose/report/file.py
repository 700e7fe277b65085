"""From a fitted model to one self-contained file."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from superpose.errors import InputError
from superpose.explain import Comparison, GroupView, HeldOut, Stability, TrainingSummary
from superpose.report.model import Reading
from superpose.report.page import page

if TYPE_CHECKING:
    from superpose.fitting import Fit

__all__ = ["write_report"]


def write_report(
    path: str | PathLike[str],
    fit: Fit,
    summary: TrainingSummary,
    *,
    held_out: HeldOut | None = None,
    about: Mapping[str, str] | None = None,
    stability: Stability | None = None,
    groups: GroupView | None = None,
    comparison: Comparison | None = None,
) -> Path:
    """Write a report of a fitted model that opens from disk in any browser.

    The page loads nothing from elsewhere, is complete without JavaScript (which brings the form to
    life), prints, and follows the reader's light or dark setting. The same model gives the same
    file, byte for byte.

    Parameters
    ----------
    path : path
        The file to write; an existing one is replaced.
    fit : Fit
    summary : TrainingSummary
        What is kept of the training rows.
    held_out : HeldOut, optional
        Quality on rows not seen, see `score_held_out`; the summary's own if not given.
    about : mapping of str to str, optional
        More facts for the section on how the model was fitted, such as kernel and seed.
    stability : Stability, optional
        What `superpose.explain.stability` found, for a section of its own.
    groups : GroupView, optional
        What `superpose.explain.by_group` found, likewise.
    comparison : Comparison, optional
        What `superpose.explain.compare` or `compare_groups` found, likewise.

    Returns
    -------
    Path
        Where the file is.

    Raises
    ------
    InputError
        If the folder does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from superpose.report import write_report
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> y = 3 * x[:, 0] + np.random.default_rng(0).normal(0, 0.1, 50)
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, y)
    >>> with TemporaryDirectory() as folder:
    ...     path = write_report(Path(folder) / "report.html", model.fit_, model.summary_)
    ...     print(path.name, path.read_text(encoding="utf-8")[:15])
    report.html <!doctype html>
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise InputError(
            "a report is written into a folder that exists",
            f"found none at {str(target.parent)!r}",
            "make the folder, or pass another path",
        )
    text = page(Reading.of(fit, summary, held_out, stability, groups, comparison), about or {})
    target.write_text(text, encoding="utf-8")
    return target
