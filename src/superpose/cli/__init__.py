"""The command line: one command a file."""

from superpose.cli.app import app

__all__ = ["app"]
