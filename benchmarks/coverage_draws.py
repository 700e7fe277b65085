"""Tables whose curves are known on the scale they add up on: what `band_coverage.py` draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

Shape = Callable[[np.ndarray], np.ndarray]

SHAPES: dict[str, Shape] = {
    "smooth": lambda x: np.sin(np.pi * x),
    "linear": lambda x: x,
    "step": lambda x: np.where(x > 0.25, 0.7, -0.7),
    "bend": lambda x: 4.0 * np.maximum(x - 0.2, 0.0),
    "null": lambda x: np.zeros_like(x),
}
LEVELS = {"levels": np.array([-1.0, -0.3, 0.0, 0.3, 1.0]), "null levels": np.zeros(8)}
CLASS_WEIGHTS = np.array([1.0, -0.25, -0.75])  # of the three classes, on every curve
PLAIN = ("smooth", "linear", "null")
TOGETHER = ("smooth", "linear")  # the attributes that interact, where any do
INTERACTIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "product": lambda a, b: 2.0 * a * b,
    "ridge": lambda a, b: pure_ridge(2.0 * a, 2.0 * b, np.sin(2.0) / 2.0),
}
INTERACTION = "interaction"


@dataclass(frozen=True)
class Draw:
    """A table, its target, and each true curve [G, K] at given values, centred over the rows."""

    X: pd.DataFrame
    y: np.ndarray
    loss: str
    design: str

    def interaction(self) -> np.ndarray:
        """What no sum of curves makes, at the rows, [N]; 0 where nothing interacts."""
        return interaction(self.design, self.X)

    def truth(self, name: str, values: np.ndarray) -> np.ndarray:
        scale = CLASS_WEIGHTS if self.loss == "multinomial" else np.ones(1)
        mean = effect(name, self.X[name].to_numpy()).mean()
        return (effect(name, values) - mean)[:, None] * scale


def effect(name: str, values: np.ndarray) -> np.ndarray:
    """A true curve before it is centred; of levels named "a", "b", …"""
    if name in LEVELS:
        return LEVELS[name][[ord(str(value)) - ord("a") for value in values]]
    return SHAPES[name](np.asarray(values, dtype=np.float64))


def interaction(design: str, X: pd.DataFrame) -> np.ndarray:
    if design not in INTERACTIONS:
        return np.zeros(len(X))
    return INTERACTIONS[design](*(X[name].to_numpy() for name in TOGETHER))


def pure_ridge(a: np.ndarray, b: np.ndarray, mean: float) -> np.ndarray:
    """sin(a + b) less its mean over each, where both cosines have this mean and sines have 0."""
    return np.sin(a + b) - mean * (np.sin(a) + np.sin(b))


def uniform(rng: np.random.Generator, n: int, names: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(rng.uniform(-1, 1, (n, len(names))), columns=list(names))


def correlated(rng: np.random.Generator, n: int, names: tuple[str, ...]) -> pd.DataFrame:
    """Uniform on [-1, 1] each, normal scores correlated at .8."""
    common = rng.standard_normal((n, 1))
    scores = np.sqrt(0.8) * common + np.sqrt(0.2) * rng.standard_normal((n, len(names)))
    return pd.DataFrame(2 * norm.cdf(scores) - 1, columns=list(names))


def draw(design: str, n: int, seed: int) -> Draw:
    """Draw a table of one of `DESIGNS`."""
    rng = np.random.default_rng([seed, n, list(DESIGNS).index(design)])
    names = DESIGNS[design]
    loss = {"overdispersed": "poisson"}.get(design, design)
    loss = loss if loss in ("bernoulli", "multinomial", "poisson") else "gaussian"
    numbers = tuple(name for name in names if name in SHAPES)
    X = (correlated if design == "correlated" else uniform)(rng, n, numbers)
    for name in set(names) - set(numbers):
        share = rng.dirichlet(np.full(len(LEVELS[name]), 5.0))
        X[name] = rng.choice([chr(ord("a") + i) for i in range(len(share))], n, p=share)
    X = X[list(names)]
    f = np.sum([effect(name, X[name].to_numpy()) for name in names], axis=0)
    f = f + interaction(design, X)
    return Draw(X, target(design, f, X, rng), loss, design)


def target(design: str, f: np.ndarray, X: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    if design == "bernoulli":
        return (rng.random(len(f)) < 1 / (1 + np.exp(-f))).astype(int)
    if design == "poisson":
        return rng.poisson(np.exp(f)).astype(float)
    if design == "overdispersed":
        return rng.poisson(np.exp(f) * rng.gamma(1.5, 1 / 1.5, len(f))).astype(float)
    if design == "multinomial":
        return (f[:, None] * CLASS_WEIGHTS + rng.gumbel(size=(len(f), 3))).argmax(1)
    sd = 0.5 + 0.5 * (X["linear"].to_numpy() + 1) if design == "uneven noise" else 1.0
    return f + sd * rng.standard_normal(len(f))


DESIGNS: dict[str, tuple[str, ...]] = {
    "plain": PLAIN,
    "sharp": ("step", "bend", "null"),
    "uneven noise": PLAIN,
    "correlated": PLAIN,
    "categories": ("levels", "null levels", "linear"),
    "bernoulli": PLAIN,
    "multinomial": PLAIN,
    "poisson": PLAIN,
    "overdispersed": PLAIN,
    "product": PLAIN,
    "ridge": PLAIN,
}
