"""What the page on own equations shows is run, in order."""

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "own_ode.md").read_text(encoding="utf-8")


def test_the_worked_examples_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 4
    exec("\n".join(blocks), {})
