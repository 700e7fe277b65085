"""The scan of temporal diffusion: all its forms are the plain loop, and that is the update."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.oracles.diffused_quantizer import diffuse

from superpose.curves.diffusion import fast_diffusion, host_diffusion, plain_diffusion
from superpose.curves.integer_diffusion import IntegerDiffusion
from superpose.errors import InputError

SOURCE = Path(__file__).parents[2] / "src"


def case(*shape: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    """Activity of both signs, and a start."""
    source = torch.Generator().manual_seed(1)
    x = torch.tanh(2 * torch.randn(*shape, generator=source, dtype=dtype))
    return x, torch.rand(shape[0], shape[2], generator=source, dtype=dtype)


@pytest.mark.parametrize("grid", [0, 16])
@pytest.mark.parametrize("form", [plain_diffusion, host_diffusion])
def test_counts_are_those_of_exact_fractions(form, grid) -> None:
    x, v = case(2, 40, 3, dtype=torch.float64)
    v = torch.floor(v * 16) / 16
    y, last = form(x, v, torch.tensor(3.0), float(grid))
    for row in range(2):
        for f in range(3):
            counts, states = diffuse(x[row, :, f].tolist(), float(v[row, f]), 3.0, grid)
            assert torch.round(3 * y[row, :, f]).tolist() == counts
            assert float(last[row, f]) == pytest.approx(float(states[-1]), abs=1e-13)


@pytest.mark.parametrize("grid", [0.0, 64.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 50, 17), (2, 0, 4), (0, 3, 4)])
def test_the_compiled_loop_is_the_plain_one_bit_for_bit(shape, dtype, grid) -> None:
    x, v = case(*shape, dtype=dtype)
    dt = torch.tensor(2.7)
    for own, plain in zip(
        host_diffusion(x, v, dt, grid), plain_diffusion(x, v, dt, grid), strict=True
    ):
        assert own.dtype == dtype
        assert torch.equal(own, plain)


def test_inputs_may_be_strided_and_are_left_alone() -> None:
    x, v = case(3, 20, 6)
    strided, before = x.transpose(0, 1).contiguous().transpose(0, 1)[:, :, ::2], v.clone()
    y, last = fast_diffusion(strided, v[:, ::2], torch.tensor(2.0))
    expected = plain_diffusion(strided, v[:, ::2], torch.tensor(2.0), 0.0)
    assert torch.equal(y, expected[0])
    assert torch.equal(last, expected[1])
    assert torch.equal(v, before)


def test_float16_takes_the_plain_loop() -> None:
    x, v = case(2, 10, 3)
    y, last = fast_diffusion(x.half(), v.half(), torch.tensor(2.0))
    assert y.dtype == last.dtype == torch.float16
    assert torch.equal(y, plain_diffusion(x.half(), v.half(), torch.tensor(2.0), 0.0)[0])


def test_the_gradient_passes_straight_through_and_nowhere_else() -> None:
    x, v = case(2, 9, 3)
    dt = torch.tensor(2.0, requires_grad=True)
    x.requires_grad_(), v.requires_grad_()
    y, last = fast_diffusion(x, v, dt)
    flow = torch.randn(y.shape)
    got = torch.autograd.grad(y, (x, v, dt), flow, allow_unused=True)
    assert torch.equal(got[0], flow)
    assert got[1] is got[2] is None
    assert not last.requires_grad


@pytest.mark.slow
def test_torch_compile_sees_one_operator_with_the_same_gradient() -> None:
    x, v = case(2, 9, 3)
    dt = torch.tensor(2.0)
    compiled = torch.compile(
        lambda *a: fast_diffusion(*a)[0].square().sum(), fullgraph=True, backend="aot_eager"
    )
    one, two = x.clone().requires_grad_(), x.clone().requires_grad_()
    compiled(one, v, dt).backward()
    fast_diffusion(two, v, dt)[0].square().sum().backward()
    torch.testing.assert_close(one.grad, two.grad)
    operator = torch.ops.superpose.diffusion.default
    torch.library.opcheck(operator, (x.requires_grad_(), v, dt, 0.0))


KERNEL = """
import torch
from superpose.curves.diffusion import plain_diffusion
from superpose.curves.diffusion_kernel import kernel_diffusion
source = torch.Generator().manual_seed(0)
for shape in (2, 9, 200), (1, 1, 1), (3, 0, 5):
    for grid in 0.0, 16.0:
        x = torch.randn(shape, generator=source)
        v = torch.floor(16 * torch.rand(shape[0], shape[2], generator=source)) / 16
        given = x, v, torch.tensor(2.7), grid
        for own, plain in zip(kernel_diffusion(*given), plain_diffusion(*given)):
            assert torch.equal(own, plain), shape
"""


@pytest.mark.slow
def test_the_kernel_is_the_plain_loop_where_triton_interprets_it() -> None:
    """On the host, in a process of its own: triton reads the switch when it is imported."""
    pytest.importorskip("triton", reason="needs triton, which comes with torch for CUDA")
    found = os.pathsep.join([str(SOURCE), *sys.path])
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": found}
    done = subprocess.run(
        [sys.executable, "-c", KERNEL], env=environment, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stderr) == (0, "")


MACHINE_CODE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from superpose.curves.diffusion_kernel import LANES, ROUNDS, _kernel
types = dict.fromkeys(("y", "v", "x", "dt"), "*fp32") | {"steps": "i32", "features": "i32"}
types |= {"grid": "fp32", "part": "fp32", "LANES": "constexpr", "ROUNDS": "constexpr"}
source = ASTSource(_kernel(), types, {"LANES": LANES, "ROUNDS": ROUNDS})
options = {"enable_fp_fusion": False}
code = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options).asm["ptx"]
assert "div.rn.f32" in code and "cvt.rmi" in code and "fma" not in code and "div.full" not in code
"""


@pytest.mark.slow
def test_the_kernel_becomes_machine_code_without_a_gpu_and_rounds_as_it_says() -> None:
    pytest.importorskip("triton", reason="needs triton, which comes with torch for CUDA")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", MACHINE_CODE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_kernel_is_the_plain_loop_on_a_gpu() -> None:
    pytest.importorskip("triton")
    x, v = case(3, 50, 200)
    given = x.cuda(), v.cuda(), torch.tensor(2.7).cuda(), 0.0
    for own, plain in zip(fast_diffusion(*given), plain_diffusion(*given), strict=True):
        assert torch.equal(own, plain)


@pytest.mark.parametrize("register", [1, 8, 30])
def test_the_integer_form_is_that_of_fractions_and_v_fits_the_register(register) -> None:
    rng = np.random.default_rng(0)
    top = 2**register
    drive, v = rng.integers(-3 * top, 3 * top, 200), int(rng.integers(top))
    neuron = IntegerDiffusion(register, np.array([v]))
    counts = []
    for a in drive:
        counts.append(int(neuron.step(np.array([a]))[0]))
        assert 0 <= neuron.v[0] < top
    expected, states = diffuse([int(a) for a in drive], v / top, 1 / top)
    assert counts == expected
    assert int(neuron.v[0]) == states[-1] * top


@pytest.mark.parametrize("given", [(0, 0), (31, 0), (3, 8), (3, -1)])
def test_a_register_that_cannot_be_is_refused(given) -> None:
    register, v = given
    with pytest.raises(InputError, match="must be from"):
        IntegerDiffusion(register, np.array([v]))
