"""Finished patches on disk, so that a run that was killed goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

import numpy as np

from spicebridge.errors import OutputError
from spicebridge.laws.base import device_key, parameter_names
from spicebridge.locks import locked
from spicebridge.verify.against_theory import Comparison
from spicebridge.verify.patches.cover import SEED
from spicebridge.verify.patches.task import PatchResult


class Kept:
    """Finished patches in a file: a line that says of what, then one line each, synchronised as it is written."""

    def __init__(self, path: Path, mark: str) -> None:
        self.path, self.mark = path, mark

    def alone(self) -> AbstractContextManager[None]:
        """Keep other runs out. Raises `OutputError` where one is under way."""

        def refusal(holder: str) -> OutputError:
            return OutputError(
                f"{self.path}: {holder} writes its patches there; wait for its end, or name another file"
            )

        return locked(self.path, refusal, named=False)

    def read(self) -> dict[int, PatchResult]:
        """What is there; a line that a crash cut short is dropped. Raises `OutputError` for another run's file."""
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        if not text:
            self._append({"patches": self.mark})
            return {}
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            self.path.write_text(whole, encoding="utf-8")
        lines = [json.loads(line) for line in whole.splitlines()]
        if not lines or lines[0].get("patches") != self.mark:
            raise OutputError(f"{self.path}: holds patches of another network or other settings; name another file")
        return {line["number"]: PatchResult(**line) for line in lines[1:]}

    def add(self, result: PatchResult) -> None:
        self._append(asdict(result))

    def _append(self, line: Mapping[str, object]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


def fingerprint(asked: Comparison, patches: bool | int) -> str:
    """What two runs must share to continue each other."""
    digest = hashlib.sha256()
    for one in (asked.network, asked.tried):
        for array in (one.tail, one.head, one.initial_state, one.P, one.J):
            digest.update(np.ascontiguousarray(array).tobytes())
        for group in one.groups:
            digest.update(group.edges.tobytes() + repr(device_key(group.device)).encode())
            for name in parameter_names(group.device):
                digest.update(np.ascontiguousarray(getattr(group.device, name)).tobytes())
        digest.update(repr(one.drives).encode())
    how = asked.settings
    options = {
        "engine": asked.engine,
        "form": how.form,
        "method": how.method,
        "timeout": how.timeout,
        "transform": how.transform,
        "max_steps": asked.max_steps,
        "norm": how.norm,
    }
    digest.update(repr((asked.stop, how.tolerance, patches, SEED, options)).encode())
    return digest.hexdigest()
