"""A torch optimizer whose gradient is taken beside the weights, where the loss is higher."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial, reduce
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from superpose.errors import InputError
from superpose.fitting.training.perturbation_checks import (
    SHARED,
    complete_groups,
    refuse_a_clash,
    refuse_a_scaler,
)
from superpose.fitting.training.running_statistics import Statistic, kept_statistics, put_back

Tensors = list[torch.Tensor]
Groups = list[dict[str, Any]]


def _of_the_base(name: str) -> Any:
    """Return a property that reads and writes an attribute of the base optimizer."""

    def read(self: Any) -> Any:
        return getattr(self.base, name)

    def write(self: Any, value: Any) -> None:
        setattr(self.base, name, value)

    return property(read, write, doc=f"The {name} of the base: the same object.")


class PerturbedOptimizer(Optimizer):
    """The step of a base optimizer at θ, with the gradient taken at θ + D.

    D climbs the loss of the same rows, or goes down what a base maximizes; how far and in which
    direction is what `AMP`, `SAM` and `ASAM` say, and all they say. Parameter groups, options,
    defaults and state are those of the base: schedulers, checkpoints and ``zero_grad`` treat this
    optimizer as they treat the base.

    ``step(closure)`` does everything. The closure clears the gradients, computes the loss and its
    gradient, and returns the loss or whatever else it likes: ``step`` returns what it gave at the
    clean weights, its first call. It is called once more for every inner step. What it does to the
    gradients (clipping, sums over micro-batches) it does in every pass.

    The same by hand, for a ``torch.amp.GradScaler`` and for loops of one's own::

        scaler.scale(loss(x, y)).backward()
        optimizer.perturb(scale=scaler.get_scale())  # weights at θ + D, gradients cleared
        scaler.scale(loss(x, y)).backward()          # a new graph: a second pass forward
        scaler.step(optimizer)                       # weights at θ, then the step of the base
        scaler.update()

    Without a scaler it is ``loss(x, y).backward()``, ``perturb()``, ``loss(x, y).backward()``,
    ``step()``. Each half may loop over micro-batches. With several inner steps, ``perturb`` comes
    once for each.

    Parameters
    ----------
    params : iterable of Tensor, of (str, Tensor), or of dict
        As for the base. A group may have its own value of each option of the perturbation; where
        the radius is 0 a group is not moved, and where all are the step is that of the base.
    base : callable
        A class of `torch.optim`, or what makes one from ``params`` and options.
    reach : mapping of str to float
        Options of the perturbation, defaults of the groups; none may be negative.
    inner_steps : int
        Times the gradient is followed upwards.
    per_tensor : bool
        Whether every tensor has a ball of its own, or all of them share one.
    network : Module, optional
        Its running statistics (batch normalisation, `RunningAxis`) follow the clean weights
        alone, once a step. Without it every pass moves them, as torch does by itself.
    base_options : mapping
        Of the base.

    Attributes
    ----------
    base : Optimizer
        ``base.step(closure)`` is a step without perturbation.
    param_groups, defaults, state
        Of the base; one and the same object.

    Raises
    ------
    InputError
        If an option is negative, is one the base has too, or fits no step; by `step`, if it got
        neither a closure nor a call of `perturb` before, or a closure from a GradScaler.

    Notes
    -----
    While the weights are at θ + D there is one more copy of them, and of the statistics of
    ``network``; `step` frees it. θ is copied back, so it is the same to the last bit. Where a
    gradient to climb along is not finite there is no perturbation. Whatever reads the weights
    between `perturb` and `step` (a copy of the network, a state dict that is saved, an average of
    weights) finds θ + D; `restore` gives θ back without a step.

    With groups of different radius r_g and one ball, the ball is Σ_g ‖D_g‖² / r_g² ≤ 1.

    Examples
    --------
    >>> import torch
    >>> from superpose.fitting import SAM
    >>> weight = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = SAM([weight], torch.optim.SGD, rho=0.5, lr=0.1)
    >>> weight.square().sum().backward()
    >>> optimizer.perturb()
    >>> weight
    tensor([1.5000], requires_grad=True)
    >>> weight.square().sum().backward()
    >>> optimizer.step()  # 1 - 0.1 * 2 * 1.5
    >>> weight
    tensor([0.7000], requires_grad=True)
    """

    param_groups = _of_the_base("param_groups")
    defaults = _of_the_base("defaults")
    state = _of_the_base("state")

    base: Optimizer
    network: nn.Module | None
    inner_steps: int
    per_tensor: bool
    _options: tuple[str, ...]
    _clean: dict[torch.Tensor, torch.Tensor] | None
    _statistics: list[Statistic]

    _step_supports_amp_scaling = True  # torch: a scaler calls step even where it would skip it

    def __init__(
        self,
        params: Iterable[Any],
        base: Callable[..., Optimizer],
        reach: Mapping[str, float],
        *,
        inner_steps: int,
        per_tensor: bool,
        network: nn.Module | None,
        base_options: Mapping[str, Any],
    ) -> None:
        if inner_steps < 1:
            raise InputError(
                "inner_steps must be at least 1",
                f"got {inner_steps!r}",
                "pass 1, or use the base optimizer where no perturbation is wanted",
            )
        made = base(params, **base_options)
        refuse_a_clash(reach, made)
        made.defaults.update(reach)
        shared = {"inner_steps": inner_steps, "per_tensor": per_tensor}
        kept = {"base": made, "network": network, "_options": tuple(reach)} | shared
        self.__setstate__(kept)  # torch's own __init__ would empty the groups and the state
        self._complete_groups()

    @abstractmethod
    def _pushes(self, group: dict[str, Any]) -> bool:
        """Return whether the weights of a group are moved at all."""

    @abstractmethod
    def _climb(self, moves: Tensors, last: Tensors, clean: Tensors, groups: Groups) -> list[float]:
        """Turn gradients into the perturbation D but for lengths, in place; return the lengths.

        Of every tensor: its gradient, the D of the last inner step (no list at the first; it may
        be written over), the clean weights θ, and the options of its group. A length is what is
        left to multiply by; where one is 0 or not finite there is no perturbation.
        """

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take the base's step with the gradient at θ + D.

        Parameters
        ----------
        closure : callable, optional
            Clears the gradients, computes the loss and its gradient, returns the loss or more.
            Without it the gradients are those computed since `perturb`.

        Returns
        -------
        object
            What the closure returned at the clean weights; None without one.
        """
        found_inf = getattr(self, "found_inf", None)  # torch.amp.GradScaler sets it for the call
        if closure is not None:
            refuse_a_scaler(found_inf)
            if self._clean is not None:
                self.restore()  # a call of perturb that no step followed
            answers: list[Any] = []
            self.base.step(partial(self._passes, closure, answers))
            return answers[0]
        if self._clean is None and any(map(self._pushes, self.param_groups)):
            raise InputError(
                "step needs a closure, or a call of perturb and a second backward before it",
                "got neither, so the gradients are those of a plain step",
                "call step(closure); or base.step() where a plain step is meant",
            )
        self.restore()
        if found_inf is None:
            self.base.step()
        elif not found_inf.item():
            self._divide_gradients(getattr(self, "grad_scale", None))
            self.base.step()
        return None

    @torch.no_grad()
    def perturb(self, *, scale: float = 1.0) -> None:
        """Follow the gradients upwards: the weights go to θ + D, the gradients are used up.

        Parameters
        ----------
        scale : float, default 1.0
            What the loss was multiplied by: ``scaler.get_scale()`` of a GradScaler.
        """
        if self._clean is None:
            self._clean = {}
            self._statistics = [] if self.network is None else kept_statistics(self.network)
        self._move(self._clean, scale)
        self.zero_grad()

    @torch.no_grad()
    def restore(self) -> None:
        """Put the clean weights and statistics back, as `step` does, and take no step."""
        if self._clean:
            torch._foreach_copy_(list(self._clean), list(self._clean.values()))
        put_back(self._statistics)
        self._clean, self._statistics = None, []

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients, as any torch optimizer does.

        Parameters
        ----------
        set_to_none : bool, default True
            Whether there is none afterwards, or zeros.
        """
        if not set_to_none:
            super().zero_grad(set_to_none=False)
            return
        for group in self.param_groups:
            for weight in group["params"]:
                weight.grad = None

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group to the base, with options of the perturbation if it brings any.

        Parameters
        ----------
        param_group : dict
            As for any torch optimizer.
        """
        self.base.add_param_group(param_group)
        self._complete_groups()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the base, with the options of the groups; no copies of weights."""
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state of this optimizer, or of a base alone, as `state_dict` gave it.

        Parameters
        ----------
        state_dict : dict
            Options of the perturbation that it lacks keep their defaults.
        """
        self.base.load_state_dict(state_dict)
        self._complete_groups()

    def _passes(self, closure: Callable[[], Any], answers: list[Any]) -> Any:
        """Leave the gradient at θ + D and the weights at θ; return the loss that belongs to it."""
        answer = closure()
        answers.append(answer)
        if not any(map(self._pushes, self.param_groups)):
            return answer
        try:
            for _ in range(self.inner_steps):
                self.perturb()
                answer = closure()
        finally:
            self.restore()
        return answer

    def _move(self, kept: dict[torch.Tensor, torch.Tensor], scale: float) -> None:
        """Write θ + D into the weights, with D made of their gradients and of the last D."""
        again = bool(kept)
        weights, groups = self._pushed(kept)
        if not weights:
            return
        moves = [_uphill(*pair) for pair in zip(weights, groups, strict=True)]
        if scale != 1:
            torch._foreach_div_(moves, scale)
        kept.update({weight: weight.clone() for weight in weights if weight not in kept})
        clean = [kept[weight] for weight in weights]
        if again:
            torch._foreach_sub_(weights, clean)  # so that they hold the last D
        lengths = self._climb(moves, weights if again else [], clean, groups)
        if again:
            torch._foreach_copy_(weights, clean)
        if all(0 < length < math.inf for length in lengths):
            _add(weights, moves, lengths)

    def _pushed(self, moved: Mapping[torch.Tensor, torch.Tensor]) -> tuple[Tensors, Groups]:
        """Return the weights that have a gradient or have moved already, and the group of each."""
        pushed = [
            (weight, group)
            for group in self.param_groups
            if self._pushes(group)
            for weight in group["params"]
            if weight.grad is not None or weight in moved
        ]
        return [weight for weight, _ in pushed], [group for _, group in pushed]

    def _norms(self, moves: Tensors, radii: Sequence[float]) -> list[float]:
        """Return for every tensor the norm of its ball's moves, in units of the radius."""
        kinds = {move.dtype for move in moves}
        exact = reduce(torch.promote_types, kinds, torch.float32)  # half precision is too coarse
        found = _numbers(torch._foreach_norm(moves, 2, dtype=None if exact.is_complex else exact))
        norms = [norm / radius for norm, radius in zip(found, radii, strict=True)]
        return norms if self.per_tensor else [math.hypot(*norms)] * len(norms)

    @torch.no_grad()
    def _divide_gradients(self, scale: torch.Tensor | None) -> None:
        """Undo what a GradScaler did to the loss, unless it has been undone."""
        if scale is not None:
            for group in self.param_groups:
                for weight in group["params"]:
                    if weight.grad is not None:
                        weight.grad.div_(scale.to(weight.grad.device))

    def __repr__(self) -> str:
        made = f"{type(self.base).__name__}, inner_steps={self.inner_steps}"
        return f"{super().__repr__()} of {made}, per_tensor={self.per_tensor}"

    def _complete_groups(self) -> None:
        complete_groups(self.param_groups, {name: self.defaults[name] for name in self._options})

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("base", "network", "_options", *SHARED)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._clean, self._statistics = None, []
        super().__setstate__(state)


