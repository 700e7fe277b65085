"""Reading a model back, whichever kind it is."""

from __future__ import annotations

from os import PathLike

from superpose.estimators.classifier import KSTClassifier
from superpose.estimators.model_file import read_model
from superpose.estimators.model_state import model_from
from superpose.estimators.regressor import KSTRegressor

__all__ = ["load"]


def load(path: str | PathLike[str]) -> KSTClassifier | KSTRegressor:
    """Read a model that `save` wrote.

    Nothing in the file is executed, so a model from elsewhere is safe to load.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    KSTClassifier or KSTRegressor
        It predicts what the saved model predicted, bit for bit.

    Raises
    ------
    ModelFileError
        Where the file is damaged, foreign, or from a later version.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from superpose import KSTRegressor
    >>> from superpose.estimators import load
    >>> model = KSTRegressor(pairs=0, terms=0).fit([[1], [2], [3]], [1, 2, 3])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "line.safetensors")
    ...     model.save(path)
    ...     again = load(path)
    >>> bool(again.predict([[1.5]]) == model.predict([[1.5]]))
    True
    """
    header, arrays = read_model(path)
    regression = header.get("estimator") == KSTRegressor.__name__
    return model_from(KSTRegressor if regression else KSTClassifier, header, arrays)
