* conformance
* what this simulator must print is in README.md beside this file
* every node that is saved is one check; units V, A, ohm, F, H, s
.param a=1
.param b=3
.param smoothstep(part)='part*part*(3-2*part)'
.param g_GATE(x)='1e-09+999.999999999*smoothstep(min(max((x-1)/0.001,0),1))'
.param g_CLAMP(x)='1e-14+10000000000*smoothstep(min(max((x-1)/0.001,0),1))'
.param cubic(x)='x*x*x+x'
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
* an amplifier whose gain is a parameter
.subckt amplifier p q gain=5
Egain q 0 p 0 'gain'
Rload q 0 'gain*100'
.ends
Vneg minus2 0 -2 $ an input of -2 V
Rneg minus2 0 1
Vzero zero 0 0 $ an input of 0 V
Vhalf half 0 0.5 $ an input of 0.5 V
EB_odd_power odd_power 0 vol='V(minus2)*V(minus2)*V(minus2)' $ (-2)^3 keeps its sign
EB_long_power long_power 0 vol='pwr(V(minus2),9)' $ so does (-2)^9, too long for a product
EB_inverse_power inverse_power 0 vol='1/(V(minus2)*V(minus2)*V(minus2))' $ and (-2)^-3
EB_abs_power abs_power 0 vol='pwr(abs(V(minus2)),2.5)' $ |-2|^2.5
EB_signed_power signed_power 0 vol='pwr(V(minus2),2.5)' $ sgn(-2) |-2|^2.5
EB_step_at_zero step_at_zero 0 vol='0.5*(1+sgn(V(zero)))' $ the unit step is one half at zero
EB_step_below step_below 0 vol='0.5*(1+sgn(V(minus2)))' $ and 0 below
EB_ramp ramp 0 vol='max(V(half),0)' $ max(x, 0)
EB_choice choice 0 vol='((V(minus2) < 0) ? 3 : 5)' $ a conditional
EB_nested_choice nested_choice 0 vol='1-((((V(minus2) < 0) && (V(half) > 1)) || (V(half) != 1)) ? ((V(half) >= 0.5) ? 4 : 6) : 8)' $ conditionals in arithmetic, with and, or, not
EB_small_number small_number 0 vol='((abs(0.8*V(half)) > 0.5) ? 1 : 2)' $ 0.4 as a test: not above one half
EB_size_of_number size_of_number 0 vol='((abs(V(minus2)) > 0.5) ? 1 : 2)' $ -2 as a test: above one half in size
EB_test_as_number test_as_number 0 vol='2*((V(minus2) < 0) ? 1 : 0)+1' $ a test is 0 or 1
EB_braces braces 0 vol='(a-b)*V(minus2)*10' $ (a - b) x 10 with a = 1, b = 3
EB_precedence precedence 0 vol='10-(4-6/(3*V(minus2)))' $ brackets stay
EB_minus_square minus_square 0 vol='(-(V(minus2)*V(minus2)))' $ -(x^2)
EB_table_inside table_inside 0 vol='1+2*min(max(V(half),0),1)+(-1)*min(max(V(half)-1,0),1)' $ a table through (0,1) (1,3) (2,2) at 0.5
EB_table_outside table_outside 0 vol='1+2*min(max(V(minus2),0),1)+(-1)*min(max(V(minus2)-1,0),1)' $ and at -2: flat
EB_limited limited 0 vol='min(max(V(minus2),(-1)),1)' $ limit(x, low, high)
EB_larger larger 0 vol='max(V(minus2),V(half))+min(V(minus2),V(half))' $ max and min
EB_natural_log natural_log 0 vol='log(9.5+V(half))' $ the natural logarithm of 10
EB_decimal_log decimal_log 0 vol='log10(999.5+V(half))' $ the decimal logarithm of 1000
EB_exponential exponential 0 vol='exp(min(V(minus2),700))' $ exp(-2)
EB_hyperbolic hyperbolic 0 vol='tanh(V(half))' $ tanh(0.5)
EB_area_sinh area_sinh 0 vol='sgn(V(minus2))*log(abs(V(minus2))+sqrt(V(minus2)*V(minus2)+1))' $ asinh(-2)
EB_area_cosh area_cosh 0 vol='log(1.5+V(half)+sqrt((1.5+V(half))*(1.5+V(half))-1))' $ acosh(2)
EB_area_tanh area_tanh 0 vol='0.5*log((1+V(half))/(1-V(half)))' $ atanh(0.5)
EB_angle angle 0 vol='((V(minus2) == 0) ? 1.5707963267948966*sgn((-1)) : atan((-1)/((V(minus2) == 0) ? 1 : V(minus2)))+((V(minus2) < 0) ? (((-1) < 0) ? (-3.141592653589793) : 3.141592653589793) : 0))' $ atan2(-1, -2), third quadrant
EB_floored floored 0 vol='floor(1.25*V(minus2))' $ floor(-2.5)
EB_truncated truncated 0 vol='int(1.25*V(minus2))' $ int(-2.5), towards zero
EB_rounded rounded 0 vol='floor(1.25*V(minus2)+0.5)-((0.5*(1.25*V(minus2))-0.25 == floor(0.5*(1.25*V(minus2))-0.25)) ? 1 : 0)' $ nint(-2.5), halves to the even side
EB_sign sign 0 vol='sgn(V(minus2))+sgn(V(zero))' $ sgn, and 0 at zero
EB_current_of current_of 0 vol='I(Vneg)' $ I(V): -2 V on 1 ohm push 2 A from plus to minus inside
EB_function function 0 vol='cubic(V(minus2))' $ a function x x x + x of the deck
EB_clock clock 0 vol='time' $ time in an expression
V_sin sin_delayed 0 SIN(0.5 2 1.25 0.25 0.8 30) $ order of SIN's arguments
V_wait sin_waiting 0 SIN(0.5 2 1 2 0 90) $ before its delay a sine holds its value at the phase
I_sin 0 sin_current SIN(0 1 0.5 0 0 90) $ a current source with phase 90, into 1 ohm
R_sin sin_current 0 1
V_pulse pulse 0 PULSE(-1 1 0.05 0.05 0.1 0.15 0.35) $ half way down the third pulse
V_lines lines 0 PWL( 0 1 0.25 1 0.5 -1 0.75 2) $ PWL whose first point is late, and what comes after the last
V_edges edges 0 EXP(0 2 0.1 0.2 0.6 0.3) $ EXP
I_sign 0 current_sign 3 $ 3 A from ground through the source into the node, 1 ohm
R_sign current_sign 0 1
E_gain vcvs 0 minus2 0 2 $ E: gain 2
G_gain vccs 0 minus2 0 2 $ G: 2 S from the node to ground, into 1 ohm
R_vccs vccs 0 1
F_gain cccs 0 Vneg 3 $ F: 3 I(Vneg) from the node to ground, into 1 ohm
R_cccs cccs 0 1
H_gain ccvs 0 Vneg 3 $ H: 3 ohm I(Vneg)
GB_flow behavioural_i 0 cur='V(minus2)' $ behavioural current -2 A from the node to ground, into 1 ohm
R_flow behavioural_i 0 1
V_top top 0 1
R_high top divider R='1+V(half)' $ 1 V on a resistor of 1 + V ohm, V = 0.5, and 2.25 ohm
R_low divider 0 2.25
X_inner minus2 inner amplifier gain=1.5 $ a subcircuit: default gain 5, given gain 1.5
C_relax relaxing 0 1 $ 1 F and 1 ohm from .ic 0.7
R_relax relaxing 0 1
I_fed 0 fed 1 $ 1 A into 1 F from .ic 0.25: is the state held exactly?
C_fed fed 0 1
V_coil coil_top 0 PULSE(0 1 0 1e-09 1e-09 10 20) $ 1 V on 1 ohm and 1 H: the current
L_coil coil_top coil 1
R_coil coil 0 1
V_below below 0 0.9
V_above above 0 1.1
GBS_off top switch_off cur='V(top,switch_off)*g_GATE(V(below))' $ a switch 0.1 V below its threshold of 1 V: open
R_off switch_off 0 1000
GBS_on top switch_on cur='V(top,switch_on)*g_GATE(V(above))' $ and 0.1 V above: closed
R_on switch_on 0 1000
I_wall 0 wall 2 $ 2 A into 1 F from 0.25, held at 1 by a switch
C_wall wall 0 1
GBS_wall wall top cur='V(wall,top)*g_CLAMP(V(wall))'
V_drive aided 0 SIN(0.2 0.4 1 0 0 0) $ one memristor with its series source: the state
X_mem aided 0 state state caravelli2017_current r_on=100 r_off=1600 alpha=0.1 beta=0.5
.ic v(relaxing)=0.7 v(fed)=0.25 v(wall)=0.25 v(state)=0.3
.option post=2 ingold=2 numdgt=10 parhier=local method=trap reltol=1e-09 vntol=1e-12 abstol=1e-15
+ runlvl=0 lvltim=1 delmax=0.001 gmax=1000000000
.print tran v(odd_power) v(long_power) v(inverse_power) v(abs_power) v(signed_power) v(step_at_zero)
+ v(step_below) v(ramp) v(choice) v(nested_choice) v(small_number) v(size_of_number)
+ v(test_as_number) v(braces) v(precedence) v(minus_square) v(table_inside) v(table_outside)
+ v(limited) v(larger) v(natural_log) v(decimal_log) v(exponential) v(hyperbolic) v(area_sinh)
+ v(area_cosh) v(area_tanh) v(angle) v(floored) v(truncated) v(rounded) v(sign) v(current_of)
+ v(function) v(clock) v(sin_delayed) v(sin_waiting) v(sin_current) v(pulse) v(lines) v(edges)
+ v(current_sign) v(vcvs) v(vccs) v(cccs) v(ccvs) v(behavioural_i) v(divider) v(inner) v(relaxing)
+ v(fed) v(coil) v(switch_off) v(switch_on) v(wall) v(state)
.tran 0.001 1
.end
