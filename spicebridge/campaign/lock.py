"""One process at a time writes into the folder of a campaign."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from spicebridge.errors import CampaignError
from spicebridge.locks import locked as held

FILE = "lock"


def locked(folder: Path) -> AbstractContextManager[None]:
    """Hold the folder. Raises `CampaignError` with process, machine and start of whoever holds it."""

    def refusal(holder: str) -> CampaignError:
        return CampaignError(f"{folder}: {holder} runs this campaign; wait for its end, or name another folder")

    return held(folder / FILE, refusal, named=True)
