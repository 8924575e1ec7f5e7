"""Firmware of the emulators as one C source, written from the texts of their laws.

Every period, for each edge of the controller's group::

    i = v_read / ohm(code);   v = P (ohm(code) - offset) i;   code' = code of R(s) + offset;   s += period F(s, J v, J i)

and code' acts from the next period on, which is what `emulator.run_firmware` does with the same numbers. The loop asks for two
functions, ``read_volts`` (analog-to-digital converter) and ``write_code`` (potentiometer); drivers of both for AD7609 and AD5293 on the
RP2040, with the outputs of the states, stand behind ``RP2040``. Without it the functions are the caller's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.lower.bounds import is_linear, windowed_rate
from spicebridge.expressions.tree import FUNCTIONS, Binary, Expression, NodeVoltage, Number, Parameter, rebuild
from spicebridge.lab.design.board import GROUP, OUTPUTS, addresses
from spicebridge.lab.design.laws import equation, with_numbers
from spicebridge.lab.design.parts import ANALOG_INPUT
from spicebridge.lab.design.plan import Plan, converter_range
from spicebridge.lab.design.wiring import target_offset

C_CODE = ExpressionStyle(
    native=frozenset(FUNCTIONS) - {"sgn", "u", "uramp", "limit", "table", "int", "nint"},
    functions={"abs": "fabs", "ln": "log", "min": "fmin", "max": "fmax"},
    powers={"real": "pow({0},{1})", "abs": "pow(fabs({0}),{1})", "signed": "copysign(pow(fabs({0}),{1}),{0})"},
    products=False,
)
"""Expressions in C with math.h."""


def law_functions(plan: Plan, k: int) -> str:
    """R(s) in ohm and ds/dt in 1/s of edge k, with its window, as two C functions."""
    law: Any = plan.network.device(k)
    P = float(plan.network.P[k])
    names = {x: Parameter(x) for x in ("s", "v", "i")}
    signals: dict[str, Expression] = {law.definition.state.name: names["s"], "v": names["v"], "i": names["i"]}
    signals["active"] = Number(P)
    equations = law.equations
    drift = with_numbers(law, equations.drift, signals)
    decay = None if equations.decay is None else with_numbers(law, equations.decay, signals)
    window = law.window
    rate = drift if is_linear(window) else windowed_rate(window, "state", decay, drift)
    if decay is not None and window.name != "tanh":
        rate = Binary("+", decay, rate)

    def put_in(e: Expression) -> Expression | None:
        return names["s"] if isinstance(e, NodeVoltage) else None

    R = C_CODE.format(with_numbers(law, equations.conduction, signals))
    F = C_CODE.format(rebuild(rate, put_in))
    unused = "    (void)s; (void)v; (void)i;\n"
    return (
        f"/* edge {k}: {equation(law)}; window {window.name} */\n"
        f"static double resistance_{k}(double s) {{\n    return {R};\n}}\n"
        f"static double rate_{k}(double s, double v, double i) {{\n{unused}    return {F};\n}}\n"
    )


def format_source(plan: Plan) -> str:
    """The C source of all controllers; ``-DGROUP_NUMBER=1`` … compiles that of one board, without it all edges."""
    network, pot = plan.network, plan.pot
    edges = np.flatnonzero(plan.emulated).tolist()
    where = addresses(plan)
    rows = []
    for k in edges:
        place = where[k]
        hard = int(network.device(k).window.hard)
        rows.append(
            f"    {{{k}, {float(network.P[k]):.1f}, {float(network.J[k]):.1f}, {float(network.initial_state[k])!r}, "
            f"{target_offset(plan, k)!r}, {pot.wiper!r}, {pot.step!r}, {hard}, resistance_{k}, rate_{k}, "
            f"{place['select'].removeprefix('GP')}}},"
        )
    numbers = {
        "TITLE": " ".join(plan.case.title.replace("*/", "").split()), "EDGES": str(len(edges)), "GROUP": str(GROUP),
        "OUTPUTS": str(OUTPUTS), "PERIOD": repr(1.0 / plan.bench.update_rate), "POSITIONS": str(pot.positions),
        "LSB": repr(ANALOG_INPUT.step(converter_range(plan))), "BITS": str(ANALOG_INPUT.bits),
        "WIDE": str(int(converter_range(plan) == ANALOG_INPUT.ranges[-1])),
        "LAWS": "\n".join(law_functions(plan, k) for k in edges), "ROWS": "\n".join(rows),
    }  # fmt: skip
    text = SOURCE
    for name, value in numbers.items():
        text = text.replace(f"@{name}@", value)
    return text


SOURCE = r"""/* Memristor emulators of: @TITLE@
 *
 * A group of @GROUP@ edges a controller board: -DRP2040 -DGROUP_NUMBER=1 for the first, and so on. Without RP2040 this is a
 * library for a host: firmware_start() once, firmware_step() every period; read_volts() and write_code() are the caller's.
 * Correct `wiper` and `step` of every row by what the potentiometer measures: ohm(code) = wiper + code step.
 */
