"""What people see of a comparison: text, Markdown, JSON, one HTML page, plots, and folders of them.

Names below are loaded on first use, so that a command which prints two lines imports no plotting.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_WHERE = {
    "Report": "summary",
    "record": "json",
    "format_json": "json",
    "format_text": "text",
    "format_markdown": "markdown",
    "format_html": "html",
    "write_report": "writer",
}

__all__ = [
    "Report",
    "format_html",
    "format_json",
    "format_markdown",
    "format_text",
    "record",
    "write_report",
]

if TYPE_CHECKING:
    from spicebridge.report.html import format_html
    from spicebridge.report.json import format_json, record
    from spicebridge.report.markdown import format_markdown
    from spicebridge.report.summary import Report
    from spicebridge.report.text import format_text
    from spicebridge.report.writer import write_report


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'spicebridge.report' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"spicebridge.report.{_WHERE[name]}"), name)
    globals()[name] = value
    return value
