"""From a network to a circuit that can be built: chord sources, scale factors, parts, wiring, tolerance bands."""
