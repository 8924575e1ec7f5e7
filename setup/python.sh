#!/bin/sh
# Makes the environment .venv with this package and the extras named in $1 (such as "dev").
set -eu

venv=${VENV:-.venv}
python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Python 3.11 or later is needed; set PYTHON to its executable and call make again" >&2
    exit 2
fi
if ! "$python" -m venv --clear "$venv" 2>/dev/null; then
    echo "$python has no venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 2
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".${1:+[$1]}"
