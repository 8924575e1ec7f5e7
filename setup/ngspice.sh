#!/bin/sh
# Makes sure that ngspice is on PATH, and its shared library (2 MB, for the engine "pyspice") beside it:
# does nothing where they are, else asks apt or brew for them.
set -eu

program() { command -v "${SPICEBRIDGE_NGSPICE:-ngspice}" >/dev/null 2>&1; }

library() {
    test -n "${NGSPICE_LIBRARY_PATH:-}" && return 0
    for file in /usr/lib/*/libngspice.so* /usr/lib/libngspice.so* /usr/lib64/libngspice.so* \
        /usr/local/lib/libngspice.* /opt/homebrew/lib/libngspice*.dylib; do
        test -e "$file" && return 0
    done
    return 1
}

if program && library; then
    exit 0
fi

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

if command -v apt-get >/dev/null 2>&1; then
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends ngspice libngspice0 >/dev/null
elif command -v brew >/dev/null 2>&1; then
    brew install ngspice libngspice
elif program; then
    echo "libngspice is not installed: the engine \"pyspice\" will not run, everything else will" >&2
else
    echo "ngspice is not installed and neither apt-get nor brew is here: install ngspice 36 or later," >&2
    echo "or set SPICEBRIDGE_NGSPICE to its executable, and call make again" >&2
    exit 3
fi
program
