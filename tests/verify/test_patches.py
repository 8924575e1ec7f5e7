"""Patches: they cover the graph, behave as inside the whole, find what is wrong where it is, and go on after a kill."""

from __future__ import annotations

import json
import re
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spicebridge as sb
from bench.networks import grid
from spicebridge.errors import NetworkError, OutputError, SpiceBridgeError
from spicebridge.theory import solve
from spicebridge.verify import Outcome
from spicebridge.verify.against_theory import Comparison
from spicebridge.verify.patches import cover as covers
from spicebridge.verify.patches import run as running
from spicebridge.verify.patches import task as tasks
from spicebridge.verify.patches.bound import bound_of_the_whole
from spicebridge.verify.patches.kept import Kept

T = np.linspace(0.0, 2.0, 3)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(covers, "INNER", 8)


def network(**changes) -> sb.Network:
    """A grid of 5 x 5 nodes whose potentials move, with DC, sines and a corner."""
    graph = nx.grid_2d_graph(5, 5)
    rng = np.random.default_rng(2)
    drives = [
        (sb.DC(a), sb.Sine(0.1, 0.5, phase=k), sb.PWL((0.0, 0.7, 0.9), (0.0, 0.0, a)))[k % 3]
        for k, a in enumerate(rng.normal(0, 0.1, 40))
    ]
    values = dict(device=sb.LinearMemristor.caravelli2017(100.0, 1000.0, 0.1, 1.0), drive=drives, initial_state=0.4)
    values.update(changes)
    return sb.Network.from_graph(graph, **values)


def compared(whole: sb.Network, circuit: sb.Network | None = None) -> Comparison:
    return Comparison(network=whole, circuit=circuit, stop=2.0, engine="ngspice")


def wrong_edge(k: int) -> sb.Network:
    r_off = np.full(40, 1000.0)
    r_off[k] *= 1.01
    return network(device=sb.LinearMemristor.caravelli2017(100.0, r_off, 0.1, 1.0))


