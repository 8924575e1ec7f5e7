"""The C source of a kit, compiled for this machine, runs the emulators of a build: its states lie in the bands."""

from __future__ import annotations

import ctypes
import os
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from spicebridge.arrays import Array
from spicebridge.lab.design.builds import Errors, rates
from spicebridge.lab.design.emulator import run_firmware
from spicebridge.lab.design.firmware import format_source
from spicebridge.lab.design.montecarlo import spread
from spicebridge.lab.design.parts import ANALOG_INPUT
from spicebridge.lab.design.plan import Plan, converter_range
from spicebridge.lab.design.wiring import target_offset
from spicebridge.theory.currents.topology import Topology
from tests.lab import test_laws
from tests.lab.networks import plan

CC = os.environ.get("CC", "cc")
STRICT = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function")
READ = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_double))
WRITE = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_uint)
DOORS = """
void (*reader)(double *);
void (*writer)(int, unsigned);
void read_volts(double *volts) { reader(volts); }
void write_code(int n, unsigned code) { writer(n, code); }
double probe_rate(int n, double s, double v, double i) { return table[n].rate(s, v, i); }
double probe_ohm(int n, double s) { return table[n].resistance(s); }
"""
PICO = {
    "hardware/spi.h": """
typedef struct spi spi_inst_t;
extern spi_inst_t *spi0;
enum { SPI_CPOL_0, SPI_CPOL_1 };
enum { SPI_CPHA_0, SPI_CPHA_1 };
enum { SPI_MSB_FIRST = 1 };
unsigned spi_init(spi_inst_t *, unsigned);
void spi_set_format(spi_inst_t *, unsigned, int, int, int);
int spi_write_blocking(spi_inst_t *, const uint8_t *, size_t);
int spi_read_blocking(spi_inst_t *, uint8_t, uint8_t *, size_t);
""",
    "pico/stdlib.h": """
typedef uint64_t absolute_time_t;
enum { GPIO_FUNC_SPI = 1 };
void gpio_init(unsigned); void gpio_set_dir(unsigned, int); void gpio_put(unsigned, int); int gpio_get(unsigned);
void gpio_pull_down(unsigned); void gpio_set_function(unsigned, int);
void busy_wait_us_32(uint32_t); void tight_loop_contents(void);
absolute_time_t get_absolute_time(void); absolute_time_t delayed_by_us(absolute_time_t, uint64_t);
void busy_wait_until(absolute_time_t);
""",
}


def compiled(planned: Plan, folder: Path) -> ctypes.CDLL:
    source, library = folder / "firmware.c", folder / "firmware.so"
    source.write_text(format_source(planned) + DOORS)
    # A missing compiler fails here: setup/compiler.sh installs one with `make`.
    subprocess.run([CC, *STRICT, "-shared", "-fPIC", "-o", library, source, "-lm"], check=True)
    loaded = ctypes.CDLL(str(library))
    for name in ("firmware_state", "probe_rate", "probe_ohm"):
        getattr(loaded, name).restype = ctypes.c_double
    return loaded


