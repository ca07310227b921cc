# SPDX-License-Identifier: Apache-2.0
# For the programs of tests/guest: one verdict a line, as `script` of tools/check reads them.
# shellcheck shell=bash
failures=0

# fact WHAT COMMAND...: PASS or FAIL; what the command says is shown where it fails.
fact() {
  local what=$1 said
  shift
  if said=$("$@" 2>&1); then
    printf 'PASS %s\n' "$what"
  else
    printf 'FAIL %s\n' "$what"
    printf '  command: %s\n' "$*"
    [ -z "$said" ] || sed 's/^/  /' <<<"$said"
    failures=$((failures + 1))
  fi
}

# soon SECONDS COMMAND...: until it holds; what it says at the last attempt.
soon() {
  local until=$((SECONDS + $1)) said
  shift
  until said=$("$@" 2>&1); do
    [ "$SECONDS" -lt "$until" ] || { printf '%s\n' "$said"; return 1; }
    sleep 0.2
  done
}