@given(st.integers(2, 40), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_a_complete_cover_has_every_node_inside_once_and_every_edge(n, seed):
    graph = nx.gnm_random_graph(n, 2 * n, seed=seed)
    edges = list(graph.edges) or [(0, 1)]
    whole = sb.Network.from_edges(edges, device=sb.Resistor(1.0), nodes=range(n))
    cover = covers.complete_cover(whole)
    inner = np.concatenate([patch.inner for patch in cover])
    assert np.array_equal(np.sort(inner), np.arange(n))
    assert np.array_equal(np.unique(np.concatenate([patch.counted for patch in cover])), np.arange(len(edges)))
    for patch in cover:
        touches = np.isin(whole.tail, patch.inner) | np.isin(whole.head, patch.inner)
        assert np.array_equal(np.flatnonzero(touches), patch.edges)


def test_a_patch_moves_as_inside_the_whole():
    """The departure falls with the square of the lines' length; without what holds the border it does not fall."""
    whole = network()
    path = solve(whole, 2.0, rtol=1e-11, atol=1e-13)
    task = next(tasks.tasks(compared(whole), path, covers.complete_cover(whole)))

    def departure(of: sb.Network) -> float:
        return float(np.abs(sb.integrate(of, task.t, rtol=1e-10, atol=1e-12).state - task.states).max())

    coarse, fine = departure(task.held(task.comparison.network, 64)), departure(task.held(task.comparison.network, 8))
    assert fine < coarse / 30.0
    assert fine < 1e-5
    assert departure(task.comparison.network) > 1e-3


def test_the_right_circuit_agrees_as_the_whole_does_and_a_wrong_edge_is_named(tmp_path):
    whole, k = network(), 17
    right = sb.validate(whole, T, patches=True, tolerance=1e-5)
    assert right.outcome is sb.validate(whole, T).outcome is Outcome.AGREES
    assert right.max_error < right.uncertainty < 1e-5
    assert np.isfinite(right.map).all()
    wrong = sb.validate(whole, T, patches=True, circuit=wrong_edge(k))
    assert wrong.outcome is Outcome.DISAGREES
    assert wrong.worst_edge == whole.edge_name(k)
    assert wrong.worst_edge in wrong.reason
    assert wrong.map[k] > 1.0
    touching = {
        k
        for patch, result in zip(wrong.cover, wrong.patches, strict=True)
        if result.outcome == "disagrees"
        for k in patch.edges
    }
    assert k in touching


def test_a_sample_counts_the_middle_edge_alone_and_says_what_it_excludes():
    whole, k = network(), 17
    path = solve(whole, 2.0, rtol=1e-10, atol=1e-12)
    cover = covers.sampled_cover(whole, 40)
    assert [int(patch.counted[0]) for patch in cover] == list(range(40))
    apart = next(patch for patch in cover if k not in patch.edges)
    found = [tasks.judge_patch(task) for task in tasks.tasks(compared(whole, wrong_edge(k)), path, [cover[k], apart])]
    assert [(r.outcome, r.edge) for r in found] == [("disagrees", k), ("agrees", int(apart.counted[0]))]
    some = sb.validate(whole, T, patches=2)
    assert some.outcome is Outcome.AGREES
    assert not some.complete
    assert f"less than {1 - 0.001**0.5:.2%} of the edges" in some.reason


def test_a_killed_run_goes_on_and_runs_no_patch_twice(tmp_path, monkeypatch):
    whole, kept = network(), tmp_path / "out" / "patches.jsonl"
    ran = []

    def judge(task: tasks.Task, most: int = 2) -> tasks.PatchResult:
        if len(ran) == most:
            raise KeyboardInterrupt
        ran.append(task.patch.number)
        return tasks.PatchResult(
            number=task.patch.number,
            outcome="agrees",
            reason="",
            error=1e-9,
            uncertainty=2e-9,
            departure=0.0,
            edge=0,
            edges=1,
            seconds=0.0,
        )

    monkeypatch.setattr(running, "judge_patch", judge)
    with pytest.raises(KeyboardInterrupt):
        sb.validate(whole, T, patches=True, results=kept)
    with kept.open("a") as file:
        file.write('{"number": 3, "outc')
    monkeypatch.setattr(running, "judge_patch", lambda task: judge(task, 10**9))
    done = sb.validate(whole, T, patches=True, results=kept)
    assert sorted(ran) == [patch.number for patch in done.cover]
    assert len(set(ran)) == len(ran)
    assert len([json.loads(line) for line in kept.read_text().splitlines()]) == 1 + len(ran)
    again = sb.validate(whole, T, patches=True, results=kept)
    assert again.patches == done.patches
    mark = kept.read_text().splitlines()[0]
    with Kept(kept, mark).alone(), pytest.raises(OutputError, match="another process writes its patches there"):
        sb.validate(whole, T, patches=True, results=kept)
    with pytest.raises(OutputError, match="other settings"):
        sb.validate(whole, T, patches=True, results=kept, tolerance=1e-4)
    with pytest.raises(OutputError, match="another network"):
        sb.validate(wrong_edge(3), T, patches=True, results=kept)


def test_processes_find_the_same():
    whole = grid(4)
    one, two = (sb.validate(whole, T, patches=2, workers=n) for n in (1, 2))
    strip = [[(p.number, p.outcome, p.error, p.uncertainty, p.departure) for p in v.patches] for v in (one, two)]
    assert strip[0] == strip[1]


def test_the_bound_of_the_whole_holds_and_is_refused_where_networks_grow():
    """Patches of a circuit with two edges wrong, by theory alone: what they measure bounds what the whole does."""
    whole = network()
    r_off = np.full(40, 1000.0)
    r_off[[7, 31]] *= 1.0 + 1e-5
    other = network(device=sb.LinearMemristor.caravelli2017(100.0, r_off, 0.1, 1.0))
    for stop in (0.2,):
        path = solve(whole, stop, rtol=1e-12, atol=1e-14)
        cover = covers.complete_cover(whole)
        found = []
        for task in tasks.tasks(compared(whole, other), path, cover):
            own, true = sb.integrate(task.held(task.comparison.tried, 1), task.t), path.waveforms(task.t)
            largest = np.abs(true.current).max()
            off = np.abs(own.state - task.states).max()
            off = max(off, np.abs(own.current - true.current[:, task.patch.edges]).max() / largest)
            found.append(
                tasks.PatchResult(
                    number=task.patch.number,
                    outcome="agrees",
                    reason="",
                    error=off,
                    uncertainty=0.0,
                    departure=0.0,
                    edge=0,
                    edges=1,
                    seconds=0.0,
                )
            )
        bound = bound_of_the_whole(whole, path, cover, found)
        error = np.abs(sb.integrate(other, [0.0, stop]).state[-1] - path(stop)).max()
        assert 1e-9 < error < bound < 1e-1, (error, bound)
    assert bound_of_the_whole(network(device=sb.Resistor(3.0)), path, cover, found) >= 0.0
    growing = network(device=sb.LinearMemristor.caravelli2017(100.0, 1000.0, 30.0, 1.0), drive=1e-9)
    path = solve(growing, 0.05)
    assert bound_of_the_whole(growing, path, cover, found) > bound


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patches": 0}, "at least 1"),
        ({"patches": "all"}, "True or a number"),
        ({"patches": False}, "True or a number"),
        ({"patches": True, "workers": 0}, "workers"),
        ({"patches": True, "step": 0.1}, "step"),
        ({"workers": 2}, "belong to patches"),
        ({"patches": True, "circuit": grid(4)}, "between the same nodes"),
    ],
)
def test_misuse_is_named(options, message):
    with pytest.raises(SpiceBridgeError, match=message):
        sb.validate(network(), T, **options)


def test_a_loop_matrix_has_no_patches():
    whole = sb.Network.from_loop_matrix(np.ones((1, 3)), device=sb.Resistor(1.0))
    with pytest.raises(NetworkError, match="graph"):
        sb.validate(whole, T, patches=True)


def test_the_page_runs():
    page = (Path(__file__).parents[2] / "docs" / "patches.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "docs/patches.md", "exec"), {})
