"""Packages of the parts: pin numbers and names, footprint, and where they are stated.

Names are those of the makers' data sheets; `unused` pins may stay open.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Package:
    """`pins` holds (number, name); `footprint` is KiCad's; `source` says where the numbers stand."""

    part: str
    footprint: str
    pins: tuple[tuple[str, str], ...]
    unused: frozenset[str]
    source: str

    @property
    def names(self) -> dict[str, str]:
        """Number -> name."""
        return dict(self.pins)


SO8 = "Package_SO:SOIC-8_3.9x4.9mm_P1.27mm"


def _package(part: str, footprint: str, names: str, unused: str, source: str) -> Package:
    """Names in the order of the pins, separated by blanks."""
    pins = tuple((str(n), name) for n, name in enumerate(names.split(), start=1))
    return Package(part=part, footprint=footprint, pins=pins, unused=frozenset(unused.split()), source=source)


SINGLE = "NC -IN +IN V- NC OUT V+ NC"
DUAL = "OUTA -INA +INA V- +INB -INB OUTB V+"
_ADC = (
    "AVCC AGND OS0 OS1 OS2 PAR/SER STBY RANGE CONVSTA CONVSTB RESET SCLK CS BUSY FRSTDATA DB0 DB1 DB2 DB3 DB4 DB5 DB6 "
    "VDRIVE DOUTA DOUTB AGND DB9 DB10 DB11 DB12 DB13 DB14 DB15 REFSELECT AGND REGCAP AVCC AVCC REGCAP AGND AGND REFIO "
    "REFGND REFCAPA REFCAPB REFGND AGND AVCC " + " ".join(f"V{n}+ V{n}-" for n in range(1, 9))
)
_DAC = (
    "AVSS NC VOUTA VOUTB BIN/2SCOMP NC SYNC SCLK SDIN LDAC CLR NC NC DVCC GND SDO REFIO DAC_GND DAC_GND SIG_GND "
    "SIG_GND VOUTD VOUTC AVDD EP"
)
_PICO = (
    "GP0 GP1 GND GP2 GP3 GP4 GP5 GND GP6 GP7 GP8 GP9 GND GP10 GP11 GP12 GP13 GND GP14 GP15 GP16 GP17 GND GP18 GP19 "
    "GP20 GP21 GND GP22 RUN GP26 GP27 AGND GP28 ADC_VREF 3V3 3V3_EN GND VSYS VBUS"
)
PACKAGES = {
    x.part: x
    for x in (
        _package("OPA192", SO8, SINGLE, "NC", "OPA192 data sheet, D package"),
        _package("OPA2277", SO8, DUAL, "", "OPA2277 data sheet; KiCad Amplifier_Operational:OPA2277"),
        _package("TL072", SO8, DUAL, "", "TL072 data sheet; KiCad Amplifier_Operational:TL072"),
        _package("LT1490A", SO8, DUAL, "", "LT1490A data sheet, S8 package"),
        _package(
            "AD5293", "Package_SO:TSSOP-14_4.4x5mm_P0.65mm",
            "RESET VSS A W B VDD EXT_CAP VLOGIC GND DIN SCLK SYNC SDO RDY", "A SDO RDY",
            "AD5293 data sheet, Rev. D; KiCad Potentiometer_Digital:AD5293",
        ),
        _package(
            "AD7609", "Package_QFP:LQFP-64_10x10mm_P0.5mm", _ADC, "DOUTB FRSTDATA",
            "AD7609 data sheet; the family's pins as in KiCad Analog_ADC:AD7606",
        ),
        _package(
            "AD5754R", "Package_SO:HTSSOP-24-1EP_4.4x7.8mm_P0.65mm_EP3.2x5mm", _DAC, "NC SDO VOUTA VOUTB VOUTC VOUTD",
            "AD5754R data sheet (pin 25 is the exposed pad, on AVSS); in no library of KiCad 6, numbers as on public "
            "boards with it",
        ),
        _package(
            "ADuM1401", "Package_SO:SOIC-16W_7.5x10.3mm_P1.27mm",
            "VDD1 GND1 VIA VIB VIC VOD VE1 GND1 GND2 VE2 VID VOC VOB VOA GND2 VDD2", "VOD",
            "ADuM1401 data sheet; KiCad Isolator:ADuM1401xRW",
        ),
        _package(
            "L78L05", SO8, "OUT GND GND NC NC GND GND IN", "NC",
            "L78L05 data sheet, SO-8; KiCad Regulator_Linear:L78L05_SO8",
        ),
        _package(
            "Raspberry Pi Pico", "Connector_PinHeader_2.54mm:PinHeader_2x20_P2.54mm_Vertical", _PICO,
            " ".join(x for x in _PICO.split() if x.startswith("GP")) + " RUN ADC_VREF 3V3_EN VBUS AGND",
            "Raspberry Pi Pico data sheet; a module in two rows of 20 sockets, pin 21 opposite pin 20",
        ),
    )
}  # fmt: skip
PACKAGE_OF = {f"AD5293-{kohm}": "AD5293" for kohm in (20, 50, 100)}
"""Parts whose values share a package."""
