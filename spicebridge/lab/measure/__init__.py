"""From what an oscilloscope saved to a verdict with its measurement uncertainty."""
