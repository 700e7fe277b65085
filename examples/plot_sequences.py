"""
A heartbeat, read by curves
===========================

A memory of the last steps turns a sequence into numbers with a meaning; curves read these.
The pulses here are made, so that what decides is known: the trend of one channel, and how much the
other one bends.
"""

# %%
# Two channels, 200 sequences of 40 to 80 steps. A sequence is "strained" where the pulse rises
# towards the end or the breath has its low point in the middle of the last 30 steps.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from superpose import KSTClassifier
from superpose.plots import CurveDisplay
from superpose.sequences import LegendreMemory, Stream

rng = np.random.default_rng(0)


def sequence():
    """One sequence, and whether it is strained."""
    steps = rng.integers(40, 80)
    x = np.linspace(-1, 1, 30)
    rise, bend = rng.normal(0, 10), rng.normal(0, 0.4)
    noise = rng.normal(size=(steps, 2)) * [4, 0.2]
    frame = pd.DataFrame(noise, columns=["pulse", "breath"]) + [70, 1]  # noqa: RUF005
    frame.loc[steps - 30 :, "pulse"] += rise * x
    frame.loc[steps - 30 :, "breath"] += bend * (3 * x**2 - 1) / 2
    strained = rise / 5 + 8 * max(bend, 0) + rng.logistic() > 1.5
    return frame, "strained" if strained else "calm"


sequences, labels = zip(*(sequence() for _ in range(400)), strict=True)
train, test = slice(0, 200), slice(200, None)

# %%
# The memory keeps three numbers of each channel. Their names say what they are.

memory = LegendreMemory(order=3, theta=30)
model = make_pipeline(memory, KSTClassifier()).fit(sequences[train], labels[train])
print(f"right on sequences not seen: {model.score(sequences[test], labels[test]):.1%}")
print(model[-1].importances_)

# %%
# The two curves that matter, in units of the channels: a straight one, and one that bends at zero.

figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for ax, name in zip(axes, ("pulse: trend", "breath: bend"), strict=True):
    CurveDisplay(model[-1].curves_[f"{name} of the last 30 steps"]).plot(ax=ax)

# %%
# What the memory holds of one sequence, beside the sequence itself: three numbers keep the slow
# part and leave the noise out.

pulse = sequences[0]["pulse"].to_numpy()
held = memory.inverse_transform(memory.transform(sequences[:1]))[0, :, 0]
figure, ax = plt.subplots(figsize=(9, 2.6), layout="constrained")
ax.plot(np.arange(len(pulse)), pulse, color="0.6", label="pulse")
ax.plot(np.arange(len(pulse))[-30:], held, label="what the memory holds of it")
ax.set_xlabel("step")
ax.legend()

# %%
# The same model answers a stream: after every step a class, its probability, and a band.

stream = Stream(model)
print(stream.answer(sequences[0].to_numpy()).tail(5))
