"""A fit (network, posterior, what the fit reported) as words and arrays, and back."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from superpose.estimators.edit_state import edits_from, edits_to
from superpose.estimators.network_state import Store, network_from, network_to
from superpose.estimators.schema import Schema
from superpose.fitting import DialStep, Fit, MovedHeights, Posterior, Screened, Share, Stopped
from superpose.fitting.deadline import REASONS
from superpose.networks import MainCurve, Superposition

__all__ = ["fit_from", "fit_to"]

REPORTED = ("loss", "noise", "evidence", "converged", "iterations", "gradient")
"""Fields of `Fit` that are single words or numbers."""

FLOATS, COUNTS = ("cost", "dof", "loss", "loss_se"), ("pairs", "terms", "curves")
"""Fields of `DialStep`."""

LARGEST = 1e100
"""Heights of unit coefficients beyond this are not believed; their squares must be numbers."""


def fit_to(fit: Fit, store: Store) -> dict[str, Any]:
    """Put the arrays of a fit into a store, and return the rest.

    Parameters
    ----------
    fit : Fit
        What `fit_superposition` returned.
    store : Store
        Gets the arrays.

    Returns
    -------
    dict
        What JSON can say.
    """
    return {
        "parts": network_to(fit.network, store),
        "posterior": _posterior_to(fit.posterior, store.at("posterior")),
        "path": [dataclasses.asdict(step) for step in fit.path],
        "edits": edits_to(fit.edits, store.at("edits")),
        "stopped": None if fit.stopped is None else dataclasses.asdict(fit.stopped),
        "screened": [[*it.attributes, it.gain] for it in fit.screened],
        **{name: getattr(fit, name) for name in REPORTED},
    }


def fit_from(schema: Schema, words: dict[str, Any], store: Store) -> Fit:
    """Undo `fit_to`.

    Parameters
    ----------
    schema : Schema
        The columns of the model.
    words : dict
        What `fit_to` returned.
    store : Store
        The arrays.

    Raises
    ------
    ValueError, KeyError, TypeError
        Where they do not describe a fit.
    """
    network = network_from(schema, words["parts"], store)
    network.requires_grad_(False)
    return Fit(
        network=network,
        posterior=_posterior_from(network, words["posterior"], store.at("posterior")),
        path=tuple(_step(step) for step in words["path"]),
        loss=str(words["loss"]),
        noise=None if words["noise"] is None else float(words["noise"]),
        evidence=float(words["evidence"]),
        converged=bool(words["converged"]),
        iterations=int(words["iterations"]),
        gradient=float(words["gradient"]),
        edits=edits_from(words.get("edits", []), network, store.at("edits")),
        stopped=_stopped(words.get("stopped")),
        screened=tuple(_screened(it, len(schema.columns)) for it in words.get("screened", [])),
    )


def _stopped(words: dict[str, Any] | None) -> Stopped | None:
    if words is None:
        return None
    found = Stopped(str(words["reason"]), str(words["undone"]))
    if found.reason not in REASONS:
        raise ValueError("a fit is stopped for a reason")
    return found


def _step(words: dict[str, Any]) -> DialStep:
    numbers: dict[str, Any] = {name: float(words[name]) for name in FLOATS}
    counts: dict[str, Any] = {name: int(words[name]) for name in COUNTS}
    names = tuple(str(name) for name in words["names"])
    return DialStep(**numbers, **counts, chosen=bool(words["chosen"]), names=names)


def _screened(words: list[Any], n: int) -> Screened:
    (first, second), gain = (int(it) for it in words[:2]), float(words[2])
    if not (0 <= first < n and 0 <= second < n and math.isfinite(gain)):
        raise ValueError("a screened pair is of columns, and its gain is finite")
    return Screened((first, second), gain)


def _posterior_to(posterior: Posterior, store: Store) -> dict[str, Any]:
    store["covariance"] = posterior.covariance
    for i, share in enumerate(posterior.shares):
        for j, directions in enumerate(share.directions):
            store.at(i)[f"directions{j}"] = directions
        if share.centre is not None:
            store.at(i)["centre"] = share.centre
        if share.spread is not None:
            store.at(i)["spread"] = share.spread
        if share.draws is not None:
            store.at(i)["draws"] = share.draws
        for j, moved in enumerate(share.moved):
            own = store.at(i).at("moved").at(j)
            own["shared"], own["bent"] = moved.shared, moved.bent
    shares = [
        {
            "shared": list(share.shared),
            "inner": list(share.inner),
            "open_variance": list(share.open_variance),
            "freedom": share.freedom,
            "moved": [{"place": list(it.place), "inner": list(it.inner)} for it in share.moved],
        }
        for share in posterior.shares
    ]
    return {"shares": shares, "stride": posterior.stride}


def _posterior_from(network: Superposition, words: dict[str, Any], store: Store) -> Posterior:
    covariance, stride = store["covariance"], int(words["stride"])
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1]:
        raise ValueError("a covariance is square")
    if len(words["shares"]) != len(network.parts) or stride < 1:
        raise ValueError("every part has a share in the posterior")
    if network.n_outputs * stride > len(covariance):
        raise ValueError("a covariance holds every output")
    shares = [_share(it, store.at(i)) for i, it in enumerate(words["shares"])]
    further = (network.n_outputs - 1) * stride
    places = [(it.shared, it.inner) for it in shares]
    places += [(it.place, it.inner) for share in shares for it in share.moved]
    if any(it.spread is not None and len(it.spread) != network.n_outputs for it in shares):
        raise ValueError("a part has a variance for every output")
    if any(max(sum(own) + further, sum(bent)) > len(covariance) for own, bent in places):
        raise ValueError("a covariance holds every part")
    for part, share in zip(network.parts, shares, strict=True):
        if not isinstance(part, MainCurve) and len(share.moved) % max(len(part.moved), 1):
            raise ValueError("a curve that moved has a share in the posterior")
        if share.draws is not None and (
            part.kind != "curve" or share.draws.shape[1:] != part.heights.shape
        ):
            raise ValueError("draws are of a main curve, with its heights")
    return Posterior(network, covariance, shares, stride)


def _share(words: dict[str, Any], store: Store) -> Share:
    variances = tuple(float(it) for it in words["open_variance"])
    own, bent = _places(words, "shared")
    if min(variances) < 0:
        raise ValueError("variances are 0 or above")
    directions = tuple(store[f"directions{j}"] for j in range(len(variances)))
    if any(bool((it.abs() > LARGEST).any()) for it in directions):
        raise ValueError("directions have squares that are numbers")
    centre = store.get("centre")
    if centre is not None and (centre.ndim != 2 or centre.shape[1] != bent[1]):
        raise ValueError("a term has a mean slope for every inner coefficient")
    freedom, moved = float(words["freedom"]), enumerate(words.get("moved", []))
    maps = tuple(_moved(it, store.at("moved").at(i)) for i, it in moved)
    spread, draws = store.get("spread"), store.get("draws")
    if spread is not None and (spread.ndim != 1 or bool((spread < 0).any())):
        raise ValueError("a variance is 0 or above")
    if draws is not None and (draws.ndim != 3 or not len(draws)):
        raise ValueError("draws are of a main curve, with its heights")
    return Share(own, bent, directions, variances, freedom, centre, maps, spread, draws)


def _moved(words: dict[str, Any], store: Store) -> MovedHeights:
    own, bent = _places(words, "place")
    found = MovedHeights(own, bent, store["shared"], store["bent"])
    if (found.shared.shape[1:], found.bent.shape[2:]) != ((own[1],), (bent[1],)):
        raise ValueError("what moved has a map for every coefficient")
    return found


def _places(words: dict[str, Any], name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return where coefficients are that an output has to itself, and those of inner curves."""
    first, count = (int(it) for it in words[name])
    inner, width = (int(it) for it in words["inner"])
    if min(first, count, inner, width) < 0:
        raise ValueError("places are 0 or above")
    return (first, count), (inner, width)
