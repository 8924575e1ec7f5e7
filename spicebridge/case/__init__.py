"""Cases: one experiment a file, read from TOML and written back."""

from spicebridge.case.case import Case, find_cases, load_case

__all__ = ["Case", "find_cases", "load_case"]
