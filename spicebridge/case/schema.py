"""What the sections of a case file mean: ``[network]``, ``[device]`` and ``[drive]`` become a `Network`.

Random draws always carry their seed, so that a case is the same network on every machine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import cast

import numpy as np

from spicebridge.arrays import Array
from spicebridge.case.located_toml import Section
from spicebridge.drives import DC, PWL, VOLT_OR_AMPERE, Drive, Pulse, Sine, Sum
from spicebridge.generators import generate, unseeded
from spicebridge.laws import LAWS, CurrentSource, Law, RecordLaw, Resistor, group_devices
from spicebridge.laws.base import Device, take
from spicebridge.laws.law_text import KEYS as LAW_TEXT
from spicebridge.laws.law_text import TABLES as LAW_TABLES
from spicebridge.network import Network
from spicebridge.network.edge_rules import say_states_outside
from spicebridge.windows import WINDOWS, Window, make_window, window_fields

LAW_KEYS = tuple(key for key in (*LAW_TEXT, *LAW_TABLES) if key != "window")
"""Keys of a law whose formulas stand in the section itself; its window is the device's."""
GRAPHS = ("generator", "edges", "graphml", "loop_matrix", "random_loop_matrix")
Pairs = list[tuple[Hashable, Hashable]]
"""(tail, head) of every edge; whether a file keeps to it is checked where the graph is made."""
KIND_DRIVES: dict[str, type[DC | Sine | Pulse]] = {"dc": DC, "sine": Sine, "pulse": Pulse}
KEYS: dict[str, tuple[str, ...]] = {
    "": ("title", "learn", "stop", "network", "device", "drive", "validate"),
    "validate": ("tolerance", "points", "form", "engine", "expect"),
    "network": (*GRAPHS, "args", "options", "nodes", "ignore", "initial_state", "active", "polarity"),
    "device": ("law", *dict.fromkeys(key for law in LAWS.values() for key in law.keys)),
    "drive": ("kind", *dict.fromkeys(name for kind in KIND_DRIVES.values() for name in kind.units)),
}
"""Table of a case -> its keys; the top has no name. The keys of a device or drive depend on its kind."""
DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, tuple[int, int]], Array]] = {
    "uniform": lambda rng, shape: rng.random(shape),
    "normal": lambda rng, shape: rng.standard_normal(shape),
}


def build_network(root: Section, base: Path, title: str) -> Network:
    """The network of a case file. `base` is the folder that relative file names start from."""
    for name in ("network", "device"):
        if name not in root:
            root.fail(None, f"section [{name}] is missing; add it")
    section = root.section("network")
    section.known(KEYS["network"], elsewhere=KEYS)
    graph = _graph(section, base)
    n_e = graph.n_edges
    blocks = root.sections("device")
    devices = _devices(blocks, n_e, base)
    drives = _drives(root.sections("drive"), _drive_units(devices, n_e), base)
    groups = group_devices(_with_currents(devices, drives, blocks), n_e)
    state = section.per_edge("initial_state", n_e) if "initial_state" in section else 0.0
    with section.located("initial_state" if "initial_state" in section else None):
        network = dataclasses.replace(graph, groups=groups, initial_state=np.full(n_e, state), title=title)
    say_states_outside(network.structure, groups, network.initial_state)
    with section.located("polarity"):
        network = network.with_polarity(_polarity(section, n_e))
    if "active" in section:
        edges = _edges(section, n_e, "active")
        with section.located("active"):
            network = network.with_active(edges)
    return network.with_drive(drives)


def _graph(section: Section, base: Path) -> Network:
    """The bare graph or loop matrix, every edge a resistor until the devices are known."""
    given = [key for key in GRAPHS if key in section]
    if len(given) != 1:
        found = f"found {' and '.join(given)}" if given else "found none"
        section.fail(given[1] if given else None, f"needs exactly one of {', '.join(GRAPHS)}; {found}")
    kind = given[0]
    for key, owner in (("args", "generator"), ("options", "generator"), ("nodes", "edges")):
        if key in section and kind != owner:
            section.fail(key, f"goes with {owner!r} only; remove it")
    bare = Resistor(1.0)  # type: ignore[arg-type]
    with section.located(kind):
        if kind == "generator":
            return Network.from_graph(_generated(section), device=bare, ignore=_ignored(section))
        if kind == "edges":
            pairs = cast(Pairs, [_node(section, "edges", pair) for pair in section.array("edges")])
            listed = section.array("nodes") if "nodes" in section else None
            nodes = None if listed is None else [_node(section, "nodes", node) for node in listed]
            return Network.from_edges(pairs, device=bare, nodes=nodes)
        if kind == "graphml":
            return Network.from_graphml(base / section.word("graphml"), device=bare, ignore=_ignored(section))
        if kind == "loop_matrix":
            return Network.from_loop_matrix(section.array("loop_matrix"), device=bare)
        return Network.from_loop_matrix(_random_matrix(section.section(kind)), device=bare)


