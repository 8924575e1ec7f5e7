"""The public names of this package, each with the module it is loaded from on first use."""

from .integration import integrate_ensemble as integrate_ensemble
from .waveforms import EnsembleWaveforms as EnsembleWaveforms
