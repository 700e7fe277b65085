"""Many numbers at once in compiled loops: what loops over outputs are written in.

A loop that numba compiles may hold `count` neighbouring numbers of an array as one value; the
processor's widest registers are used, several of them where they are shorter. `count` must be a
constant of the loop. Each function stands for the line of Python in its docstring.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

_FREELY = ("contract", "reassoc", "nsz")  # a product and a sum may be one instruction
_I32 = ir.IntType(32)


class Lanes(types.Type):
    """The type of `count` numbers held together."""

    def __init__(self, scalar: Any, count: int) -> None:
        self.scalar, self.count = scalar, count
        super().__init__(name=f"Lanes({scalar}, {count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        one = manager.lookup(lanes.scalar).get_value_type()
        super().__init__(manager, lanes, ir.VectorType(one, lanes.count))


@intrinsic(prefer_literal=True)
def load(typing: Any, array: Any, at: Any, count: Any) -> Any:
    """Return ``array[at : at + count]``, for an array of one axis."""
    lanes = Lanes(array.dtype, count.literal_value)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature, args)
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return lanes(array, at, count), generate


@intrinsic
def store(typing: Any, array: Any, at: Any, lanes: Any) -> Any:
    """Write ``array[at : at + count] = lanes``, for an array of one axis."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature, args, args[2].type)
        builder.store(args[2], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, at, lanes), generate


@intrinsic
def filled(typing: Any, number: Any, like: Any) -> Any:
    """Return ``number`` in every lane of a value like `like`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _filled(builder, args[0], args[1].type)

    return like(number, like), generate


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return ``a * b + c``; any of the three may be one number."""
    lanes = next(each for each in (a, b, c) if isinstance(each, Lanes))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.get_value_type(lanes)
        wide = [arg if arg.type == kind else _filled(builder, arg, kind) for arg in args]
        return builder.fadd(builder.fmul(*wide[:2], flags=_FREELY), wide[2], flags=_FREELY)

    return lanes(a, b, c), generate


@intrinsic
def dot(typing: Any, a: Any, b: Any) -> Any:
    """Return ``(a * b).sum()``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        product, count = builder.fmul(*args, flags=_FREELY), a.count
        while count > 1:
            count //= 2
            low, high = (_part(builder, product, i * count, count) for i in (0, 1))
            product = builder.fadd(low, high, flags=_FREELY)
        return builder.extract_element(product, ir.Constant(_I32, 0))

    return a.scalar(a, b), generate


def _place(context: Any, builder: Any, signature: Any, args: Any, kind: Any = None) -> Any:
    data = context.make_array(signature.args[0])(context, builder, args[0]).data
    kind = kind or context.get_value_type(signature.return_type)
    return builder.bitcast(builder.gep(data, [args[1]]), kind.as_pointer())


def _filled(builder: Any, number: Any, kind: Any) -> Any:
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(_I32, 0))
    everywhere = ir.Constant(ir.VectorType(_I32, kind.count), None)
    return builder.shuffle_vector(first, nothing, everywhere)


def _part(builder: Any, lanes: Any, first: int, count: int) -> Any:
    which = ir.Constant(ir.VectorType(_I32, count), list(range(first, first + count)))
    return builder.shuffle_vector(lanes, ir.Constant(lanes.type, ir.Undefined), which)
