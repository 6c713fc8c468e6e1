#!/bin/sh
# Make a virtual environment with a Python that this project runs on: make_venv.sh FOLDER
# PYTHON=… names one; otherwise the first that will do.
set -eu
folder=$1
fit='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'

for python in "${PYTHON:-python3}" ${PYTHON:+none} python3.13 python3.12 python3.11; do
    [ "$python" = none ] && break
    if "$python" -c "$fit" >/dev/null 2>&1; then
        rm -rf "$folder"
        "$python" -m venv "$folder"
        exit 0
    fi
done

cat >&2 <<END
No Python for this project: it needs Python 3.11 or later with the modules venv and ensurepip.
Found: $("${PYTHON:-python3}" --version 2>&1 || echo none)
On Debian and Ubuntu: apt-get install python3 python3-venv
Another one by name:  make ${MAKECMDGOALS:-serve} PYTHON=/path/to/python3.13
END
exit 1
