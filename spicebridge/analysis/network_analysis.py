"""What a network is: every quantity of the two papers for the network at hand.

    import spicebridge as sb
    found = sb.analyse(network)
    found.Omega, found.effective_memory, found.jacobian(w), found.fixed_points().stable, …

Nothing is computed before it is asked for. Quantities that hold under assumptions raise `NetworkError` naming the
assumption that fails; the equation of each stands in its docstring.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.analysis import lyapunov, mean_field, memory
from spicebridge.analysis.affine import affine
from spicebridge.analysis.confirm import Confirmation, confirm, confirmed
from spicebridge.analysis.fixed_points import FixedPoints, fixed_points
from spicebridge.analysis.flow import Flow
from spicebridge.analysis.pseudospectrum import Pseudospectrum, eigenvalues, pseudospectrum
from spicebridge.arrays import Array, ComplexArray
from spicebridge.errors import NetworkError
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.results.stability import Screen, screen


def analyse(network: Network, *, confirm: bool = False) -> Analysis:
    """What `network` is; see `Analysis`. Nothing is computed before it is asked for.

    Parameters
    ----------
    network
        Any network; quantities that hold under assumptions say which one fails.
    confirm
        Measure Omega, rates and rest on circuits at once (`Analysis.confirm` does so later).

    Returns
    -------
    Analysis

    Raises
    ------
    NetworkError
        For anything that is no network.
    SimulatorMissing
        With `confirm`, where there is no ngspice.
    """
    if not isinstance(network, Network):
        raise NetworkError(f"analyse: {type(network).__name__} is no network; build one with Network.from_edges")
    found = Analysis(network)
    if confirm:
        found.confirm()
    return found


class Analysis:
    """Quantities of one network, in SI units and in the order of its edges.

    States `w` are (n_e,), in most methods also (..., n_e); times `t` are in s and matter where sources change.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._points: dict[tuple[int, int, int, bool], FixedPoints] = {}
        self._confirmed: dict[str, tuple[Confirmation, ...]] = {}

    @cached_property
    def _topology(self) -> Topology:
        return Topology.of(self.network)

    @cached_property
    def _flow(self) -> Flow:
        return Flow(self.network)

    @cached_property
    def incidence(self) -> Array:
        """B (n, n_e): -1 where an edge leaves, +1 where it enters; B i = 0. Raises for a loop matrix."""
        return np.asarray(self._topology.B.toarray())

    @cached_property
    def cycles(self) -> Array:
        """A (L, n_e): fundamental cycles, or the loop matrix itself; A (v - S) = 0, A B^t = 0."""
        return np.asarray(self._topology.A.toarray())

    @property
    def n_loops(self) -> int:
        """L = n_e - n + c, the number of independent loops."""
        return self._topology.n_loops

    @property
    def effective_memory(self) -> float:
        """Gamma = L/n_e (paper 1, Eq. 20)."""
        return self._topology.effective_memory

    @property
    def bridges(self) -> tuple[str, ...]:
        """Edges in no loop: they carry no current, Omega_kk = 0."""
        return tuple(self.network.edge_labels[k] for k in self._topology.bridges.tolist())

    @cached_property
    def Omega(self) -> Array:
        """A^t (A A^t)^-1 A (n_e, n_e), the orthogonal projector on loops (paper 1, Eq. 4)."""
        return self._topology.Omega

    @cached_property
    def Omega_bar(self) -> Array:
        """A^t (A Q A^t)^-1 A Q (n_e, n_e), Q = diag(P r0): Omega where P = I and all r0 are equal.

        Raises `ProjectorSingular` where A Q A^t is singular, `NetworkError` for laws that are not affine.
        """
        return self._topology.oblique(self.network.P * affine(self.network).r0)

    def response(self, w: ArrayLike | None = None, t: float = 0.0) -> Array:
        """T = di/dS (n_e, n_e) in A/V in state `w`: A^t (A P R A^t)^-1 A."""
        return self._flow.T(self._flow.at(self._state(w), t).r)

    @cached_property
    def conserved(self) -> memory.Conserved | None:
        """B J s/(g r0) ~ e^{a t} (Eqs. 12-14) or its logarithm for voltage control; None where there is no such law."""
        return memory.conserved(self.network)

    @cached_property
    def chord_to_tree(self) -> memory.ChordToTree:
        """The operator of Eq. 15 (constant corrected): the chords' states determine the tree's."""
        return memory.chord_to_tree(self.network)

    @cached_property
    def reachable_dimension(self) -> int:
        """Dimension of the states that sources can reach, measured along a run (Eq. 20 says L for alpha = 0)."""
        return memory.reachable_dimension(self.network)

    @cached_property
    def screen(self) -> Screen:
        """Inertia: n_-(A P R A^t) and n_-(B (P R)^-1 B^t), stability against parasitic elements."""
        return screen(self.network)

    def rate(self, w: ArrayLike | None = None, t: float = 0.0) -> Array:
        """ds/dt (n_e,) in 1/s in the bulk, without hard bounds."""
        return self._flow.rate(self._state(w), t)

    def jacobian(self, w: ArrayLike | None = None, t: float = 0.0) -> Array:
        """d(ds/dt)/ds (n_e, n_e) in 1/s in the bulk; alpha I + (xi/beta) J M D for paper 1 (Eqs. 33-35, corrected).

        Rows and columns of memoryless edges are zero.
        """
        return self._flow.jacobian(self._state(w), t)

    def spectrum(self, w: ArrayLike | None = None, t: float = 0.0) -> ComplexArray:
        """Eigenvalues in 1/s of the Jacobian of the states, by falling real part."""
        return eigenvalues(self._jacobian_of_states(w, t))

    def pseudospectrum(self, w: ArrayLike | None = None, t: float = 0.0, *, points: int = 41) -> Pseudospectrum:
        """s_min(z I - J) around the spectrum, numerical abscissa and Kreiss constant (paper 2, Eqs. 37-39)."""
        return pseudospectrum(self._jacobian_of_states(w, t), points=points)

    def _jacobian_of_states(self, w: ArrayLike | None, t: float) -> Array:
        keep = self.network.stateful
        return self.jacobian(w, t)[np.ix_(keep, keep)]

    def fixed_points(
        self, *, starts: int = 512, newton_starts: int = 128, seed: int = 0, confirm: bool = False
    ) -> FixedPoints:
        """Fixed points under constant sources, faces of the cube included; options as `analysis.fixed_points`.

        With `confirm` every stable point is run as a circuit from a state nearby (see ``confirm.rests``).
        """
        key = starts, newton_starts, seed, confirm
        if key not in self._points:
            found = fixed_points(self.network, starts=starts, newton_starts=newton_starts, seed=seed)
            self._points[key] = confirmed(self.network, found) if confirm else found
        return self._points[key]

    def lyapunov_exponents(self, t: ArrayLike, *, rtol: float = lyapunov.RTOL) -> Array:
        """Exponents in 1/s over [0, t[-1]] from the initial state, falling; minus infinity where a bound absorbs."""
        return lyapunov.lyapunov_exponents(self.network, t, rtol=rtol)

    @cached_property
    def _function(self) -> lyapunov.LyapunovFunction:
        return lyapunov.LyapunovFunction.of(self.network)

    def lyapunov_function(self, w: ArrayLike) -> Array:
        """L (...,) in J, falling in the bulk for P = I: paper 2, Eqs. 8-11, for any Ron, Roff, beta, J per edge."""
        return self._function(w)

    def lyapunov_descent(self, w: ArrayLike, t: float = 0.0) -> float:
        """-dL/dt in W in state `w` (n_e,) in the bulk: >= 0 for P = I."""
        state = self._state(w)
        return float(self._function.loss(state, self.rate(state, t)))

    def functional(self, w: ArrayLike) -> Array:
        """f = sum_ij (Omega_ij/2) S_j w_i^2 (...,) in V: paper 1 after Eq. 60; never rises for P = J = I, alpha = 0."""
        return lyapunov.functional(self.network, w)

    def x_cg(self, w: ArrayLike) -> Array:
        """1^t Omega x/N (...,): the centre of the states (paper 2, Eq. 6)."""
        return mean_field.centre(self.network, w)

    def force(self, w: ArrayLike, t: float = 0.0) -> Array:
        """Lyapunov force Lf (...,) on the centre (paper 2, Eq. 7):

        (1/(alpha beta N)) 1^t (I - chi Omega X)^-1 Omega S - s/(alpha beta (1 - chi x_cg)).
        """
        return mean_field.force(self.network, w, t)

    def potential(self, s: float | None = None) -> mean_field.Potential:
        """V(x, s) of the mean field, its minima, barrier and s_crit (paper 2, Eqs. 2, 26); `s` (V) of the sources."""
        return mean_field.potential(self.network, s)

    def _state(self, w: ArrayLike | None) -> Array:
        if w is None:
            return self.network.initial_state
        state = np.asarray(w, float)
        if state.shape != (self.network.n_edges,):
            raise NetworkError(f"w has shape {state.shape}; a state is ({self.network.n_edges},), one number per edge")
        if not np.isfinite(state).all():
            raise NetworkError(
                f"{self.network.edge_name(int(np.argmin(np.isfinite(state))))}: the state must be finite"
            )
        return np.where(self.network.stateful, state, 0.0)

    def confirm(self, engine: str = "ngspice") -> tuple[Confirmation, ...]:
        """The same numbers measured on circuits: value, circuit's value, U and verdict of each; kept once made."""
        if engine not in self._confirmed:
            self._confirmed[engine] = confirm(self.network, engine=engine)
        return self._confirmed[engine]

    def __repr__(self) -> str:
        where = f"{self.network.n_nodes} nodes, " if self.network.is_graph else "loop matrix, "
        return (
            f"Analysis({where}{self.network.n_edges} edges, {self.n_loops} loops, "
            f"effective memory {self.effective_memory:.4g})"
        )