def run_in_circuit(planned: Plan, library: ctypes.CDLL, errors: Errors, *, ideal: bool = False) -> tuple[Array, Array]:
    """Times and states (n_t, n) of the program in a build with `errors`: potentiometers of true ohms, an offset and a gain of
    the converter, true sources, Kirchhoff's laws in between."""
    network, pot = planned.network, planned.pot
    edges = np.flatnonzero(planned.emulated)
    A = Topology.of(network).A.toarray()
    offset = np.array([target_offset(planned, k) for k in range(network.n_edges)])
    period = 1.0 / planned.bench.update_rate
    t = np.arange(round(planned.stop / period) + 1) * period
    S = network.bank(t) * (1.0 + errors.source[0]) + errors.source_offset[0]
    lsb = ANALOG_INPUT.step(converter_range(planned))
    ohms = network.resistance(network.initial_state) + offset
    pending = ohms.copy()
    now = [0]

    def read(volts: ctypes.Array[ctypes.c_double]) -> None:
        R = network.P * (ohms - offset) * (1.0 + errors.resistance[0])
        i = A.T @ np.linalg.solve((A * R) @ A.T, A @ S[now[0]])
        seen = (R / network.P + offset) * i * (1.0 + errors.reading[0]) + errors.reading_offset[0]
        seen = lsb * np.rint(seen / lsb)
        for n, k in enumerate(edges.tolist()):
            volts[n] = seen[k]

    def write(n: int, code: int) -> None:
        pending[edges[n]] = pot.wiper + code * pot.step

    doors = READ(read), WRITE(write)
    ctypes.c_void_p.in_dll(library, "reader").value = ctypes.cast(doors[0], ctypes.c_void_p).value
    ctypes.c_void_p.in_dll(library, "writer").value = ctypes.cast(doors[1], ctypes.c_void_p).value
    library.firmware_start()
    ohms = pending.copy()
    states = np.empty((t.size, edges.size))
    for step in range(t.size):
        now[0] = step
        states[step] = [library.firmware_state(n) for n in range(edges.size)]
        library.firmware_step()
        ohms = pending.copy()
    return t, states


@cache
def banded(name: str) -> tuple[Plan, object]:
    found = spread(plan(name), loop=run_firmware(plan(name)))
    return found.plan, found.band


@pytest.mark.parametrize("name", ["k4", "two_loops"])
def test_the_compiled_program_stays_in_the_bands_of_a_build(name: str, tmp_path: Path) -> None:
    planned, band = banded(name)
    edges = np.flatnonzero(planned.emulated).tolist()
    columns = [band.names.index(f"w[{k}]") for k in edges]  # type: ignore[attr-defined]
    library = compiled(planned, tmp_path)
    n_e = planned.network.n_edges
    t, states = run_in_circuit(planned, library, Errors.none(1, n_e))
    # With perfect parts it is the loop that the kit itself was computed with.
    expected = run_firmware(planned)
    np.testing.assert_allclose(states, expected.state[:, edges], atol=1e-9)
    for seed in range(2):
        _, states = run_in_circuit(planned, library, Errors.drawn(planned, 1, 100 + seed))
        at = np.column_stack([np.interp(band.t, t, column) for column in states.T])  # type: ignore[attr-defined]
        off = np.abs(at - band.mean[:, columns]) / band.half[:, columns]  # type: ignore[attr-defined]
        assert off.max() <= 1.0
        assert off.max() > 0.05


@pytest.mark.parametrize("name", test_laws.LAWS)
def test_every_law_is_the_library_s_in_c(name: str, tmp_path: Path) -> None:
    planned = test_laws.plan(name)
    library = compiled(planned, tmp_path)
    network, rng = planned.network, np.random.default_rng(4)
    peak = np.abs(planned.waves.voltage).max()
    for _ in range(40):
        s = rng.uniform(0.02, 0.98, network.n_edges)
        v = rng.uniform(-1.5, 1.5, network.n_edges) * peak
        R = network.resistance(s)
        expected = rates(network, s, v / R, R)
        for k in range(network.n_edges):
            arguments = [ctypes.c_double(float(x)) for x in (network.J[k] * v[k], network.J[k] * v[k] / R[k])]
            state = ctypes.c_double(float(s[k]))
            assert library.probe_ohm(k, state) == pytest.approx(R[k], rel=1e-12)
            found = library.probe_rate(k, state, *arguments)
            assert found == pytest.approx(expected[k], rel=1e-9, abs=1e-12 * max(np.abs(expected).max(), 1.0))


def test_the_drivers_of_the_board_compile(tmp_path: Path) -> None:
    """Against declarations of what they call of the Pico SDK, a controller board at a time."""
    for name, text in PICO.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#include <stddef.h>\n#include <stdint.h>\n" + text)
    source = tmp_path / "firmware.c"
    source.write_text(format_source(plan("grid3x3")))
    for group in (1, 2):
        flags = [*STRICT, "-Wno-misleading-indentation", "-DRP2040", f"-DGROUP_NUMBER={group}", f"-I{tmp_path}"]
        subprocess.run([CC, *flags, "-fsyntax-only", source], check=True)
