#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A backend of everything that the ABI has, built as a vendor does it (tests/tapnic), on a node of
# knd-local, with kubectl: parts and the whole, shares by capacity, what a class says, health.
#   tests/host/tapnic.sh TREE KUBECTL
# The objects are those that the real Kubernetes of tests/interop/kubernetes gets. Prints PASS or
# FAIL per fact. Needs root.
set -euo pipefail

tree=$(cd "${1:?usage: tapnic.sh TREE KUBECTL}" && pwd)
kubectl_program=${2:?usage: tapnic.sh TREE KUBECTL}
source=$(cd "$(dirname "$0")/../.." && pwd)
objects=$source/tests/interop/kubernetes/objects
dir=$(mktemp -d /tmp/kndXXXX)
failures=0

finish() {
  local status=$?
  trap - EXIT
  [ "$failures" = 0 ] && [ "$status" = 0 ] || tail -n 40 "$dir"/kind/log/*.log 2>/dev/null || true
  "$tree/bin/knd-local" --state "$dir" down >/dev/null 2>&1 || true
  rm -rf "$dir"
  [ "$status" = 0 ] && [ "$failures" = 0 ]
}
trap finish EXIT

kubectl() { "$kubectl_program" --kubeconfig "$dir/kind/kubeconfig" --cache-dir "$dir/cache" "$@"; }

# soon NAME PATTERN COMMAND...: within some seconds what the command says matches.
soon() {
  local name=$1 pattern=$2 output='' deadline=$((SECONDS + 30))
  shift 2
  until output=$("$@" 2>&1) && printf %s "$output" | grep -Eqz -- "$pattern"; do
    if [ $SECONDS -ge $deadline ]; then
      printf 'FAIL %s\n  command: %s\n  wanted: %s\n  said: %s\n' "$name" "$*" "$pattern" "$output"
      failures=$((failures + 1))
      return
    fi
    sleep 0.1
  done
  printf 'PASS %s\n' "$name"
}

ready() { kubectl wait --for=condition=Ready "pod/$1" --timeout=1s; }
devices() { kubectl get resourceslices -o json | jq -c '.items[].spec.devices[]?'; }
device() { devices | jq -c "select(.name == \"$1\")"; }
allocated() { kubectl get resourceclaim "$1" -o 'jsonpath={.status.allocation.devices.results[*].device}'; }
events_of() { kubectl get events -o json | jq -r ".items[] | select(.involvedObject.name == \"$1\") | .message"; }
links_of() { "$tree/bin/knd-local" --state "$dir" exec "$1" -- ip -o -4 addr show; }
remove() { kubectl delete "$@" --now --timeout=30s >/dev/null; }
nothing_is_left() { [ -z "$(ls "$dir/tap/tap")" ] && echo none; }

mkdir -p "$dir/backends" "$dir/tap"
cmake --install "$tree" --component sdk --prefix "$dir/sdk" >/dev/null
cmake -S "$source/tests/tapnic" -B "$dir/tapnic" "-DCMAKE_PREFIX_PATH=$dir/sdk" >/dev/null
cmake --build "$dir/tapnic" >/dev/null
install -m 755 "$dir/tapnic/backends/knd-tapnic.so" "$dir/backends/"

cat >"$dir/kind.yaml" <<'YAML'
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
- role: control-plane
- role: worker
YAML
sed -e '/^\[\[backend/,$d' "$source/configs/kind/kndd.toml" >"$dir/kndd.toml"
cat >>"$dir/kndd.toml" <<TOML
[[backend]]
name = "tap"
library = "knd-tapnic.so"
config = { parent = "taps", directory = "$dir/tap", parts = 2, bandwidth = 10, health = "$dir/tap/health" }
TOML
# What the interfaces are made on has to be there first; the other node has no kndd.
cat >"$dir/kndd" <<SH
#!/bin/bash
case \${NODE_NAME:-} in *control-plane) exec sleep infinity ;; esac
ip link show taps >/dev/null 2>&1 || {
  ip link add taps type veth peer name taps-peer
  ip link set taps up
  ip link set taps-peer up
}
exec "$tree/bin/kndd" "\$@"
SH
chmod +x "$dir/kndd"

"$tree/bin/knd-local" --state "$dir" up --config "$dir/kind.yaml" --node-config "$dir/kndd.toml" \
  --kndd "$dir/kndd" --backends "$dir/backends" --gate "$tree/bin/knd-gate" --wait 2 >/dev/null

soon "the whole and its parts are published" '"tap-part-0".*"tap-part-1".*"tap-whole"' devices
kubectl apply -f "$objects/tap-parts.yaml" >/dev/null
soon "a pod with a part becomes ready" 'condition met' ready tap-part
soon "with an interface that was made in it" '10\.97\.0\.1/24' links_of tap-part
soon "the whole is given to nobody while a part is taken" 'cannot allocate all claims' events_of tap-whole
remove pod tap-part
remove resourceclaim tap-part
soon "when the part is free the pod with the whole becomes ready" 'condition met' ready tap-whole
soon "and has the whole" '^tap-whole$' allocated tap-whole
remove -f "$objects/tap-parts.yaml" --ignore-not-found
soon "nothing of it is left" none nothing_is_left

kubectl apply -f "$objects/tap-shares.yaml" >/dev/null
soon "a pod with a share becomes ready" 'condition met' ready tap-share-a
soon "and so does a second one" 'condition met' ready tap-share-b
soon "both have a share of one device" '^tap-shared$' allocated tap-share-b
soon "each has an interface of its own" '10\.97\.0\.12/24' links_of tap-share-b
soon "no share is given beyond the capacity" 'cannot allocate all claims' events_of tap-share-c
soon "what the class forbids is refused, and the class is named" \
  'mode: the claim sets "vepa", and its DeviceClass tap-shared forbids it' events_of tap-share-d

echo "tap-shared unhealthy because its fibre is cut" >"$dir/tap/health"
soon "an unhealthy device is tainted" '"effect":"NoSchedule"' device tap-shared
soon "an event of its pod says why" 'its fibre is cut' events_of tap-share-a
remove pod tap-share-b tap-share-c
remove resourceclaim tap-share-b tap-share-c
kubectl apply -f "$objects/tap-late.yaml" >/dev/null
soon "it is given to no other claim" 'cannot allocate all claims' events_of tap-late
rm "$dir/tap/health"
soon "when it is healthy again the pod becomes ready" 'condition met' ready tap-late
remove -f "$objects/tap-late.yaml" -f "$objects/tap-shares.yaml" --ignore-not-found
soon "nothing is left of all these" none nothing_is_left
