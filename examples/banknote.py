"""
Four curves that tell banknotes apart
=====================================

A camera looked at 1,372 banknotes, genuine and forged. A wavelet transform of each picture was
boiled down to four numbers: its variance, skewness, curtosis and entropy. How much of a neural
network is needed to tell the two kinds apart, and can a person check what it does?

The table is public: *banknote authentication* of the UCI repository (Lohweg, 2012), a CSV file
with the columns variance, skewness, curtosis, entropy and class. Its authors do not say which of
the two classes is the forged one, so neither does this lesson. Run it with::

    python examples/banknote.py --data banknote.csv --figures figures
"""

# %%
# The table. It has rows that occur twice; one that is learned and then asked for again would
# flatter the model, so each is kept once.

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import StratifiedKFold, cross_validate, train_test_split

from superpose import KSTClassifier
from superpose.datasets import read_frame
from superpose.plots import CurveDisplay, DialDisplay

parser = argparse.ArgumentParser(description="The banknote lesson.")
parser.add_argument("--data", type=Path, required=True, help="banknote.csv")
parser.add_argument("--figures", type=Path, help="folder for the figures; none if not given")
options = parser.parse_args()


def show(figure, name):
    """Keep a figure, where a folder was given."""
    if options.figures:
        options.figures.mkdir(parents=True, exist_ok=True)
        figure.savefig(options.figures / f"{name}.png", dpi=120)


table = read_frame(options.data).drop_duplicates(ignore_index=True)
X, y = table.drop(columns="class"), table["class"]
print(f"{len(table)} different banknotes, {y.mean():.0%} of them of class 1")

# %%
# Fit
# ---
# A quarter of the notes is put aside. Nothing is scaled and nothing is tuned.

X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
model = KSTClassifier().fit(X_train, y_train)
p = model.predict_proba(X_test)[:, 1]
wrong = int(((p > 0.5) != y_test).sum())
print(f"wrong on {wrong} of {len(y_test)} notes not seen; log loss {log_loss(y_test, p):.4f}")

# %%
# The dial
# --------
# Before the curves are read: is there more than curves? The dial shows what every step costs to
# read and how good it is on rows held out while fitting. Pairs that the evidence does not keep make
# no step; where there is one step only, nothing but main curves was worth a second look.

for step in model.complexity_path_:
    mark = "  <- chosen" if step.chosen else ""
    print(
        f"{step.pairs} pairs, {step.terms} terms: {step.cost:.1f} curves to read, "
        f"loss {step.loss:.5f} ± {step.loss_se:.5f}{mark}"
    )
show(DialDisplay.from_estimator(model).plot().figure_, "dial")

# %%
# The four curves
# ---------------
# Each curve says what a value of one attribute adds to the log-odds of class 1, against the
# average note. 0 changes nothing; +2.2 makes the odds nine times as high, -2.2 nine times as low.

figure, panels = plt.subplots(2, 2, figsize=(10, 7.2), layout="constrained")
by_importance = [part.name for part in model.importances_ if part.name in model.curves_]
for name, panel in zip(by_importance, panels.flat, strict=True):
    CurveDisplay.from_estimator(model, name).plot(panel)
show(figure, "curves")

# %%
# The same in words, taken from the curves. A stretch counts as known where the whole band lies on
# one side of 0.


def in_words(curve):
    """Where a curve speaks for either class, how far it moves, and which way."""
    seen = curve.seen()
    x, mean = curve.x[seen], curve.mean[seen]
    sure = np.where(curve.lower[seen] > 0, 1, np.where(curve.upper[seen] < 0, 0, -1))
    runs = np.split(np.arange(len(x)), np.flatnonzero(np.diff(sure)) + 1)
    stretches = [(x[run[0]], x[run[-1]], sure[run[0]]) for run in runs]
    said = [f"class {c} from {a:.3g} to {b:.3g}" for a, b, c in stretches if c >= 0 and b > a]
    gain = np.diff(mean)
    share = gain.clip(0).sum() / np.abs(gain).sum()
    way = "rises" if share > 0.95 else "falls" if share < 0.05 else "turns"
    reach = f"{way}, between {mean.min():+.1f} and {mean.max():+.1f} log-odds"
    return f"{curve.name} {reach}; speaks for {', '.join(said) or 'neither class'}"


for name in by_importance:
    print(in_words(model.curves_[name]))

# %%
# How many curves are needed?
# ---------------------------
# One attribute at a time is added, the one that gains most in five-fold cross-validation, and the
# model stays additive: as many curves as attributes. Accuracy decides, log loss breaks ties.

folds = StratifiedKFold(5, shuffle=True, random_state=0)


