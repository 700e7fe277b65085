"""Small offline tables with known answers, and a reader for tables in files."""

from superpose.datasets.breast_cancer import load_breast_cancer_table
from superpose.datasets.feynman_equations import FeynmanEquation, feynman
from superpose.datasets.files import read_frame, read_table, write_frame
from superpose.datasets.known_curves import KnownCurves, known_curves
from superpose.datasets.parquet import ParquetBatches

__all__ = [
    "FeynmanEquation",
    "KnownCurves",
    "ParquetBatches",
    "feynman",
    "known_curves",
    "load_breast_cancer_table",
    "read_frame",
    "read_table",
    "write_frame",
]
