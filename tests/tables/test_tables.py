"""Files of others: what a column is called decides what it is, and what cannot be told is refused with the cure."""

from __future__ import annotations

import struct
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import scipy.io

import spicebridge as sb
from spicebridge.errors import SpiceBridgeError, TableError
from spicebridge.tables import parse_signal, read_table
from spicebridge.tables.names import parse_heading, parse_unit

T = np.linspace(0.0, 2.0, 9)
W = np.column_stack([0.1 + 0.05 * T, 0.5 - 0.1 * T, 0.2 + 0.01 * T**2])
DEVICE = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 1.0)
TRIANGLE = sb.Network.from_graph(nx.complete_graph(3), device=DEVICE)


def rows(columns: list[np.ndarray], mark: str = ",", decimal: str = ".") -> str:
    return "\n".join(mark.join(repr(float(x)).replace(".", decimal) for x in row) for row in zip(*columns, strict=True))


def load(path: Path, text: str | bytes, **how: object) -> sb.Waveforms:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return sb.Waveforms.load(path, **how)  # type: ignore[arg-type]


OURS = [T, *W.T]
TEXTS = {
    "states alone": ("a.csv", "t (s),w[0],w[1],w[2]\n" + rows(OURS)),
    "labels, in another order": (
        "a.csv",
        "t (s),state[1-2] (1),state[0-1] (1),state[0-2] (1)\n" + rows([T, W[:, 2], W[:, 0], W[:, 1]]),
    ),
    "time is not the first": ("a.csv", "w[0],w[1],time (ms),w[2]\n" + rows([W[:, 0], W[:, 1], 1e3 * T, W[:, 2]])),
    "an index column": ("a.csv", "Index,t,w[0],w[1],w[2]\n" + rows([np.arange(9.0), *OURS])),
    "semicolons and decimal commas": ("a.csv", "t;w[0];w[1];w[2]\n" + rows(OURS, ";", ",")),
    "blanks": ("a.txt", "time w[0] w[1] w[2]\n" + rows(OURS, "  ")),
    "savetxt": ("a.txt", "# time w[0] w[1] w[2]\n" + rows(OURS, " ")),
    "Xyce": (
        "a.prn",
        "Index  TIME  w[0]  w[1]  w[2]\n" + rows([np.arange(9.0), *OURS], "   ") + "\nEnd of Xyce(TM) Simulation\n",
    ),
}
MAPPED = {
    "LTspice": ("lt.txt", "time\tV(x0)\tV(m1)\tV(n2)\n" + rows(OURS, "\t"), ["V(x0)", "V(m1)", "V(n2)"]),
    "wrdata": (
        "out.data",
        rows([T, W[:, 0], T, W[:, 1], T, W[:, 2]], " "),
        ["column 1", "column 3", "column 5"],
    ),
    "anybody": ("a.csv", "time,a,b,c\n" + rows(OURS), ["a", "b", "c"]),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_columns_are_found_by_name(tmp_path: Path, kind: str) -> None:
    name, text = TEXTS[kind]
    waves = load(tmp_path / name, text, network=TRIANGLE)
    np.testing.assert_allclose(waves.t, T, rtol=1e-15)
    np.testing.assert_array_equal(waves.state, W)
    assert waves.labels == TRIANGLE.edge_labels
    assert np.isnan(waves.current).all()


@pytest.mark.parametrize("kind", MAPPED)
def test_a_map_says_what_a_column_is(tmp_path: Path, kind: str) -> None:
    name, text, columns = MAPPED[kind]
    mapping = {column: f"state[{k}]" for k, column in enumerate(columns)}
    waves = load(tmp_path / name, text, network=TRIANGLE, map=mapping)
    np.testing.assert_array_equal(waves.state, W)
    scaled = load(tmp_path / name, text, network=TRIANGLE, map={c: f"i[{k}]*-82.5" for k, c in enumerate(columns)})
    np.testing.assert_allclose(scaled.current, W / -82.5)


def test_what_simulate_saves_every_door_reads(tmp_path: Path) -> None:
    edges = [("a", "b"), ("a", "b"), ("b", "c"), ("c", "a")]
    network = sb.Network.from_edges(edges, device=DEVICE, drive=0.2, initial_state=[0.1, 0.2, 0.3, 0.4])
    waves = sb.integrate(network, np.linspace(0.0, 1.0, 5))
    for suffix in (".csv", ".npz", ".nc"):
        waves.save(tmp_path / f"run{suffix}")
        again = sb.Waveforms.load(tmp_path / f"run{suffix}", network=network)
        for name in ("t", "state", "current", "voltage"):
            np.testing.assert_array_equal(getattr(again, name), getattr(waves, name))
        assert again.labels == waves.labels == ("a-b#0", "a-b#1", "b-c", "c-a")


def lt_raw(
    rows_: list[tuple[float, float]], layout: str = "<df", flags: str = "real forward", wide: bool = True
) -> bytes:
    head = (
        f"Title: * x\nDate: Mon Jan  1 00:00:00 2024\nPlotname: Transient Analysis\nFlags: {flags}\nNo. Variables: 2\n"
        f"No. Points: {len(rows_):>12}\nOffset:   0.0000000000000000e+000\n"
        "Command: Linear Technology Corporation LTspice XVII\n"
        "Variables:\n\t0\ttime\ttime\n\t1\tV(a)\tvoltage\nBinary:\n"
    )
    if "fastaccess" in flags:
        columns = list(zip(*rows_, strict=True))
        data = b"".join(struct.pack("<d", t) for t in columns[0]) + b"".join(struct.pack("<f", v) for v in columns[1])
    else:
        data = b"".join(struct.pack(layout, *row) for row in rows_)
    return head.encode("utf-16-le" if wide else "ascii") + data


@pytest.mark.parametrize(
    ("layout", "flags", "wide"),
    [
        ("<df", "real forward", True),
        ("<df", "real forward", False),
        ("<dd", "real forward double", True),
        ("<df", "real forward fastaccess", True),
    ],
)
def test_ltspice_raw_files(tmp_path: Path, layout: str, flags: str, wide: bool) -> None:
    """The header in UTF-16 or not, singles or doubles, the sign of a compressed time."""
    content = lt_raw([(0.0, 0.0), (-1e-3, 0.5), (2e-3, 1.0)], layout, flags, wide)
    waves = load(tmp_path / "lt.raw", content, map={"V(a)": "w[0]"})
    np.testing.assert_array_equal(waves.t, [0.0, 1e-3, 2e-3])
    np.testing.assert_array_equal(waves.state[:, 0], [0.0, 0.5, 1.0])


def test_several_runs_in_a_raw_file_are_refused(tmp_path: Path) -> None:
    for flags, points in (
        ("real forward stepped", [(0.0, 0.0), (1e-3, 0.5)]),
        ("real forward", [(0.0, 0.0), (1e-3, 0.5), (0.0, 1.0)]),
    ):
        with pytest.raises(TableError, match="several runs"):
            load(tmp_path / "lt.raw", lt_raw(points, flags=flags), map={"V(a)": "w[0]"})


def test_matlab_and_numpy(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"time": T, "state": W})
    np.savez(tmp_path / "a.npz", t=T, state=W, seed=3)
    assert read_table(tmp_path / "a.npz").notes == ("seed: single values are no signals and left out",)
    np.savez(tmp_path / "b.npz", time=T, x0=W[:, 0], x1=W[:, 1], x2=W[:, 2])
    for name in ("a.mat", "a.npz"):
        np.testing.assert_array_equal(sb.Waveforms.load(tmp_path / name, network=TRIANGLE).state, W)
    mapped = sb.Waveforms.load(tmp_path / "b.npz", network=TRIANGLE, map={f"x{k}": f"w[{k}]" for k in range(3)})
    np.testing.assert_array_equal(mapped.state, W)
    for arrays, message in (
        ({"state": W}, "one array called t or time"),
        ({"t": T, "state": W[:5]}, "must be \\(9,\\) or \\(9, n\\)"),
        ({"t": T, "state": W * 1j}, "not real numbers"),
    ):
        np.savez(tmp_path / "c.npz", **arrays)  # type: ignore[arg-type]
        with pytest.raises(TableError, match=message):
            read_table(tmp_path / "c.npz")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t,w[0],w[1]\n0,1,2\n1,2,3\n", "state of edge 1-2 is missing"),
        ("t,w[0],w[1],w[7]\n0,1,2,3\n1,2,3,4\n", "edge 7 does not exist; edges are numbered 0 to 2"),
        ("t,w[1-0],w[1],w[2]\n0,1,2,3\n1,2,3,4\n", r"edge '0-1' goes the other way: map the column"),
        ("t,w[0-3],w[1],w[2]\n0,1,2,3\n1,2,3,4\n", "edge '0-3' does not exist"),
        ("t,i[0] (V),w[1],w[2]\n0,1,2,3\n1,2,3,4\n", "is in A, but its unit says V"),
        ("t,V(mV),w[1],w[2]\n0,1,2,3\n1,2,3,4\n", "write 'V \\(mV\\)' with a blank"),
        ("t,I(mA)\n0,1\n1,2\n", "a node or element called 'mA'"),
        ("t (V),w[0]\n0,1\n1,2\n", "a time must be in s"),
        ("t,w[0],t2 (s),w[1],t\n0,1,2,3,1\n1,2,3,4,2\n", "times of their own"),
        ("t,w[0]\n0,1\n2,1,5\n", "must hold 2 numbers"),
        ("t;w[0]\n0,5;1.5\n1,5;2.5\n", "which of them is the decimal mark"),
        ('t,w[0]\n"0","1,500"\n"1","2,500"\n', "may be a decimal one or part thousands"),
        ("time\tV(a)\nStep Information: R=1  (Run: 1/2)\n0\t1\n1\t2\n", "several runs"),
        ("Freq.\tV(a)\n1\t(1.0dB,2.0°)\n2\t(1.0dB,2.0°)\n", r"complex|frequency"),
        ("0,1\n1,2\n", "needs a header"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SpiceBridgeError, match=message):
        load(tmp_path / "a.csv", text, network=TRIANGLE)


