"""The table of the demo: measurements of cell nuclei, and whether the tumour was malignant."""

from __future__ import annotations

import pandas as pd
from sklearn.datasets import load_breast_cancer

__all__ = ["load_breast_cancer_table"]


def load_breast_cancer_table() -> tuple[pd.DataFrame, pd.Series]:
    """Read the breast-cancer table that comes with scikit-learn; nothing is downloaded.

    Each row is one tumour, each column a measurement of the nuclei of its cells in an image: the
    mean, the standard error and the worst (largest) value of ten properties.

    Returns
    -------
    X : DataFrame of shape (569, 30)
        Measurements in pixels of the image and ratios.
    y : Series of shape (569,)
        "benign" or "malignant", with the name ``diagnosis``.

    References
    ----------
    W. N. Street, W. H. Wolberg and O. L. Mangasarian, "Nuclear feature extraction for breast tumor
    diagnosis", 1993.

    Examples
    --------
    >>> from superpose.datasets import load_breast_cancer_table
    >>> X, y = load_breast_cancer_table()
    >>> X.shape, y.value_counts().to_dict()
    ((569, 30), {'benign': 357, 'malignant': 212})
    """
    bunch = load_breast_cancer(as_frame=True)
    labels = bunch.target.map(dict(enumerate(bunch.target_names))).astype(object)
    return bunch.data, labels.rename("diagnosis")