def judged(columns, **dial):
    """Accuracy, and minus the log loss, on notes not seen: more is better in both."""
    metrics = ("accuracy", "neg_log_loss")
    scores = cross_validate(KSTClassifier(**dial), X[columns], y, cv=folds, scoring=metrics)
    return tuple(scores[f"test_{metric}"].mean() for metric in metrics)


chosen, on_new, on_learned = [], [], []
while len(chosen) < X.shape[1]:
    rest = [name for name in X if name not in chosen]
    scores = {name: judged([*chosen, name], pairs=0, terms=0) for name in rest}
    best = max(scores, key=scores.get)
    chosen.append(best)
    on_new.append(scores[best][0])
    on_learned.append(KSTClassifier(pairs=0, terms=0).fit(X[chosen], y).score(X[chosen], y))
    print(
        f"{len(chosen)} curves, {'+ ' + best:11}: {on_new[-1]:.2%} of notes not seen are right, "
        f"{on_learned[-1]:.2%} of those learned; log loss {-scores[best][1]:.4f}"
    )


def fewest(accuracies, goal):
    """The smallest number of curves that reaches a goal, in words."""
    reached = [count for count, value in enumerate(accuracies, start=1) if value >= goal]
    return f"{reached[0]} curves" if reached else "more than there are"


for goal in (0.99, 1.0):
    print(
        f"{goal:.0%} accuracy takes {fewest(on_new, goal)} on notes not seen, "
        f"{fewest(on_learned, goal)} on those learned"
    )

# %%
# Does more than curves help? Turn the dial by hand.

for dial in ({"pairs": 1, "terms": 0}, {"pairs": 2, "terms": 0}, {"pairs": 0, "terms": 1}):
    accuracy, score = judged(list(X), **dial)
    print(f"{dial}: {accuracy:.2%} of notes not seen are right, log loss {-score:.4f}")

# %%
# Which note is the hardest, even when all are learned? A prediction is the sum of its parts, so the
# parts say which attribute speaks for the other class.

whole = KSTClassifier().fit(X, y)
of_its_class = whole.predict_proba(X)[np.arange(len(y)), y]
hardest = int(of_its_class.argmin())
print(
    f"{(of_its_class <= 0.5).sum()} of {len(y)} learned notes are on the wrong side; the hardest "
    f"is row {hardest}, which gets {of_its_class[hardest]:.1%} for its class, {y[hardest]}"
)
print(whole.explain(X.iloc[[hardest]]))

# %%
# How stable are the curves?
# --------------------------
# Twenty times, a random four fifths of the notes are learned and the rest are predicted. How far a
# curve moves from one draw to the next is measured where the middle 98 % of the notes lie, against
# its own height: the standard deviation over the twenty draws, divided by the range of their mean.

SEEDS = 20
grids = {name: np.quantile(X[name], np.linspace(0.01, 0.99, 99)) for name in X}
drawn = {name: [] for name in X}
accuracies = []
for seed in range(SEEDS):
    kept, held, y_kept, y_held = train_test_split(
        X, y, train_size=0.8, random_state=seed, stratify=y
    )
    again = KSTClassifier(pairs=0, terms=0).fit(kept, y_kept)
    accuracies.append(accuracy_score(y_held, again.predict(held)))
    for name, grid in grids.items():
        curve = again.curves_[name]
        height = np.interp(grid, curve.x, curve.mean)
        drawn[name].append(height - height.mean())
faultless = sum(accuracy == 1.0 for accuracy in accuracies)
print(
    f"{np.mean(accuracies):.2%} of notes not seen are right, {min(accuracies):.2%} at worst; "
    f"all of them in {faultless} of {SEEDS} draws"
)

unrest = {}
for name, heights in drawn.items():
    mean = np.mean(heights, axis=0)
    unrest[name] = np.std(heights, axis=0, ddof=1).mean() / np.ptp(mean)
    alike = np.corrcoef(heights)[np.triu_indices(SEEDS, 1)].min()
    print(f"{name}: moves by {unrest[name]:.1%} of its range; least correlation {alike:.3f}")
worst = max(unrest, key=unrest.get)
print(f"the least stable curve is {worst}")

figure, panels = plt.subplots(2, 2, figsize=(10, 7.2), layout="constrained")
for (name, heights), panel in zip(drawn.items(), panels.flat, strict=True):
    panel.plot(grids[name], np.transpose(heights), color="#2f6db5", linewidth=0.8, alpha=0.5)
    panel.set_xlabel(name)
    panel.set_ylabel("adds to log-odds of class 1")
show(figure, "stability")

# %%
# **What this cannot tell.** The curves describe pictures taken by one camera of notes of one kind.
# The four numbers are correlated, skewness and curtosis most of all, so their curves are read
# together: a note with high skewness has low curtosis, and the two contributions partly cancel.
# And where two classes can be told apart without error, the data say how the classes lie but not
# how steep the border is: the height of the curves then rests on the prior, which prefers smooth
# ones.
