"""What a study leaves behind: files, and words or JSON on the screen."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from superpose.cli.printing import print_study
from superpose.cli.study import Study
from superpose.cli.words import print_json, study_to_dict

__all__ = ["write_and_print"]


def write_and_print(done: Study, report: Path | None, model: Path | None, json: bool) -> None:
    """Write the files that were asked for, then print what was found."""
    if model is not None:
        model.parent.mkdir(parents=True, exist_ok=True)
        done.model.save(model)
        done.files["Model"] = str(model)
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        done.model.report(report)
        done.files["Report"] = str(report)
    if json:
        print_json(study_to_dict(done))
    else:
        print_study(done, Console())
