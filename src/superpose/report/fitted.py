"""How the model was fitted: enough to repeat it and to see that it ended well."""

from __future__ import annotations

import platform
from collections.abc import Mapping

import numpy as np
import torch

from superpose.report.html import Markup, tag
from superpose.report.model import Reading
from superpose.report.numbers import number, plural

__all__ = ["fitted"]

_LOSSES = {
    "gaussian": "squared error (Gaussian noise)",
    "poisson": "deviance of counts (Poisson)",
    "gamma": "deviance of positive numbers (Gamma)",
    "student_t": "Student's t with 4 degrees of freedom",
    "bernoulli": "log loss of two classes (Bernoulli)",
    "multinomial": "log loss of several classes (multinomial)",
}

_NOISES = {"gamma": "standard deviation over mean", "student_t": "scale"}


def fitted(reading: Reading, about: Mapping[str, str]) -> list[Markup]:
    """A list of facts: how the fit ended, its evidence, its size, versions, and what was asked."""
    from superpose import __version__

    fit = reading.fit
    ended = "converged" if fit.converged else "stopped before it converged"
    if fit.stopped is not None:
        ended = f"stopped before its end ({fit.stopped}), {ended}"
    facts = {
        "Loss": _LOSSES.get(fit.loss, fit.loss),
        "How it ended": f"{ended} after {plural(fit.iterations, 'Newton step')}; "
        f"a further step would gain {number(float(fit.gradient), 2)} nats",
        "Log evidence": number(float(fit.evidence), 6),
        "Degrees of freedom": number(sum(part.dof for part in reading.summary.parts)),
        "Parameters": f"{fit.network.n_parameters():,}",
    }
    if fit.noise is not None:
        what = _NOISES.get(fit.loss, "standard deviation")
        facts[f"Noise ({what})"] = f"{number(float(fit.noise))}"
    facts |= dict(about)
    facts["Version"] = (
        f"superpose {__version__}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, NumPy {np.__version__}"
    )
    words = (
        "Every curve is a Gaussian process given by its heights at fixed control points. The "
        "heights are solved for by Newton steps on all rows; smoothness and noise are set where "
        "the evidence (the marginal likelihood, by Laplace's method) is largest; bands come from "
        "the curvature at the solution."
    )
    entries = [tag("div", tag("dt", key), tag("dd", value)) for key, value in facts.items()]
    return [tag("p", words), tag("dl", entries, class_="facts")]
