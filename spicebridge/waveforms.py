"""Waveforms: what both branches return and all that `verify` ever sees."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import OutputError, SpiceBridgeError
from spicebridge.shown import Shown

if TYPE_CHECKING:
    import pandas
    import xarray

    from spicebridge.network import Network


SIGNALS = {"state": "1", "current": "A", "voltage": "V"}


@dataclass(frozen=True, eq=False, repr=False)
class Waveforms(Shown):
    """Signals of every edge over time, in the edge order of the network.

    ``t`` (n_t,) in s, increasing. ``state`` (n_t, n_e), 0 on memoryless edges, in the unit ``units`` (n_e,) says:
    "1" for a memristor, "V" for the voltage of a capacitor, "A" for the current of an inductor. ``current``
    (n_t, n_e) in A, positive from tail to head; ``voltage`` (n_t, n_e) in V, the drop P R i over the
    device, without its source. ``run`` is the simulator's record (deck, log, version, own time points)
    or None for the theory branch. Raises `SpiceBridgeError` when shapes do not fit.
    """

    t: Array
    state: Array
    current: Array
    voltage: Array
    labels: tuple[str, ...] = field(default=(), kw_only=True)
    source: str = field(default="", kw_only=True)
    run: Any = field(default=None, kw_only=True)
    units: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        t = np.asarray(self.t, float)
        if t.ndim != 1 or t.size == 0:
            raise SpiceBridgeError(f"waveforms: t has shape {t.shape}; it must be (n_t,) with n_t >= 1")
        if not (np.diff(t) > 0).all():
            raise SpiceBridgeError("waveforms: t must increase")
        columns = np.shape(self.state)[-1:]
        for name in SIGNALS:
            value = np.asarray(getattr(self, name), float)
            if value.ndim != 2 or value.shape != (t.size, *columns):
                raise SpiceBridgeError(
                    f"waveforms: {name} has shape {value.shape}; it must be (n_t, n_e) = "
                    f"{(t.size, *columns)}, as t and state have it"
                )
            object.__setattr__(self, name, value)
        object.__setattr__(self, "t", t)
        n = self.n_edges
        defaults = {"units": (SIGNALS["state"],) * n, "labels": tuple(str(k) for k in range(n))}
        for name, what in (("units", "units of states"), ("labels", "labels")):
            object.__setattr__(self, name, getattr(self, name) or defaults[name])
            if len(getattr(self, name)) != n:
                raise SpiceBridgeError(
                    f"waveforms: {len(getattr(self, name))} {what} for {n} edges; give one per edge or none"
                )

    def __repr__(self) -> str:
        span = f"{self.t[0]:g} to {self.t[-1]:g} s"
        of = f" of {self.source}" if self.source else ""
        return f"<Waveforms{of}: {self.n_edges} edges, {self.t.size} times, {span}>"

    @property
    def n_edges(self) -> int:
        return int(self.state.shape[1])

    def resample(self, t: ArrayLike) -> Waveforms:
        """Interpolate onto `t` (within the span) by a cubic spline, for plots and tables.

        A spline is linear in the samples, so that sums which vanish at them (Kirchhoff's laws) vanish between.
        Comparisons never use it: they evaluate the theory at the simulator's own points.
        """
        grid = np.asarray(t, float)
        if grid.size == 0 or not np.isfinite(grid).all():
            raise SpiceBridgeError("resample: give at least one time, and only finite times")
        slack = 1e-9 * max(abs(float(self.t[-1])), abs(float(self.t[0])))
        if grid.min() < self.t[0] - slack or grid.max() > self.t[-1] + slack:
            raise SpiceBridgeError(
                f"resample: times {grid.min():g} to {grid.max():g} s leave the span {self.t[0]:g} to {self.t[-1]:g} s"
            )
        if np.array_equal(grid, self.t):
            return self
        inside = np.clip(grid, self.t[0], self.t[-1])
        state, current, voltage = (_between(self.t, getattr(self, name), inside) for name in SIGNALS)
        return replace(self, t=grid, state=state, current=current, voltage=voltage)

    def to_pandas(self) -> pandas.DataFrame:
        """One row a time, columns (signal, label) as a `pandas.DataFrame` indexed by time in s."""
        try:
            import pandas
        except ImportError:
            raise SpiceBridgeError("pandas is not installed; pip install pandas") from None
        columns = pandas.MultiIndex.from_product([list(SIGNALS), self.labels], names=["signal", "edge"])
        values = np.column_stack([self.state, self.current, self.voltage])
        return pandas.DataFrame(values, index=pandas.Index(self.t, name="t (s)"), columns=columns)

    def to_xarray(self) -> xarray.Dataset:
        """As an `xarray.Dataset` with units (needs the extra ``tables``)."""
        try:
            import xarray
        except ImportError:
            raise SpiceBridgeError("xarray is not installed; pip install xarray") from None
        data = {name: (("time", "edge"), getattr(self, name), {"units": unit}) for name, unit in SIGNALS.items()}
        edge = np.arange(self.n_edges)
        coords = {
            "time": ("time", self.t, {"units": "s"}),
            "edge": ("edge", edge),
            "label": ("edge", np.array(self.labels)),
            "state_unit": ("edge", np.array(self.units)),
        }
        return xarray.Dataset(data, coords=coords, attrs={"source": self.source})

    def save(self, path: str | Path) -> None:
        """Write .csv, .npz or .nc (netCDF, needs the extra ``tables``), whole or not at all."""
        target = Path(path)
        writers = {".csv": self._write_csv, ".npz": self._write_npz, ".nc": self._write_netcdf}
        writer = writers.get(target.suffix.lower())
        if writer is None:
            raise OutputError(f"{target}: suffix {target.suffix!r} must be one of {', '.join(writers)}")
        with replacing(target) as temporary:
            writer(temporary)

    def _write_csv(self, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle)
            units = {name: self.units if name == "state" else (unit,) * self.n_edges for name, unit in SIGNALS.items()}
            columns = [
                f"{name}[{label}] ({unit})"
                for name in SIGNALS
                for label, unit in zip(self.labels, units[name], strict=True)
            ]
            writer.writerow(["t (s)", *columns])
            table = np.column_stack([self.t, self.state, self.current, self.voltage])
            writer.writerows([repr(x) for x in row] for row in table.tolist())

    def _write_npz(self, path: Path) -> None:
        with path.open("wb") as handle:
            np.savez_compressed(
                handle,
                t=self.t,
                state=self.state,
                current=self.current,
                voltage=self.voltage,
                labels=np.array(self.labels),
                source=np.array(self.source),
                units=np.array(self.units),
            )

    def _write_netcdf(self, path: Path) -> None:
        # SciPy's writer needs no library beyond the base install
        self.to_xarray().to_netcdf(path, engine="scipy")

    @classmethod
    def from_arrays(
        cls,
        t: ArrayLike,
        state: ArrayLike | None = None,
        *,
        current: ArrayLike | None = None,
        voltage: ArrayLike | None = None,
        network: Network | None = None,
        labels: Sequence[str] = (),
        source: str = "arrays",
    ) -> Waveforms:
        """Waveforms from arrays of others.

        Parameters
        ----------
        t
            (n_t,) in s, increasing.
        state, current, voltage
            (n_t, n_e), or (n_t,) of a single edge; what is left out is NaN. At least one is needed. A in A, V in V,
            positive from tail to head.
        network
            Gives labels and units of the edges, whose order the columns have.
        labels
            Names of the edges where no network is given.

        Raises
        ------
        SpiceBridgeError
            Where shapes do not fit.
        """
        t = np.asarray(t, float)
        given = {"state": state, "current": current, "voltage": voltage}
        arrays = {name: np.asarray(value, float) for name, value in given.items() if value is not None}
        if not arrays:
            raise SpiceBridgeError("waveforms: give at least one of state, current, voltage")
        arrays = {name: array[:, None] if array.ndim == 1 else array for name, array in arrays.items()}
        n_e = network.n_edges if network is not None else next(iter(arrays.values())).shape[-1]
        for name, array in arrays.items():
            if array.shape != (t.size, n_e):
                hint = "; it seems to be transposed" if array.shape == (n_e, t.size) else ""
                raise SpiceBridgeError(
                    f"waveforms: {name} has shape {array.shape}; it must be (n_t, n_e) = {(t.size, n_e)}{hint}"
                )
        missing = np.full((t.size, n_e), np.nan)
        filled = {name: arrays.get(name, missing) for name in SIGNALS}
        names = network.edge_labels if network is not None else tuple(labels)
        units = network.state_units if network is not None else ()
        return cls(t, **filled, labels=names, source=source, units=units)

    @classmethod
    def load(
        cls, path: str | Path, *, map: Mapping[str, str] | None = None, network: Network | None = None
    ) -> Waveforms:
        """Read the signals of edges from a file of ours or of others.

        Parameters
        ----------
        path
            What `save` wrote, a CSV or another text table, .npz, .mat, .nc, or .raw of ngspice, Xyce and LTspice.
        map
            {column: signal} for columns that are not named after a signal: ``{"V(x1)": "state[0-1]", "CH2":
            "current[3]*-82.5"}``; with a factor the column shows that many times the signal.
        network
            Gives order, labels and units of the edges; without one they are those that the columns name.

        A signal that no column has is NaN: states alone are enough. Raises `TableError`.
        """
        from spicebridge.tables import columns_to_edges, read_table

        found = columns_to_edges(read_table(path), network, map)
        values = {name: getattr(found, name) for name in SIGNALS}
        return cls(found.t, **values, labels=found.labels, source=str(path), units=found.units)


def _between(t: Array, values: Array, where: Array) -> Array:
    """Values (n, n_e) at times `where` (n,) from samples (n_t, n_e) at `t`; NaN where none were kept."""
    if np.isnan(values).all():
        return np.full((where.size, values.shape[1]), np.nan)
    from scipy.interpolate import make_interp_spline

    return np.asarray(make_interp_spline(t, values, k=min(3, t.size - 1))(where))


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a temporary sibling of `target` to write; it replaces `target` only on success.

    Raises `OutputError` where `target` is no file (a device, a pipe): it would be replaced by one.
    """
    if target.exists() and not target.is_file():
        raise OutputError(f"{target}: is {'a folder' if target.is_dir() else 'a device or a pipe'}; name a file")
    temporary = target.with_name(f".{target.name}.partial")
    try:
        yield temporary
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"{target}: cannot write: {error.strerror or error}") from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
