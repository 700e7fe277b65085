"""Small offline tables with known answers, and readers for tables and sequences in files."""

from superpose.datasets.breast_cancer import load_breast_cancer_table
from superpose.datasets.feynman_equations import FeynmanEquation, feynman
from superpose.datasets.files import read_frame, read_table, write_frame
from superpose.datasets.known_curves import KnownCurves, known_curves
from superpose.datasets.parquet import ParquetBatches
from superpose.datasets.series_file import read_series

__all__ = [
    "FeynmanEquation",
    "KnownCurves",
    "ParquetBatches",
    "feynman",
    "known_curves",
    "load_breast_cancer_table",
    "read_frame",
    "read_series",
    "read_table",
    "write_frame",
]
