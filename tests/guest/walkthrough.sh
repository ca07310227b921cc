#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job where the kernel has dummy interfaces: the device of the walkthrough is one.
set -u
. tests/guest/lib.sh
log=/run/walkthrough.log

tools/walkthrough --built >"$log" 2>&1
status=$?
sed -n 's/^  \[ok\] /PASS /p; s/^  \[WRONG\] /FAIL /p' "$log"
is_dummy() { grep -A1 'dra.net/type:' "$log" | grep 'string: dummy'; }
fact "the device is a dummy" is_dummy
fact "the walkthrough ends well" [ "$status" = 0 ]
[ "$failures" = 0 ] || cat "$log"
exit $((failures > 0))
