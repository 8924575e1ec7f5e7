#!/bin/sh
# Makes sure that ngspice is on PATH: does nothing where it is, else asks apt or brew for it.
set -eu

if command -v "${SPICEBRIDGE_NGSPICE:-ngspice}" >/dev/null 2>&1; then
    exit 0
fi

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

if command -v apt-get >/dev/null 2>&1; then
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ngspice >/dev/null
elif command -v brew >/dev/null 2>&1; then
    brew install ngspice
else
    echo "ngspice is not installed and neither apt-get nor brew is here: install ngspice 36 or later," >&2
    echo "or set SPICEBRIDGE_NGSPICE to its executable, and call make again" >&2
    exit 3
fi
command -v ngspice >/dev/null
