"""Expressions of circuits and laws: the tree, its operators, its derivatives."""
