"""What docs/files.md shows runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import spicebridge as sb
from spicebridge.quantities import parse_quantity

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "files.md").read_text(encoding="utf-8")


def test_the_blocks_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(block, names)


def test_the_table_of_numbers() -> None:
    assert parse_quantity("90 °", unit="rad") == parse_quantity("90deg", unit="rad")
    assert parse_quantity("1 megHz", unit="Hz") == 1e6
    assert parse_quantity("40%", unit="1") == pytest.approx(0.4)
    for text, unit in (("1MHz", "Hz"), ("1M", "ohm"), ("1.6kV", "ohm"), ("2xyz", "Hz"), ("4k7", "ohm"), ("1,5", "V")):
        with pytest.raises(sb.SpiceBridgeError):
            parse_quantity(text, unit=unit)
