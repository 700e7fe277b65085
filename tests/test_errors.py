"""Errors keep their three parts, survive a trip between processes, and are caught as usual."""

from __future__ import annotations

import pickle

import pytest

from superpose import errors

CLASSES = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]


@pytest.mark.parametrize("kind", CLASSES)
def test_a_message_has_three_parts_in_order(kind: type[errors.SuperposeError]) -> None:
    assert str(kind("knots must be 2 or more", "got 1", "pass 2")) == (
        "knots must be 2 or more; got 1; pass 2"
    )


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_can_be_sent_to_another_process(kind: type[errors.SuperposeError]) -> None:
    copy = pickle.loads(pickle.dumps(kind("a", "b", "c")))
    assert type(copy) is kind
    assert (copy.must, copy.found, copy.do) == ("a", "b", "c")


@pytest.mark.parametrize("kind", CLASSES)
def test_a_message_without_its_three_parts_cannot_be_raised(kind: type[Exception]) -> None:
    with pytest.raises(TypeError, match="required positional argument"):
        kind("something went wrong")


def test_errors_are_caught_by_the_base_and_by_the_usual_names() -> None:
    assert issubclass(errors.InputError, errors.SuperposeError | ValueError)
    assert issubclass(errors.InputError, ValueError)
    assert issubclass(errors.ModelFileError, ValueError)
    assert issubclass(errors.MissingExtraError, ImportError)
    assert all(issubclass(kind, errors.SuperposeError) for kind in CLASSES)
