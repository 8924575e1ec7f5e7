"""Cases run one after the other: each ends in a verdict or in an error, and none stops the rest."""
