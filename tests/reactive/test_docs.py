"""The page on R, L, C runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "rlc.md"


def test_the_examples_of_the_page_run(capsys: Any) -> None:
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, names)
    said = capsys.readouterr().out
    assert "('1', 'A', '1', 'V')" in said
    assert "AGREES" in said
    assert "v_C of edge 0-1 (index 1) is not free" in said
    assert abs(names["Z"][2]) < abs(names["Z"][0])
