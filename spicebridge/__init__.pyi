"""The public names of this package, each with the module it is loaded from on first use."""

from .analysis import loss as loss
from .analysis import optimise as optimise
from .analysis.design import design as design
from .analysis.ensembles import validate_ensemble as validate_ensemble
from .analysis.gradient import gradient as gradient
from .analysis.network_analysis import Analysis as Analysis
from .analysis.network_analysis import analyse as analyse
from .case import (
    Case as Case,
)
from .case import (
    load_case as load_case,
)
from .circuit.circuit_run import simulate as simulate
from .circuit.pyspice import (
    from_pyspice as from_pyspice,
)
from .circuit.pyspice import (
    to_pyspice as to_pyspice,
)
from .circuit.recognise import read_netlist as read_netlist
from .circuit.recognise import recognise as recognise
from .crossbar import crossbar as crossbar
from .drives import (
    DC as DC,
)
from .drives import (
    PWL as PWL,
)
from .drives import (
    Pulse as Pulse,
)
from .drives import (
    Sine as Sine,
)
from .drives import (
    Sum as Sum,
)
from .errors import SpiceBridgeError as SpiceBridgeError
from .laws import (
    TEAM as TEAM,
)
from .laws import (
    VTEAM as VTEAM,
)
from .laws import (
    Capacitor as Capacitor,
)
from .laws import (
    CurrentSource as CurrentSource,
)
from .laws import (
    HPMemristor as HPMemristor,
)
from .laws import (
    IdealMemristor as IdealMemristor,
)
from .laws import (
    Inductor as Inductor,
)
from .laws import (
    Law as Law,
)
from .laws import (
    LawDevice as LawDevice,
)
from .laws import (
    LinearMemristor as LinearMemristor,
)
from .laws import (
    PiecewiseMemristor as PiecewiseMemristor,
)
from .laws import (
    Resistor as Resistor,
)
from .laws import (
    ThresholdMemristor as ThresholdMemristor,
)
from .laws import (
    YakopcicMemristor as YakopcicMemristor,
)
from .laws import (
    register_law as register_law,
)
from .network import Network as Network
from .theory import (
    impedance as impedance,
)
from .theory import (
    integrate as integrate,
)
from .theory.ensembles import (
    EnsembleWaveforms as EnsembleWaveforms,
)
from .theory.ensembles import (
    integrate_ensemble as integrate_ensemble,
)
from .verify import (
    Outcome as Outcome,
)
from .verify import (
    Verdict as Verdict,
)
from .verify import (
    validate as validate,
)
from .verify.deck_step import netlist as netlist
from .waveforms import Waveforms as Waveforms
from .windows import (
    Biolek as Biolek,
)
from .windows import (
    Hard as Hard,
)
from .windows import (
    Joglekar as Joglekar,
)
from .windows import (
    NoWindow as NoWindow,
)
from .windows import (
    Prodromakis as Prodromakis,
)
from .windows import (
    Tanh as Tanh,
)
from .windows import (
    Zha as Zha,
)

__version__: str