def _uphill(weight: torch.Tensor, group: dict[str, Any]) -> torch.Tensor:
    """Return the gradient of what is made small, to be written over; zeros where there is none."""
    if weight.grad is None:
        return torch.zeros_like(weight)
    gradient = weight.grad.to_dense()
    return gradient.neg_() if group.get("maximize") else gradient


def _add(weights: Tensors, moves: Tensors, lengths: Sequence[float]) -> None:
    """Add every move, times its length, to its weights; the moves may be written over."""
    alike = all(length == lengths[0] for length in lengths)
    if alike and all(weight.itemsize > 2 for weight in weights):
        torch._foreach_add_(weights, moves, alpha=lengths[0])
    else:  # torch would round alpha to half precision, and a factor too, but not a divisor
        torch._foreach_div_(moves, [1 / length for length in lengths])
        torch._foreach_add_(weights, moves)


def _numbers(scalars: Sequence[torch.Tensor]) -> list[float]:
    """Return what tensors of one number hold; with one wait where a device has to be waited for."""
    devices = {scalar.device for scalar in scalars}
    if all(device.type == "cpu" for device in devices):
        return [scalar.item() for scalar in scalars]
    device = devices.pop()
    return list(torch.stack([scalar.to(device) for scalar in scalars]).tolist())