@pytest.mark.parametrize(
    ("heading", "name", "unit"),
    [
        ("V(n1)", "V(n1)", None),
        ("V(m1)", "V(m1)", None),
        ("I(V1)", "I(V1)", None),
        ("V(a,b)", "V(a,b)", None),
        ("V(out) (mV)", "V(out)", "mV"),
        ("V (mV)", "V", "mV"),
        ("CH1(mV)", "CH1", "mV"),
        ("t(ms)", "t", "ms"),
        ("Time [ms]", "Time", "ms"),
        ("C1 in mV", "C1", "mV"),
        ("in s", "time", "s"),
        ("U / V", "U", "V"),
        ("I[mA]", "I", "mA"),
        ("w[0-1] (1)", "w[0-1]", "1"),
        ("state[(0, 1)-(1, 1)] (1)", "state[(0, 1)-(1, 1)]", "1"),
        ("Channel A", "Channel A", None),
    ],
)
def test_headings(heading: str, name: str, unit: str | None) -> None:
    assert parse_heading(heading) == (name, unit)


def test_units_and_signals() -> None:
    assert parse_unit("nanoseconds") == ("s", 1e-9)
    assert parse_unit("VOLT") == ("V", 1.0)
    assert parse_unit("kV") == ("V", 1e3)
    assert parse_unit("MV") is None is parse_unit("furlong") is parse_unit("")
    assert parse_signal("current[0-1]*-82.5").factor == -82.5
    assert parse_signal("V(out)").kind == "p"
    for text in ("x", "w[0]*0", "w[0]*inf", "I(V1)", "w[]"):
        with pytest.raises(TableError):
            parse_signal(text)


