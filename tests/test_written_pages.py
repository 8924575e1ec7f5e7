"""Pages that are written from the code are what the code says now, and name everything there is."""

from __future__ import annotations

import inspect
import re
import runpy
from pathlib import Path

import pytest

import spicebridge as sb

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.parametrize(
    ("tool", "function", "page"),
    [
        ("devices_page.py", "format_devices", "devices.md"),
        ("case_page.py", "format_case_page", "case_file.md"),
        ("api_page.py", "format_api", "api.md"),
    ],
)
def test_written(tool: str, function: str, page: str) -> None:
    written = runpy.run_path(str(DOCS / tool))[function]()
    assert (DOCS / page).read_text(encoding="utf-8") == written, "run make devices and read the difference"


def test_every_public_name_has_a_docstring() -> None:
    bare = [name for name in sb.__all__ if not (getattr(sb, name).__doc__ or "").strip()]
    assert not bare


def test_public_functions_say_what_they_take_return_and_raise() -> None:
    """numpydoc sections in each, and every parameter in an entry of its own or named in another."""
    lacking = []
    for name in sb.__all__:
        thing = getattr(sb, name)
        if not inspect.isfunction(thing):
            continue
        text = inspect.getdoc(thing) or ""
        sections = [
            title for title in ("Parameters", "Returns", "Raises") if f"\n{title}\n{'-' * len(title)}\n" not in text
        ]
        entries = {
            word.strip()
            for line in re.findall(r"^(\w[\w, ]*?)(?: :.*)?$", text, re.MULTILINE)
            for word in line.split(",")
        }
        told = set(re.findall(r"`(\w+)`", text))
        missing = set(inspect.signature(thing).parameters) - entries - told
        lacking += [f"{name}: no {what}" for what in (*sections, *sorted(missing))]
    assert not lacking
