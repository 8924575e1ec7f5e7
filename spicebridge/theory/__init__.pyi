"""The public names of this package, each with the module it is loaded from on first use."""

from .currents.topology import Topology as Topology
from .results.impedance import impedance as impedance
from .results.stability import (
    Screen as Screen,
)
from .results.stability import (
    screen as screen,
)
from .time.integration import (
    integrate as integrate,
)
from .time.integration import (
    solve as solve,
)
from .time.trajectory import (
    Event as Event,
)
from .time.trajectory import (
    Trajectory as Trajectory,
)
