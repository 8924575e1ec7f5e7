"""Measurements: scripts that print ratios and counts, and their last results."""
