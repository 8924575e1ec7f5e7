"""What oscilloscopes save, one reader a vendor, found by the file's own marks."""

from spicebridge.lab.measure.oscilloscopes.read import READERS, read_oscilloscope

__all__ = ["READERS", "read_oscilloscope"]
