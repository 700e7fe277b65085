"""What perturbing optimizers refuse, and what they fill in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from superpose.errors import InputError

SHARED = ("inner_steps", "per_tensor")  # all parameters share the passes, so no group has its own

WITHOUT_END = ("epsilon",)  # a ball may be the whole space; a step has a length


def complete_groups(groups: list[dict[str, Any]], reach: Mapping[str, float]) -> None:
    """Give every group the options of the perturbation it lacks; refuse what no group can have."""
    for number, group in enumerate(groups):
        for name in SHARED:
            if name in group:
                raise InputError(
                    f"{name} must be one for all parameters, because all share the passes",
                    f"got {name}={group[name]!r} in parameter group {number}",
                    "pass it to the optimizer",
                )
        for name, default in reach.items():
            value = group.setdefault(name, default)
            if not value >= 0 or (math.isinf(value) and name not in WITHOUT_END):
                raise InputError(
                    f"{name} must be at least 0" + (" and finite" if value > 0 else ""),
                    f"got {name}={value!r} in parameter group {number}",
                    "pass 0 for no perturbation, or a positive number",
                )


def refuse_a_clash(reach: Mapping[str, float], base: torch.optim.Optimizer) -> None:
    """Refuse a base that has an option of the same name: a group can hold one value of it."""
    clash = sorted(reach.keys() & base.defaults.keys())
    if clash:
        raise InputError(
            "options of the perturbation and of the base must have different names",
            f"{type(base).__name__} has its own {', '.join(clash)}",
            "pass another base",
        )


def refuse_a_scaler(found_inf: torch.Tensor | None) -> None:
    """Refuse a closure inside ``scaler.step``, which has looked at the gradients before."""
    if found_inf is not None:
        raise InputError(
            "a closure cannot run inside scaler.step, which has looked at the gradients before",
            "got a closure from an enabled torch.amp.GradScaler",
            "call optimizer.perturb(scale=scaler.get_scale()) between two backward passes and then "
            "scaler.step(optimizer); bfloat16 needs no scaler",
        )