def _ignored(section: Section) -> list[str]:
    """Edge attributes that the case says it does not use."""
    names = section.array("ignore") if "ignore" in section else []
    if not all(isinstance(name, str) for name in names):
        section.fail("ignore", f"{names!r} must be a list of edge attributes, such as ['weight']")
    return names


def _generated(section: Section) -> object:
    name = section.word("generator")
    args = section.array("args") if "args" in section else []
    options = dict(section.section("options").data)
    graph = generate(name, *args, **options)
    if unseeded(name, *args, **options):
        section.fail("generator", f"{name} draws at random; add options = {{seed = 1}}")
    return graph


def _node(section: Section, key: str, value: object) -> Hashable:
    """A node (text or whole number), or a list of them as a tuple."""
    if isinstance(value, list):
        return tuple(_node(section, key, part) for part in value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        section.fail(key, f"{value!r} is no node; use text or whole numbers")
    return value


def _random_matrix(section: Section) -> object:
    keys = ("loops", "edges", "distribution")
    rng = section.generator(*keys)
    shape = section.whole("loops", least=1), section.whole("edges", least=1)
    return DISTRIBUTIONS[section.word("distribution", "uniform", among=DISTRIBUTIONS)](rng, shape)


def _edges(section: Section, n_e: int, key: str = "edges") -> list[int]:
    """A list of different edge indices."""
    edges = section.array(key)
    for k in edges:
        if isinstance(k, bool) or not isinstance(k, int) or not 0 <= k < n_e:
            section.fail(key, f"{k!r} is no edge index; the network has edges 0 to {n_e - 1}")
    if len(set(edges)) < len(edges):
        section.fail(key, "names an edge twice; once is enough")
    return edges


def _polarity(section: Section, n_e: int) -> float | Array:
    if "polarity" not in section:
        return 1.0
    if not isinstance(section.get("polarity"), Mapping):
        return section.per_edge("polarity", n_e)
    inner = section.section("polarity")
    rng = inner.generator()
    if inner.get("random") is not True:
        inner.fail("random", f"{inner.get('random')!r} must be true: polarities are drawn from -1 and 1")
    return rng.choice([-1.0, 1.0], n_e)


def _devices(blocks: list[Section], n_e: int, base: Path) -> Device | list[Device]:
    """One device for all edges, or a list with one per edge from several blocks."""
    if len(blocks) == 1 and "edges" not in blocks[0]:
        return _device(blocks[0], n_e, base)
    laws: list[Device | None] = [None] * n_e
    rest = [block for block in blocks if "edges" not in block]
    if len(rest) > 1:
        rest[1].fail(None, "a second block without edges; only one may take the edges that no other names")
    for block in [b for b in blocks if "edges" in b] + rest:
        edges = _edges(block, n_e) if "edges" in block else [k for k, law in enumerate(laws) if law is None]
        device = _device(block, len(edges), base)
        for position, k in enumerate(edges):
            if laws[k] is not None:
                block.fail("edges", f"edge {k} has a device already; name it in one block only")
            laws[k] = take(device, position)
    found = [law for law in laws if law is not None]
    if len(found) < n_e:
        k = next(k for k, law in enumerate(laws) if law is None)
        blocks[0].fail(None, f"edge {k} has no device; add it to a block or give one block without edges")
    return found


def _with_currents(
    devices: Device | list[Device], drives: list[Drive | None], blocks: list[Section]
) -> Device | list[Device]:
    """The devices with the drives of current sources moved into them, out of `drives`; these are in A."""
    laws = devices if isinstance(devices, list) else [devices] * len(drives)
    for k, law in enumerate(laws):
        if isinstance(law, CurrentSource):
            drive = drives[k]
            if drive is None:
                block = next(b for b in blocks if b.get("law") == "current_source")
                block.fail(
                    None, f"edge {k} is a current source without current; add a [[drive]] with edges = [{k}], in A"
                )
            laws[k], drives[k] = CurrentSource(drive), None
    return laws if any(isinstance(law, CurrentSource) for law in laws) else devices


def _law(block: Section, base: Path) -> tuple[Law | RecordLaw, tuple[str, ...]]:
    """The law of a block and the keys that describe it: a name, a file beside the case, or formulas in the block."""
    formulas = tuple(key for key in LAW_KEYS if key in block)
    if "resistance" in formulas or "current" in formulas:
        entries = {key: block.get(key) for key in formulas}
        with block.located():
            return Law(block.word("law", "own"), **entries), formulas
    word = block.word("law")
    if word.endswith((".toml", ".va")):
        with block.located("law"):
            return Law.load(base / word), ()
    return LAWS[block.word("law", among=LAWS)], ()


def _device(block: Section, count: int, base: Path) -> Device:
    law, formulas = _law(block, base)
    if law.device is CurrentSource:
        block.known(("law", "edges"))
        return CurrentSource(DC(0.0))
    block.known(("law", "edges", *formulas, *law.keys), elsewhere={"": KEYS[""], "network": KEYS["network"]})
    arguments = {key: _argument(block, law, key, count) for key in law.keys if key in block}
    for key in law.required:
        if key not in arguments:
            block.fail(None, f"{key!r} is missing; law {block.word('law')} needs {', '.join(law.required)}")
    with block.located():
        return law.build(**arguments)


def _argument(block: Section, law: Law | RecordLaw, key: str, count: int) -> object:
    if key in law.numeric:
        return block.per_edge(key, count, law.unit(key))
    return _window(block) if key == "window" else block.get(key)


def _window(block: Section) -> Window:
    if not isinstance(block.get("window"), Mapping):
        return make_window(block.word("window", among=WINDOWS), {})
    section = block.section("window")
    kind = section.word("kind", among=WINDOWS)
    names = window_fields(kind)
    section.known(("kind", *names))
    with section.located():
        return make_window(kind, {name: section.get(name) for name in names if name in section})


def _drive_units(devices: Device | list[Device], n_e: int) -> list[str]:
    """The unit of every edge's drive: A on current sources, V elsewhere."""
    laws = devices if isinstance(devices, list) else [devices] * n_e
    return ["A" if isinstance(law, CurrentSource) else "V" for law in laws]


def _drives(blocks: list[Section], units: list[str], base: Path) -> list[Drive | None]:
    """One drive per edge; blocks that meet on an edge add up."""
    n_e = len(units)
    drives: list[Drive | None] = [None] * n_e
    for block in blocks:
        edges = _edges(block, n_e) if "edges" in block else list(range(n_e))
        for k, term in zip(
            edges, _terms(block, len(edges), " or ".join(sorted({units[k] for k in edges})), base), strict=True
        ):
            before = drives[k]
            drives[k] = term if before is None else Sum((before, term))
    return drives


def _terms(block: Section, count: int, unit: str, base: Path) -> list[Drive]:
    kind = block.word("kind", among=(*KIND_DRIVES, "pwl", "csv"))
    if kind == "pwl":
        block.known(("kind", "edges", "times", "values"))
        with block.located():
            return [PWL(tuple(block.numbers("times", "s")), tuple(block.numbers("values", unit)))] * count
    if kind == "csv":
        block.known(("kind", "edges", "file", "time", "column"))
        where = {key: block.whole(key, least=0) for key in ("time", "column") if key in block}
        with block.located("file"):
            return [PWL.from_csv(base / block.word("file"), **where)] * count
    fields = dataclasses.fields(KIND_DRIVES[kind])
    units = {name: unit if of == VOLT_OR_AMPERE else of for name, of in KIND_DRIVES[kind].units.items()}
    block.known(("kind", "edges", *units), elsewhere={"": KEYS[""], "validate": KEYS["validate"]})
    missing = [f.name for f in fields if f.default is dataclasses.MISSING and f.name not in block]
    if missing:
        block.fail(None, f"{missing[0]!r} is missing; add {missing[0]} = …")
    given = [f.name for f in fields if f.name in block]
    columns = {name: np.full(count, block.per_edge(name, count, units[name])).tolist() for name in given}
    with block.located():
        rows = zip(*columns.values(), strict=True)
        return [KIND_DRIVES[kind](**dict(zip(columns, row, strict=True))) for row in rows]
