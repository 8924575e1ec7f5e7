"""Bands hold what the kit knows of itself; generator files are read back as the waveforms they stand for."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from spicebridge.lab.design.builds import Ensemble, Errors, integrate_builds
from spicebridge.lab.design.emulator import run_firmware
from spicebridge.lab.design.montecarlo import Band, Built, sense_errors, spread, test_points
from spicebridge.lab.design.realistic import run_realistic
from spicebridge.lab.design.wiring import wire
from spicebridge.lab.kit.generator import instrument_files, is_constant, samples, setting
from spicebridge.waveforms import Waveforms
from tests.lab.networks import plan


@cache
def band_and_loop(name: str) -> tuple[Band, Waveforms]:
    planned = plan(name)
    loop = run_firmware(planned)
    return spread(planned, run=run_realistic(planned), loop=loop).band, loop


@pytest.mark.parametrize("name", ["k4", "two_loops"])
def test_the_kits_own_emulator_lies_inside_at_every_row(name: str) -> None:
    """Perfect parts, stepped potentiometers and converters: 40 million times the rounding of w at t = 0."""
    band, loop = band_and_loop(name)
    planned = plan(name)
    rows = np.searchsorted(loop.t, band.t).clip(0, loop.t.size - 1)
    for j, label in enumerate(band.names):
        if label.startswith("w"):
            k = int(label[2:-1])
            off = np.abs(loop.state[rows, k] - band.mean[:, j])
            assert (off <= band.half[:, j] + 1e-12).all()
    # Without what is known of the loop the states would leave it.
    assert (np.abs(Built.of(planned, None, loop).patterns).max(axis=(0, 1)) > 0).all()


@pytest.mark.parametrize("name", ["k4", "two_loops"])
def test_fresh_builds_lie_inside_as_read_over_real_sense_resistors(name: str) -> None:
    band, _ = band_and_loop(name)
    planned = plan(name)
    runs: Ensemble = integrate_builds(
        planned.network, planned.stop, Errors.drawn(planned, 800, seed=91), ground=planned.gauge.ground
    )
    names, signals = test_points(planned, runs)
    inside = band.contains(signals * sense_errors(planned, names, 800, seed=[92]))
    assert set(inside) == set("piw")
    # Of 800, so that chance is 0.7 % where 96.5 % is promised.
    assert min(x.mean() for x in inside.values()) >= 0.95, {kind: x.mean() for kind, x in inside.items()}


def test_generator_files_are_the_waveform() -> None:
    planned = plan("k4")
    parts = [x for x in wire(planned) if x.kind == "generator"]
    moving = next(x for x in parts if not is_constant(planned, x))
    _, v = samples(planned, moving)
    found = setting(planned, moving)
    files = instrument_files(planned, moving)
    lines = files["_keysight.arb"].splitlines()
    codes = np.array([int(x) for x in lines[lines.index("Data:") + 1 :]])
    read = found.offset + 0.5 * found.amplitude * codes / 32767
    assert np.abs(read - v).max() <= found.amplitude / 65534
    assert found.samples / planned.bench.generator_rate == pytest.approx(1.0 / found.frequency)
    raf = files[".raf"]
    assert isinstance(raf, bytes)
    assert len(raf) == 2 * v.size
    words = np.array([raf[2 * n] + 256 * raf[2 * n + 1] for n in range(v.size)])
    assert (words.min(), words.max()) == (0, 16383)
    assert np.abs(found.low + found.amplitude * words / 16383 - v).max() <= found.amplitude / 32766 * (1 + 1e-9)
    siglent = [x.split(",") for x in files["_siglent.csv"].splitlines()]
    head = {x[0]: float(x[1]) for x in siglent[:5]}
    assert head["data length"] == v.size
    assert head["amp"] == pytest.approx(found.amplitude)
    rows = siglent[siglent.index(["xpos", "value"]) + 1 :]
    np.testing.assert_allclose([float(x[1]) for x in rows], v, rtol=1e-8)


def test_a_constant_is_a_setting() -> None:
    planned = plan("two_loops")
    constant = next(x for x in wire(planned) if x.kind == "generator" and is_constant(planned, x))
    assert instrument_files(planned, constant) == {}
    t, v = samples(planned, constant)
    assert t.size == 2
    assert v[0] == v[1]
    assert str(setting(planned, constant)).startswith(f"DC {v[0]:.6g} V")
