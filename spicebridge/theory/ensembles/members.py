"""What differs from trajectory to trajectory: initial states, sources, parameters of the laws.

Everything is checked here, so that the integration meets no misuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array, IntArray
from spicebridge.drives import DriveBank
from spicebridge.errors import NetworkError, SpiceBridgeError, nearest
from spicebridge.laws.base import Group, changed, parameter_names
from spicebridge.network import Network
from spicebridge.theory.edge_laws import EdgeLaws
from spicebridge.theory.time.problem import breakpoints, shortest_period


@dataclass(frozen=True, eq=False)
class FlatLaws:
    """Laws whose parameters run over (runs, edges) flattened, on states (runs, n_e)."""

    flat: EdgeLaws

    def resistance(self, state: Array) -> Array:
        return self.flat.resistance(state.ravel()).reshape(state.shape)

    def rate(self, state: Array, current: Array, voltage: Array) -> Array:
        return self.flat.rate(state.ravel(), current.ravel(), voltage.ravel()).reshape(state.shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class Members:
    """One network and ``count`` trajectories of it.

    ``initial`` (count, n_e); ``levels`` (count, n_e) in V where all sources are constant, else None and ``banks`` has
    one bank for all, or one each; ``parameters`` maps names of device parameters to (count, n_e).
    """

    network: Network
    count: int
    initial: Array
    levels: Array | None
    networks: tuple[Network, ...]
    parameters: dict[str, Array]

    @classmethod
    def of(
        cls,
        network: Network,
        initial_states: ArrayLike | None,
        sources: object,
        parameters: Mapping[str, ArrayLike] | None,
    ) -> Members:
        """Check and lay out what the caller gave; see `integrate_ensemble`. Raises `NetworkError`."""
        if parameters is not None and not isinstance(parameters, Mapping):
            raise NetworkError('parameters: give {"alpha": values}, a name and its values (n_traj,) or (n_traj, n_e)')
        lengths: dict[str, int] = {}
        states = None if initial_states is None else _table(initial_states, "initial_states", network, lengths)
        drives = None if sources is None else _sources(sources, network, lengths)
        varied = {
            name: _table(value, f"parameters[{name!r}]", network, lengths) for name, value in (parameters or {}).items()
        }
        if not lengths:
            raise NetworkError("an ensemble needs initial_states, sources or parameters, one entry per trajectory")
        count = next(iter(lengths.values()))
        for what, length in lengths.items():
            if length != count:
                first = next(iter(lengths))
                raise NetworkError(f"{what} has {length} trajectories, {first} has {count}; give as many of each")
        known = {name for group in network.groups for name in parameter_names(group.device)}
        for name in varied:
            if name not in known:
                raise NetworkError(
                    f"parameters: no device of the network has a {name!r}{nearest(str(name), known)}; "
                    f"there are {', '.join(sorted(known))}"
                )
        if states is None:
            states = np.repeat(network.initial_state[None], count, axis=0)
        states = np.where(network.stateful, states, 0.0)
        levels: Array | None = None
        networks: tuple[Network, ...] = (network,)
        if isinstance(drives, np.ndarray):
            levels = drives
        else:
            networks = networks if drives is None else drives
            banks = [member.bank for member in networks]
            constant = all(bank.constant for bank in banks)
            levels = np.broadcast_to(np.stack([bank(0.0) for bank in banks]), states.shape) if constant else None
        members = cls(network=network, count=count, initial=states, levels=levels, networks=networks, parameters=varied)
        members._check()
        return members

    def _check(self) -> None:
        """Raise `NetworkError` for the first trajectory whose parameters or initial state make no network."""
        if self.parameters:
            for k in range(self.count):
                try:
                    self.groups(np.array([k]))
                except SpiceBridgeError as error:
                    raise NetworkError(f"trajectory {k}: {error}") from None
        everyone = np.arange(self.count)
        for group, law in zip(self.network.groups, self.groups(everyone), strict=True):
            states = self.initial[:, group.edges]
            if law.device.check_state(states.ravel() if self.parameters else states) is not None:
                for k in range(self.count):
                    self.member(k)

    def laws(self, rows: IntArray) -> EdgeLaws | FlatLaws:
        """The laws of trajectories `rows` (runs,), over states (runs, n_e)."""
        if not self.parameters:
            return EdgeLaws.of(self.network)
        P, J, n_e = self.network.P, self.network.J, self.network.n_edges
        first = n_e * np.arange(rows.size)[:, None]
        groups = [Group(group.device, (first + group.edges).ravel()) for group in self.groups(rows)]
        return FlatLaws(EdgeLaws(groups, np.tile(P, rows.size), np.tile(J, rows.size)))

    def groups(self, rows: IntArray) -> tuple[Group, ...]:
        """The laws of some trajectories: as in the network, or with parameters over (rows, edges) flattened."""
        if not self.parameters:
            return self.network.groups
        out = []
        for group in self.network.groups:
            changes: dict[str, Array] = {}
            for name in parameter_names(group.device):
                own = getattr(group.device, name)
                if name in self.parameters:
                    changes[name] = self.parameters[name][np.ix_(rows, group.edges)].ravel()
                elif own.ndim:
                    changes[name] = np.tile(own, rows.size)
            out.append(Group(changed(group.device, **changes), group.edges))
        return tuple(out)

    def member(self, k: int) -> Network:
        """The network of trajectory k alone. Raises `NetworkError` when there is none such."""
        network = self.networks[k if len(self.networks) > 1 else 0]
        if self.levels is not None and len(self.networks) == 1:
            network = network.with_drive(self.levels[k])
        try:
            return replace(network, groups=self.groups(np.array([k])), initial_state=self.initial[k])
        except SpiceBridgeError as error:
            raise NetworkError(f"trajectory {k}: {error}") from None

    def source(self, rows: IntArray, t: Array) -> Array:
        """S (rows, n_e) in V, every trajectory at its own time t (rows,)."""
        if self.levels is not None:
            return np.asarray(self.levels[rows])
        if len(self.networks) == 1:
            return np.asarray(self.networks[0].bank(t))
        banks: list[DriveBank] = [self.networks[k].bank for k in rows.tolist()]
        return np.stack([bank(time) for bank, time in zip(banks, t.tolist(), strict=True)])

    def corners(self, stop: float) -> list[float]:
        """Times in (0, stop) where a derivative of any trajectory's source jumps, then `stop`."""
        if self.levels is not None:
            return [stop]
        return sorted({time for network in self.networks for time in breakpoints(network, stop)})

    def periods(self) -> Array:
        """Shortest period of a sine in s, (count,); infinite without."""
        if self.levels is not None:
            return np.full(self.count, np.inf)
        return np.broadcast_to([shortest_period(network) for network in self.networks], (self.count,))


