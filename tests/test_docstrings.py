"""Docstrings of everything public agree with the code: names, order, defaults, an example.

What is public is what a room lists in its `__all__`; methods and properties of those classes that
are defined in the library and have no underscore are included.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

SOURCE = Path(__file__).parents[1] / "src" / "superpose"
ROOMS = [*sorted(p.parent.name for p in SOURCE.glob("*/__init__.py")), "errors"]

#: numpydoc's checks that are kept, with what each one says.
OF_EVERYTHING = {
    "GL08": "has a docstring",
    "SS01": "starts with a summary",
    "SS03": "whose first line is a sentence",
    "PR02": "names no parameter that does not exist",
    "PR03": "in the order of the signature",
}
OF_THE_LISTED = OF_EVERYTHING | {"PR01": "documents every parameter", "EX01": "has an example"}

#: Shown where they are put to use: an example of their own would repeat that one.
SHOWN_IN = {
    "superpose.fitting.Posterior": "superpose.fitting.fit_superposition",
    "superpose.networks.MainCurve": "superpose.networks.Superposition",
    "superpose.networks.PairSurface": "superpose.networks.Superposition",
    "superpose.networks.Term": "superpose.networks.Superposition",
}


def listed() -> Iterator[str]:
    """Dotted names of the classes and functions in each room's public list."""
    for room in ROOMS:
        module = importlib.import_module(f"superpose.{room}")
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield f"superpose.{room}.{name}"


def find(path: str) -> Any:
    _, room, *names = path.split(".")
    thing: Any = importlib.import_module(f"superpose.{room}")
    for name in names:
        thing = getattr(thing, name)
    return thing


def methods(path: str) -> Iterator[str]:
    """Public methods and properties that a listed class defines itself."""
    thing = find(path)
    if inspect.isclass(thing):
        for name, member in vars(thing).items():
            own = inspect.isroutine(member) or isinstance(member, property | classmethod)
            if own and not name.startswith("_"):
                yield f"{path}.{name}"


def complaints(path: str, kept: dict[str, str]) -> list[str]:
    found = validate(path)["errors"]
    if inspect.getdoc(find(path)):  # an inherited docstring is one
        found = [e for e in found if e[0] != "GL08"]
    if dataclasses.is_dataclass(find(path)):  # a result documents its fields as attributes
        found = [e for e in found if e[0] not in {"PR01", "EX01"}]  # who makes it shows it
        found += undocumented_fields(path)
    return [f"{path}: {code} {text}" for code, text in found if code in kept]


def undocumented_fields(path: str) -> Iterator[tuple[str, str]]:
    """Fields of a dataclass that its Parameters or Attributes section, if it has one, leaves out.

    A record of two or three numbers may say what they are in its summary instead.
    """
    words = NumpyDocString(inspect.cleandoc(find(path).__doc__ or ""))
    sections = words["Parameters"] + words["Attributes"]
    named = {name.strip() for entry in sections for name in entry.name.split(",")}
    fields = [f.name for f in dataclasses.fields(find(path)) if not f.name.startswith("_")]
    if named or len(fields) > 3:
        for name in fields:
            if name not in named:
                yield "PR01", f"field {name} is not documented"


LISTED = sorted(set(listed()))


def is_warning_or_error(path: str) -> bool:
    thing = find(path)
    return inspect.isclass(thing) and issubclass(thing, BaseException)


@pytest.mark.parametrize("path", LISTED)
def test_a_public_name_is_documented(path: str) -> None:
    plain = is_warning_or_error(path) or path in SHOWN_IN
    found = complaints(path, OF_EVERYTHING if plain else OF_THE_LISTED)
    for method in methods(path):
        found += complaints(method, OF_EVERYTHING)
    assert found == []


def documented_defaults(path: str) -> Iterator[tuple[str, str, Any]]:
    """(parameter, default in words, default in code) of a listed name."""
    thing = find(path)
    signature = inspect.signature(thing)
    for parameter in NumpyDocString(inspect.cleandoc(thing.__doc__))["Parameters"]:
        words = re.search(r"default[ =:]+(?P<value>.+)$", parameter.type)
        if words and parameter.name in signature.parameters:
            yield parameter.name, words["value"], signature.parameters[parameter.name].default


@pytest.mark.parametrize("path", [p for p in LISTED if not is_warning_or_error(p)])
def test_documented_defaults_are_the_defaults(path: str) -> None:
    for name, words, default in documented_defaults(path):
        said = words.strip("`'\" ").replace("``", "")
        assert said == str(default), f"{path}: {name} is {default!r} in code, {words} in words"


def test_the_check_can_fail() -> None:
    """A planted function with a wrong docstring is complained about."""

    def wrong(height: float) -> float:
        """Area."""
        return height

    wrong.__doc__ = "Area\n\nParameters\n----------\nwidth : float\n    Of it.\n"
    module = importlib.import_module("superpose.errors")
    module.wrong = wrong  # type: ignore[attr-defined]
    try:
        found = complaints("superpose.errors.wrong", OF_THE_LISTED)
    finally:
        del module.wrong
    assert {line.split()[1] for line in found} == {"SS03", "PR01", "PR02", "EX01"}
