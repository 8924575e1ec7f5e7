"""Measured claims as JSON, one file each, so that an interrupted atlas goes on where it stopped.

A record is valid for one key: the sources that a measurement depends on, the version of the simulator,
the seed and the size of the measurement. Numbers that are not finite become null.
"""

from __future__ import annotations

import hashlib
import json
import math
import pickle
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from spicebridge.atlas.claim import Claim, MeasuredClaim
from spicebridge.atlas.evidence import ClaimEvidence
from spicebridge.errors import OutputError
from spicebridge.network import Network
from spicebridge.waveforms import replacing

FORMAT = "spicebridge.claim/1"

Record = dict[str, Any]
"""A measured claim as JSON: what the claim is, its verdict, and the fields of its evidence."""
NOT_MEASURED = frozenset({"report", "cli", "lab", "campaign", "modelcheck"})
"""Parts of the package that no measurement depends on."""
DIGITS = 6
"""Significant digits of a picture's data."""


@cache
def code_version() -> str:
    """A hash of every source file that a measurement may depend on."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        place = path.relative_to(package)
        if place.parts[0].removesuffix(".py") not in NOT_MEASURED:
            digest.update(place.as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def key_of(simulator: str, *, quick: bool, seed: int, network: Network | None = None) -> str:
    """What a record must have been made with to be valid."""
    size = f"{code_version()} {simulator} {'quick' if quick else 'full'} seed {seed}"
    return size if network is None else f"{size} network {hashlib.sha256(pickle.dumps(network)).hexdigest()[:16]}"


def record(result: MeasuredClaim, key: str, problem: str | None = None) -> Record:
    """A result as plain data; `problem` is why it has no findings."""
    claim, evidence = result.claim, result.evidence
    findings = [
        asdict(finding) | {"rule": finding.rule, "passed": finding.passed, "resolved": finding.resolved}
        for finding in evidence.findings
    ]
    return {
        "format": FORMAT,
        "key": key,
        "identifier": claim.identifier,
        "paper": claim.paper,
        "title": claim.title,
        "printed": claim.printed,
        "exact": claim.exact,
        "status": claim.status.value,
        "status_text": claim.status_text,
        "circuits": claim.circuits,
        "mutant": claim.mutant,
        "expected": claim.expected.value,
        "verdict": result.verdict.value,
        "as_expected": result.as_expected,
        "mutant_verdict": None if result.mutant_verdict is None else result.mutant_verdict.value,
        "mutant_caught": result.mutant_caught,
        "headline": evidence.findings.index(result.headline) if findings else None,
        "wall_time": round(result.wall_time, 3),
        "findings": _plain(findings),
        "rows": _plain(evidence.rows),
        "numbers": _plain(evidence.numbers),
        "panels": _plain([asdict(panel) for panel in evidence.panels], DIGITS),
        "note": evidence.note,
        "problem": problem,
    }


def failure(claim: Claim, key: str, problem: str, wall_time: float) -> Record:
    """A claim whose measurement could not be finished: unresolved, with the reason."""
    return record(MeasuredClaim(claim=claim, evidence=ClaimEvidence(findings=()), wall_time=wall_time), key, problem)


def _plain(value: object, digits: int | None = None) -> object:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(entry, digits) for name, entry in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(entry, digits) for entry in value]
    assert isinstance(value, (int, float, np.number))
    number = float(value)
    if not math.isfinite(number):
        return None
    return float(f"{number:.{digits}g}") if digits else number


def save(folder: Path, content: Record) -> None:
    """Write one record, whole or not at all. Raises `OutputError`."""
    target = folder / f"{content['identifier']}.json"
    with replacing(target) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def load(folder: Path, identifier: str, key: str) -> Record | None:
    """The record of a claim if it is valid for `key`; None otherwise."""
    with suppress(OSError, ValueError):
        content = json.loads((folder / f"{identifier}.json").read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.get("format") == FORMAT and content.get("key") == key:
            return content
    return None


def prepare(folder: Path) -> Path:
    """Make the folder for records in `folder`. Raises `OutputError` with the reason."""
    place = folder / "claims"
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot hold the atlas: {error.strerror or error}; name another folder") from None
    return place
