#!/bin/sh
# The verification tests with the distribution's libwolfssl: build/system/thimble.
set -eu
cd "$(dirname "$0")/.."

tests="test_matrix test_refused_servers test_refused_clients test_wide"
paths=
for name in $tests; do paths="$paths tests/integration/$name.py"; done
export THIMBLE_SYSTEM_LIBS=1 THIMBLE=build/system/thimble THIMBLE_NOT_HERE=tests/system/not-here
exec "${PYTHON:-/usr/bin/python3}" -m pytest -p no:cacheprovider -q --tb=short $paths