#include <math.h>

#ifdef GROUP_NUMBER
#define FIRST ((GROUP_NUMBER - 1) * @GROUP@)
#define COUNT (@EDGES@ - FIRST < @GROUP@ ? @EDGES@ - FIRST : @GROUP@)
#else
#define FIRST 0
#define COUNT @EDGES@
#endif
#define POSITIONS @POSITIONS@
static const double PERIOD = @PERIOD@; /* s */

/* The voltages over the potentiometers (V, tail to head), all sampled at one instant. */
void read_volts(double volts[]);
/* Sets the potentiometer of the n-th edge of this controller. */
void write_code(int n, unsigned code);

@LAWS@
struct edge {
    int edge;
    double active, polarity, start; /* P, J, first state */
    double offset;                  /* ohm to set beyond R(s) */
    double wiper, step;             /* ohm */
    int hard;                       /* states stop at 0 and 1 */
    double (*resistance)(double);
    double (*rate)(double, double, double);
    int select; /* GPIO */
};
static const struct edge table[@EDGES@] = {
@ROWS@
};
static double state[@EDGES@];
static unsigned standing[@EDGES@];

static unsigned code_of(const struct edge *e, double s) {
    double code = rint((e->resistance(s) + e->offset - e->wiper) / e->step);
    if (!(code > 0)) return 0; /* also where it is not a number */
    return code > POSITIONS - 1 ? POSITIONS - 1 : (unsigned)code;
}

double firmware_state(int n) { return state[n]; }
int firmware_edges(void) { return COUNT; }

void firmware_start(void) {
    for (int n = 0; n < COUNT; n++) {
        state[n] = table[FIRST + n].start;
        standing[n] = code_of(&table[FIRST + n], state[n]);
        write_code(n, standing[n]);
    }
}

void firmware_step(void) {
    double volts[@EDGES@];
    read_volts(volts);
    for (int n = 0; n < COUNT; n++) {
        const struct edge *e = &table[FIRST + n];
        double ohm = e->wiper + standing[n] * e->step;
        double i = volts[n] / ohm, v = e->active * (ohm - e->offset) * i;
        standing[n] = code_of(e, state[n]);
        write_code(n, standing[n]); /* acts from the next sample on */
        state[n] += PERIOD * e->rate(state[n], e->polarity * v, e->polarity * i);
        if (e->hard) state[n] = fmin(fmax(state[n], 0.0), 1.0);
    }
}

#ifdef RP2040
#include "hardware/spi.h"
#include "pico/stdlib.h"
enum { SCK = 2, MOSI = 3, MISO = 4, CONVST = 14, BUSY = 15, CS_ADC = 16, CS_DAC_A = 17, CS_DAC_B = 18, START = 19, RESET = 20, WIDE = 21 };

static const double LSB = @LSB@; /* V of one code of the converter */

static void send(int select, const uint8_t *bytes, size_t count) {
    gpio_put(select, 0);
    spi_write_blocking(spi0, bytes, count);
    gpio_put(select, 1);
}

