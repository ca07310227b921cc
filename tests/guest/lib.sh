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

# need_module NAME: whether tests/guest/modules/NAME could be built. If not, one SKIP says why, and the
# caller leaves out what needs it.
need_module() {
  [ -n "$(find "/lib/modules/$(uname -r)/extra" -name "$1.ko" 2>/dev/null)" ] && return
  printf 'SKIP %s %s\n' "$1" "${KND_MODULES_MISSING:-there is no such module}"
  return 1
}
