"""Golden decks per case and dialect, and the conformance deck. Imports the package, never imported by it."""
