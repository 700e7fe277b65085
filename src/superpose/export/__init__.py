"""Out of the door: a fitted model as ONNX, as lookup tables, and as one SQL query."""

from superpose.export.onnx_inputs import onnx_inputs
from superpose.export.onnx_model import to_onnx
from superpose.export.sql import to_sql
from superpose.export.tables import to_tables
from superpose.export.write import write_export

__all__ = ["onnx_inputs", "to_onnx", "to_sql", "to_tables", "write_export"]
