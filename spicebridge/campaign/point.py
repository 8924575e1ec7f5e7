"""One point on a worker: the case is built, judged and turned into one row. Runs anywhere, stores nothing."""

from __future__ import annotations

import os
import platform
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spicebridge import __version__
from spicebridge.errors import SpiceBridgeError
from spicebridge.pools import OneAtATime

if TYPE_CHECKING:
    from spicebridge.verify.verdict import Verdict
    from spicebridge.waveforms import Waveforms

LOG_TAIL = 4000
"""Characters of a dead simulator's log, or of a traceback, that are kept."""

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PointTask:
    """What a worker needs to know of a point; `folder` is where file names in the case start.

    `timeout` in s for one run of a simulator; `record` names what is wanted besides the numbers.
    """

    key: str
    name: str
    case: Mapping[str, object]
    folder: str
    run: Mapping[str, object]
    timeout: float | None
    record: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """A finished point: its row, and the simulator's waveforms where they were asked for."""

    row: Row
    waveforms: Waveforms | None = None


def run_point(task: PointTask) -> Done:
    """Judge one point. Whatever goes wrong becomes a row with its reason; only interruptions pass."""
    began = time.perf_counter()
    row: Row = {
        "key": task.key,
        "status": "failed",
        "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "worker": f"{platform.node()}:{os.getpid()}",
        "spicebridge": __version__,
    }
    waves = None
    try:
        verdict, engine, network_facts = _judge(task)
        row |= network_facts | _numbers(verdict) | {"simulator_time": engine.seconds, "simulator_runs": engine.runs}
        row["status"] = "done"
        if verdict.spice is not None and "final_state" in task.record:
            row["final_state"] = verdict.spice.state[-1].tolist()
        if verdict.spice is not None and "waveforms" in task.record:
            # deck and log stay here: they would be far larger than the samples
            waves = replace(verdict.spice, run=None)
    except SpiceBridgeError as error:
        from spicebridge.errors import RunFailed, SimulatorError

        kind = "unresolved" if isinstance(error, RunFailed) else "simulator"
        row["failure"] = kind if isinstance(error, SimulatorError) else "input"
        row["error"] = type(error).__name__
        # the case of a point has no file and no lines; its key says where the mistake is
        row["reason"] = str(error).removeprefix(f"{task.name}:1: ")
        row["log"] = getattr(error, "log", "")[-LOG_TAIL:]
    except Exception as error:
        row["failure"] = "bug"
        row["error"] = type(error).__name__
        row["reason"] = str(error) or type(error).__name__
        row["log"] = traceback.format_exc()[-LOG_TAIL:]
    row["wall_time"] = time.perf_counter() - began
    return Done(row, waves)


def _judge(task: PointTask) -> tuple[Verdict, OneAtATime, Row]:
    from spicebridge.batch.cases import CaseSettings, judge_case
    from spicebridge.campaign.axes import as_number
    from spicebridge.case.case import Case
    from spicebridge.case.located_toml import CaseSource, Section
    from spicebridge.circuit.engines import get_engine
    from spicebridge.theory.threads import one_blas_thread

    root = Section(CaseSource(task.name, "", {}), task.case)
    with one_blas_thread():
        case = Case.from_section(root, base=Path(task.folder))
        named, form = (task.run.get(key) for key in ("engine", "form"))
        engine = OneAtATime(get_engine(str(named or case.engine)))
        wanted = CaseSettings(
            engine=engine,
            form=None if form is None else str(form),
            step=as_number(task.run.get("step")),
            tolerance=as_number(task.run.get("tolerance")),
            timeout=task.timeout,
        )
        verdict = judge_case(case, wanted)
    facts = {"nodes": case.network.n_nodes, "edges": case.network.n_edges, "expected": case.expect}
    return verdict, engine, facts


def _numbers(verdict: Verdict) -> Row:
    ladder, found, facts = verdict.ladder, verdict.invariants, verdict.provenance
    row: Row = {
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "max_error": verdict.max_error,
        "uncertainty": verdict.uncertainty,
        "accepted": verdict.tolerance,
        "observed_order": verdict.observed_order,
        "theory_uncertainty": verdict.theory_uncertainty,
        "worst_edge": verdict.worst_edge or None,
        "worst_time": verdict.worst_time,
        "finest_step": None if ladder is None else ladder.steps[-1],
        "simulator": facts.get("engine"),
        "simulator_version": facts.get("engine_version"),
        "deck_form": facts.get("form"),
        "theory_method": facts.get("theory_method"),
    }
    if found is not None:
        for name, value in found.as_dict().items():
            row[name if name.endswith("_state") else f"{name}_residual"] = value
    return row


def lost(task: PointTask, reason: str) -> Done:
    """A point that no worker brought back."""
    row = {"key": task.key, "status": "failed", "failure": "worker", "error": "WorkerLost", "reason": reason}
    return Done({**row, "spicebridge": __version__})
