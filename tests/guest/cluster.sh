# SPDX-License-Identifier: Apache-2.0
# A knd-local cluster whose worker is the guest itself. The kernel sends a network card whose namespace
# dies to the initial one, so that only there it is seen as on a real node.
# shellcheck shell=bash disable=SC2034
state=/run/knd-local
root=$state/guest
node=$root/nodes/guest-worker
export KUBECONFIG=$root/kubeconfig
kubectl() { "$KND_CACHE/kubectl-new/usr/bin/kubectl" "$@"; }
local_() { "$KND_TREE/bin/knd-local" --state "$state" --name guest "$@"; }
kndctl() { "$KND_TREE/bin/kndctl" --socket "$node/kndd.sock" "$@"; }

# cluster_up [OPTION OF knd-local up]... A namespace that is there is taken as it is: the worker's is
# the guest's.
cluster_up() {
  local netns=$root/netns
  mkdir -p "$netns"
  mount --bind "$netns" "$netns"
  mount --make-shared "$netns"
  touch "$netns/guest-worker"
  mount --bind /proc/self/ns/net "$netns/guest-worker"
  local_ up --config tests/guest/cluster/cluster.yaml --wait 60 "$@" ||
    { tail -n 20 "$root"/log/*.log; return 1; }
}

# devices: a JSON object of what the worker offers, attributes by name; those of kndd without domain.
devices() {
  kubectl get resourceslices -o json | jq -cS '[.items[] | select(.spec.nodeName == "guest-worker")
    | .spec.devices // [] | .[] | {key: .name, value: .attributes
      | with_entries({key: (.key | ltrimstr("knd.dev/")), value: (.value | to_entries[0].value)})}] | from_entries'
}

# What kndd itself says, which is cheaper to ask than the API server by a kubectl in an emulated machine.
kndd_devices() { curl -sf --unix-socket "$node/kndd.sock" http://kndd/devices; }
offered() {
  kndd_devices | jq -e --arg name "$1" '.devices | any(.name == $name and .state == "offered")'
}
withheld() {
  kndd_devices | jq -e --arg name "$1" '.devices | any(.name == $name and .state == "offered") | not'
}

pod_exec() { local pod=$1; shift; local_ exec "$pod" -- "$@"; }
kndd_pid() { jq -r .pid "$node/kndd.json"; }
