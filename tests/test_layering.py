"""The two branches share the description and nothing else: the imports are walked and held to it.

description <- branches <- ensembles (of theory) <- verify <- report <- cli; circuit and theory never import each other.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "spicebridge"
DESCRIPTION = {
    *("errors", "quantities", "network", "devices", "windows", "drives", "generators", "waveforms"),
    *("case", "case_schema", "case_text", "case_write"),
}
LEVELS = {
    **{"circuit": 1, "theory": 1, "ensembles": 2, "verify": 3},
    **{"lab": 4, "campaign": 4, "report": 4, "modelcheck": 4, "testing": 5, "cli": 6},
}


def room(module: str) -> str:
    """The first part below the package: 'circuit' for spicebridge.circuit.deck."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            whole = node.module == "spicebridge"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if whole else {node.module}
        elif isinstance(node, ast.ImportFrom):
            raise AssertionError(f"{path}: relative import hides which room it enters")
    return {name for name in found if name.startswith("spicebridge.")}


def own_room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def violations(source_room: str, targets: set[str]) -> list[str]:
    """Imports that `source_room` must not have."""
    bad = []
    for module in targets:
        target = room(module)
        if source_room in ("__init__", "__main__", "pytest_plugin") or target in ("", source_room):
            continue
        below = LEVELS.get(source_room, 0)
        above = LEVELS.get(target, 0)
        if above > below or (above == below == 1):
            bad.append(f"{source_room} imports {module}")
    return bad


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    assert violations(own_room(path), imports(path)) == []


def test_every_room_has_a_level() -> None:
    rooms = {own_room(path) for path in FILES} - {"__init__", "__main__", "pytest_plugin"}
    assert rooms <= DESCRIPTION | set(LEVELS), rooms - DESCRIPTION - set(LEVELS)


def test_the_rule_can_fail() -> None:
    assert violations("theory", {"spicebridge.circuit.deck"})
    assert violations("circuit", {"spicebridge.theory.topology"})
    assert violations("network", {"spicebridge.verify"})
    assert not violations("verify", {"spicebridge.circuit.deck", "spicebridge.theory"})


def test_engines_never_see_a_network() -> None:
    for path in (PACKAGE / "circuit" / "engines").rglob("*.py"):
        assert not {m for m in imports(path) if room(m) in ("network", "devices", "drives")}, path


def test_verify_never_sees_a_simulators_text() -> None:
    for path in (PACKAGE / "verify").rglob("*.py"):
        hidden = {m for m in imports(path) if ".dialects" in m or ".rawfile" in m or ".reader" in m}
        assert not hidden, (path, hidden)
