* Hard bounds reached on both sides
* States that run into 0 or 1 stop there and are released when the rate turns inward; circuit switches and event location agree on when.
* memristive network: 10 nodes, 15 edges
* readable form; transient to 5 s, step ceiling 0.003125 s
* units: V, A, ohm, s; node w<k> is the dimensionless state of edge k, 1 V stands for 1
* ground 0 is node 0
.param smoothstep(part)='part*part*(3-2*part)'
.param g_SHI(x)='1e-14+33333333333.333332*smoothstep(min(max((x-1)/0.001,0),1))'
.param g_SLO(x)='1e-14+33333333333.333332*smoothstep(min(max(x/0.001,0),1))'
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
VH one 0 1 $ upper bound of every state
V0 m0 0 SIN(0 2.7026938757904 0.3 0 0 0) $ edge 0-1: 0 -> n1, state w0
X0 m0 n1 w0 w0 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH0 w0 one cur='V(w0,one)*g_SHI(V(w0))'
GBSL0 w0 0 cur='V(w0)*g_SLO(V(0,w0))'
V1 m1 0 SIN(0 -3.9465990185727255 0.3 0 0 0) $ edge 0-4: 0 -> n4, state w1
X1 m1 n4 w1 w1 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH1 w1 one cur='V(w1,one)*g_SHI(V(w1))'
GBSL1 w1 0 cur='V(w1)*g_SLO(V(0,w1))'
V2 m2 0 SIN(0 -2.14841395544227 0.3 0 0 0) $ edge 0-5: 0 -> n5, state w2
X2 m2 n5 w2 w2 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH2 w2 one cur='V(w2,one)*g_SHI(V(w2))'
GBSL2 w2 0 cur='V(w2)*g_SLO(V(0,w2))'
V3 m3 n1 SIN(0 -3.0861156432374637 0.3 0 0 0) $ edge 1-2: n1 -> n2, state w3
X3 m3 n2 w3 w3 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH3 w3 one cur='V(w3,one)*g_SHI(V(w3))'
GBSL3 w3 0 cur='V(w3)*g_SLO(V(0,w3))'
V4 m4 n1 SIN(0 1.724666417499117 0.3 0 0 0) $ edge 1-6: n1 -> n6, state w4
X4 m4 n6 w4 w4 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH4 w4 one cur='V(w4,one)*g_SHI(V(w4))'
GBSL4 w4 0 cur='V(w4)*g_SLO(V(0,w4))'
V5 m5 n2 SIN(0 -1.51636016627985 0.3 0 0 0) $ edge 2-3: n2 -> n3, state w5
X5 m5 n3 w5 w5 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH5 w5 one cur='V(w5,one)*g_SHI(V(w5))'
GBSL5 w5 0 cur='V(w5)*g_SLO(V(0,w5))'
V6 m6 n2 SIN(0 0.5864627015050718 0.3 0 0 0) $ edge 2-7: n2 -> n7, state w6
X6 m6 n7 w6 w6 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH6 w6 one cur='V(w6,one)*g_SHI(V(w6))'
GBSL6 w6 0 cur='V(w6)*g_SLO(V(0,w6))'
V7 m7 n3 SIN(0 -3.5848732594184236 0.3 0 0 0) $ edge 3-4: n3 -> n4, state w7
X7 m7 n4 w7 w7 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH7 w7 one cur='V(w7,one)*g_SHI(V(w7))'
GBSL7 w7 0 cur='V(w7)*g_SLO(V(0,w7))'
V8 m8 n3 SIN(0 -1.6694646467227816 0.3 0 0 0) $ edge 3-8: n3 -> n8, state w8
X8 m8 n8 w8 w8 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH8 w8 one cur='V(w8,one)*g_SHI(V(w8))'
GBSL8 w8 0 cur='V(w8)*g_SLO(V(0,w8))'
V9 m9 n4 SIN(0 3.628723979489453 0.3 0 0 0) $ edge 4-9: n4 -> n9, state w9
X9 m9 n9 w9 w9 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH9 w9 one cur='V(w9,one)*g_SHI(V(w9))'
GBSL9 w9 0 cur='V(w9)*g_SLO(V(0,w9))'
V10 m10 n5 SIN(0 3.2605726064054714 0.3 0 0 0) $ edge 5-7: n5 -> n7, state w10
X10 m10 n7 w10 w10 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH10 w10 one cur='V(w10,one)*g_SHI(V(w10))'
GBSL10 w10 0 cur='V(w10)*g_SLO(V(0,w10))'
V11 m11 n5 SIN(0 -1.2138901590327604 0.3 0 0 0) $ edge 5-8: n5 -> n8, state w11
X11 m11 n8 w11 w11 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH11 w11 one cur='V(w11,one)*g_SHI(V(w11))'
GBSL11 w11 0 cur='V(w11)*g_SLO(V(0,w11))'
V12 m12 n6 SIN(0 1.4676511568351849 0.3 0 0 0) $ edge 6-8: n6 -> n8, state w12
X12 m12 n8 w12 w12 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH12 w12 one cur='V(w12,one)*g_SHI(V(w12))'
GBSL12 w12 0 cur='V(w12)*g_SLO(V(0,w12))'
V13 m13 n6 SIN(0 -0.37790525504788164 0.3 0 0 0) $ edge 6-9: n6 -> n9, state w13
X13 m13 n9 w13 w13 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH13 w13 one cur='V(w13,one)*g_SHI(V(w13))'
GBSL13 w13 0 cur='V(w13)*g_SLO(V(0,w13))'
V14 m14 n7 SIN(0 0.06897892132233707 0.3 0 0 0) $ edge 7-9: n7 -> n9, state w14
X14 m14 n9 w14 w14 caravelli2017_current r_on=100 r_off=1000 alpha=0.1 beta=1 active=1 polarity=1
GBSH14 w14 one cur='V(w14,one)*g_SHI(V(w14))'
GBSL14 w14 0 cur='V(w14)*g_SLO(V(0,w14))'
.ic v(w0)=0.35204820646238166 v(w1)=0.5165233013878555 v(w2)=0.6565919352502625
+ v(w3)=0.5808566375245833 v(w4)=0.3225034578675059 v(w5)=0.22746181935341478
+ v(w6)=0.5138992646555725 v(w7)=0.3208471043707445 v(w8)=0.5553783544664008
+ v(w9)=0.22329622893009082 v(w10)=0.6848850631082025 v(w11)=0.4261055984687048
+ v(w12)=0.3882817143399324 v(w13)=0.5972431146320074 v(w14)=0.7463023626364673
.option post=2 ingold=2 numdgt=10 parhier=local method=trap reltol=1e-09 vntol=1e-12 abstol=1e-15
+ runlvl=0 lvltim=1 delmax=0.003125 gmax=1000000000
.print tran v(w0) i(v0) v(m0) v(n1) v(w1) i(v1) v(m1) v(n4) v(w2) i(v2) v(m2) v(n5) v(w3) i(v3)
+ v(m3) v(n2) v(w4) i(v4) v(m4) v(n6) v(w5) i(v5) v(m5) v(n3) v(w6) i(v6) v(m6) v(n7) v(w7) i(v7)
+ v(m7) v(w8) i(v8) v(m8) v(n8) v(w9) i(v9) v(m9) v(n9) v(w10) i(v10) v(m10) v(w11) i(v11) v(m11)
+ v(w12) i(v12) v(m12) v(w13) i(v13) v(m13) v(w14) i(v14) v(m14)
.tran 0.003125 5
.end
