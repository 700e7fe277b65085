"""What a measurement was made with and on: versions, revision, processor."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["processor", "revision_of", "version_of"]


def version_of(package: str) -> str | None:
    """Return the installed version of a package; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def revision_of(file: str) -> str | None:
    """Return the commit of a file's checkout, "-dirty" where files were changed since.

    None where the file is not of a checkout: installed, perhaps inside one of something else.
    """
    place = Path(file)
    if _git(place.parent, "ls-files", "--error-unmatch", place.name) is None:
        return None
    return _git(place.parent, "describe", "--always", "--dirty", "--abbrev=10")


def _git(folder: Path, *words: str) -> str | None:
    command = ["git", *words]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


@cache
def processor() -> str:
    """Return the processor's name as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
