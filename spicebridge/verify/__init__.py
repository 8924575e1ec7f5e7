"""Where the branches meet: norms, refinement, invariants, the verdict."""

from spicebridge.verify.trial import validate
from spicebridge.verify.verdict import Outcome, Verdict

__all__ = ["Outcome", "Verdict", "validate"]
