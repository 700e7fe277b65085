"""Three ways to the same memory: step by step, all steps at once, and the last step alone.

Source: Chilkuri and Eliasmith (2021), Parallelizing Legendre Memory Unit training, ICML, for the
second and the third. They are equal because the memory is linear and fixed; where anything
non-linear stands inside the recurrence, only `one_step` is left.

All steps at once are a convolution by FFT or products over blocks of steps. Which is faster was
tried on one thread of a CPU, for orders 6 to 468, 100 to 5,000 steps and 1 to 32 memories: blocks
are level or faster from order/16 memories on, the FFT below that. The best block has about
2,048/order steps, between 16 and 128. On a GPU nothing was tried; it takes the FFT, whose number of
launches does not grow with the steps.
"""

from __future__ import annotations

import torch

from superpose.sequences.legendre_system import LegendreSystem

__all__ = [
    "advance",
    "all_steps_by_blocks",
    "all_steps_by_fft",
    "block_length",
    "blocks_are_faster",
    "last_step",
    "one_step",
]


def one_step(system: LegendreSystem, memory: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Return Ad m + Bd u, the memory after one more input.

    Parameters
    ----------
    system : LegendreSystem
        In the dtype of the input: ``discrete_system(order, theta).to(u)``.
    memory : Tensor [.., q]
        m, of one or many memories.
    u : Tensor [..]
        One number for each.

    Returns
    -------
    Tensor [.., q]
        The new memory; nothing else is kept.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import discrete_system, one_step
    >>> system = discrete_system(order=2, theta=4)
    >>> memory = torch.zeros(2, dtype=torch.float64)
    >>> for _ in range(100):
    ...     memory = one_step(system, memory, torch.tensor(7.0, dtype=torch.float64))
    >>> memory.round(decimals=6)  # a constant is its own level, and nothing else
    tensor([7., 0.], dtype=torch.float64)
    """
    return memory + (memory @ system.change.mT + u.unsqueeze(-1) * system.drive)


def all_steps_by_fft(response: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Return the memory after every step as a convolution: irfft(rfft(H) · rfft(u)).

    Parameters
    ----------
    response : Tensor [T or more, q]
        H of `impulse_response`, in the dtype of the input.
    u : Tensor [B, T, C]
        C channels of B sequences; each has its own memory, zero at the start.

    Returns
    -------
    Tensor [B, T, C, q]
        m_1 to m_T.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import all_steps_by_fft, discrete_system, impulse_response
    >>> response = impulse_response(discrete_system(order=1, theta=4), 3)
    >>> u = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64).reshape(1, 3, 1)
    >>> all_steps_by_fft(response, u).flatten()
    tensor([0.2212, 0.1723, 0.1342], dtype=torch.float64)
    """
    T = u.shape[1]
    waves = torch.fft.rfft(u.transpose(1, 2), 2 * T).unsqueeze(-2)  # [B, C, 1, F]
    waves = waves * torch.fft.rfft(response[:T].mT, 2 * T)  # [B, C, q, F]
    return torch.fft.irfft(waves, 2 * T)[..., :T].permute(0, 3, 1, 2)


def all_steps_by_blocks(
    blocks: torch.Tensor, u: torch.Tensor, memory: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the memory after every step in blocks of L steps: one product a block.

    Parameters
    ----------
    blocks : Tensor [q + L, L, q]
        Of `block_matrix`, in the dtype of the input.
    u : Tensor [B, T, C]
        C channels of B sequences.
    memory : Tensor [B, C, q], optional
        Before the first step; zero if not given.

    Returns
    -------
    Tensor [B, T, C, q]
        m_1 to m_T.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import all_steps_by_blocks, block_matrix, discrete_system
    >>> blocks = block_matrix(discrete_system(order=1, theta=4), 2)
    >>> u = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64).reshape(1, 3, 1)
    >>> all_steps_by_blocks(blocks, u).flatten()
    tensor([0.2212, 0.1723, 0.1342], dtype=torch.float64)
    """
    B, _, C = u.shape
    steps, order = blocks.shape[1:]
    if memory is None:
        memory = u.new_zeros(B, C, order)
    found = []
    for piece in u.transpose(1, 2).split(steps, dim=2):  # [B, C, n], n = L but at the end
        n = piece.shape[2]
        rows = torch.cat([memory, piece], -1)  # [B, C, q + n]
        memories = (rows @ blocks[: order + n, :n].flatten(1)).view(B, C, n, order)
        memory = memories[:, :, -1]
        found.append(memories)
    return torch.cat(found, 2).transpose(1, 2)


def block_length(order: int) -> int:
    """Return how many steps a block of `all_steps_by_blocks` best has on a CPU.

    Examples
    --------
    >>> from superpose.sequences.memory_forms import block_length
    >>> [block_length(order) for order in (6, 32, 256)]
    [128, 64, 16]
    """
    return min(max(2048 // order, 16), 128)


def blocks_are_faster(order: int, u: torch.Tensor) -> bool:
    """Say whether blocks beat the FFT for sequences u [B, T, C]; see the top of this file.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences.memory_forms import blocks_are_faster
    >>> [blocks_are_faster(256, torch.zeros(n, 784, 1)) for n in (1, 32)]
    [False, True]
    """
    return not u.is_cuda and 16 * u.shape[0] * u.shape[2] >= order


def last_step(
    response: torch.Tensor, u: torch.Tensor, lengths: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the memory after the last step alone: one product with the response, reversed.

    m_T = Σ_t H_(T-1-t) u_t: a fixed linear projection of the sequence.

    Parameters
    ----------
    response : Tensor [T or more, q]
        H of `impulse_response`, in the dtype of the input.
    u : Tensor [B, T, C]
        C channels of B sequences; each has its own memory, zero at the start.
    lengths : Tensor [B] of int, optional
        How many steps each sequence has, 0 to T; what stands after them is not read.

    Returns
    -------
    Tensor [B, C, q]
        The memory after the last step of each sequence.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import discrete_system, impulse_response, last_step
    >>> response = impulse_response(discrete_system(order=1, theta=4), 3)
    >>> u = torch.tensor([1.0, 0.0, 9.0], dtype=torch.float64).reshape(1, 3, 1)
    >>> last_step(response, u, lengths=torch.tensor([2])).flatten()
    tensor([0.1723], dtype=torch.float64)
    """
    if lengths is not None:
        u = _moved_to_the_end(u, lengths)
    return torch.einsum("btc,tq->bcq", u, response[: u.shape[1]].flip(0))


def advance(system: LegendreSystem, memory: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """Return Ad^n m: the memory after n steps without input, by squaring.

    Parameters
    ----------
    system : LegendreSystem
        In the dtype of the memory; float64 keeps large powers exact.
    memory : Tensor [B, C, q]
        m.
    steps : Tensor [B] of int
        n, of each sequence.

    Returns
    -------
    Tensor [B, C, q]
        After log2(n) products.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import LegendreSystem, advance
    >>> halves = LegendreSystem(torch.tensor([[-0.5]]), torch.tensor([1.0]))
    >>> advance(halves, torch.ones(2, 1, 1), torch.tensor([1, 3])).flatten()
    tensor([0.5000, 0.1250])
    """
    power, left = system.transition, steps
    while bool((left > 0).any()):
        odd = (left % 2 == 1)[:, None, None]
        memory = torch.where(odd, memory @ power.mT, memory)
        power, left = power @ power, left // 2
    return memory


def _moved_to_the_end(u: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """[B, T, C] with every sequence shifted so that its last step is the last; zeros before."""
    T = u.shape[1]
    place = torch.arange(T, device=u.device) - (T - lengths[:, None])  # [B, T]
    moved = u.gather(1, place.clamp(min=0).unsqueeze(-1).expand_as(u))
    return torch.where((place >= 0).unsqueeze(-1), moved, 0.0)
