"""What oscilloscopes save, one reader a vendor, found by the file's own marks."""
