"""Network -> deck: the two forms of an edge, bounds, sources, saved signals."""
