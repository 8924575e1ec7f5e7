"""Decks: the elements of a circuit as records, their scopes and definitions, and the flat deck."""
