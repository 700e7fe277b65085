"""Imports point one way, and importing does nothing else.

The map below is the design. An arrow that points back fails here, with the line it stands on.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "superpose"

#: Each room may import those to its left.
CHAIN = (
    "errors",
    "optional",
    "atomic",
    "curves",
    "networks",
    "fitting",
    "estimators",
    "explain",
    "plots",
    "report",
    "cli",
)
MAY_IMPORT = {room: set(CHAIN[:i]) for i, room in enumerate(CHAIN)}
#: They stand on the learning rooms; none of the chain imports them.
MAY_IMPORT["sequences"] = {"errors", "optional", "atomic", "curves", "networks", "fitting"}
MAY_IMPORT["graphs"] = {"errors", "optional", "curves", "networks", "fitting"}
#: Small data; the commands and the examples read it, the library does not.
MAY_IMPORT["datasets"] = {"errors"}
#: Writes models for other programs; stands beside plots and report.
MAY_IMPORT["export"] = set(CHAIN[: CHAIN.index("plots")])
#: Measures the estimators beside other libraries; only the commands use it.
MAY_IMPORT["bench"] = {"errors", "atomic", "estimators", "plots"}
MAY_IMPORT["cli"] |= {"datasets", "export", "bench", "sequences"}

#: file → rooms it may reach from inside a function.
#: A fitted estimator offers `curves_`, `explain(X)` and `report(path)` because users look for
#: them there, while explain and report stand on estimators. One file holds these late imports.
#: A memory and the estimator that reads it are one file, written the way estimators are.
LATE = {
    "estimators/reading.py": {"explain", "export", "report"},
    "sequences/sequence_file.py": {"estimators"},
}


class Arrow(NamedTuple):
    file: str
    line: int
    target: str  # a room, "" for the public list, or a name no room has
    late: bool  # inside a function, or only for type checkers

    @property
    def room(self) -> str:
        return self.file.removesuffix(".py").split("/")[0] if "/" in self.file else self.file[:-3]


def is_for_type_checkers(node: ast.AST) -> bool:
    test = getattr(node, "test", None)
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return isinstance(node, ast.If) and name == "TYPE_CHECKING"


def statements(tree: ast.AST, late: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Every node, with whether it runs later than the import of its module."""
    for node in ast.iter_child_nodes(tree):
        yield node, late
        if is_for_type_checkers(node):
            for child in node.body:
                yield child, True
                yield from statements(child, True)
            for child in node.orelse:
                yield child, late
                yield from statements(child, late)
            continue
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from statements(node, late or inside)


