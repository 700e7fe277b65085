"""Activity and energy, counted again by loops, and the rows that must stand beside each other."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from superpose.errors import InputError
from superpose.sequences import ARITHMETIC, DEVICES, HybridLMU, activity_report
from superpose.sequences.activity import _tallied


@pytest.fixture(scope="module")
def model() -> HybridLMU:
    return HybridLMU(1, 8, 3, 6, 30.0, dt=2.5, window=4, random_state=2).eval()


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return torch.randn(20, 40, 1, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def report(model, x):
    labels = torch.arange(20) % 3
    return activity_report(model, x, labels)


def by_loops(model: HybridLMU, x: torch.Tensor) -> dict[str, list[int]]:
    """All counts of both populations; the sequences in the same batches."""
    found: dict[str, list[int]] = {"memory readout": [], "hidden": []}
    for rows in x.split(16):
        run = model.run(rows)
        found["memory readout"] += (2.5 * run.memory).round().int().flatten().tolist()
        found["hidden"] += (2.5 * run.hidden).round().int().flatten().tolist()
    return found


def test_activity_is_what_loops_count(model, x, report) -> None:
    for own in report.networks[0].populations:
        counts = by_loops(model, x)[own.name]
        share = 1 / len(counts)
        words = [bin(abs(n))[2:] if n else "" for n in counts]
        signed = min(counts) < 0 < max(counts)
        expected = {
            "events": share * sum(n != 0 for n in counts),
            "size": share * sum(map(abs, counts)),
            "bits": share * sum(len(w) + (signed and bool(w)) for w in words),
            "significant_bits": share * sum(len(w.rstrip("0")) for w in words),
            "popcount": share * sum(w.count("1") for w in words),
            "single": share * sum(abs(n) == 1 for n in counts),
            "graded_popcount": share * sum(w.count("1") for w in words if len(w) > 1),
            "largest": max(map(abs, counts)),
            "range_bits": math.log2(max(counts) - min(min(counts), 0) + 1),
            "sparsity": share * counts.count(0),
        }
        for name, value in expected.items():
            assert getattr(own, name) == pytest.approx(value), name
        assert 0 < own.events < 1


def test_operations_are_those_of_every_event_and_weight(model, x, report) -> None:
    counts, done = by_loops(model, x), report.networks[0].operations
    steps, fans = 20 * 40, {"memory readout": 8, "hidden": 3}
    adds = sum(fans[k] * sum(abs(n) == 1 for n in counts[k]) for k in fans) / steps
    graded = sum(fans[k] * sum(abs(n) > 1 for n in counts[k]) for k in fans) / steps
    spikes = sum(fans[k] * sum(map(abs, counts[k])) for k in fans) / steps
    assert done.adds == pytest.approx(adds)
    assert done.graded == pytest.approx(graded)
    assert done.spikes == pytest.approx(spikes)
    assert done.multiply_adds == 6 * 6 + 6 + 1
    assert done.connections == 43 + 6 * 8 + 8 * 3
    assert done.updates == 14
    events = sum(sum(n != 0 for n in counts[k]) for k in fans) / steps
    weights = adds + graded
    # weights, then states: m, v of 14 neurons, and events, each read and written
    assert done.accesses == pytest.approx(43 + weights + 2 * 6 + 2 * 14 + 2 * events)
    assert done.access_picojoule == pytest.approx(10 * done.accesses)  # all arrays are small


def test_the_plain_network_and_equal_bits_stand_beside_it(report) -> None:
    own, rounded, plain = report.networks
    assert [each.name for each in report.networks] == [
        "diffused",
        "memoryless, equal bits",
        "plain",
    ]
    assert rounded.bits == pytest.approx(own.bits, rel=0.02)
    assert plain.bits == plain.significant_bits == 32
    assert plain.operations.multiply_adds == own.operations.connections
    assert plain.operations.adds == plain.operations.graded == 0
    assert all(0 <= each.accuracy <= 1 for each in report.networks)


def test_significant_bits_are_weighed_by_fan_out(report) -> None:
    one, two = report.networks[0].populations
    expected = (6 * 8 * one.significant_bits + 8 * 3 * two.significant_bits) / (6 * 8 + 8 * 3)
    assert report.networks[0].significant_bits == pytest.approx(expected)


def test_energy_of_every_table_by_hand(report) -> None:
    energy = report.energy().set_index(["network", "table"])
    assert len(energy) == 3 * (len(ARITHMETIC) + len(DEVICES))
    done, plain = report.networks[0].operations, report.networks[2].operations
    row = energy.loc["diffused", "45 nm, 32-bit float"]
    arithmetic = 4.6 * done.multiply_adds + 0.9 * (done.adds + done.graded_adds)
    assert row.arithmetic == pytest.approx(arithmetic / 1000)
    assert row.total == pytest.approx((arithmetic + done.access_picojoule) / 1000)
    assert energy.loc["plain", "INT8"].arithmetic == pytest.approx(0.23 * 115 / 1000)
    loihi = (43 + done.spikes) * 27.1 + 14 * 81
    assert energy.loc["diffused", "loihi"].total == pytest.approx(loihi / 1000)
    assert math.isnan(energy.loc["plain", "loihi"].total)
    cpu = energy.loc[("plain", "cpu (i7-4960X)")].total
    assert cpu == pytest.approx((plain.connections + 14) * 8.6)
    assert energy.source.str.len().min() > 10


def test_the_text_has_every_table_and_every_definition(report) -> None:
    text = str(report)
    for cost in (*ARITHMETIC, *DEVICES):
        assert cost.name in text
        assert cost.source in text
    assert "floor(log2|n|) + 1" in text
    assert "multiplying each weight" in text


def test_the_model_is_left_as_it_was(model, x) -> None:
    model.train()
    activity_report(model, x[:2])
    assert model.training
    assert float(model.resolution.dt) == 2.5
    model.eval()


def test_what_cannot_be_reported_is_refused(model, x) -> None:
    with pytest.raises(InputError, match="a report is of a network of events"):
        activity_report(model.quantized("none"), x)
    with pytest.raises(InputError, match="got 3 labels of 20 sequences"):
        activity_report(model, x, torch.zeros(3))
    silent = model.quantized("memoryless")
    silent.resolution.set(1e-6)
    with pytest.raises(InputError, match="must emit events.*raise dt"):
        activity_report(silent, x)


def test_a_graded_count_has_a_column_of_its_own() -> None:
    """At a fine dt almost nothing is a single event."""
    model = HybridLMU(1, 8, 3, 6, 30.0, dt=500.0).eval()
    x = torch.randn(2, 40, 1, generator=torch.Generator().manual_seed(0))
    done = activity_report(model, x).networks[0].operations
    assert done.graded > 20 * done.adds
    assert done.graded_adds > 2 * done.graded


def test_values_are_tallied_alike_in_a_small_and_a_large_range() -> None:
    source = torch.Generator().manual_seed(0)
    counts = torch.randint(-9, 9, (500,), generator=source)
    for factor in (1, 10**6):
        n, often = _tallied(factor * counts)
        seen = {int(value): int(k) for value, k in zip(n, often, strict=True) if k}
        assert seen == Counter((factor * counts).tolist())
