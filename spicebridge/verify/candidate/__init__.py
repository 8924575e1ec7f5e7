"""Somebody's own solution of the network equations, put on trial: read, integrated, and explained where it is wrong."""
