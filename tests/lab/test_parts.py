"""Part records against the makers' figures, and a kit's decks in the simulator's own batch mode."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from spicebridge.lab.design.emulator import table
from spicebridge.lab.design.parts import ANALOG_INPUT, POTENTIOMETERS
from spicebridge.lab.design.plan import converter_range, pin_peak
from spicebridge.lab.kit.kit import write_kit
from tests.lab.networks import NAMES, case, plan


@pytest.mark.parametrize("name", POTENTIOMETERS)
def test_a_potentiometer_between_b_and_w_rises_by_a_1024th(name: str) -> None:
    """AD5293 data sheet: R_WB(D) = D/1024 R_AB, and the wiper in series."""
    part = POTENTIOMETERS[name]
    assert part.step == part.total / 1024
    assert part.largest == pytest.approx(part.wiper + 1023 / 1024 * part.total)
    assert part.wiper + 512 * part.step == pytest.approx(part.wiper + part.total / 2)


def test_the_code_table_rises_with_the_code() -> None:
    found = table(plan("k4"), 0)
    assert np.diff(found.ohms) == pytest.approx(np.full(1023, 20e3 / 1024))


@pytest.mark.parametrize("name", NAMES)
def test_every_pin_that_is_read_stays_in_a_range_of_the_part(name: str) -> None:
    planned = plan(name)
    span = converter_range(planned)
    assert span in (5.0, 10.0)
    assert all(pin_peak(planned, int(k)) <= span for k in np.flatnonzero(planned.emulated))
    # +-10 V on each of two pins is 40 V of difference in 18 bits.
    assert ANALOG_INPUT.step(10.0) == pytest.approx(40.0 / 262144)


def test_decks_of_a_kit_run_in_plain_batch_mode(tmp_path: Path) -> None:
    write_kit(tmp_path / "kit", case("k4"))
    for what in ("ideal", "realistic"):
        done = subprocess.run(
            ["ngspice", "-b", f"{what}_ngspice.cir"], cwd=tmp_path / "kit", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "no simulations run" not in done.stdout + done.stderr
        assert "No. of Data Rows" in done.stdout
    firmware = json.loads((tmp_path / "kit" / "firmware.json").read_text())
    assert firmware["converter_range_V"] in (5.0, 10.0)
