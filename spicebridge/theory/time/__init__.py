"""The network ODE in time: stepping, events at walls, dense output."""
