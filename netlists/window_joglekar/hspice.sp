* Joglekar window
* With the Joglekar window the drift dies out at both walls, so that states crowd there without crossing.
* memristive network: 5 nodes, 10 edges
* readable form; transient to 5 s, step ceiling 0.003125 s
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
V0 m0 0 SIN(0 0.8069143694807632 0.4 0 0 0) $ edge 0-1: 0 -> n1, state w0
X0 m0 n1 w0 d0 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
RD0 d0 0 1
GBW0 0 w0 cur='V(d0)*(4*(V(w0)*(1-V(w0)))*(1+(2*V(w0)-1)*(2*V(w0)-1)*1))'
V1 m1 0 SIN(0 -3.3931851220130937 0.4 0 0 0) $ edge 0-2: 0 -> n2, state w1
X1 m1 n2 w1 d1 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
RD1 d1 0 1
GBW1 0 w1 cur='V(d1)*(4*(V(w1)*(1-V(w1)))*(1+(2*V(w1)-1)*(2*V(w1)-1)*1))'
V2 m2 0 SIN(0 -1.1974337781028064 0.4 0 0 0) $ edge 0-3: 0 -> n3, state w2
X2 m2 n3 w2 d2 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
RD2 d2 0 1
GBW2 0 w2 cur='V(d2)*(4*(V(w2)*(1-V(w2)))*(1+(2*V(w2)-1)*(2*V(w2)-1)*1))'
V3 m3 0 SIN(0 -1.3310805272245165 0.4 0 0 0) $ edge 0-4: 0 -> n4, state w3
X3 m3 n4 w3 d3 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
RD3 d3 0 1
GBW3 0 w3 cur='V(d3)*(4*(V(w3)*(1-V(w3)))*(1+(2*V(w3)-1)*(2*V(w3)-1)*1))'
V4 m4 n1 SIN(0 -3.696183205336032 0.4 0 0 0) $ edge 1-2: n1 -> n2, state w4
X4 m4 n2 w4 d4 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
RD4 d4 0 1
GBW4 0 w4 cur='V(d4)*(4*(V(w4)*(1-V(w4)))*(1+(2*V(w4)-1)*(2*V(w4)-1)*1))'
V5 m5 n1 SIN(0 2.8597670378048203 0.4 0 0 0) $ edge 1-3: n1 -> n3, state w5
X5 m5 n3 w5 d5 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
RD5 d5 0 1
GBW5 0 w5 cur='V(d5)*(4*(V(w5)*(1-V(w5)))*(1+(2*V(w5)-1)*(2*V(w5)-1)*1))'
V6 m6 n1 SIN(0 -3.7199526424493206 0.4 0 0 0) $ edge 1-4: n1 -> n4, state w6
X6 m6 n4 w6 d6 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
RD6 d6 0 1
GBW6 0 w6 cur='V(d6)*(4*(V(w6)*(1-V(w6)))*(1+(2*V(w6)-1)*(2*V(w6)-1)*1))'
V7 m7 n2 SIN(0 -3.978116313669913 0.4 0 0 0) $ edge 2-3: n2 -> n3, state w7
X7 m7 n3 w7 d7 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
RD7 d7 0 1
GBW7 0 w7 cur='V(d7)*(4*(V(w7)*(1-V(w7)))*(1+(2*V(w7)-1)*(2*V(w7)-1)*1))'
V8 m8 n2 SIN(0 1.094510003000452 0.4 0 0 0) $ edge 2-4: n2 -> n4, state w8
X8 m8 n4 w8 d8 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
RD8 d8 0 1
GBW8 0 w8 cur='V(d8)*(4*(V(w8)*(1-V(w8)))*(1+(2*V(w8)-1)*(2*V(w8)-1)*1))'
V9 m9 n3 SIN(0 -3.662312105271707 0.4 0 0 0) $ edge 3-4: n3 -> n4, state w9
X9 m9 n4 w9 d9 caravelli2017_current r_on=100 r_off=1000 alpha=0 beta=1 active=1 polarity=1
RD9 d9 0 1
GBW9 0 w9 cur='V(d9)*(4*(V(w9)*(1-V(w9)))*(1+(2*V(w9)-1)*(2*V(w9)-1)*1))'
.ic v(w0)=0.3698498346007014 v(w1)=0.7461505839632419 v(w2)=0.6915889512429054
+ v(w3)=0.3755155247844692 v(w4)=0.7009123680885412 v(w5)=0.7427691694103031
+ v(w6)=0.37054237818790214 v(w7)=0.7358223164683044 v(w8)=0.4390256680218647
+ v(w9)=0.5442800252373612
.option post=2 ingold=2 numdgt=10 parhier=local method=trap reltol=1e-09 vntol=1e-12 abstol=1e-15
+ runlvl=0 lvltim=1 delmax=0.003125 gmax=1000000000
.print tran v(w0) i(v0) v(m0) v(n1) v(w1) i(v1) v(m1) v(n2) v(w2) i(v2) v(m2) v(n3) v(w3) i(v3)
+ v(m3) v(n4) v(w4) i(v4) v(m4) v(w5) i(v5) v(m5) v(w6) i(v6) v(m6) v(w7) i(v7) v(m7) v(w8) i(v8)
+ v(m8) v(w9) i(v9) v(m9)
.tran 0.003125 5
.end