def imported(node: ast.AST, package: list[str]) -> Iterator[str]:
    """Dotted names that a statement imports, in full."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        base = base + ([node.module] if node.module else [])
        yield from (".".join([*base, alias.name]) for alias in node.names)
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else None
        called = called or getattr(node.func, "id", None)
        if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
            yield node.args[0].value


def arrows(file: str, source: str) -> Iterator[Arrow]:
    """Imports of one file that stay inside the library; `file` is relative to the package."""
    package = ["superpose", *file.split("/")[:-1]]
    for node, late in statements(ast.parse(source)):
        for name in imported(node, package):
            parts = name.split(".")
            if parts[0] != "superpose" or parts == ["superpose", "__version__"]:
                continue
            target = parts[1] if len(parts) > 1 else ""
            known = target in MAY_IMPORT or target.islower()
            yield Arrow(file, node.lineno, target if known else "", late)


def fault(arrow: Arrow) -> str | None:
    """What is wrong with an arrow, in one sentence; None when it points the right way."""
    where = f"{arrow.file}:{arrow.line}"
    if arrow.room == "__init__" or arrow.target == arrow.room:
        return None
    if arrow.room not in MAY_IMPORT:
        return f"{where}: {arrow.room} is no room of the design; add it to the map"
    if arrow.target == "":
        return f"{where}: {arrow.room} imports the public list; import from the room itself"
    if arrow.target not in MAY_IMPORT:
        return f"{where}: {arrow.target} is no room of the design; add it to the map"
    if arrow.target in MAY_IMPORT[arrow.room]:
        return None
    if arrow.target in LATE.get(arrow.file, ()):
        if arrow.late:
            return None
        return f"{where}: {arrow.target} may be imported here only inside a function"
    return f"{where}: {arrow.room} must not import {arrow.target}"


def faults(files: dict[str, str]) -> list[str]:
    found = [fault(arrow) for file, source in files.items() for arrow in arrows(file, source)]
    return [sentence for sentence in found if sentence]


def test_every_arrow_of_the_library_points_one_way() -> None:
    files = {p.relative_to(SOURCE).as_posix(): p.read_text() for p in SOURCE.rglob("*.py")}
    assert "errors.py" in files
    assert faults(files) == []


@pytest.mark.parametrize(
    ("file", "source", "sentence"),
    [
        (
            "curves/kernels.py",
            "from superpose.fitting import Fit",
            "curves/kernels.py:1: curves must not import fitting",
        ),
        (
            "curves/kernels.py",
            "import os\nfrom ..networks.superposition import Superposition",
            "curves/kernels.py:2: curves must not import networks",
        ),
        (
            "fitting/newton.py",
            "def f():\n    import superpose.explain",
            "fitting/newton.py:2: fitting must not import explain",
        ),
        (
            "explain/curves.py",
            "from importlib import import_module\nplots = import_module('superpose.plots')",
            "explain/curves.py:2: explain must not import plots",
        ),
        (
            "explain/curves.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from superpose import report",
            "explain/curves.py:3: explain must not import report",
        ),
        (
            "fitting/newton.py",
            "from superpose.graphs import propagate",
            "fitting/newton.py:1: fitting must not import graphs",
        ),
        (
            "sequences/memory.py",
            "from superpose.estimators import KSTClassifier",
            "sequences/memory.py:1: sequences must not import estimators",
        ),
        (
            "estimators/classifier.py",
            "def report(self):\n    from superpose.report import write",
            "estimators/classifier.py:2: estimators must not import report",
        ),
        (
            "estimators/reading.py",
            "from superpose.explain import curves",
            "estimators/reading.py:1: explain may be imported here only inside a function",
        ),
        (
            "estimators/reading.py",
            "def f():\n    from superpose.plots import curve",
            "estimators/reading.py:2: estimators must not import plots",
        ),
        (
            "explain/curves.py",
            "from superpose import KSTClassifier",
            "explain/curves.py:1: explain imports the public list; import from the room itself",
        ),
        (
            "export/sql.py",
            "from superpose.report import write",
            "export/sql.py:1: export must not import report",
        ),
        (
            "report/page.py",
            "from superpose.export import to_sql",
            "report/page.py:1: report must not import export",
        ),
        (
            "errors.py",
            "from superpose.curves import kernel",
            "errors.py:1: errors must not import curves",
        ),
        (
            "utils/misc.py",
            "from superpose.errors import InputError",
            "utils/misc.py:1: utils is no room of the design; add it to the map",
        ),
        (
            "curves/kernels.py",
            "from superpose.utils import helper",
            "curves/kernels.py:1: utils is no room of the design; add it to the map",
        ),
    ],
)
def test_a_planted_arrow_that_points_back_is_found(file: str, source: str, sentence: str) -> None:
    assert faults({file: source}) == [sentence]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("curves/kernels.py", "from superpose.errors import InputError\nimport torch"),
        ("curves/kernels.py", "from . import packets\nfrom .axis import Axis"),
        ("cli/fit.py", "from superpose import __version__\nfrom superpose.datasets import tables"),
        ("estimators/reading.py", "def f():\n    from superpose.explain import curves"),
        ("estimators/reading.py", "def f():\n    from superpose.report import write"),
        ("graphs/propagation.py", "from superpose.networks import KSTHead"),
        ("__init__.py", "from superpose.estimators import KSTClassifier"),
    ],
)
def test_an_arrow_of_the_design_is_allowed(file: str, source: str) -> None:
    assert faults({file: source}) == []


QUIET = """
import os, random, sys
import matplotlib, numpy, pandas, scipy, sklearn.base, torch  # what others do is not our concern
import narwhals, pyarrow, rich.console, safetensors, typer  # rich draws random ids

def state():
    return (
        random.getstate(), str(numpy.random.get_state()), torch.get_rng_state().tolist(),
        torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled(),
        str(numpy.geterr()), dict(os.environ), sorted(os.listdir(".")), str(matplotlib.rcParams),
    )

def watch(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if writes or event in {"os.mkdir", "os.remove", "os.rename", "socket.connect"}:
        raise SystemExit(f"a side effect: {event} {args}")

before = state()
sys.addaudithook(watch)
import importlib
import superpose
rooms = sys.argv[1:]
for room in rooms:
    importlib.import_module(f"superpose.{room}")
if "estimators" in rooms:
    superpose.KSTClassifier(), superpose.KSTRegressor(terms=3, random_state=1)
changed = [i for i, (a, b) in enumerate(zip(before, state())) if a != b]
raise SystemExit(f"changed: {changed}" if changed else 0)
"""


def rooms() -> list[str]:
    return [room for room in MAY_IMPORT if (SOURCE / room / "__init__.py").exists()]


def python(code: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-c", code, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )


def test_import_and_construction_touch_nothing(tmp_path: Path) -> None:
    """No files, no words, no seeds, no threads, no default dtype, no environment."""
    done = python(QUIET, *rooms(), folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("effect", "sign"),
    [
        ("print('hello')", "hello"),
        ("torch.manual_seed(0)", "changed"),
        ("torch.set_default_dtype(torch.float64)", "changed"),
        ("open('file.txt', 'w')", "a side effect: open"),
        ("os.mkdir('model')", "a side effect: os.mkdir"),
    ],
)
def test_a_planted_side_effect_is_found(effect: str, sign: str, tmp_path: Path) -> None:
    done = python(QUIET.replace("import superpose\n", f"{effect}\n"), folder=tmp_path)
    assert sign in done.stdout + done.stderr


def test_importing_the_package_imports_no_room_and_no_torch(tmp_path: Path) -> None:
    code = "import superpose, sys; print(sorted(m for m in sys.modules if m in ('torch', 'numpy') "
    code += "or m.startswith('superpose.')))"
    assert python(code, folder=tmp_path).stdout == "[]\n"


def test_figures_are_imported_where_they_are_drawn(tmp_path: Path) -> None:
    code = "import superpose.estimators, superpose.explain, sys; "
    code += "print([m for m in ('matplotlib', 'plotly') if m in sys.modules])"
    assert python(code, folder=tmp_path).stdout == "[]\n"
