"""Branch A: the network as a circuit. Knows nothing of incidence matrices, cycles or Omega."""
