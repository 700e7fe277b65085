"""Changing a part of a fitted model by hand, with a record of what was done and what it did."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.errors import InputError
from superpose.estimators import reading
from superpose.estimators.edit_places import read_heights
from superpose.estimators.target import codes_of
from superpose.fitting import Edit, Fit, Posterior
from superpose.fitting.superposition.by_hand import drawn, removed, smoothed, with_heights
from superpose.fitting.superposition.losses import STUDENT_SCALE, loss_named
from superpose.networks import MainCurve, Superposition

__all__ = ["PartEditor"]

Model = TypeVar("Model")
Floats = NDArray[np.float64]


class PartEditor(Generic[Model]):
    """One part of a fitted model, about to be changed by hand; made by ``model.edit(name)``.

    Every method returns a new model and leaves the old one as it is, so that edits chain:
    ``model.edit("age").set({40: 0.2, 60: 0.5}).edit("bmi").remove()``. A prediction changes by
    exactly what the part changes by; nothing is centred or learned anew. Where a person set the
    height there is no band: the data did not say it. All other bands stay, those of predictions
    too, which then hold the uncertainty of everything else.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted.
    index : int
        Place of the part in the network.
    rows : ndarray of shape (n_rows, n_columns), optional
        Rows on which the change is measured, as the network reads them.
    y : ndarray of shape (n_rows,), optional
        Their target, coded as in fit.
    note : dict of str to str
        The reason, who and when.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> x = np.linspace(0, 10, 100)[:, None]
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, x[:, 0])
    >>> edited = model.edit("x0", reason="no effect above 8", who="R. Reader").set({8: 3, 10: 3})
    >>> (edited.predict([[7.0], [9.0]]) - model.predict([[7.0], [9.0]])).round(1) + 0.0
    array([ 0., -1.])
    >>> edited.edits_[0].what
    'from 8 to 10'
    """

    def __init__(
        self,
        model: Model,
        index: int,
        rows: Floats | None,
        y: Floats | None,
        note: dict[str, str],
    ) -> None:
        fitted: Any = model
        self.model, self.index, self.rows, self.y, self.note = fitted, index, rows, y, note
        self.fit: Fit = fitted.fit_
        self.part = self.fit.network.parts[index]
        self.share = self.fit.posterior.shares[index]

    def set(self, places: Mapping[Any, Any]) -> Model:
        """Give a main curve these heights.

        For a number the curve becomes straight lines, in units of the attribute, from each place
        to the next; outside the first and last place it stays as it is, so it may step there. For
        a category the levels named get these heights, and no other changes.

        Parameters
        ----------
        places : dict of place to height
            Places are two or more values of a number in its units, or names of levels; None (or
            NaN) stands for a missing value. Heights are contributions on the link scale, one
            number, or one for each of several classes; None keeps the present height there.

        Returns
        -------
        KSTClassifier or KSTRegressor
            A new model.

        Raises
        ------
        InputError
            Where the part is no main curve, or a place or height makes no sense.
        """
        part, share = self._curve("set"), self.share
        heights = read_heights(places, part, self.fit.network)
        if heights.by_row:
            part, share = with_heights(part, share, heights.by_row)
        if len(heights.places):
            part, share = drawn(part, share, self._attribute, heights.places, heights.values)
        return self._done("set", part, share, heights.what)

    def smooth(self, dof: float | None = None) -> Model:
        """Smooth the main curve of a number; its mean over the rows stays.

        Parameters
        ----------
        dof : float, optional
            Degrees of freedom to smooth to, as the fit reports them; 1 gives a straight line. By
            default half of what the curve has now.

        Returns
        -------
        KSTClassifier or KSTRegressor
            A new model. The band is that of the smoothed curve; it does not hold what smoothing
            took away.

        Raises
        ------
        InputError
            Where the part is not the main curve of a number, or has a shape, or ``dof`` is below 1.
        """
        part = self._curve("smoothed")
        if part.basis.shape:
            raise InputError(
                "a curve is smoothed by hand where nothing is known of its shape",
                f"found that {self._name!r} is {' and '.join(part.basis.shape)}",
                "set or remove it, or fit again without the shape",
            )
        if part.basis.kind != "number":
            raise InputError(
                "a curve is smoothed along a number",
                f"found that {self._name!r} is a category",
                "set its levels instead",
            )
        dof = max(1.0, self.share.freedom / 2) if dof is None else float(dof)
        if not dof >= 1:
            raise InputError(
                "dof must be 1 (a straight line) or above",
                f"found {dof:g}",
                "remove() makes the curve vanish",
            )
        rows, _ = self._measured_on()
        column = torch.from_numpy(rows)[:, part.attributes[0]]
        u = self._attribute.encode(column[~column.isnan()])
        new, share = smoothed(part, self.share, self._attribute, u, dof)
        what = "to a straight line" if dof == 1 else f"to {dof:.3g} degrees of freedom"
        return self._done("smooth", new, share, what)

    def remove(self) -> Model:
        """Make a part contribute nothing, anywhere.

        It keeps its name and its place, with height 0. Other parts do not take over what it said;
        `refit` lets them.

        Returns
        -------
        KSTClassifier or KSTRegressor
            A new model.
        """
        return self._done("remove", *removed(self.part), "")

    def fix(self) -> Model:
        """Hold a part at its present shape: `refit` will leave it.

        Nothing changes now, the band included. What was set, smoothed or removed is held too.

        Returns
        -------
        KSTClassifier or KSTRegressor
            A new model.
        """
        return self._done("fix", self.part, self.share, "")

    @property
    def _name(self) -> str:
        return str(self.model.summary_.parts[self.index].name)

    @property
    def _attribute(self) -> Any:
        return self.fit.network.attributes[self.part.attributes[0]]

    def _curve(self, how: str) -> MainCurve:
        if not isinstance(self.part, MainCurve):
            raise InputError(
                f"only a main curve can be {how}",
                f"found {self._name!r}, a {self.part.kind}",
                "fix() or remove() it, or name an attribute",
            )
        return self.part

    def _measured_on(self) -> tuple[Floats, Floats]:
        if self.rows is not None:
            return self.rows, np.ones(len(self.rows))
        return reading.kept_rows(self.fit, self.model.summary_, self.index)

    def _done(self, action: str, part: Any, share: Any, what: str) -> Model:
        """The new model, with the edit on its trail."""
        old, i = self.fit, self.index
        parts, shares = list(old.network.parts), list(old.posterior.shares)
        parts[i], shares[i] = part, share
        network = Superposition(old.network.attributes, old.network.bias, parts)
        network.requires_grad_(False)
        posterior = Posterior(network, old.posterior.covariance, shares, old.posterior.stride)
        fit = replace(old, network=network, posterior=posterior)
        fit = replace(fit, edits=(*old.edits, self._entry(action, what, fit)))
        model = copy.copy(self.model)
        model.fit_ = fit
        if action != "fix":
            model.summary_ = reading.summary_after(self.model.summary_, fit, i)
            if hasattr(model, "scatter_"):
                model.scatter_ = None  # measured before the change
        return model

    def _entry(self, action: str, what: str, new: Fit) -> Edit:
        rows, weight = self._measured_on()
        effect = reading.edit_effect(self.fit, new, self.index, rows, weight)
        kept, given = self.model.summary_, self.rows is not None
        if not len(rows):  # a pair or a term: it was centred, and is as large as the fit found it
            size = kept.parts[self.index].importance
            effect = replace(effect, size_before=size, size_after=size if action == "fix" else 0.0)
        return Edit(
            action=action,
            part=self._name,
            index=self.index,
            what=what,
            **self.note,
            x=effect.x,
            before=effect.before,
            after=effect.after,
            size_before=effect.size_before,
            size_after=effect.size_after,
            mean_change=effect.mean_change,
            loss_before=self._loss(self.fit),
            loss_after=self._loss(new),
            rows=len(rows) if given else kept.rows,
            source="rows given" if given else "training rows, as the model remembers them",
        )

    def _loss(self, fit: Fit) -> float | None:
        """Mean loss over the rows given; for "gaussian" the squared error."""
        if self.rows is None or self.y is None:
            return None
        unit = float(fit.noise or 1.0) / STUDENT_SCALE if fit.loss == "student_t" else 1.0
        y = torch.from_numpy(self.y) / unit
        with torch.no_grad():
            output = fit.network(torch.from_numpy(self.rows)) / unit
        mean = float(loss_named(fit.loss, y).value(output, y).mean())
        return 2 * mean if fit.loss == "gaussian" else mean


def editor_of(
    model: Any,
    name: Any,
    *,
    reason: str,
    who: str,
    when: str | None,
    rows: Floats | None,
    y: Any,
) -> PartEditor[Any]:
    """Find the part and check what goes on the record."""
    if rows is None and y is not None:
        raise InputError(
            "a change is measured on X, or on X and y together", "found y alone", "pass X too"
        )
    codes = None
    if rows is not None and y is not None:
        codes = codes_of(y, len(rows), type(model).__name__, getattr(model, "classes_", None))
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC") if when is None else when
    note = {"reason": str(reason), "who": str(who), "when": str(when)}
    return PartEditor(model, _index(model, name), rows, codes, note)


def _index(model: Any, name: Any) -> int:
    names = [part.name for part in model.summary_.parts]
    wanted = " × ".join(name) if isinstance(name, (tuple, list)) else name
    if isinstance(name, (tuple, list)) and wanted not in names:
        wanted = " × ".join(reversed(name))
    if wanted in names:
        return names.index(wanted)
    raise InputError(
        f"a part to edit must be one of {', '.join(names[:12])}",
        f"found {name!r}",
        'name an attribute, a pair as ("age", "bmi"), or a term by its whole name',
    )
