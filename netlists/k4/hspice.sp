* K4 of paper 1
* On the smallest network with interlocked cycles the circuit and the projector equation give the same states under AC.
* memristive network: 4 nodes, 6 edges
* readable form; transient to 2 s, step ceiling 0.005 s
* units: V, A, ohm, s; node w<k> is the dimensionless state of edge k, 1 V stands for 1
* ground 0 is node 0
* Memristor of paper 1: linear in its state w, exponential growth of w without current.
* Source: paper 1, Eqs. 1-2 and 61 (doi:10.1080/17445760.2017.1320796).
* w = 0 is r_on, w = 1 is r_off; voltage_eq61 is the printed form of Eq. 61
* resistance = r_on + (r_off - r_on)*w
* decay = alpha*w
* rate = -r_on*i/beta    (current)
* rate = -v/beta    (voltage)
* rate = -active*v/beta    (voltage_eq61)
* v and i are those of polarity +1; limexp(y, L) is exp(y) up to L, then its tangent, limsinh likewise.
* pins: p, n  current flows p -> n;  w  the state, 1 V stands for 1;
*       drift  receives the rate as a current; tie it to the state where no window acts.
* Written from models/caravelli2017.toml (make models).
.subckt caravelli2017_current p n w drift r_on=100 r_off=1600 alpha=0 beta=1 active=1 polarity=1
Vsense p sense 0
Rmem sense n R='active*(r_on+(r_off-r_on)*V(w))'
Hrate rate 0 Vsense 'polarity*((-r_on)/beta)'
Gdrift 0 drift rate 0 1
Gdecay 0 w w 0 'alpha'
Cstate w 0 1
.ends
V0 m0 0 SIN(0 1 2 0 0 0) $ edge 0-1: 0 -> n1, state w0
X0 m0 n1 w0 w0 caravelli2017_current r_on=100 r_off=1600 alpha=0.1 beta=1 active=1 polarity=1
V1 m1 0 SIN(0 1 2 0 0 0) $ edge 0-2: 0 -> n2, state w1
X1 m1 n2 w1 w1 caravelli2017_current r_on=100 r_off=1600 alpha=0.1 beta=1 active=1 polarity=1
V2 m2 0 SIN(0 1 2 0 0 0) $ edge 0-3: 0 -> n3, state w2
X2 m2 n3 w2 w2 caravelli2017_current r_on=100 r_off=1600 alpha=0.1 beta=1 active=1 polarity=1
V3 m3 n1 SIN(0 1 2 0 0 0) $ edge 1-2: n1 -> n2, state w3
X3 m3 n2 w3 w3 caravelli2017_current r_on=100 r_off=1600 alpha=0.1 beta=1 active=1 polarity=1
V4 m4 n1 SIN(0 1 2 0 0 0) $ edge 1-3: n1 -> n3, state w4
X4 m4 n3 w4 w4 caravelli2017_current r_on=100 r_off=1600 alpha=0.1 beta=1 active=1 polarity=1
V5 m5 n2 SIN(0 1 2 0 0 0) $ edge 2-3: n2 -> n3, state w5
X5 m5 n3 w5 w5 caravelli2017_current r_on=100 r_off=1600 alpha=0.1 beta=1 active=1 polarity=1
.ic v(w0)=0.4 v(w1)=0.4 v(w2)=0.4 v(w3)=0.4 v(w4)=0.4 v(w5)=0.4
.option post=2 ingold=2 numdgt=10 parhier=local method=trap reltol=1e-09 vntol=1e-12 abstol=1e-15
+ runlvl=0 lvltim=1 delmax=0.005 gmax=1000000000
.print tran v(w0) i(v0) v(m0) v(n1) v(w1) i(v1) v(m1) v(n2) v(w2) i(v2) v(m2) v(n3) v(w3) i(v3)
+ v(m3) v(w4) i(v4) v(m4) v(w5) i(v5) v(m5)
.tran 0.005 2
.end
