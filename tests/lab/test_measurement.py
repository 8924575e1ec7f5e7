"""What instruments write: separators, decimal commas, units, gaps, and files that cannot be right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spicebridge.errors import SpiceBridgeError, TableError
from spicebridge.lab.measure.circuit_under_test import CircuitUnderTest
from spicebridge.lab.measure.measured import compare_measured
from spicebridge.lab.measure.measurement import map_channels, parse_signal, read_measurement
from tests.lab.networks import case

N = 100
T = 0.01 * np.arange(N)
Y = np.round(np.sin(T), 6)


def text(mark: str = ",", header: str = "t (s),CH1 (V),p[a]", decimal: str = ".") -> str:
    lines = [header.replace(",", mark)]
    lines += [mark.join(f"{x:.6f}".replace(".", decimal) for x in (t, y, -y)) for t, y in zip(T, Y, strict=True)]
    return "\n".join(lines) + "\n"


def reading(path: Path, content: str | bytes) -> dict[str, np.ndarray]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    read = read_measurement(path)
    return {"t": read.t, **read.values}


@pytest.mark.parametrize(
    "content",
    [
        text(),
        text(";"),
        text(";", decimal=","),
        text("\t", decimal=","),
        "\ufeff" + text(),
        text().encode("utf-16"),
        text().replace("\n", "\r\n"),
        text().replace("CH1", "CH1 \xb5").encode("latin-1").replace(b" \xb5", b""),
        "Model,X\nRange,20 V\n" + text(),
        text(header="t,CH1,p[a]\ns,V,V"),
        text(header="t,CH1,p[a]\n(s),(V),(V)"),
        text(header='"t","CH1","p[a]"\nsecond,Volt,Volt'),
        text().replace("\n", ",\n"),
    ],
)
def test_the_same_numbers_come_out_of_every_dialect(tmp_path: Path, content: str | bytes) -> None:
    found = reading(tmp_path / "scope.csv", content)
    assert list(found) == ["t", "CH1", "p[a]"]
    np.testing.assert_allclose(found["t"], T, atol=1e-12)
    np.testing.assert_allclose(found["CH1"], Y, atol=1e-12)
    np.testing.assert_allclose(found["p[a]"], -Y, atol=1e-12)


@pytest.mark.parametrize("header", ["t (ms),CH1 (mV),p[a] (uV)", "t,CH1,p[a]\nms,mV,\xb5V"])
def test_units_are_turned_into_si(tmp_path: Path, header: str) -> None:
    found = reading(tmp_path / "scope.csv", text(header=header).encode("latin-1"))
    np.testing.assert_allclose(found["t"], 1e-3 * T)
    np.testing.assert_allclose(found["CH1"], 1e-3 * Y)
    np.testing.assert_allclose(found["p[a]"], -1e-6 * Y)


def test_gaps_and_nan_are_lost_samples(tmp_path: Path) -> None:
    lines = text().splitlines()
    lines[5] = lines[5].rsplit(",", 1)[0] + ","
    lines[6] = lines[6].rsplit(",", 1)[0] + ",NaN"
    lines[7] = "nan,nan,nan"
    lines[8] = ",,"
    found = reading(tmp_path / "scope.csv", "\n".join(lines))
    assert np.isnan(found["p[a]"]).sum() == 2
    assert found["t"].size == N - 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            text().replace("0.500000,", "0.100000,"),
            r"scope.csv:52: time must increase, but 0.1 s follows 0.49 s; it goes back",
        ),
        (text().replace("0.500000,", "0.490000,"), "too few digits"),
        (text(decimal=","), "decimal commas need semicolons"),
        (text(header="t (s),CH1 (furlong),p[a]"), "furlong"),
        (text(header="t,CH1,CH1"), "different columns"),
        (text().replace("0.500000,", "half,"), r"scope.csv:52: .* must hold 3 numbers"),
        ("\n".join(line.rsplit(",", 1)[0] for line in text().splitlines()[1:]), "needs a header"),
        ("t (s),CH1 (V)\n0,1\n1,2\n", "too few"),
        (text(header="t,CH1 (V),p[a]"), "the unit of 'time' is nowhere in the file"),
        (text(header="t (s),CH1,p[a]"), "the unit of 'CH1' is nowhere in the file.*--units 'CH1=V'"),
        (b"\x00\x01", "not a CSV"),
        ("", "needs a header"),
    ],
)
def test_what_cannot_be_right_is_refused_with_the_place(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(TableError, match=message):
        reading(tmp_path / "scope.csv", content)


def test_channel_maps(tmp_path: Path) -> None:
    reading(tmp_path / "scope.csv", text())
    read = read_measurement(tmp_path / "scope.csv")
    assert list(map_channels(read, None)) == ["p[a]"]
    assert map_channels(read, {"CH1": "i[3]*-82.5"})["CH1"].factor == -82.5
    with pytest.raises(TableError, match="CH2"):
        map_channels(read, {"CH2": "i[3]"})
    with pytest.raises(TableError, match="must be p"):
        parse_signal("y[1]")


def test_a_time_in_other_units_is_noticed(tmp_path: Path) -> None:
    reading(tmp_path / "scope.csv", text(header="t,p[b],p[a]"))
    read = read_measurement(tmp_path / "scope.csv")
    built = CircuitUnderTest.of(case("two_loops").network, 1e-3 * T[-1])
    with pytest.raises(
        SpiceBridgeError, match=r"times go from 0 to 0.99 s, the run from 0 to 0.00099 s.*unit of the time"
    ):
        compare_measured(built, read, {"p[a]": parse_signal("p[a]")})
