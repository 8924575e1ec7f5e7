"""Every law of the library with typical parameters, and a drive that makes it work."""

from __future__ import annotations

from typing import Any

import spicebridge as sb


def _make(law: Any, *numbers: Any, **named: Any) -> Any:
    """A device from plain numbers, which its constructor turns into arrays."""
    return law(*numbers, **named)


def library() -> dict[str, tuple[Any, float, float, float]]:
    """Name -> device, amplitude (V), frequency (Hz), initial state."""
    from spicebridge.laws import (
        TEAM,
        VTEAM,
        HPMemristor,
        IdealMemristor,
        LinearMemristor,
        PiecewiseMemristor,
        ThresholdMemristor,
        YakopcicMemristor,
    )

    hard, joglekar, biolek = sb.Hard(), sb.Joglekar(1), sb.Biolek(1)
    law1, law2 = LinearMemristor.caravelli2017, LinearMemristor.tunneling
    yakopcic = _make(YakopcicMemristor,
        a_1=0.17, a_2=0.17, b=0.05, v_p=0.16, v_n=0.15, a_p=40.0, a_n=40.0, x_p=0.3, x_n=0.5,
        alpha_p=1.0, alpha_n=5.0,
    )  # fmt: skip
    team = _make(TEAM,
        r_on=400.0, r_off=1600.0, k_on=-2.0, k_off=2.0, alpha_on=1.0, alpha_off=1.0, i_on=-2e-4, i_off=2e-4,
        a_on=0.2, a_off=0.8, w_c=0.3,
    )  # fmt: skip
    vteam = _make(VTEAM,
        r_on=100.0, r_off=1600.0, k_on=-2.0, k_off=2.0, alpha_on=3.0, alpha_off=3.0, v_on=-0.3, v_off=0.3
    )  # fmt: skip
    table = ((0.0, 1.0), (0.5, 0.8), (0.9, 0.1), (1.0, 0.0))
    mirror = ((0.0, 0.0), (0.1, 0.1), (0.5, 0.8), (1.0, 1.0))
    piecewise = _make(PiecewiseMemristor,
        up=table, down=mirror, i_1=85.37e-6, i_2=90.16e-6, v_1=0.265, v_2=0.265, g_0=130.72e-6,
        v_p=0.2, v_n=-0.2, d_1=3.0, d_2=-3.0, c_1=5.0, c_2=-5.0,
    )  # fmt: skip
    return {
        "caravelli2017": (law1(100.0, 1600.0, 0.0, 1.0), 1.0, 1.0, 0.5),
        "caravelli2017-hard": (law1(100.0, 1600.0, 0.1, 1.0, window=hard), 6.0, 0.5, 0.5),
        "caravelli2017-voltage": (law1(100.0, 1600.0, 0.0, 1.0, control="voltage"), 1.0, 1.0, 0.5),
        "tunneling": (law2(100.0, 1000.0, 0.2, 1.0), 0.3, 0.5, 0.2),
        "tunneling-hard": (law2(100.0, 1000.0, 0.2, 1.0, window=hard), 3.0, 0.5, 0.5),
        "hp-joglekar": (_make(HPMemristor, 100.0, 16e3, 1e4, joglekar), 1.0, 1.0, 0.5),
        "hp-biolek": (_make(HPMemristor, 100.0, 16e3, 1e4, biolek), 1.0, 1.0, 0.5),
        "hp-hard": (_make(HPMemristor, 100.0, 1600.0, 1e3, hard), 1.0, 1.0, 0.5),
        "ideal": (_make(IdealMemristor, 100.0, 16e3, 1e4), 1.0, 1.0, 0.0),
        "threshold": (_make(ThresholdMemristor, 1e3, 1e4, 0.6, 2e4, 0.0, 0.01), 1.0, 1.0, 0.5),
        "yakopcic": (yakopcic, 0.4, 10.0, 0.5),
        "team": (team, 0.4, 2.0, 0.5),
        "vteam": (vteam, 0.8, 2.0, 0.5),
        "piecewise": (piecewise, 0.6, 2.0, 0.5),
    }
