"""The house rule of imports, walked: every room imports from rooms below it only, and the branches never meet."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import networkx as nx

import spicebridge
from spicebridge import campaign, report, theory
from spicebridge.theory import ensembles

PACKAGE = Path(__file__).resolve().parent.parent / "spicebridge"
ORDER = (
    # the ground and the description
    *("errors", "arrays", "shown", "quantities", "windows", "drives", "expressions", "laws", "generators", "network"),
    *("tables", "reactive", "crossbar", "waveforms", "case"),
    # the branches, which know nothing of each other
    *("theory", "circuit"),
    # exact answers that need no theory; processes and clusters that end their simulators; one writer at a time
    *("fuzz", "pools", "locks"),
    # where they meet, and what uses the verdict
    *("verify", "report", "batch", "analysis", "atlas", "lab", "modelcheck", "campaign"),
    # the front
    *("testing", "cli"),
)
"""Rooms from the ground up: each may import from those before it."""
APART = {("circuit", "theory"), ("lab", "atlas"), ("modelcheck", "lab"), ("campaign", "lab")}
"""(room, room below it) that must not know each other all the same."""
FREE = ("__init__", "__main__", "pytest_plugin")


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
    return {name for name in found if name.startswith("spicebridge.") and room(name) != "__version__"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def import_graph(sources: Mapping[str, str]) -> nx.DiGraph:
    """Module -> module for every import in the text of `sources`, also within functions and for types alone."""
    graph = nx.DiGraph()
    for module, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                graph.add_edges_from((module, name if name in sources else node.module) for name in names)
            elif isinstance(node, ast.Import):
                graph.add_edges_from((module, alias.name) for alias in node.names)
    return graph.subgraph(sources)


def circles(graph: nx.DiGraph) -> list[list[str]]:
    return [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]


def own_room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def violations(source: str, targets: set[str]) -> list[str]:
    """Imports that room `source` must not have."""
    if source in FREE:
        return []
    rooms = {module: room(module) for module in targets}
    place = ORDER.index(source)
    return [
        f"{source} imports {module}"
        for module, target in rooms.items()
        if target != source and (ORDER.index(target) > place or (source, target) in APART)
    ]


FILES = sorted(PACKAGE.rglob("*.py"))


def test_imports_point_downwards() -> None:
    bad = [
        f"{path.relative_to(PACKAGE)}: {line}" for path in FILES for line in violations(own_room(path), imports(path))
    ]
    assert not bad, "\n".join(bad)


def test_no_modules_import_each_other() -> None:
    assert not circles(import_graph({module_of(path): path.read_text(encoding="utf-8") for path in FILES}))


def test_the_rule_of_circles_can_fail() -> None:
    lazy = {"a": "from b import c", "b": "def f():\n    from d import g", "d": "if TYPE_CHECKING:\n    import a"}
    assert circles(import_graph(lazy)) == [["a", "b", "d"]]
    assert not circles(import_graph(lazy | {"d": "import e"}))


def test_every_room_has_its_place() -> None:
    assert {own_room(path) for path in FILES} - set(FREE) == set(ORDER)


def test_the_architecture_page_has_the_rooms_in_this_order() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page[page.index("| room |") : page.index("Rooms on one level")]
    rooms = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.partition(" | ")[0])]
    assert tuple(rooms) == ORDER


def test_the_rule_can_fail() -> None:
    assert violations("theory", {"spicebridge.circuit.deck"})
    assert violations("circuit", {"spicebridge.theory.currents"})
    assert violations("network", {"spicebridge.verify"})
    assert violations("report", {"spicebridge.lab.kit"})
    assert violations("windows", {"spicebridge.laws"})
    assert not violations("verify", {"spicebridge.circuit.deck", "spicebridge.theory"})


def test_engines_never_see_a_network() -> None:
    for path in (PACKAGE / "circuit" / "engines").rglob("*.py"):
        assert not {m for m in imports(path) if room(m) in ("network", "devices", "drives")}, path


def test_verify_never_sees_a_simulators_text() -> None:
    for path in (PACKAGE / "verify").rglob("*.py"):
        hidden = {m for m in imports(path) if any(part in m for part in (".dialects", ".raw", ".reader"))}
        assert not hidden, (path, hidden)


def test_every_public_name_is_there() -> None:
    """The stub is the one list of public names; each can be loaded from where it says."""
    for package in (spicebridge, campaign, report, theory, ensembles):
        missing = [name for name in package.__all__ if not hasattr(package, name)]
        assert package.__all__
        assert not missing, package.__name__


MOST_LINES = 500
MOST_OF_A_FUNCTION = 80
MOST_OF_A_LINE = 120
MOST_ANY = 60
"""Uses of `Any` in the whole package: where a library says no more, or where arguments are handed on."""


def test_files_functions_and_lines_are_short() -> None:
    long = []
    for path in FILES:
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > MOST_LINES:
            long.append(f"{path}: {len(lines)} lines")
        long += [f"{path}:{n}: {len(line)} columns" for n, line in enumerate(lines, 1) if len(line) > MOST_OF_A_LINE]
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or 0) - node.lineno + 1
                long += [f"{path}: {node.name} has {length} lines"] if length > MOST_OF_A_FUNCTION else []
    assert not long, "\n".join(long)


def test_types_are_said() -> None:
    used = [
        path
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and node.id == "Any"
    ]
    assert len(used) <= MOST_ANY


def public_classes() -> Iterator[tuple[str, Path]]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, path


def test_one_meaning_one_name() -> None:
    places: dict[str, set[Path]] = defaultdict(set)
    for name, path in public_classes():
        places[name].add(path)
    twice = {name for name, where in places.items() if len(where) > 1}
    assert not twice, {name: places[name] for name in twice}


SIMULATORS = {"ngspice", "pyspice", "vacask", "xyce"}
"""A file in each room that knows a simulator."""


def test_a_new_file_has_a_name_of_its_own() -> None:
    places: dict[str, list[Path]] = defaultdict(list)
    for path in FILES:
        if not path.name.startswith("_"):
            places[path.stem].append(path)
    twice = {name for name, where in places.items() if len(where) > 1}
    assert twice <= SIMULATORS, {name: places[name] for name in twice - SIMULATORS}


MOST_BY_POSITION = 4
BY_POSITION = {"drives"}
"""Where records of five fields and more may be built from arguments without names: a sine, as everybody writes it."""


def is_field(node: ast.stmt) -> bool:
    """Whether a statement declares a field that may be given by position."""
    if not isinstance(node, ast.AnnAssign) or "ClassVar" in ast.unparse(node.annotation):
        return False
    return node.value is None or not re.search("init=False|kw_only=True", ast.unparse(node.value))


def built_by_position(tree: ast.AST) -> list[str]:
    """Names of frozen records of more than `MOST_BY_POSITION` fields that do not ask for keywords."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and sum(map(is_field, node.body)) > MOST_BY_POSITION:
            marks = [ast.unparse(mark) for mark in node.decorator_list]
            if any("dataclass(" in mark and "frozen=True" in mark and "kw_only=True" not in mark for mark in marks):
                found.append(node.name)
    return found


def test_large_records_are_built_by_keyword() -> None:
    places = defaultdict(list)
    for path in FILES:
        place = path.relative_to(PACKAGE).with_suffix("").as_posix()
        for name in built_by_position(ast.parse(path.read_text(encoding="utf-8"))):
            places[next((known for known in BY_POSITION if place.startswith(known)), place)].append(name)
    assert set(places) == BY_POSITION, places


def test_the_rule_of_keywords_can_fail() -> None:
    fields = "".join(f"\n    {name}: float" for name in "abcde")
    assert built_by_position(ast.parse(f"@dataclass(frozen=True)\nclass A:{fields}")) == ["A"]
    assert not built_by_position(ast.parse(f"@dataclass(frozen=True, kw_only=True)\nclass A:{fields}"))
    for rest in ("init=False", "kw_only=True"):
        assert not built_by_position(ast.parse(f"@dataclass(frozen=True)\nclass A:{fields} = field({rest})"))


def test_packages_only_hand_on() -> None:
    own = set()
    for path in PACKAGE.rglob("__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        if any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name != "__getattr__" for node in body):
            own.add(path.parent.relative_to(PACKAGE).as_posix())
    assert not own
