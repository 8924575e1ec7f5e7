"""Verdicts on networks that no simulator can hold: patch by patch, inside the theory of the whole.

A patch (see ``cover``) is a circuit of its own. Its border nodes are held at the potentials p(t) of the theory of the
whole network, as straight lines between samples in series with the edges that end there; what is inside is free:

    S' = S + p_tail  (tail on the border),    S' = S - p_head  (head on the border)

The circuit of a patch knows nothing of the rest. It is judged against the theory of the patch by a full ladder (E, U),
and that against the theory of the whole at and between the samples (D, which is what straight lines cost and what a
wrong theory would show). Where every patch agrees within the tolerance, every node's current law and every edge's law
has been put to the test in a circuit under the voltages it has in the whole. That is a statement on every place. How
local errors may add up over the whole network depends on its growth: ``bound`` gives a bound, and where that exceeds
the tolerance the verdict says that it is local only.

A sample of n patches around edges drawn uniformly, all of which agree, excludes a wrong part of f of the edges (wrong
by more than a patch detects) with confidence 1 - (1 - f)^n.
"""

from spicebridge.verify.patches.patched_verdict import PatchedVerdict
from spicebridge.verify.patches.run import validate_patches

__all__ = ["PatchedVerdict", "validate_patches"]
