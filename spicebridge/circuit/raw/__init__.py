"""Raw files of simulators."""
