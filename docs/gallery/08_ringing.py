"""A memristor damps a resonance

An inductor, a capacitor and a memristor in one loop, after a step of the source. The memristor's resistance falls as
charge passes, so the ringing dies more slowly than with a resistor of its first value.
"""

import matplotlib.pyplot as plt
import numpy as np

import spicebridge as sb

t = np.linspace(0.0, 4e-3, 401)
figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
memristor = sb.LinearMemristor.caravelli2017(r_on=20.0, r_off=200.0, alpha=0.0, beta=1.3e-4)
for name, element in (("memristor", memristor), ("resistor of its first value", sb.Resistor(20.0 + 180.0 * 0.2))):
    network = sb.Network.from_edges(
        [(0, 1), (1, 2), (2, 0)],
        device=[sb.Inductor(10e-3), sb.Capacitor(1e-6), element],
        drive={0: sb.PWL([0.0, 1e-5], [0.0, 1.0])},
        initial_state=[0.0, 0.0, 0.2] if name == "memristor" else 0.0,
    )
    verdict = sb.validate(network, t, tolerance=1e-3)
    assert verdict, verdict.reason
    axes.plot(1e3 * verdict.spice.t, verdict.spice.state[:, 1], label=name)
axes.set(xlabel="time, ms", ylabel="voltage of the capacitor, V")
axes.legend()
alt = "Two damped oscillations of a capacitor's voltage about 1 V."