def _table(value: ArrayLike, what: str, network: Network, lengths: dict[str, int]) -> Array:
    """(count, n_e) from (count,) or (count, n_e)."""
    try:
        table = np.array(value)
        if np.iscomplexobj(table):
            raise TypeError
        table = table.astype(float)
    except (TypeError, ValueError):
        raise NetworkError(f"{what}: entries must be numbers, (n_traj,) or (n_traj, n_e)") from None
    if table.ndim == 1:
        table = np.repeat(table[:, None], network.n_edges, axis=1)
    if table.ndim != 2 or table.shape[1] != network.n_edges or table.shape[0] == 0:
        raise NetworkError(
            f"{what}: shape {np.shape(value)} must be (n_traj,) or (n_traj, n_e) with n_e = {network.n_edges}"
        )
    if not np.isfinite(table).all():
        k, edge = np.argwhere(~np.isfinite(table))[0].tolist()
        raise NetworkError(f"{what}: trajectory {k}, {network.edge_name(edge)}: {table[k, edge]:g} must be finite")
    lengths[what] = table.shape[0]
    return table


def _sources(value: object, network: Network, lengths: dict[str, int]) -> Array | tuple[Network, ...]:
    """Levels (count, n_e) in V, or the networks with their drives where these are no numbers."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return _table(value, "sources", network, lengths)
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) == 0:
        raise NetworkError("sources: give levels (n_traj,) or (n_traj, n_e) in V, or a list of one drive each")
    lengths["sources"] = len(value)
    networks = []
    for k, drive in enumerate(value):
        try:
            networks.append(network.with_drive(drive))
        except SpiceBridgeError as error:
            raise NetworkError(f"sources: trajectory {k}: {error}") from None
    return tuple(networks)
