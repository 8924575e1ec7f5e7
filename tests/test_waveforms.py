"""Waveforms: shapes are checked, files come back unchanged, nothing half-written stays."""

from __future__ import annotations

import os

import numpy as np
import pytest

from spicebridge.errors import OutputError, SpiceBridgeError
from spicebridge.waveforms import SIGNALS, Waveforms, replacing

LABELS = ("a-b", "(0, 1)-(1, 1)", 'x "q", y')


def example(labels=LABELS, n_t=7):
    rng = np.random.default_rng(5)
    t = np.cumsum(rng.random(n_t))
    state, current, voltage = (rng.standard_normal((n_t, 3)) * scale for scale in (1.0, 1e-7, 1e3))
    return Waveforms(t, state, current, voltage, labels=labels, source="theory")


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".nc"])
def test_files_come_back_bit_by_bit(tmp_path, suffix):
    saved = example()
    path = tmp_path / f"run{suffix}"
    saved.save(path)
    loaded = Waveforms.load(path)
    for name in ("t", *SIGNALS):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(saved, name))
    assert loaded.labels == saved.labels
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_netcdf_carries_units(tmp_path):
    import xarray

    saved = example()
    saved.save(tmp_path / "run.nc")
    with xarray.open_dataset(tmp_path / "run.nc", engine="scipy") as data:
        np.testing.assert_array_equal(data["current"].values, saved.current)
        assert {name: data[name].attrs["units"] for name in SIGNALS} == SIGNALS
        assert data["time"].attrs["units"] == "s"
        assert tuple(data["label"].values) == LABELS


def test_csv_names_signal_edge_and_unit(tmp_path):
    example(labels=("e", "f", "g"), n_t=2).save(tmp_path / "run.csv")
    header = (tmp_path / "run.csv").read_text().splitlines()[0].split(",")
    assert header[:2] == ["t (s)", "state[e] (1)"]
    assert header[4] == "current[e] (A)"
    assert header[9] == "voltage[g] (V)"


def test_resampling_a_cubic_is_exact():
    t = np.linspace(0.0, 2.0, 9) ** 1.5
    cubic = np.column_stack([t**3 - t, 2 * t**2])
    waves = Waveforms(t, cubic, 1e-3 * cubic, -cubic)
    grid = np.linspace(t[0], t[-1], 31)
    exact = np.column_stack([grid**3 - grid, 2 * grid**2])
    found = waves.resample(grid)
    # a cubic spline reproduces cubics to rounding; linear interpolation is off by 1e-1 here
    np.testing.assert_allclose(found.state, exact, atol=1e-12)
    np.testing.assert_allclose(found.current, 1e-3 * exact, atol=1e-15)
    np.testing.assert_allclose(found.voltage, -exact, atol=1e-12)
    np.testing.assert_array_equal(found.t, grid)
    assert waves.resample(waves.t) is waves


def test_resampling_stays_within_the_span():
    waves = example()
    with pytest.raises(SpiceBridgeError, match="leave the span"):
        waves.resample([waves.t[0], waves.t[-1] + 1e-3])
    with pytest.raises(SpiceBridgeError, match="leave the span"):
        waves.resample([waves.t[0] - 1e-3])
    for nothing in ([], [np.nan]):
        with pytest.raises(SpiceBridgeError, match="finite times"):
            waves.resample(nothing)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t": np.zeros((2, 2))}, r"t has shape \(2, 2\)"),
        ({"t": []}, r"t has shape \(0,\)"),
        ({"t": [0.0, 1.0, 1.0]}, "t must increase"),
        ({"t": [0.0, np.nan, 1.0]}, "t must increase"),
        ({"t": [0.0, 1.0]}, r"state has shape \(3, 2\)"),
        ({"state": np.zeros(3)}, r"state has shape \(3,\)"),
        ({"current": np.zeros((3, 1))}, r"current has shape \(3, 1\)"),
        ({"voltage": np.zeros((2, 2))}, r"voltage has shape \(2, 2\)"),
        ({"voltage": np.zeros((3, 2, 1))}, r"voltage has shape \(3, 2, 1\)"),
        ({"labels": ("a",)}, "1 labels for 2 edges"),
    ],
)
def test_shapes_that_do_not_fit(change, message):
    good = {"t": [0.0, 1.0, 2.0], **{name: np.zeros((3, 2)) for name in SIGNALS}}
    assert Waveforms(**good).labels == ("0", "1")
    with pytest.raises(SpiceBridgeError, match=message):
        Waveforms(**(good | change))


def test_unknown_suffix_and_folder(tmp_path):
    with pytest.raises(OutputError, match=r"'.txt' must be one of .csv, .npz, .nc"):
        example().save(tmp_path / "run.txt")
    with pytest.raises(OutputError, match="cannot write"):
        example().save(tmp_path / "missing" / "run.csv")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("run.csv", b"", "needs a header"),
        (
            "run.csv",
            b"time,x\n1,2\n2,3\n",
            r"no column of x is named after a signal .*a map such as \{'x': 'state\[0\]'",
        ),
        ("run.csv", b"PK\x03\x04 broken", "is a workbook or an archive"),
        ("run.csv", b"\xff\xff", "needs a header"),
        ("run.csv", b"t (s)\n0\n1,2\n", "run.csv:3: .* must hold 1 numbers"),
        ("run.csv", b"t,w[0]\n0,1\n0,2\n", "time must increase"),
        ("run.csv", b"x,w[0]\n0,1\n1,2\n", "no column is called time"),
        ("run.csv", b"frequency,w[0]\n0,1\n1,2\n", "sweep of the frequency"),
        ("run.csv", b"t,w[0],state[0]\n0,1,2\n1,2,2\n", "one signal"),
        ("run.csv", b"t,w[0],w[1],i[0]\n0,1,2,3\n1,2,2,3\n", "current of edge 1 is missing"),
        ("run.npz", b"", "not a NumPy archive"),
        ("run.npz", b"PK\x03\x04 broken", "not a NumPy archive"),
        ("run.mat", b"nonsense", "not a MATLAB file"),
        ("run.nc", b"nonsense", "not a netCDF 3 file"),
        ("run.raw", b"nonsense", "raw-file header"),
    ],
)
def test_foreign_files_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SpiceBridgeError, match=message):
        Waveforms.load(path)


def test_missing_file():
    for name in ("none.npz", "none.csv", "none.raw", "none.nc", "none.mat"):
        with pytest.raises(SpiceBridgeError, match=r"No such file|cannot be read"):
            Waveforms.load(name)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("old")

    def broken() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("out of ideas")

    with pytest.raises(RuntimeError, match="out of ideas"):
        broken()
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]


def test_a_device_is_not_replaced_by_a_file(tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="a device or a pipe; name a file"):
        example().save(pipe)
    assert pipe.is_fifo()
    assert os.listdir(tmp_path) == ["pipe.csv"]
