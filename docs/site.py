"""The site's gallery: every script of docs/gallery is executed when the site is built, and its picture put into the page.

A script is a title and a text (its docstring), code that leaves `figure` of matplotlib, and `alt`, the picture in words.
One that fails ends the build. Pictures are inline SVG in colours of the page, light and dark; none is kept under version control.
"""

from __future__ import annotations

import ast
import runpy
import time
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

from spicebridge.report.plots.style import RC, Drawn
from spicebridge.report.plots.vector import format_svg, palette_css

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

HERE = Path(__file__).resolve().parent / "gallery"
HEAD = """\
# Gallery

Each picture was made by the code below it when this site was built, with the simulator that it names. The scripts are in
`docs/gallery` of the source.
"""


def format_gallery() -> str:
    """The page as Markdown, with the pictures in it."""
    colours = (
        palette_css()
        .replace("@media (prefers-color-scheme: dark) { :root", '[data-md-color-scheme="slate"]')
        .rstrip("} ")
        + "}"
    )
    return "\n".join(
        [
            HEAD,
            f"<style>{colours} .md-typeset figure {{ width: 100%; }} .plot {{ width: 100%; max-width: 40rem; }}</style>",
            *map(format_example, sorted(HERE.glob("*.py"))),
        ]
    )


def format_example(path: Path) -> str:
    """Title, text, picture and code of one script, which is executed."""
    source = path.read_text(encoding="utf-8")
    said = ast.get_docstring(ast.parse(source)) or ""
    title, _, text = said.partition("\n\n")
    code = source.split('"""', 2)[2].strip()
    shown = code[: code.rindex("\nalt = ")].rstrip()
    began = time.perf_counter()
    with matplotlib.rc_context({**RC, "text.parse_math": True}):
        names = runpy.run_path(str(path))
        picture = format_svg(Drawn(name=path.stem, title=names["alt"], caption="", figure=names["figure"]))
    took = time.perf_counter() - began
    return (
        f"## {title}\n\n{text}\n\n<figure>{picture}</figure>\n\n"
        f"```python\n{shown}\n```\n\n<small>{escape(path.name)}, {took:.1f} s</small>\n"
    )


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the gallery, and the pictures of the page of what was measured, to the site."""
    from mkdocs.structure.files import File

    matplotlib.use("agg")
    files.append(File.generated(config, "gallery.md", content=format_gallery()))
    for picture in (HERE.parents[1] / "bench").glob("*.png"):
        files.append(File.generated(config, picture.name, abs_src_path=str(picture)))
    return files
