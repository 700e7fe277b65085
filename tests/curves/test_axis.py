"""The axis: laws on any column, and the columns that break others."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from superpose.curves import Axis
from superpose.errors import InputError

RNG = np.random.default_rng(0)
COLUMNS = {
    "normal": RNG.normal(size=1000),
    "lognormal": np.exp(2 * RNG.normal(size=1000)),
    "cauchy": RNG.standard_cauchy(1000),
    "outlier": np.append(RNG.uniform(size=1000), 1e9),
    "outlier below": np.append(RNG.uniform(size=1000), -1e9),
    "spike of zeros": np.append(np.zeros(4000), RNG.exponential(size=1000)),
    "two humps": np.append(RNG.normal(size=500), 100 + RNG.normal(size=500)),
    "ties": RNG.poisson(30, size=1000).astype(float),
    "huge": 1e300 * RNG.normal(size=500),
    "whole range": 1.7e308 * np.linspace(-1, 1, 300),
    "denormal": 1e-310 * RNG.normal(size=500),
    "few": np.repeat([0.0, 1.0, 2.0, 1e9], 5),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_map_is_increasing_finite_and_undone(name):
    x = COLUMNS[name]
    axis = Axis.from_data(x, n_knots=20)
    u = axis.to_axis(np.unique(x))
    assert np.isfinite(u).all()
    assert (u[0], u[-1]) == (0.0, 1.0)
    assert (np.diff(u) > 0).all()
    grid = np.linspace(0, 1, 501)
    assert axis.to_axis(axis.from_axis(grid)) == pytest.approx(grid, abs=1e-10)
    span = np.unique(x)[-1] / 2 - np.unique(x)[0] / 2
    error = np.abs(axis.from_axis(axis.to_axis(x)) - x) / 2
    assert (error <= 1e-10 * span).all()
    assert (np.diff(axis.knots) > 0).all()


@pytest.mark.parametrize("name", COLUMNS)
def test_no_knot_interval_is_wasted_beyond_what_a_gap_in_the_units_asks(name):
    x = COLUMNS[name]
    axis = Axis.from_data(x, n_knots=20, blend=1.0)
    if len(np.unique(x)) <= 20:
        assert axis.from_axis(axis.knots) == pytest.approx(np.unique(x))
        return
    counts = np.histogram(axis.to_axis(x), axis.knots)[0]
    free = ~_beside_a_tied_value(axis, x)
    assert free.any()
    assert (counts > 0)[free].mean() >= 0.9  # ranks alone: hardly an interval without data
    widest = np.diff(np.unique(axis.to_axis(x))).max()
    assert widest <= 4 / 20 / (1 - 4 / 20)  # a tied value takes four spacings, ends stretched


def _beside_a_tied_value(axis, x):
    """Which intervals lie within the two spacings that a value of many rows takes on each side."""
    values, rows = np.unique(x, return_counts=True)
    tied = axis.to_axis(values[rows / len(x) > 1 / 20])
    spacing = axis.knots[1] - axis.knots[0]
    middle = (axis.knots[1:] + axis.knots[:-1]) / 2
    return (np.abs(middle[:, None] - tied) <= 2.5 * spacing).any(1)


@pytest.mark.parametrize("blend", [0.3, 0.65, 0.9])
def test_a_lonely_value_takes_no_more_than_the_share_of_the_units(blend):
    for name in ("outlier", "outlier below", "spike of zeros", "lognormal"):
        axis = Axis.from_data(COLUMNS[name], n_knots=20, blend=blend)
        tied = blend * 4 / 20 / (1 - 4 / 20) if name == "spike of zeros" else blend * 0.01
        assert np.diff(np.sort(axis.to_axis(COLUMNS[name]))).max() < 1 - blend + tied


def test_the_axis_follows_the_units_three_body_widths_out_and_no_further():
    """One far value takes the units' share of three body widths, wherever beyond them it lies."""
    x = np.append(np.linspace(0, 1, 1001), [1e3])
    near, far = (Axis.from_data(np.where(x == 1e3, v, x)) for v in (12.0, 1e9))
    assert far.to_axis(1.0) == pytest.approx(near.to_axis(1.0), abs=1e-3)
    assert 1 - far.to_axis(1.0) == pytest.approx(0.35 * 3 / 4, abs=0.01)
    inside = Axis.from_data(np.where(x == 1e3, 2.0, x))
    assert 1 - inside.to_axis(1.0) == pytest.approx(0.35 / 2, abs=0.01)


@pytest.mark.parametrize("name", ["normal", "lognormal", "outlier", "few", "two humps"])
def test_map_is_once_differentiable(name):
    """The slopes just left and just right of every stored point agree, ends included."""
    axis = Axis.from_data(COLUMNS[name], n_knots=20)
    points = torch.from_numpy(axis.points_x)
    slopes = []
    for side in (-torch.inf, torch.inf):
        x = torch.nextafter(points, torch.tensor(side, dtype=torch.float64)).requires_grad_()
        slopes.append(torch.autograd.grad(axis.to_axis(x).sum(), x)[0].numpy())
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-6)
    assert (slopes[0] > 0).all()