/* AD5293: 16 bits, 0 0 C3 C2 C1 C0 D9 … D0, clock idle low, data taken at the falling edge (mode 1). */
static void pot(int n, unsigned command, unsigned data) {
    unsigned word = command << 10 | data;
    send(table[FIRST + n].select, (uint8_t[]){word >> 8, word & 255}, 2);
}

void write_code(int n, unsigned code) { pot(n, 1, code); }

/* AD7609 in serial mode on one line: @BITS@ bits a channel, two's complement, channel 1 first. */
void read_volts(double volts[]) {
    gpio_put(CONVST, 0);
    busy_wait_us_32(1);
    gpio_put(CONVST, 1);
    busy_wait_us_32(1);
    while (gpio_get(BUSY)) tight_loop_contents();
    uint8_t bytes[@GROUP@ * @BITS@ / 8];
    spi_set_format(spi0, 8, SPI_CPOL_1, SPI_CPHA_0, SPI_MSB_FIRST);
    gpio_put(CS_ADC, 0);
    spi_read_blocking(spi0, 0, bytes, sizeof bytes);
    gpio_put(CS_ADC, 1);
    spi_set_format(spi0, 8, SPI_CPOL_0, SPI_CPHA_1, SPI_MSB_FIRST);
    for (int n = 0; n < COUNT; n++) {
        int32_t raw = 0;
        for (int b = n * @BITS@; b < (n + 1) * @BITS@; b++) raw = raw << 1 | (bytes[b / 8] >> (7 - b % 8) & 1);
        if (raw & 1 << (@BITS@ - 1)) raw -= 1 << @BITS@;
        volts[n] = raw * LSB;
    }
}

/* AD5754R: 24 bits, register and address, then the code; +-5 V, two's complement because BIN/2SCOMP is low. */
static void dac(int n, unsigned reg, unsigned address, int data) {
    send(n < @OUTPUTS@ ? CS_DAC_A : CS_DAC_B, (uint8_t[]){reg << 3 | address, data >> 8 & 255, data & 255}, 3);
}

static void show(int n) {
    double code = rint(fmin(fmax(state[n], -5.0), 4.9998) * 32768.0 / 5.0);
    dac(n, 0, n % @OUTPUTS@, (int)code);
}

static void output(int pin, int level) {
    gpio_init(pin);
    gpio_set_dir(pin, 1);
    gpio_put(pin, level);
}

int main(void) {
    output(CONVST, 1); output(CS_ADC, 1); output(CS_DAC_A, 1); output(CS_DAC_B, 1); output(RESET, 0); output(WIDE, @WIDE@);
    gpio_init(BUSY); gpio_init(START);
    gpio_pull_down(START);
    spi_init(spi0, 10000000);
    spi_set_format(spi0, 8, SPI_CPOL_0, SPI_CPHA_1, SPI_MSB_FIRST);
    gpio_set_function(SCK, GPIO_FUNC_SPI); gpio_set_function(MOSI, GPIO_FUNC_SPI); gpio_set_function(MISO, GPIO_FUNC_SPI);
    for (int n = 0; n < COUNT; n++) output(table[FIRST + n].select, 1);
    gpio_put(RESET, 1); busy_wait_us_32(10); gpio_put(RESET, 0);
    for (int n = 0; n < COUNT; n++) pot(n, 6, 2); /* control register: wiper not protected */
    for (int n = 0; n < COUNT; n += @OUTPUTS@) {
        dac(n, 1, 4, 3);    /* range of all outputs: +-5 V */
        dac(n, 2, 0, 0x1f); /* reference and four outputs on */
    }
    firmware_start();
    while (!gpio_get(START)) for (int n = 0; n < COUNT; n++) show(n);
    absolute_time_t next = get_absolute_time();
    for (;;) {
        firmware_step();
        for (int n = 0; n < COUNT; n++) show(n);
        next = delayed_by_us(next, (uint64_t)llrint(PERIOD * 1e6));
        busy_wait_until(next);
    }
}
#endif
"""
