"""The network of small changes about one state, at a complex rate sigma.

    (sigma - J) d = r,     J = d(dx/dt)/dx           the linear systems of implicit integration
    sigma = 2 pi i f                                  the small-signal network of an AC analysis

Every edge has an admittance, because its state follows its drop and current: with a = dF/ds, b = dF/di,
c = dF/dv of the rates and r its own load,

    ohmic       v = q i             k = q' i / (sigma - a)     di = ((1 - k c) dv - k r) / (q + k b)
    general     i = i(v, s)         k = i_s / (sigma - a)      di = ((g + k c) dv + k r) / (1 - k b)
    capacitor   di = sigma C dv - C r
    inductor    di = dv / (sigma L) + r / sigma
    source      di = 0

so that (B Y B^t) dp = B j is one sparse symmetric system with the graph's own pattern, whatever J's is (J is dense: all
states see each other at every instant). A load r that breaks the law of a loop of capacitors or of a cutset of
inductors by g (its dependent edge's value less what the law asks for) gives d the part g / sigma there and nothing
elsewhere, because the rates obey the derivative of the law whatever the state.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from spicebridge.arrays import Array, BoolArray, ComplexArray
from spicebridge.errors import SingularNetwork
from spicebridge.laws import Capacitor, Inductor
from spicebridge.network import Network
from spicebridge.reactive import reductions
from spicebridge.theory.currents.factorisation import equilibrated_lu, equilibration
from spicebridge.theory.currents.topology import Topology

DENSE_NODES = 60
"""Up to so many free nodes the admittance matrix is inverted densely."""


class AdmittancePattern:
    """B Y B^t over the free nodes for any Y: pattern and map, made once."""

    def __init__(self, network: Network) -> None:
        topology = Topology.of(network)
        self.free, self.n = topology.free, topology.n_free
        self.B = topology.cuts.astype(np.complex128)
        self.B_t = sp.csr_array(self.B.T)
        self.dense = self.n <= DENSE_NODES
        found = reductions(network) if network.reactive else None
        laws = () if found is None else (*found.loops, *found.cutsets)
        self.dependent = np.array([law.dependent for law in laws], dtype=np.intp)
        self.laws = np.zeros((len(laws), network.n_edges))
        for row, law in enumerate(laws):
            self.laws[row, list(law.edges)] = law.signs
        if self.dense:
            self.rows = topology.cuts.toarray()
            return
        B = sp.csc_array(topology.cuts)
        first, last, edge, value = [], [], [], []
        for shift in ((0, 0), (0, 1), (1, 0), (1, 1)):
            starts, counts = B.indptr[:-1], np.diff(B.indptr)
            has = np.flatnonzero(counts > max(shift))
            first.append(B.indices[starts[has] + shift[0]])
            last.append(B.indices[starts[has] + shift[1]])
            edge.append(has)
            value.append(B.data[starts[has] + shift[0]] * B.data[starts[has] + shift[1]])
        i, j, k, x = (np.concatenate(part) for part in (first, last, edge, value))
        keys, where = np.unique(j.astype(np.int64) * self.n + i, return_inverse=True)
        self.map = sp.csr_array((x, (where, k)), shape=(keys.size, network.n_edges))
        self.indices = (keys % self.n).astype(np.int32)
        self.indptr = np.searchsorted(keys, np.arange(self.n + 1) * self.n).astype(np.int32)

    def factor(self, Y: ComplexArray) -> Callable[[ComplexArray], ComplexArray]:
        """dp as a function of the load B j. Raises `SingularNetwork`."""
        if self.n == 0:
            return lambda load: load
        if self.dense:
            matrix = (self.rows * Y) @ self.rows.T
            scale = equilibration(np.diagonal(matrix))
            try:
                inverse = np.linalg.inv(matrix * scale[:, None] * scale)
            except np.linalg.LinAlgError:
                raise _singular() from None
            return lambda load: scale * (inverse @ (scale * load))
        data = np.asarray(self.map @ Y)
        try:
            return equilibrated_lu(sp.csc_array((data, self.indices, self.indptr), shape=(self.n, self.n)))
        except RuntimeError:
            raise _singular() from None


def _singular() -> SingularNetwork:
    return SingularNetwork("B Y B^t is singular: the network of small changes is not determined at this rate")


class Linearised:
    """All edges about one state (n_e,) with its currents and drops; `held` (n_e,) marks states that do not move."""

    def __init__(
        self,
        network: Network,
        pattern: AdmittancePattern,
        state: Array,
        current: Array,
        voltage: Array,
        held: BoolArray | None = None,
    ) -> None:
        n = network.n_edges
        self.pattern = pattern
        self.kind = np.zeros(n, dtype=np.int8)  # 0 ohmic, 1 general, 2 capacitor, 3 inductor, 4 current source
        self.by_s, self.by_v, self.by_i = np.zeros(n), np.zeros(n), np.zeros(n)
        self.main, self.bend = np.ones(n), np.zeros(n)  # q and q' i, or g and i_s; C or L
        self.moving = np.zeros(n, dtype=bool)
        self.held = np.zeros(n, dtype=bool) if held is None else held
        for group in network.groups:
            e, device = group.edges, group.device
            s, v, i, P, J = state[e], voltage[e], current[e], network.P[e], network.J[e]
            if device.kind in ("Capacitor", "Inductor", "CurrentSource"):
                self.kind[e] = {"Capacitor": 2, "Inductor": 3, "CurrentSource": 4}[device.kind]
                if isinstance(device, (Capacitor, Inductor)):
                    self.main[e] = device.c if isinstance(device, Capacitor) else device.l
                continue
            if device.ohmic:
                self.main[e], self.bend[e] = (
                    P * group.resistive.resistance(s),
                    P * group.resistive.resistance_slope(s) * i,
                )
            else:
                self.kind[e] = 1
                g, by_state = group.conductive.current_partials(J * v, s)
                self.main[e], self.bend[e] = g, J * by_state
            if device.stateful:
                self.moving[e] = True
                self.by_s[e], self.by_v[e], self.by_i[e] = group.differentiable.rate_partials(s, v, i, P, J)
        # A held state is fixed, and what stands in its place only adds up its rate.
        self.bend[self.held] = 0.0
        self.by_s[self.held] = 0.0

    def at(self, sigma: complex) -> Solver:
        """The network at one rate in 1/s. Raises `SingularNetwork`."""
        return Solver(self, sigma)


class Solver:
    """(sigma - J)^-1, and the admittances `Y` (n_e,) in S, at one rate."""

    def __init__(self, about: Linearised, sigma: complex) -> None:
        self.about, self.sigma = about, sigma
        kind, main = about.kind, about.main
        Y = np.zeros(kind.size, dtype=complex)
        load = np.zeros(kind.size, dtype=complex)
        ohmic, general = kind == 0, kind == 1
        with np.errstate(all="ignore"):
            k = about.bend / (sigma - about.by_s)
            below = main + k * about.by_i
            Y[ohmic] = ((1.0 - k * about.by_v) / below)[ohmic]
            load[ohmic] = (-k / below)[ohmic]
            below = 1.0 - k * about.by_i
            Y[general] = ((main + k * about.by_v) / below)[general]
            load[general] = (k / below)[general]
            capacitor, inductor = kind == 2, kind == 3
            Y[capacitor] = sigma * main[capacitor]
            load[capacitor] = -main[capacitor]
            Y[inductor] = 1.0 / (sigma * main[inductor])
            load[inductor] = 1.0 / sigma
        if not np.isfinite(Y).all():
            raise _singular()
        self.Y, self.load = Y, load
        self.factored = about.pattern.factor(Y)

    def solve(self, r: Array | ComplexArray) -> ComplexArray:
        """d (n_e,) with (sigma - J) d = r; zero on memoryless edges."""
        about, pattern = self.about, self.about.pattern
        dependent = pattern.dependent
        if dependent.size:
            gap = pattern.laws @ r
            r = r.copy()
            r[dependent] -= gap
        j = self.load * r
        dv = np.zeros(j.size, dtype=complex)
        if pattern.n:
            dv = -np.asarray(pattern.B_t @ self.factored(np.asarray(pattern.B @ j)))
        di = self.Y * dv + j
        out = np.zeros(j.size, dtype=complex)
        moving = about.moving
        out[moving] = ((about.by_v * dv + about.by_i * di + r) / (self.sigma - about.by_s))[moving]
        capacitor, inductor = about.kind == 2, about.kind == 3
        out[capacitor], out[inductor] = dv[capacitor], di[inductor]
        if dependent.size:
            out[dependent] += gap / self.sigma
        return out
