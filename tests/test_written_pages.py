"""Pages that are written from the code are what the code says now, and name everything there is."""

from __future__ import annotations

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
