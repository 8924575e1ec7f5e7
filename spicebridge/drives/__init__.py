"""Source waveforms S(t) in volt: value, exact time integral, breakpoints."""

from spicebridge.drives.bank import DriveBank
from spicebridge.drives.waves import DC, PWL, ROUNDING, VOLT_OR_AMPERE, Drive, Pulse, Sine, Sum, terms

__all__ = ["DC", "PWL", "ROUNDING", "VOLT_OR_AMPERE", "Drive", "DriveBank", "Pulse", "Sine", "Sum", "terms"]
