"""SPICE suffixes: the scale of each, and that what is written reads back."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spicebridge.circuit.reader import read_expression
from spicebridge.errors import DeckError, QuantityError
from spicebridge.quantities import (
    format_number,
    format_quantity,
    parse_netlist_number,
    parse_quantities,
    parse_quantity,
)

SCALES = {
    "": 0, "t": 12, "g": 9, "meg": 6, "k": 3, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15,
    "a": -18,
}  # fmt: skip


@pytest.mark.parametrize(("suffix", "exponent"), list(SCALES.items()))
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_suffixes_are_powers_of_ten_in_either_case(suffix, exponent, case):
    assert parse_netlist_number("4.7" + case(suffix)) == float(f"4.7e{exponent}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1A", 1.0), ("2.5F", 2.5), ("3As", 3.0), ("1amp", 1.0), ("2Amperes", 2.0), ("5farad", 5.0),
        ("1mA", 1e-3), ("1uF", 1e-6), ("1pF", 1e-12), ("1fA", 1e-15), ("1a", 1e-18), ("1aA", 1e-18), ("1f", 1e-15),
        ("1fF", 1e-15),
    ],
)  # fmt: skip
def test_the_letter_of_a_unit_is_no_prefix(text, value):
    assert parse_quantity(text) == value


def test_a_netlist_is_read_by_its_own_rule():
    assert parse_netlist_number("1F") == 1e-15
    assert read_expression("V(a)*1F") == read_expression("V(a)*1e-15")
    with pytest.raises(DeckError, match="suffix 'a'"):
        read_expression("1A*V(a)")


@pytest.mark.parametrize("text", ["20u", "4.7k", "1.1n", "3.3p", "0.07m", "9.1e3u", "1e-3k", "6.6meg"])
def test_a_suffix_rounds_once(text):
    """20 * 1e-6 is not the double nearest to 20e-6."""
    number = text.rstrip("umegknp")
    suffix = text[len(number) :]
    nearest = float(Decimal(number) * Decimal(10) ** SCALES[suffix])
    assert parse_quantity(text) == parse_netlist_number(text) == nearest
    assert parse_quantity("20u") == 20e-6 != 20 * 1e-6


def test_m_is_milli_and_an_upper_case_m_is_no_guess():
    assert parse_netlist_number("1M") == parse_netlist_number("1m") == parse_quantity("1m") == 1e-3
    assert parse_netlist_number("1MEG") == parse_quantity("1MEG") == parse_quantity("1Megohm") == 1e6
    assert parse_netlist_number("1mil") == pytest.approx(25.4e-6)
    for text, unit in (("1M", None), ("1M", "ohm"), ("1MHz", "Hz"), ("2 MHz", "Hz"), ("3Mohm", "ohm"), ("1MV", "V")):
        with pytest.raises(QuantityError, match=r"write 'meg' \(1e6\) or 'm' \(1e-3\)"):
            parse_quantity(text, unit=unit)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1.6 kohm", "ohm", 1600.0), ("100 ohm", "ohm", 100.0), ("4.7k", "ohm", 4700.0), ("3K", "ohm", 3000.0),
        ("2 Ω", "ohm", 2.0), ("2 s", "s", 2.0), ("2min", "s", 120.0), ("10US", "s", 1e-5), ("10 ms", "s", 0.01),
        ("90deg", "rad", math.pi / 2), ("90 °", "rad", math.pi / 2), ("7 mrad", "rad", 7e-3), ("2kHz", "Hz", 2000.0),
        ("5%", "1", 0.05), ("10m", "1", 0.01), ("3 V s", "V s", 3.0), ("0.1/s", "1/s", 0.1), ("0.1 s^-1", "1/s", 0.1),
        ("2 k1/s", "1/s", 2000.0), ("3 ohm/(V s)", "ohm/(V s)", 3.0), ("300K", "K", 300.0), ("10nm", "m", 1e-8),
        ("1A", "A", 1.0), ("1a", "A", 1e-18), ("5 As", "C", 5.0),
    ],
)  # fmt: skip
def test_the_unit_a_key_has_is_understood(text, unit, value):
    assert parse_quantity(text, unit=unit) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("1.6kV", "ohm", "another unit; this is a number in ohm"),
        ("2xyz", "Hz", "'xyz' is no prefix or unit"),
        ("2xyz", None, "'xyz' is no prefix or unit"),
        ("1 A", "V", "another unit"),
        ("1F", "V", "another unit"),
        ("90deg", "V", "another unit"),
        ("2min", "ohm", "another unit"),
        ("5%", "ohm", "another unit"),
        ("5m", "m", "metres or milli"),
        ("1,5", "V", "decimal comma"),
        ("1 000", "V", "no prefix or unit"),
        ("10-3", "V", "no prefix or unit"),
        ("4k7", "ohm", "no prefix or unit"),
    ],
)
def test_another_unit_is_never_read_in_silence(text, unit, message):
    with pytest.raises(QuantityError, match=message):
        parse_quantity(text, unit=unit)


def test_lists_may_mix_numbers_and_text():
    np.testing.assert_array_equal(parse_quantities(["1k", 3, "2 ohm"], unit="ohm"), [1000.0, 3.0, 2.0])
    np.testing.assert_array_equal(parse_quantities([[1, 2], [3, 4]]), [[1.0, 2.0], [3.0, 4.0]])
    assert parse_quantities("5 V", unit="V").shape == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10uF", 1e-5),
        ("5s", 5.0),
        ("1.6kohm", 1600.0),
        ("-.5V", -0.5),
        ("1e-3k", 1.0),
        (" 2 ", 2.0),
        ("3.", 3.0),
    ],
)
def test_units_signs_and_exponents(text, value):
    assert parse_quantity(text) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("number", [3, 2.5, np.float64(2.5), np.int64(7), np.float32(0.5)])
def test_numbers_pass_through(number):
    assert parse_quantity(number) == float(number)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "k",
        "1  k5",
        "1,5",
        "0x10",
        "nan",
        "inf",
        "1e999",
        "1e99999999999",
        math.nan,
        math.inf,
        True,
        None,
        [1],
        "1k5",
    ],
)
def test_what_is_no_number_is_refused_by_name(bad):
    with pytest.raises(QuantityError, match="alpha"):
        parse_quantity(bad, what="alpha")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_format_number_reads_back_exactly(value):
    text = format_number(value)
    assert float(text) == value
    assert parse_quantity(text) == value


@given(st.floats(1e-17, 1e14), st.sampled_from([1.0, -1.0]))
def test_format_quantity_is_close_and_has_one_to_three_digits_before_the_point(size, sign):
    text = format_quantity(sign * size, digits=6)
    mantissa, _, prefix = text.partition(" ")
    exponent = "afpnum kMGT".index(prefix or " ") * 3 - 18
    assert float(mantissa) * 10.0**exponent == pytest.approx(sign * size, rel=5.1e-6)
    if 1e-17 < size < 1e14 and prefix not in "aT":
        assert 1.0 <= abs(float(mantissa)) < 1000.0


def test_format_quantity_examples():
    assert format_quantity(4700, "ohm") == "4.7 kohm"
    assert format_quantity(999.96, "V") == "1 kV"
    assert format_quantity(1e-6, "s") == "1 us"
    assert format_quantity(0.0, "A") == "0 A"
    assert format_quantity(2e15, "ohm") == "2000 Tohm"
    assert format_quantity(2e-20, "A") == "0.02 aA"


@pytest.mark.parametrize(("exponent", "prefix"), list(zip(range(-18, 13, 3), "afpnum kMGT", strict=True)))
def test_every_prefix(exponent, prefix):
    assert format_quantity(2.5 * 10.0**exponent, "V") == f"2.5 {prefix.strip()}V"
    assert format_quantity(-250.0 * 10.0**exponent, "V") == f"-250 {prefix.strip()}V"


def test_a_number_beyond_floats_is_refused():
    with pytest.raises(QuantityError, match="too large"):
        parse_quantity(10**401)
