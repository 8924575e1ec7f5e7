"""Memristor subcircuits as people publish them, typed anew from their equations.

Each is read, flattened, and run by ngspice as written, as written back, and flat: the same waveforms. One is
in LTspice's language and reaches ngspice through the deck alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from circuit.first_point import transient

from spicebridge.circuit.deck.flatten import flatten
from spicebridge.circuit.dialects import get_dialect
from spicebridge.circuit.reader import read_deck

# Linear ion drift (Strukov 2008) with the window of Joglekar and Wolf 2009, in the style of Biolek 2009:
# an auxiliary source in series with Roff, the state on a 1 F capacitor.
JOGLEKAR = """\
.SUBCKT ideal plus minus x PARAMS: Ron=100 Roff=16K D=10N uv=10F p=1
.param k={uv*Ron/D/D}
.func win(x, p) {1-(2*x-1)^(2*p)}
Gx 0 x value={ I(Emem)*k*win(V(x),p)}
Cx x 0 1 IC=0.2
Raux x 0 1T
.ic V(x)=0.2
* the resistive port
Emem plus aux value={-I(Emem)*V(x)*(Roff-Ron)}
Roff aux minus {Roff}
.ENDS ideal
X1 in 0 x ideal
"""

# Bipolar threshold (Pershin and Di Ventra 2010): the resistance is the state.
THRESHOLD = """\
.subckt threshold pl mn x Ron=1K Roff=10K Rinit=5K alpha=0 beta=1E5 Vt=0.6
.func f1(y) {beta*y+0.5*(alpha-beta)*(abs(y+Vt)-abs(y-Vt))}
Bx 0 x I='((f1(V(pl,mn))>0) && (V(x)<Roff)) ? {f1(V(pl,mn))} : ((((f1(V(pl,mn))<0) && (V(x)>Ron))) ? {f1(V(pl,mn))} : {0})'
Cx x 0 1
Rmem pl mn r={V(x)}
.ic v(x)={Rinit}
.ends
X1 in 0 x threshold
"""

# Generalised model (Yakopcic 2011): sinh conduction, exponential thresholds.
YAKOPCIC = """\
.subckt yakopcic te be x
+ a1=0.17 a2=0.17 b=0.05 vp=0.16 vn=0.15 ap=40 an=40 xp=0.3 xn=0.5 alphap=1 alphan=5 eta=1
.func wp(v) {(xp-v)/(1-xp)+1}
.func wn(v) {v/(1-xn)}
.func g(v) {v <= vp ? (v >= -vn ? 0 : -an*(exp(-v)-exp(vn))) : ap*(exp(v)-exp(vp))}
.func fmove(v,w) {eta*v >= 0 ? (w >= xp ? exp(-alphap*(w-xp))*wp(w) : 1) : (w <= 1-xn ? exp(alphan*(w+xn-1))*wn(w) : 1)}
.func ivrel(v,w) {v >= 0 ? a1*w*sinh(b*v) : a2*w*sinh(b*v)}
Gm te be cur='ivrel(V(te,be),V(x))'
Gx 0 x cur='eta*g(V(te,be))*fmove(V(te,be),V(x))'
Cx x 0 1
.ic V(x)=0.11
.ends yakopcic
X1 in 0 x yakopcic
"""

# TEAM (Kvatinsky 2013): current thresholds, power laws; x scaled to 0 … 1.
TEAM = """\
.subckt team p n x Ron=50 Roff=1k kon=-10 koff=10 aon=3 aoff=3 ion=-8.9m ioff=115u
.param span={Roff-Ron}
Vs p a 0
Rm a n R='{Ron}+({span})*V(x)'
Bx 0 x I=I(Vs)>ioff ? koff*pow(I(Vs)/ioff-1,aoff)*u(1-V(x)) : (I(Vs)<ion ? kon*pow(I(Vs)/ion-1,aon)*u(V(x)) : 0)
Cx x 0 1
Rx x 0 1G
.ic V(x)={2/4}
.ends
X1 in 0 x team
"""

# Metastable switches (Molter and Nugent 2016, "Knowm"): two sigmoids of the voltage.
SWITCHES = """\
.subckt mss p n x Ron=500 Roff=1500 Von=0.27 Voff=0.27 tau=0.1m T=298.5
.param kB=1.38e-23 q=1.602e-19
.param vt={kB*T/q}
.func off2on(v) {1/(1+exp(-1/vt*(v-Von)))}
.func on2off(v) {1-1/(1+exp(-1/vt*(v+Voff)))}
Bx 0 x I=1/tau*(off2on(V(p,n))*(1-V(x))-on2off(V(p,n))*V(x))
Cx x 0 1
Bm p n I=V(p,n)*(V(x)/Ron+(1-V(x))/Roff)
.ic v(x)=0.25
.ends
X1 in 0 x mss
"""

STYLES = {"joglekar": JOGLEKAR, "threshold": THRESHOLD, "yakopcic": YAKOPCIC, "team": TEAM, "switches": SWITCHES}
BENCH = """\
V1 in 0 SIN(0 {amplitude} {f})
.param amplitude=1.2 f=50
.options method=trap reltol=1e-9 vntol=1e-12 abstol=1e-15 trtol=1e9
.tran 20u 20m 0 20u
.end
"""


@pytest.mark.parametrize("style", STYLES)
def test_published_subcircuits(style: str, tmp_path: Path) -> None:
    text = f"* {style}\n{STYLES[style]}{BENCH}"
    deck = read_deck(text)
    names, expected = transient(text, tmp_path)
    state = expected[:, names.index("v(x)")]
    assert np.ptp(state) > 1e-3 * np.max(np.abs(state))
    for again in (deck, flatten(deck)):
        found_names, found = transient(get_dialect("ngspice").format_deck(again), tmp_path)
        found_state = np.interp(expected[:, 0], found[:, 0], found[:, found_names.index("v(x)")])
        assert found_state == pytest.approx(state, rel=1e-6)


def test_ltspice_text_runs_on_ngspice_through_the_deck(tmp_path: Path) -> None:
    ltspice = JOGLEKAR.replace("{1-(2*x-1)^(2*p)}", "{1-(2*x-1)**(2*p)}").replace("* the resistive port", "")
    bench = BENCH.replace(".tran 20u 20m 0 20u", ".tran 0 20m 0 20u")
    deck = read_deck(f"* ideal\n{ltspice}{bench}", dialect="ltspice")
    names, expected = transient(f"* ideal\n{JOGLEKAR}{BENCH}", tmp_path)
    found_names, found = transient(get_dialect("ngspice").format_deck(flatten(deck)), tmp_path)
    state = np.interp(expected[:, 0], found[:, 0], found[:, found_names.index("v(x)")])
    assert state == pytest.approx(expected[:, names.index("v(x)")], rel=1e-6)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("dialect", ["ngspice", "ltspice"])
def test_text_deck_text_deck_is_the_identity(style: str, dialect: str) -> None:
    deck = flatten(read_deck(f"* {style}\n{STYLES[style]}{BENCH}"))
    written = get_dialect(dialect)
    once = read_deck(written.format_deck(deck), dialect=dialect)
    assert read_deck(written.format_deck(once), dialect=dialect) == once