def test_waveforms_from_arrays() -> None:
    waves = sb.Waveforms.from_arrays(T, W, network=TRIANGLE)
    assert waves.labels == ("0-1", "0-2", "1-2")
    assert np.isnan(waves.voltage).all()
    assert sb.Waveforms.from_arrays(T, W[:, 0]).n_edges == 1
    for wrong, message in (
        (lambda: sb.Waveforms.from_arrays(T, W.T, network=TRIANGLE), "transposed"),
        (lambda: sb.Waveforms.from_arrays(T), "at least one"),
        (lambda: sb.Waveforms.from_arrays(T, W[:, :2], network=TRIANGLE), r"must be \(n_t, n_e\) = \(9, 3\)"),
    ):
        with pytest.raises(SpiceBridgeError, match=message):
            wrong()


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        (b"\x89HDF\r\n", "is HDF5"),
        (b"PK\x03\x04 sheet", "save the sheet as CSV"),
        (b"$date today $end\n$timescale 1ns $end\n", "is VCD"),
        (b"! made by\n# GHz S MA R 50\n1 2 3\n", "is Touchstone"),
        (b"<Qucs Dataset 0.0.19>\n", "dataset of Qucs"),
    ],
)
def test_files_of_other_kinds_are_named(beginning: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(beginning)
    with pytest.raises(TableError, match=words):
        read_table(tmp_path / "x.csv")
