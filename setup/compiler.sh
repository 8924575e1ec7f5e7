#!/bin/sh
# Makes sure that a C compiler is on PATH as cc, with which the tests build the firmware of a kit: does nothing where it is,
# else asks apt or brew for one.
set -eu

command -v "${CC:-cc}" >/dev/null 2>&1 && exit 0

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

if command -v apt-get >/dev/null 2>&1; then
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
elif command -v brew >/dev/null 2>&1; then
    brew install gcc
else
    echo "no C compiler is installed and neither apt-get nor brew is here: install one as cc, or set CC, and call make again" >&2
    exit 3
fi
command -v "${CC:-cc}" >/dev/null
