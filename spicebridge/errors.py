"""One tree of exceptions.

Every message names the thing, the rule it breaks and the remedy. Misuse raises one of these;
numerical trouble during a run is never an exception but a value with a reason (see ``verify``).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SpiceBridgeError(Exception):
    """Root of every error that spicebridge raises on purpose."""


class QuantityError(SpiceBridgeError, ValueError):
    """A number with a suffix or a unit that cannot be read."""


class NetworkError(SpiceBridgeError, ValueError):
    """A graph, edge list, loop matrix or per-edge parameter that is not a network."""


class DeviceError(SpiceBridgeError, ValueError):
    """Parameters that make no device."""


class LawError(DeviceError):
    """A law text that is no law: formula, unit, name or table, with key, line, column and a caret."""


class DriveError(SpiceBridgeError, ValueError):
    """A source waveform that is not one."""


class CaseError(SpiceBridgeError, ValueError):
    """A case file that cannot be read, located by file, line and key."""


class OutputError(SpiceBridgeError, OSError):
    """A folder or file that cannot be written."""


class ScreenError(SpiceBridgeError, ValueError):
    """A network whose Kirchhoff equations have no unique solution at the start."""


class SingularNetwork(ScreenError):
    """Kirchhoff's equations have no unique solution for these resistances."""


class ProjectorSingular(ScreenError):
    """A P A^t is singular: the projector form does not exist although the circuit may."""


class DeckError(SpiceBridgeError, ValueError):
    """A netlist that cannot be read, written or recognised."""


class UnsafeDeck(DeckError):
    """A netlist that asks for commands or files no simulator should be given."""


class NotANetwork(DeckError):
    """A valid deck that is not a memristive network; says which element prevents it.

    `account` lists every element that does, as (name, reason) in the order of the deck.
    """

    def __init__(self, message: str, *, account: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.account = account


class CandidateError(SpiceBridgeError, ValueError):
    """Somebody's own equations or numbers that cannot be put on trial."""


class TableError(SpiceBridgeError, ValueError):
    """A file of signals, a column name or a unit that cannot be read."""


class RawFileError(SpiceBridgeError, ValueError):
    """Simulator output that cannot be parsed."""


class SimulatorError(SpiceBridgeError, RuntimeError):
    """A simulator that cannot do the job; `deck` and `log` keep the evidence."""

    def __init__(self, message: str, *, deck: str = "", log: str = "") -> None:
        super().__init__(message)
        self.deck = deck
        self.log = log


class SimulatorMissing(SimulatorError):
    """The simulator is not installed."""


class SimulatorTooOld(SimulatorMissing):
    """The simulator is installed but too old."""


class SimulatorDied(SimulatorError):
    """The simulator was killed, crashed, ran out of time or out of disk."""


class RunFailed(SimulatorError):
    """A run that ended in numerical failure where the caller asked for waveforms, not a verdict."""


class GradientError(SpiceBridgeError, ArithmeticError):
    """A run that has no derivative: it grazes a bound, or a rate jumps."""


class WorkersError(SpiceBridgeError, RuntimeError):
    """Processes or a cluster that cannot take work."""


class CampaignError(SpiceBridgeError, ValueError):
    """A sweep that cannot be planned, stored or resumed."""


class NetworkNote(UserWarning):
    """Something in a graph that the network does not use."""


class StateRangeWarning(UserWarning):
    """An initial state outside the range that its law describes."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was meant to be, if there is one."""
    match = difflib.get_close_matches(name, [str(k) for k in known], n=1, cutoff=0.5)
    return match[0] if match else None


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the closest known name, or an empty string."""
    match = closest(name, known)
    return "" if match is None else f" (did you mean {match!r}?)"