def test_outside_the_data_the_map_is_straight():
    axis = Axis.from_data(COLUMNS["normal"])
    x = axis.points_x[-1] + np.array([0.0, 1.0, 2.0, 50.0])
    slopes = np.diff(axis.to_axis(x)) / np.diff(x)
    assert slopes == pytest.approx(slopes[0])
    assert slopes[0] > 0
    assert np.isfinite(axis.to_axis(np.array([1e308, -1e308, np.inf]))).all()
    assert np.isnan(axis.to_axis(np.array([np.nan]))).all()


@pytest.mark.parametrize(("n_distinct", "expected"), [(1, 1), (2, 2), (7, 7), (8, 8), (9, 8)])
def test_few_distinct_values_get_a_knot_each(n_distinct, expected):
    x = np.repeat(np.arange(n_distinct) ** 2.0, 10)
    axis = Axis.from_data(x, n_knots=8)
    assert len(axis.knots) == expected
    if n_distinct <= 8:
        assert axis.from_axis(axis.knots) == pytest.approx(np.unique(x), abs=1e-12)


@pytest.mark.parametrize("x", [[], [np.nan, np.nan], [3.0, 3.0, np.nan]])
def test_constant_and_empty_columns_have_one_knot(x):
    axis = Axis.from_data(np.array(x))
    assert axis.knots.tolist() == [0.5]
    assert axis.from_axis(axis.to_axis(np.array([3.0, 5.0]))) == pytest.approx([3.0, 5.0])


def test_tensors_and_arrays_agree_and_the_axis_survives_json():
    x = COLUMNS["lognormal"]
    axis = Axis.from_data(torch.from_numpy(x))
    again = Axis.from_dict(json.loads(json.dumps(axis.to_dict())))
    u = again.to_axis(torch.from_numpy(x))
    assert isinstance(u, torch.Tensor)
    assert (u.numpy() == axis.to_axis(x)).all()
    assert (again.knots == axis.knots).all()


columns = st.lists(
    st.floats(-1e6, 1e6).map(lambda v: round(v, 3)) | st.integers(-3, 3).map(float),
    min_size=2,
    max_size=60,
).map(np.array)


@given(x=columns, seed=st.integers(0, 100))
def test_order_and_repetition_of_rows_change_nothing(x, seed):
    rng = np.random.default_rng(seed)
    weight = rng.integers(0, 3, size=len(x)).astype(float)
    weight[0] = 1.0
    repeated = np.repeat(x, weight.astype(int))
    plain = Axis.from_data(repeated, n_knots=8).to_dict()
    order = rng.permutation(len(x))
    assert Axis.from_data(x, n_knots=8, sample_weight=weight).to_dict() == plain
    assert Axis.from_data(x[order], n_knots=8, sample_weight=weight[order]).to_dict() == plain
    assert Axis.from_data(np.append(repeated, np.nan), n_knots=8).to_dict() == plain


@given(x=columns, shift=st.floats(-1e3, 1e3), scale=st.floats(1e-3, 1e3))
def test_shift_and_scale_of_the_units_change_nothing(x, shift, scale):
    axis, moved = Axis.from_data(x, n_knots=8), Axis.from_data(scale * x + shift, n_knots=8)
    if len(np.unique(x)) != len(np.unique(scale * x + shift)) or len(np.unique(x)) == 1:
        return
    assert moved.to_axis(scale * x + shift) == pytest.approx(axis.to_axis(x), abs=1e-6)
    assert moved.knots == pytest.approx(axis.knots, abs=1e-6)


@given(x=st.lists(st.floats(allow_nan=True, allow_infinity=False), min_size=1, max_size=40))
def test_any_floats_at_all(x):
    axis = Axis.from_data(np.array(x), n_knots=6)
    finite = np.array([v for v in x if np.isfinite(v)])
    u = axis.to_axis(finite)
    assert np.isfinite(u).all()
    assert np.isfinite(axis.from_axis(np.linspace(-0.5, 1.5, 21))).all()
    assert (np.diff(u[np.argsort(finite)]) >= 0).all()
    assert (np.diff(axis.points_u) > 0).all()
    assert (np.diff(axis.points_x) > 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_knots": 0}, "n_knots must be at least 1; got n_knots=0; pass 5 to 40"),
        ({"blend": 0.0}, "blend must be above 0 and at most 1; got blend=0.0; "
         "pass 0.65, or 1 for ranks"),
        ({"sample_weight": [1.0]}, "sample_weight must hold one finite number >= 0 for each row; "
         "got weights of shape (1,) for 2 rows; pass one weight a row, or leave sample_weight out"),
    ],
)  # fmt: skip
def test_errors(options, message):
    with pytest.raises(InputError) as error:
        Axis.from_data(np.array([1.0, 2.0]), **options)
    assert str(error.value) == message
