* Triangle of paper 1
* Three memristors in one cycle move along a line: without growth the differences of their states are conserved (Eqs. 12-14), so one third of the memory is effective.
* memristive network: 3 nodes, 3 edges
* readable form; transient to 5 s, step ceiling 0.05 s
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
V0 m0 0 0.3 $ edge 0-1: 0 -> n1, state w0
X0 m0 n1 w0 w0 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
V1 m1 n1 0.2 $ edge 1-2: n1 -> n2, state w1
X1 m1 n2 w1 w1 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
V2 m2 n2 -0.8 $ edge 2-0: n2 -> 0, state w2
X2 m2 0 w2 w2 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
.ic v(w0)=0.3 v(w1)=0.4 v(w2)=0.5
.option post=2 ingold=2 numdgt=10 parhier=local method=trap reltol=1e-09 vntol=1e-12 abstol=1e-15
+ runlvl=0 lvltim=1 delmax=0.05 gmax=1000000000
.print tran v(w0) i(v0) v(m0) v(n1) v(w1) i(v1) v(m1) v(n2) v(w2) i(v2) v(m2)
.tran 0.05 5
.end
