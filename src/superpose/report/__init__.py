"""The report: one self-contained HTML page that a person who never saw the library can read."""

from superpose.report.file import write_report

__all__ = ["write_report"]
