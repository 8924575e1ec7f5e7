"""The documentation site: built with warnings as errors, no dead link inside it, every picture with a text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

import spicebridge as sb
from spicebridge.case.schema import KEYS

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "out" / "site"


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()
        self.bare: list[str] = []
        self.pictures: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.names |= {value for key in ("id", "name") if (value := found.get(key))}
        for key in ("href", "src"):
            if (value := found.get(key)) is not None:
                self.links.append(value)
        if tag == "img" and not found.get("alt"):
            self.bare.append(str(found.get("src")))
        if tag == "svg" and found.get("role") == "img":
            self.pictures.append(found.get("aria-label") or "")


@pytest.fixture(scope="module")
def pages() -> dict[Path, _Page]:
    found = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(SITE.rglob("*.html"))}
    assert len(found) > 15, "make site builds it"
    return found


def test_no_dead_link(pages: dict[Path, _Page]) -> None:
    dead = []
    for path, page in pages.items():
        if path.name == "404.html":
            continue
        for link in page.links:
            place, mark = urldefrag(link)
            if re.match(r"[a-z]+:|//", place):
                continue
            target = (path.parent / unquote(place)).resolve() if place else path
            if not target.exists() or (mark and target in pages and unquote(mark) not in pages[target].names):
                dead.append(f"{path.name}: {link}")
    assert not dead, "\n".join(dead[:20])


def test_every_picture_has_a_text(pages: dict[Path, _Page]) -> None:
    assert not {path.name: page.bare for path, page in pages.items() if page.bare}


def test_nothing_is_fetched_from_elsewhere(pages: dict[Path, _Page]) -> None:
    """Fonts and scripts are in the site: it reads the same without a network."""
    pattern = re.compile(r"""<(?:script|link)[^>]+(?:src|href)=["'](https?:)?//""")
    text = {path: path.read_text(encoding="utf-8") for path in pages}
    fetched = [
        path.name for path in pages if re.search(pattern, re.sub(r"<link[^>]+rel=.canonical.[^>]*>", "", text[path]))
    ]
    assert not fetched


def test_the_gallery_shows_every_script(pages: dict[Path, _Page]) -> None:
    """Each was executed when the site was built, or the build would have ended; its picture is there, and in words."""
    scripts = sorted((ROOT / "docs" / "gallery").glob("*.py"))
    assert len(scripts) >= 12
    pictures = pages[SITE / "gallery.html"].pictures
    assert len(pictures) == len(scripts)
    assert all(len(words) > 30 for words in pictures)


def test_every_page_is_in_the_navigation(pages: dict[Path, _Page]) -> None:
    start = {link.partition("#")[0] for link in pages[SITE / "start.html"].links}
    assert not {path.name for path in pages} - start - {"404.html", "start.html"}


def test_every_public_name_and_every_key_of_a_case_is_documented(pages: dict[Path, _Page]) -> None:
    api = pages[SITE / "api.html"].names
    assert not {name for name in sb.__all__ if name.lower() not in api}
    case = (SITE / "case_file.html").read_text(encoding="utf-8")
    keys = {key for table in KEYS.values() for key in table}
    assert keys
    assert not {key for key in keys if f"<code>{key}</code>" not in case}
