"""Implicit integration of stiff networks: collocation at Radau's points with the network's own linear systems."""
