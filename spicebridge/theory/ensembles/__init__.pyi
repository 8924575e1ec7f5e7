"""The public names of this package, each with the module it is loaded from on first use."""

from .ensemble import integrate_ensemble as integrate_ensemble
from .ensemble_waveforms import EnsembleWaveforms as EnsembleWaveforms
