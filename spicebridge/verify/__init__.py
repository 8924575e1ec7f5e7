"""Where the branches meet: ladders, the rule, the verdict."""

from spicebridge.verify.comparison import validate
from spicebridge.verify.verdict import Outcome, SignalVerdict, Verdict

__all__ = ["Outcome", "SignalVerdict", "Verdict", "validate"]
