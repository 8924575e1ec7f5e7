"""The raw reader against a writer that knows every freedom the format has."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spicebridge.errors import RawFileError
from spicebridge.tables import raw_file as rawfile
from spicebridge.tables.raw_file import RawPlot, read_raw


def write_raw(
    table,
    names,
    *,
    binary=True,
    declared=None,
    lengths=None,
    unpadded=False,
    newline="\n",
    order=None,
    extra=(),
    title="a title",
    plotname="Transient Analysis",
):
    """One plot as bytes; `order` permutes the header lines, `lengths` shortens variables."""
    table = np.asarray(table)
    points, width = table.shape
    is_complex = np.iscomplexobj(table)
    declared = points if declared is None else declared
    lengths = [points] * width if lengths is None else lengths
    variables = ["Variables:"]
    for k, name in enumerate(names):
        dims = f" dims={lengths[k]}" if lengths[k] != points else ""
        variables.append(f"\t{k}\t{name}\tvoltage{dims}")
    head = [
        [f"Title: {title}"],
        ["Date: Sun Nov 22 16:27:18  2026"],
        [f"Plotname: {plotname}"],
        [f"Flags: {'complex' if is_complex else 'real'}{' unpadded' if unpadded else ''}"],
        [f"No. Variables: {width}"],
        [f"No. Points: {declared}     "],
        variables,
        *[[line] for line in extra],
    ]
    head = [head[k] for k in (order or range(len(head)))]
    lines = [line for group in head for line in group] + ["Binary:" if binary else "Values:"]
    out = bytearray(newline.join(lines).encode() + newline.encode())
    for i, row in enumerate(table):
        kept = [x for k, x in enumerate(row) if i < lengths[k] or not unpadded]
        if binary:
            out += np.array(kept, dtype=table.dtype).tobytes()
        else:
            cells = [f"{x.real:.17e},{x.imag:.17e}" if is_complex else f"{x:.17e}" for x in kept]
            out += (f" {i}\t" + f"{newline}\t".join(cells) + 2 * newline).encode()
    return bytes(out)


RAMP = np.column_stack([np.arange(5.0), np.arange(5.0) ** 2, -np.arange(5.0)])
RAMP_NAMES = ("time", "v(a)", "i(v1)")

words = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\t ,"), max_size=6)


@st.composite
def plots(draw):
    """(bytes, expected table, names) of one plot with arbitrary content and layout."""
    points = draw(st.integers(0, 6))
    width = draw(st.integers(1, 4))
    is_complex = draw(st.booleans())
    binary = draw(st.booleans())
    numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)
    flat = draw(st.lists(numbers, min_size=2 * points * width, max_size=2 * points * width))
    table = np.array(flat, dtype=float).reshape(points, 2 * width)
    table = table.view(complex) if is_complex else table[:, :width]
    names = draw(st.lists(words, min_size=width, max_size=width))
    unpadded = draw(st.booleans())
    lengths = [points] * width
    if points and draw(st.booleans()):
        # One variable keeps the full length, as the plot's number of points is the longest one.
        lengths = [points, *(draw(st.integers(1, points)) for _ in range(width - 1))]
    extra = draw(st.lists(st.sampled_from(["Command: version 4", "Offset: 0.0", "Option: x = ( 1 )", "Version: 7"])))
    order = draw(st.permutations(range(7 + len(extra))))
    content = write_raw(
        table,
        names,
        binary=binary,
        lengths=lengths,
        unpadded=unpadded,
        newline=draw(st.sampled_from(["\n", "\r\n"])),
        order=order,
        extra=extra,
    )
    expected = table.copy()
    if unpadded:
        for k, length in enumerate(lengths):
            expected[length:, k] = np.nan
    return content, expected, tuple(name.lower() for name in names), tuple(lengths)


def same(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


@given(st.lists(plots(), min_size=1, max_size=3))
def test_what_is_written_is_read(cases):
    found = read_raw(b"".join(content for content, *_ in cases))
    assert len(found) == len(cases)
    for plot, (_, expected, names, lengths) in zip(found, cases, strict=True):
        assert same(plot.data, expected)
        assert plot.names == names
        assert plot.units == ("voltage",) * len(names)
        assert plot.lengths == lengths
        assert plot.consistent
        assert plot.declared_points == plot.actual_points == len(expected)
        assert (plot.title, plot.plotname) == ("a title", "Transient Analysis")


@given(plots(), st.data())
def test_no_cut_goes_unnoticed(case, data):
    content, expected, *_ = case
    cut = data.draw(st.integers(0, len(content) - 1))
    try:
        found = read_raw(content[:cut])
    except RawFileError:
        return
    assert len(found) == 1
    plot = found[0]
    if plot.consistent and len(expected) == plot.actual_points:
        # A text file may lose its last blank line, or digits of its last number.
        assert b"Values:" in content
        assert same(plot.data[:-1], expected[:-1])
    else:
        rows = plot.actual_points
        keep = rows if b"Binary:" in content else max(rows - 1, 0)
        assert same(plot.data[:keep], expected[:keep])


@given(st.binary(max_size=300), st.data())
def test_noise_is_an_error_with_a_place(noise, data):
    content = bytearray(write_raw(RAMP, RAMP_NAMES, binary=data.draw(st.booleans())))
    at = data.draw(st.integers(0, len(content)))
    content[at : at + len(noise)] = noise
    problem = None
    try:
        read_raw(bytes(content))
    except RawFileError as error:
        problem = error
    assert problem is None or "byte" in str(problem)


@pytest.mark.parametrize(("declared", "binary"), [(0, True), (0, False), (3, True), (3, False), (9, True), (9, False)])
def test_rows_are_counted_not_believed(declared, binary):
    (plot,) = read_raw(write_raw(RAMP, RAMP_NAMES, declared=declared, binary=binary))
    assert same(plot.data, RAMP)
    assert (plot.declared_points, plot.actual_points, plot.trailing) == (declared, 5, 0)
    assert not plot.consistent


@pytest.mark.parametrize("declared", [0, 3, 9, 10**12])
def test_a_lie_does_not_reach_the_next_plot(declared):
    content = write_raw(RAMP, RAMP_NAMES, declared=declared) + write_raw(2 * RAMP, RAMP_NAMES)
    first, second = read_raw(content)
    assert same(first.data, RAMP)
    assert not first.consistent
    assert same(second.data, 2 * RAMP)
    assert second.consistent


def test_a_cut_row_is_dropped_and_reported():
    content = write_raw(RAMP, RAMP_NAMES)
    (plot,) = read_raw(content[:-11])
    assert plot.actual_points == 4
    assert plot.trailing == 24 - 11
    assert same(plot.data, RAMP[:4])
    (plot,) = read_raw(write_raw(RAMP, RAMP_NAMES, binary=False).rsplit(b"\t", 1)[0])
    assert plot.actual_points == 4
    assert plot.trailing == 1 + 2  # index and two of three numbers


def test_a_header_without_samples_is_an_empty_table():
    (plot,) = read_raw(write_raw(RAMP[:0], RAMP_NAMES))
    assert plot.data.shape == (0, 3)
    assert plot.consistent


def test_names_fold_case_and_may_be_empty():
    content = write_raw(RAMP, ("time", "V(Out)", ""))
    (plot,) = read_raw(content)
    assert plot.names == ("time", "v(out)", "")
    (plot,) = read_raw(content.replace(b"\t2\t\tvoltage", b" 2 voltage"))
    assert plot.names == ("time", "v(out)", "")
    assert plot.units[2] == "voltage"


def test_first_variable_may_share_the_line_of_its_table():
    content = write_raw(RAMP, RAMP_NAMES).replace(b"Variables:\n\t0\t", b"Variables: 0 ", 2)
    (plot,) = read_raw(content.replace(b"No. Variables: 0 ", b"No. Variables: "))
    assert plot.names == RAMP_NAMES
    assert same(plot.data, RAMP)


def test_large_files_are_mapped_and_small_ones_loaded(tmp_path: Path, monkeypatch):
    path = tmp_path / "x.raw"
    path.write_bytes(write_raw(RAMP, RAMP_NAMES))
    loaded = read_raw(path)[0]
    monkeypatch.setattr(rawfile, "MMAP_THRESHOLD", 1)
    mapped = read_raw(path)[0]
    assert same(loaded.data, mapped.data)
    assert not loaded.data.flags.writeable
    assert not mapped.data.flags.writeable
    path.unlink()
    assert mapped.data.sum() == RAMP.sum()


@pytest.mark.parametrize("declared", [None, 0])
def test_memory_is_linear(tmp_path: Path, declared):
    rows, width = 25_000, 50
    table = np.random.default_rng(1).random((rows, width))
    path = tmp_path / "x.raw"
    path.write_bytes(write_raw(table, [f"v(n{k})" for k in range(width)], declared=declared))
    assert table.nbytes >= rawfile.MMAP_THRESHOLD
    tracemalloc.start()
    try:
        (plot,) = read_raw(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.05 * table.nbytes  # mapped: the header is all that is held
    assert same(plot.data, table)


def test_memory_of_text_is_linear():
    peaks = []
    for rows in (1000, 4000):
        content = write_raw(np.full((rows, 5), 0.1), "tabcd", binary=False)
        tracemalloc.start()
        try:
            read_raw(content)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 4.2 * peaks[0]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda c: b"", "empty"),
        (lambda c: c[:60], "cut"),
        (lambda c: c[: c.index(b"Binary")], "ends inside a header"),
        (lambda c: c.replace(b"No. Points: 5", b"No. Points: five"), "line 6.*whole number"),
        (lambda c: c.replace(b"No. Points: 5", b"No. Points: -5"), "line 6.*whole number"),
        (lambda c: c.replace(b"No. Points: 5     \n", b""), "no 'No. Points'"),
        (lambda c: c.replace(b"No. Variables: 3\n", b""), "no 'No. Variables'"),
        (
            lambda c: c.replace(b"No. Variables: 3", b"No. Variables: 4"),
            "announces 4 variables, its table has 3",
        ),
        (lambda c: c.replace(b"\t1\tv(a)", b"\t7\tv(a)"), "line 9.*variable 7 follows variable 0"),
        (lambda c: c.replace(b"Title:", b"Titel"), "line 1: 'Titel a title' is no line"),
        (lambda c: c.replace(b"Flags: real", b"Flags: real fastaccess"), "fastaccess"),
        (lambda c: b"\x7fELF" * 40000, "byte 0"),
    ],
)
def test_damage_is_located(damage, message):
    with pytest.raises(RawFileError, match=message) as caught:
        read_raw(damage(write_raw(RAMP, RAMP_NAMES)))
    assert "byte" in str(caught.value)


def test_bad_text_values_are_located():
    content = write_raw(RAMP, RAMP_NAMES, binary=False)
    place = content.index(b"4.0000")
    line = 1 + content[:place].count(b"\n")
    with pytest.raises(RawFileError, match=f"byte {place}, line {line}: '4.O0"):
        read_raw(content[:place] + b"4.O" + content[place + 3 :])
    with pytest.raises(RawFileError, match=r"row 3 carries the index 8"):
        read_raw(content.replace(b" 3\t", b" 8\t"))


def test_a_missing_file_is_an_error_of_ours(tmp_path: Path):
    with pytest.raises(RawFileError, match="nowhere"):
        read_raw(tmp_path / "nowhere.raw")


@settings(max_examples=25)
@given(st.integers(1, 5), st.integers(1, 5))
def test_unpadded_rows_lose_columns(short, points):
    assume(short <= points)
    table = np.arange(3.0 * points).reshape(points, 3)
    content = write_raw(table, RAMP_NAMES, lengths=[points, short, points], unpadded=True)
    plot: RawPlot = read_raw(content)[0]
    assert same(plot.data[:, [0, 2]], table[:, [0, 2]])
    assert same(plot.data[:short, 1], table[:short, 1])
    assert np.isnan(plot.data[short:, 1]).all()
