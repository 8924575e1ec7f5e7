"""Currents of a network at one instant: topology and the projector, loop and nodal solutions."""
