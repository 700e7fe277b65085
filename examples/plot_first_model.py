"""
Fit a table and read what was learned
=====================================

The diabetes table that comes with scikit-learn: ten measurements of 442 patients, and how far the
disease went on in the year after. The question is not only how well it can be predicted, but what
the prediction rests on.
"""

# %%
# Fit. Nothing is scaled, encoded or tuned.

from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from superpose import KSTRegressor
from superpose.plots import CurveDisplay, DialDisplay, WaterfallDisplay

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = KSTRegressor().fit(X_train, y_train)
print("R2 on rows not seen:", round(model.score(X_test, y_test), 2))

# %%
# The dial: what every step costs to read, and what it gains. Look at it before the curves: if the
# additive model is as good, there is nothing else to read.

DialDisplay.from_estimator(model).plot()

# %%
# The most important curves. The height says how much the prediction moves when only this attribute
# moves; the shade is the band, the bars at the foot are the rows.

importances = model.importances_
print(importances)

CurveDisplay.from_estimator(model, "bmi").plot()

# %%
# A band that contains zero everywhere says that the data do not show an effect. It does not say
# that there is none.

CurveDisplay.from_estimator(model, "age").plot()

# %%
# One prediction is the sum of its parts, exactly.

explanation = model.explain(X_test[:1])
print(explanation)
WaterfallDisplay(explanation).plot()

# %%
# **What this cannot tell.** The curves describe the model on patients like these. Attributes that
# are correlated (the cholesterol measurements s1 to s4 are) share their effect in a way that the
# data cannot settle; nothing here says that changing an attribute would change the outcome.
