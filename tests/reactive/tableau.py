"""A reference of another make: the whole sparse tableau as one differential-algebraic system, dense.

Unknowns are the states x and, for every edge, current i and drop v, and every node's potential p::

    x' = rate(x, v, i)
    B i = 0 (one row a component replaced by p = 0)
    p_tail - p_head - v + S = 0
    memristor  v - R(x) i = 0     capacitor  v - x = 0     inductor  i - x = 0     current source  i - J(t) = 0

Fixed steps of the three-stage Radau IIA collocation (order 5, also for the states of index two, which loops of
capacitors and cutsets of inductors are), by Newton's method with this tableau's own Jacobian. It knows no
contraction, no cycle matrix, no derivative of a source, and reads the laws' numbers off the device records.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spicebridge.laws import Capacitor, CurrentSource, Inductor, LinearMemristor, Resistor

ROOT6 = np.sqrt(6.0)
A = np.array(
    [
        [(88 - 7 * ROOT6) / 360, (296 - 169 * ROOT6) / 1800, (-2 + 3 * ROOT6) / 225],
        [(296 + 169 * ROOT6) / 1800, (88 + 7 * ROOT6) / 360, (-2 - 3 * ROOT6) / 225],
        [(16 - ROOT6) / 36, (16 + ROOT6) / 36, 1 / 9],
    ]
)
C = np.array([(4 - ROOT6) / 10, (4 + ROOT6) / 10, 1.0])


class Tableau:
    def __init__(self, network: Any) -> None:
        self.network = network
        self.m, self.n = network.n_edges, network.n_nodes
        self.laws = network.devices()
        self.B = np.zeros((self.n, self.m))
        for k, (a, b) in enumerate(zip(network.tail, network.head, strict=True)):
            self.B[a, k] -= 1.0
            self.B[b, k] += 1.0
        parent = list(range(self.n))

        def root(node: int) -> int:
            while parent[node] != node:
                node = parent[node]
            return node

        for a, b in zip(network.tail, network.head, strict=True):
            parent[root(int(a))] = root(int(b))
        self.grounds = [node for node in range(self.n) if root(node) == node]

    def residual(self, y: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(rates, their Jacobian, algebraic residual, its Jacobian) with respect to y = (x, i, v, p)."""
        m, n = self.m, self.n
        x, i, v, p = y[:m], y[m : 2 * m], y[2 * m : 3 * m], y[3 * m :]
        X, I, V, P = range(m), range(m, 2 * m), range(2 * m, 3 * m), range(3 * m, 3 * m + n)  # noqa: E741
        rate, rate_y = np.zeros(m), np.zeros((m, y.size))
        F, F_y = np.zeros(2 * m + n), np.zeros((2 * m + n, y.size))
        F[:n], F_y[:n, m : 2 * m] = self.B @ i, self.B
        for node in self.grounds:
            F[node] = p[node]
            F_y[node] = 0.0
            F_y[node, P[node]] = 1.0
        S = [0.0 if d is None else float(d.value(t)) for d in self.network.drives]
        for k, law in enumerate(self.laws):
            a, b = int(self.network.tail[k]), int(self.network.head[k])
            row = n + k
            F[row] = p[a] - p[b] - v[k] + S[k]
            F_y[row, P[a]] += 1.0
            F_y[row, P[b]] -= 1.0
            F_y[row, V[k]] = -1.0
            row = n + m + k
            sign, J = float(self.network.P[k]), float(self.network.J[k])
            if isinstance(law, Capacitor):
                F[row], F_y[row, V[k]], F_y[row, X[k]] = v[k] - x[k], 1.0, -1.0
                rate[k], rate_y[k, I[k]] = i[k] / law.c, 1.0 / law.c
            elif isinstance(law, Inductor):
                F[row], F_y[row, I[k]], F_y[row, X[k]] = i[k] - x[k], 1.0, -1.0
                rate[k], rate_y[k, V[k]] = v[k] / law.l, 1.0 / law.l
            elif isinstance(law, CurrentSource):
                F[row], F_y[row, I[k]] = i[k] - float(law.drive.value(t)), 1.0
            else:
                R, slope = self._resistance(law, x[k])
                F[row] = v[k] - sign * R * i[k]
                F_y[row, V[k]], F_y[row, I[k]], F_y[row, X[k]] = 1.0, -sign * R, -sign * slope * i[k]
                if isinstance(law, LinearMemristor):
                    assert (law.law, law.control) == ("caravelli2017", "current")
                    gain = -J * float(law.r_on) / float(law.beta)
                    rate[k] = float(law.alpha) * x[k] + gain * i[k]
                    rate_y[k, X[k]], rate_y[k, I[k]] = float(law.alpha), gain
        return rate, rate_y, F, F_y

    @staticmethod
    def _resistance(law: Any, x: float) -> tuple[float, float]:
        if isinstance(law, Resistor):
            return float(law.r), 0.0
        on, off = float(law.r_on), float(law.r_off)
        return on + (off - on) * x, off - on

    def run(self, stop: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """(t (steps + 1,), states (steps + 1, m)) at equal steps."""
        h, m = stop / steps, self.m
        y = np.zeros(3 * m + self.n)
        y[:m] = self.network.initial_state
        size = y.size
        out = [y[:m].copy()]
        stages = np.tile(y, (3, 1))
        for number in range(steps):
            start = out[-1]
            for _ in range(30):
                parts = [self.residual(stages[s], (number + C[s]) * h) for s in range(3)]
                rates = np.array([part[0] for part in parts])
                G = np.zeros((3, size))
                M = np.zeros((3, size, 3, size))
                G[:, :m] = stages[:, :m] - start - h * A @ rates
                for s, (_, rate_y, F, F_y) in enumerate(parts):
                    G[s, m:] = F
                    M[s, m:, s, :] = F_y
                    M[s, :m, s, :m] += np.eye(m)
                    for r in range(3):
                        M[r, :m, s, :] -= h * A[r, s] * rate_y
                matrix, load = M.reshape(3 * size, 3 * size), G.ravel()
                scale = np.abs(matrix).max(axis=1)
                move = np.linalg.solve(matrix / scale[:, None], load / scale).reshape(3, size)
                stages = stages - move
                if np.abs(move[:, :m]).max() < 1e-13 * max(1.0, np.abs(stages[:, :m]).max()):
                    break
            out.append(stages[2, :m].copy())
        return np.linspace(0.0, stop, steps + 1), np.array(out)
