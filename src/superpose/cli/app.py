"""The program `superpose`: its commands, its version, and how its errors are shown.

The commands import the library when they run, so that help and usage come at once.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from superpose import __version__
from superpose.cli.bench import bench
from superpose.cli.demo import demo
from superpose.cli.explain import explain
from superpose.cli.export import export
from superpose.cli.fit import fit
from superpose.cli.predict import predict
from superpose.cli.report import report
from superpose.cli.stream import stream
from superpose.errors import SuperposeError

__all__ = ["app"]


class PlainErrors(TyperGroup):
    """Commands whose errors are sentences on the error stream, not tracebacks."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an error of the user or of the disk ends it with code 1."""
        try:
            return super().invoke(ctx)
        except SuperposeError as error:
            print(f"Error: {error.must};\n  {error.found};\n  {error.do}.", file=sys.stderr)
        except OSError as error:
            print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(1)


app = typer.Typer(
    cls=PlainErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    help="Neural networks you can read: fit a table, and read every curve that was learned.",
    epilog="Codes at exit: 0 all is well, 1 the data or a file cannot be used, 2 wrong usage.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"superpose {__version__}")
        raise typer.Exit()


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Neural networks you can read: fit a table, and read every curve that was learned."""


for command in (demo, fit, predict, explain, report, export, stream):
    app.command()(command)
app.add_typer(bench, name="bench")
