# SPDX-License-Identifier: Apache-2.0
# The facts that `run` shows of kndd and kndctl beside the real Kubernetes. Sourced.
# shellcheck shell=bash disable=SC2154

seed=$source/configs/kind
claim=cloud-network-dra-net-1

readyz() { curl -s http://127.0.0.1:9177/readyz; }
slices() { kubectl get resourceslices -o json | jq -c ".items[] | select(.spec.driver == \"dra.net\")${1:-}"; }
# The one with the devices; tapnic's counters are in another.
slice() { slices " | select(.spec.devices)${1:-}"; }
# The interfaces of netdev among the devices; those of tapnic are there all the time.
interfaces() { slice '.spec.devices[].name' | grep -v '"tap-'; }
devices() { slice '.spec.devices[] | {name} + (.attributes | with_entries(.value |= (.[])))'; }
one_slice() { [ "$(slice .metadata.name | wc -l)" = 1 ]; }
pod_is() { [ "$(kubectl get pod "$1" -o 'jsonpath={.status.phase}')" = "$2" ]; }
ready() { kubectl wait --for=condition=Ready "pod/$1" --timeout "${2:-90}s"; }
logged() { grep -F "$2" "$dir/log/$1.log"; }
not() { ! "$@"; }
in_pod() { kubectl exec "$1" -- ip addr show dev dra0; }
warnings() { kubectl get events --field-selector "involvedObject.name=$1,type=Warning" -o json | jq -r '.items[] | .reason + ": " + .message'; }

# dra0 as it was when kndd had just made it.
home_state() {
  ip -j addr show dev dra0 |
    jq -cS '.[0] | {ifname, address, mtu, up: (.flags | index("UP") != null),
                    addresses: [.addr_info[] | select(.scope == "global") | "\(.local)/\(.prefixlen)"] | sort}'
}
is_home() { [ "$(home_state)" = "$home" ]; }

all_checks=(registration slices rights device_events restored_copy seed does_not_fit kndd_restart
  kubelet_restart comes_home template shared gate missed partitions shares health placement
  installation)

# --- The driver is there --------------------------------------------------------------------------

check_registration() {
  soon_says "kndd registers with the kubelet" '\[\+\]kubelet ok' readyz
  soon_says "kndd connects to containerd over NRI" '\[\+\]runtime ok' readyz
  soon_says "every part of kndd is ready" 'readyz check passed' readyz
  check "the kubelet says that it registered the driver" logged kubelet dra.net-reg.sock
  home=$(home_state)
}

check_slices() {
  soon_says "a ResourceSlice is stored" '"name":"dra0"' devices
  check "they are in one slice" one_slice
  check_says "its owner is the node" "\"kind\":\"Node\",\"name\":\"$node\"" slice .metadata.ownerReferences
  check_says "dra0 has the attributes of the seed" \
    '"alias":.*"ebpf":.*"encapsulation":.*"ifName":"dra0".*"mac":.*"mtu":.*"rdma":.*"sriov":.*"state":.*"type":.*"virtual":' \
    eval "devices | jq -cS 'with_entries(.key |= sub(\"dra.net/\"; \"\"))'"
  check "the node's uplink is not offered" not says 'eth0|wire' devices
  check "the API server drops nothing of it" not logged kndd 'drop'
  slice '| del(.metadata) | .metadata = {name: "again"} | .spec.pool.name = "again"' >"$dir/again.json"
  check_says "the API server has no warning for it" '^resourceslice.resource.k8s.io/again created \(server dry run\).?$' \
    kubectl create --validate=strict --dry-run=server -f "$dir/again.json"
}

# kndctl_as_kndd ARGUMENTS...: kubectl with the token that kndd has.
as_kndd() { "$cache/kubectl-new/usr/bin/kubectl" --kubeconfig "$dir/kndd.kubeconfig" "$@"; }

check_rights() {
  check "kndd has only the rights that configs/kubernetes gives" not logged kndd -i forbidden
  check_says "a slice in the name of another node is refused" \
    "kndd on node $node may not write a slice of node other" \
    as_kndd create -f <(slice '| del(.metadata) | .metadata = {name: "other"} | .spec.nodeName = "other"')
  check_says "kndd cannot read pods" 'cannot list resource "pods"' as_kndd get pods
  kubectl create token knd -n knd-system >"$dir/loose.token"
  check_says "a token that belongs to no node writes no slice" 'the token of kndd belongs to no node' \
    kubectl --token "$(cat "$dir/loose.token")" --kubeconfig /dev/null --server https://127.0.0.1:443 \
    --certificate-authority "$dir/pki/ca.crt" create -f <(slice '| del(.metadata) | .metadata = {name: "loose"}')
}

check_device_events() {
  ip link add ext0 type veth peer name ext0-peer
  soon_says "an interface that appears is published" '"name":"ext0"' devices
  ip link set ext0 mtu 1400
  soon_says "its new MTU is published" '"name":"ext0"[^}]*"dra.net/mtu":1400' devices
  check "in one slice still" one_slice
  ip link del ext0
  soon_says "an interface that goes is withdrawn" '^"dra0"$' interfaces
}

# server_is_up, server_is_down: the API server and its etcd.
server_is_up() {
  start_etcd
  start_apiserver
  until_ok 120 kubectl get --raw /readyz
}
server_is_down() {
  halt apiserver
  halt etcd
}

# Versions run backwards, to numbers that kndd has seen on other contents.
check_restored_copy() {
  local mtu before
  server_is_down
  cp -r "$dir/etcd" "$dir/etcd-copy"
  server_is_up
  ip link add ext1 type veth peer name ext1-peer
  for mtu in 1401 1402 1403; do
    ip link set ext1 mtu $mtu
    until_ok 60 says "\"name\":\"ext1\"[^}]*\"dra.net/mtu\":$mtu" devices
  done
  server_is_down
  rm -rf "$dir"/etcd/*
  cp -r "$dir/etcd-copy/." "$dir/etcd"
  check "etcd comes back from an older copy" server_is_up
  ip link set ext1 mtu 1404
  soon_says "kndd goes on where the copy ends" '"name":"ext1"[^}]*"dra.net/mtu":1404' devices
  check "with one slice" one_slice
  kubectl delete resourceslice "$(slice .metadata.name | tr -d '"')" >>"$dir/log/steps.log" 2>&1
  soon_says "and sees what others do" '"name":"ext1"' devices
  ip link del ext1
  soon_says "and what goes" '^"dra0"$' interfaces
  # Their watches wait for versions to come; whoever restores a cluster restarts them.
  halt controller-manager
  halt scheduler
  start_controllers
  halt kubelet
  before=$(slice .metadata.uid)
  start_kubelet
  check "the rest of the cluster is restarted" until_ok 120 node_is_ready
  until_ok 60 not says "$before" slice .metadata.uid # a starting kubelet wipes the node's slices
  soon_says "and the slice is there" '"name":"dra0"' devices
  soon_says "and every part of kndd is ready" 'readyz check passed' readyz
}

# --- The seed's objects, unchanged ----------------------------------------------------------------

check_seed() {
  check "the seed's class is accepted" kubectl apply -f "$seed/deviceclass.yaml"
  check "the seed's claim and pod are accepted" kubectl apply -f "$seed/resourceclaim.yaml"
  check "the pod becomes ready" ready pod-dra-net1 120
  check_says "the scheduler allocates dra0 to the claim" '^dra0 dra.net knd-node$' kubectl get resourceclaim $claim \
    -o 'jsonpath={range .status.allocation.devices.results[*]}{.device} {.driver} {.pool}{end}'
  check_says "dra0 is in the pod with its address" 'inet 10.99.0.2/24' in_pod pod-dra-net1
  check_says "it answers its neighbour" ' 0% packet loss' nsenter "--net=$dir/fabric" ping -c 1 -W 5 10.99.0.2
  check_says "and is not on the node" 'does not exist' ip link show dev dra0
  soon_says "the claim's status has the network data" '^Ready=True dra0 10.99.0.2/24 02:00:00:00:00:d0$' kubectl get resourceclaim $claim \
    -o 'jsonpath={range .status.devices[0]}{.conditions[0].type}={.conditions[0].status} {.networkData.interfaceName} {.networkData.ips[0]} {.networkData.hardwareAddress}{end}'
  check_says "it was written by server-side apply, in the driver's name" '\["Apply","status"\]' \
    eval "kubectl get resourceclaim $claim --show-managed-fields -o json | jq -c '.metadata.managedFields[] | select(.manager == \"dra.net\") | [.operation, .subresource]'"
  check_says "the device is still published while it is away" '"name":"dra0"' devices
  check_says "kndctl knows where it is" attached kndctl claims
  check_silent "nothing was wrong on the way" warnings pod-dra-net1
}

# The second claim wants the device that the first one has.
check_does_not_fit() {
  kubectl apply -f "$here/objects/second.yaml" >>"$dir/log/steps.log"
  soon_says "the scheduler cannot allocate the second claim" 'FailedScheduling: .*cannot allocate all claims' warnings second
  check "the second pod waits" pod_is second Pending
  check_says "kndctl explain claim says what is in the way" "in use: by claim default/$claim" \
    kndctl explain claim second --kubeconfig "$dir/admin.kubeconfig"
  check_says "and that it fits on none of the nodes, as the scheduler does" 'fits on none of 1 node;' \
    kndctl explain claim second --kubeconfig "$dir/admin.kubeconfig"
  check_says "kndctl simulate says the same" '0 of 1 node fits' \
    kndctl simulate --kubeconfig "$dir/admin.kubeconfig"
  kubectl delete -f "$here/objects/second.yaml" --now >>"$dir/log/steps.log"
}

# --- Restarts -------------------------------------------------------------------------------------

check_kndd_restart() {
  halt kndd KILL
  start_kndd
  soon_says "kndd registers again after a kill" '\[\+\]kubelet ok' readyz
  soon_says "and is connected again" '\[\+\]runtime ok' readyz
  check_says "the pod has kept its device" 'inet 10.99.0.2/24' in_pod pod-dra-net1
  soon_says "kndctl knows it still" attached kndctl claims
  check "the slice is the one it was" one_slice
}

restarts() { kubectl get pod "$1" -o 'jsonpath={.status.containerStatuses[0].restartCount}'; }

check_kubelet_restart() {
  local before
  before=$(slice .metadata.uid)
  halt kubelet
  soon_says "kndd says that the kubelet has gone" '\[-\]kubelet failed: it has closed' readyz
  start_kubelet
  until_ok 120 logged kubelet dra.net-reg.sock
  check "a starting kubelet wipes the node's slices" until_ok 60 not says "$before" slice .metadata.uid
  soon_says "kndd publishes them again" '"name":"dra0"' devices
  check "the node is ready again" until_ok 120 node_is_ready
  check "the pod is ready" ready pod-dra-net1
  check_says "it was not restarted" '^0$' restarts pod-dra-net1
  check_says "and has kept its device" 'inet 10.99.0.2/24' in_pod pod-dra-net1
  soon_says "kndd is registered" '\[\+\]kubelet ok' readyz
}

check_comes_home() {
  check "the pod is deleted" kubectl delete pod pod-dra-net1 --now --timeout 90s
  check "dra0 is on its node as before" until_ok 30 is_home
  check_says "kndd holds no claim any more" '^\[\]$' eval "kndctl claims -o json | jq -c '.claims // .'"
  soon_says "the claim is free again" pending kubectl get resourceclaim $claim
  kubectl delete resourceclaim $claim >>"$dir/log/steps.log"
}

check_template() {
  kubectl apply -f "$here/objects/template.yaml" >>"$dir/log/steps.log"
  check "a pod with a claim of its own, made from a template, becomes ready" ready from-template
  check_says "with the name and the address that the claim asks for" 'net7.*inet 10.99.0.77/24' \
    kubectl exec from-template -- ip addr show dev net7
  check_says "which its container can read" '"interfaceName":"net7","ips":\["10.99.0.77/24"\]' \
    kubectl exec from-template -- cat \
    /var/run/kubernetes.io/dra-device-attributes/resourceclaimtemplates/nic/nic/dra.net-metadata.json
  check "it is deleted" kubectl delete pod from-template --timeout 90s
  check "its device comes home" until_ok 30 is_home
  soon_says "its claim is gone" 'No resources found' kubectl get resourceclaims
  kubectl delete -f "$here/objects/template.yaml" --ignore-not-found >>"$dir/log/steps.log"
}

# The kubelet prepares a claim once: of the second pod it tells kndd nothing, and no gate tells of it.
check_shared() {
  kubectl apply -f "$here/objects/shared.yaml" -l comes!=later >>"$dir/log/steps.log"
  check "the first pod of a shared claim becomes ready" ready sharer-a
  kubectl apply -f "$here/objects/shared.yaml" -l comes=later >>"$dir/log/steps.log"
  soon_says "no container of the second starts while the first has the device" \
    'is in use by pod default/sharer-a' warnings sharer-b
  check_says "the first keeps it" 'inet 10.99.0.2/24' in_pod sharer-a
  check "the first is deleted" kubectl delete pod sharer-a --timeout 90s
  check "the second becomes ready" ready sharer-b 150
  check_says "and has the device" 'inet 10.99.0.2/24' in_pod sharer-b
  check "it is deleted" kubectl delete pod sharer-b --timeout 90s
  check "its device comes home" until_ok 30 is_home
  kubectl delete -f "$here/objects/shared.yaml" --ignore-not-found >>"$dir/log/steps.log"
}

# --- The gate -------------------------------------------------------------------------------------

# The pod's sandbox dies, as by the kernel's hand.
end_sandbox() {
  local id
  for id in $(ctr containers ls -q "labels.\"io.cri-containerd.kind\"==sandbox,labels.\"io.kubernetes.pod.name\"==$1"); do
    ! says "$id +[0-9]+ +RUNNING" ctr tasks ls || ctr tasks kill -s KILL "$id"
  done
}

# The pod's sandbox dies while kndd is away: the kubelet makes another, whose claim is prepared already.
check_gate() {
  check "the policy that lists claims on containers is accepted" kubectl apply -f "$source/configs/kubernetes/gate-policy.yaml"
  until_ok 30 policy_works
  kubectl apply -f "$seed/resourceclaim.yaml" >>"$dir/log/steps.log"
  check_says "the seed's pod lists its claim" '^net-1$' kubectl get pod pod-dra-net1 -o 'jsonpath={.spec.containers[0].resources.claims[0].name}'
  check "it runs" ready pod-dra-net1
  halt kndd KILL
  check "its sandbox dies with kndd away" end_sandbox pod-dra-net1
  soon_says "the gate refuses the container of the new sandbox" 'knd-gate' warnings pod-dra-net1
  check "the pod is not ready" until_ok 30 not ready pod-dra-net1 1
  start_kndd
  check "with kndd back the pod becomes ready" ready pod-dra-net1 150
  check_says "and has its device" 'inet 10.99.0.2/24' in_pod pod-dra-net1
  check "it is deleted" kubectl delete -f "$seed/resourceclaim.yaml" --now --timeout 90s
  check "its device comes home" until_ok 30 is_home
  kubectl delete -f "$source/configs/kubernetes/gate-policy.yaml" >>"$dir/log/steps.log"
  check "the policy ends" until_ok 30 not policy_works
}

# A policy works some time after it was stored, and for some time after it was deleted.
policy_works() { says '"net-1"' eval "kubectl create --dry-run=server -f '$seed/resourceclaim.yaml' -o json | jq '.. | .claims? // empty'"; }

# Without that policy a container starts while kndd is away; what was missed is made good.
check_missed() {
  kubectl apply -f "$seed/resourceclaim.yaml" >>"$dir/log/steps.log"
  check "a pod that does not list its claim runs" ready pod-dra-net1
  halt kndd KILL
  check "its sandbox dies with kndd away too" end_sandbox pod-dra-net1
  check "its container is started again without the device" until_ok 90 says "can't find device" in_pod pod-dra-net1
  start_kndd
  soon_says "with kndd back it gets its device" 'inet 10.99.0.2/24' in_pod pod-dra-net1
  check "it is deleted" kubectl delete -f "$seed/resourceclaim.yaml" --now --timeout 90s
  check "its device comes home" until_ok 30 is_home
}

# --- A vendor's backend: parts, shares, health ----------------------------------------------------

# allocated CLAIM: its devices.
allocated() { kubectl get resourceclaim "$1" -o 'jsonpath={.status.allocation.devices.results[*].device}'; }
tap_file() { kubectl apply -f "$here/objects/tap-$1.yaml" >>"$dir/log/steps.log"; }
tap_gone() { kubectl delete -f "$here/objects/tap-$1.yaml" --ignore-not-found --now --timeout 90s >>"$dir/log/steps.log"; }
# The interfaces that the backend has had made in a pod, with their addresses.
tap_links() { kubectl exec "$1" -- ip -o -4 addr show | grep -E ' (tap[0-9a-f]+|net[0-9]) '; }

check_partitions() {
  soon_says "the API server keeps counters, and both a whole and its parts are published" \
    '"tap-part-0".*"tap-part-1".*"tap-whole"' eval "slice '.spec.devices[].name' | sort | tr '\n' ' '"
  check_says "the counters are in a slice of the pool" '"counters":{"parts":{"value":"2"}}' slices '.spec.sharedCounters'
  tap_file parts
  check "a pod with a part becomes ready" ready tap-part
  check_says "with an interface that was made in it" '10.97.0.1/24' tap_links tap-part
  soon_says "the scheduler gives the whole to nobody while a part is taken" 'cannot allocate all claims' warnings tap-whole
  check "its pod waits" pod_is tap-whole Pending
  kubectl delete pod tap-part --now --timeout 90s >>"$dir/log/steps.log"
  kubectl delete resourceclaim tap-part --timeout 90s >>"$dir/log/steps.log"
  check "when the part is free the pod with the whole becomes ready" ready tap-whole 120
  check_says "the claim has the whole" '^tap-whole$' allocated tap-whole
  check "it is deleted" tap_gone parts
  check_silent "and nothing of it is left" ls "$dir/tap/tap"
}

check_shares() {
  tap_file shares
  check "two pods with a share each of one device become ready" eval 'ready tap-share-a && ready tap-share-b'
  check_says "both have the device" '^tap-shared tap-shared$' eval 'echo "$(allocated tap-share-a) $(allocated tap-share-b)"'
  check_says "one consumes what it asked for" "^(6G|5859375Ki)$" kubectl get resourceclaim tap-share-a \
    -o 'jsonpath={.status.allocation.devices.results[0].consumedCapacity.dra\.net/bandwidth}'
  check_says "its backend was told" '"bandwidth":{"string":"6000000000"}|dra.net/bandwidth":{"string":"6000000000"}' kubectl exec tap-share-a -- \
    cat /var/run/kubernetes.io/dra-device-attributes/resourceclaims/tap-share-a/nic/dra.net-metadata.json
  check_says "and what the class alone may say" 'trusted":{"string":"true"}' kubectl exec tap-share-a -- \
    cat /var/run/kubernetes.io/dra-device-attributes/resourceclaims/tap-share-a/nic/dra.net-metadata.json
  check_says "each pod has an interface of its own" '10.97.0.11/24' tap_links tap-share-a
  check_says "with its own address" '10.97.0.12/24' tap_links tap-share-b
  check "they reach each other" kubectl exec tap-share-a -- ping -c 1 -W 5 10.97.0.12
  soon_says "no third share is given beyond the capacity" 'cannot allocate all claims' warnings tap-share-c
  check_says "what a claim may not set is refused, and names its class" \
    'mode: the claim sets "vepa", and its DeviceClass tap-shared forbids it' \
    eval "until_ok 60 says forbids warnings_of_claim tap-share-d; warnings_of_claim tap-share-d"
  check "the device node is in the container that lists the claim" kubectl exec tap-share-a -- sh -c '[ -c /dev/tapnic ]'
}
warnings_of_claim() { kubectl get events --field-selector "involvedObject.name=$1,type=Warning" -o json | jq -r '.items[].message'; }

# health_of POD: what the kubelet says in the pod's status.
health_of() {
  kubectl get pod "$1" -o json |
    jq -r '.status.containerStatuses[].allocatedResourcesStatus[]?.resources[]? | "\(.resourceID) \(.health)"'
}

check_health() {
  check_says "the kubelet shows the health of the devices in the pod's status" ' Healthy' eval \
    "until_ok 60 says Healthy health_of tap-share-a; health_of tap-share-a"
  local began
  began=$(date +%s%N)
  echo "tap-shared unhealthy because its fibre is cut" >"$dir/tap/health"
  until says '"key":"dra.net/health"' slice '.spec.devices[] | select(.name == "tap-shared")'; do
    [ $(($(date +%s%N) - began)) -lt 60000000000 ] || break
  done
  printf '# from the report of the backend to the taint in the API: %d ms\n' $((($(date +%s%N) - began) / 1000000))
  check_says "an unhealthy device is tainted" '"effect":"NoSchedule"' slice '.spec.devices[] | select(.name == "tap-shared").taints'
  soon_says "its pod's status shows it" ' Unhealthy' health_of tap-share-a
  soon_says "an event of the pod says why" 'DeviceUnhealthy: .*its fibre is cut' warnings tap-share-a
  soon_says "and the claim's status" 'its fibre is cut' kubectl get resourceclaim tap-share-a \
    -o 'jsonpath={.status.devices[0].conditions[?(@.type=="Healthy")].message}'
  check_says "kndctl shows it" 'fibre' kndctl devices -o json
  kubectl delete pod tap-share-b tap-share-c --now --timeout 90s >>"$dir/log/steps.log"
  kubectl delete resourceclaim tap-share-b --timeout 60s >>"$dir/log/steps.log"
  tap_file late
  soon_says "it is given to no other claim, though there is room" 'cannot allocate all claims|untolerated taint|device taint' warnings tap-late
  check "its pod waits" pod_is tap-late Pending
  rm "$dir/tap/health"
  check "when it is healthy again the pod becomes ready" ready tap-late 120
  tap_gone late
  tap_gone shares
  check "nothing is left of all these" until_ok 30 eval '[ -z "$(ls "$dir/tap/tap")" ]'
}

# --- The scheduler and kndctl ---------------------------------------------------------------------

is_reserved() { says reserved kubectl get resourceclaim "$1"; }
decided() { is_reserved "$1" || says FailedScheduling warnings "$1"; }

# placed CLAIM: the node and, per request, the devices that the scheduler chose.
placed() {
  kubectl get resourceclaim "$1" -o json |
    jq -c '[.status.allocation.nodeSelector.nodeSelectorTerms[0].matchFields[0].values[0]]
           + [.status.allocation.devices.results[] | .request + "=" + .device]'
}

# simulated CLAIM NODE: what kndctl simulate, asked before, says for that node.
simulated() {
  jq -c --arg claim "$1" --arg node "$2" '.nodes[] | select(.node == $node and .fits)
    | [.node] + [.claims[] | select(.name == $claim) | .allocation.devices.results[] | .request + "=" + .device]' \
    "$dir/simulated.json"
}

# Nodes that exist on paper: no kubelet is needed to be scheduled to.
check_placement() {
  local name
  kubectl apply -f "$here/objects/paper.yaml" >>"$dir/log/steps.log"
  for name in paper-a paper-b paper-c; do
    kubectl patch node $name --subresource status --type merge -p '{"status": {
      "capacity": {"cpu": "8", "memory": "8Gi", "pods": "100"}, "allocatable": {"cpu": "8", "memory": "8Gi", "pods": "100"},
      "conditions": [{"type": "Ready", "status": "True", "reason": "OnPaper", "message": ""}]}}' >>"$dir/log/steps.log"
    kubectl taint node $name node.kubernetes.io/not-ready- >>"$dir/log/steps.log" 2>&1
  done
  for name in pair fast first-choice counted too-many shared shared-again; do
    kndctl simulate --kubeconfig "$dir/admin.kubeconfig" -f "$here/objects/placement/$name.yaml" -o json \
      >"$dir/simulated.json" 2>>"$dir/log/steps.log"
    kubectl apply -f "$here/objects/placement/$name.yaml" >>"$dir/log/steps.log"
    until_ok 60 decided $name
    if ! is_reserved $name; then
      check_silent "the scheduler and kndctl agree that $name fits nowhere" eval "jq -r '.nodes[] | select(.fits)' '$dir/simulated.json'"
      continue
    fi
    check_says "kndctl simulate agrees with the scheduler on $name" "^$(placed $name | sed 's/[][]/\\&/g')\$" \
      simulated $name "$(placed $name | jq -r '.[0]')"
  done
}

# --- As configs/kubernetes installs it ------------------------------------------------------------

rolled_out() { kubectl rollout status daemonset/knd -n knd-system --timeout 150s; }
offers() { kubectl get resourceslices -o json | jq -c ".items[] | select(.spec.driver == \"knd.dev\") | .spec.devices[].name"; }

check_installation() {
  halt kndd
  kubectl delete -f "$here/objects/placement" --force --grace-period 0 >>"$dir/log/steps.log"
  kubectl delete -f "$here/objects/paper.yaml" >>"$dir/log/steps.log" 2>&1
  # A kind of interface that kndd.toml of the DaemonSet offers: one that is no veth.
  ip link add link wire name lan0 type macvlan
  check "an image of kndd can be made" "$source/tools/image" "$tree" "$dir/kndd.tar"
  check "and imported" import_image "$dir/kndd.tar"
  check "configs/kubernetes can be applied as it is" kubectl apply -k "$source/configs/kubernetes"
  check "the DaemonSet becomes ready" rolled_out
  soon_says "it publishes the node's interface" '^"lan0"' offers
  kubectl apply -f "$here/objects/installed.yaml" >>"$dir/log/steps.log"
  check "a pod with a claim of its class becomes ready" ready installed
  check_says "and has the interface" 'inet 10.98.0.5/24' kubectl exec installed -- ip addr show dev lan0
  soon_says "with the rights of the DaemonSet the claim's status is written" '^10.98.0.5/24$' \
    kubectl get resourceclaim installed -o 'jsonpath={.status.devices[0].networkData.ips[0]}'
  check "the DaemonSet is restarted" kubectl rollout restart daemonset/knd -n knd-system
  check "and becomes ready again" rolled_out
  check_says "the pod has kept its interface" 'inet 10.98.0.5/24' kubectl exec installed -- ip addr show dev lan0
  check "the pod is deleted" kubectl delete -f "$here/objects/installed.yaml" --now --timeout 90s
  check "its interface comes home" until_ok 30 ip link show dev lan0
  kubectl logs -n knd-system daemonset/knd >"$dir/log/daemonset.log" 2>&1
  check "nothing was forbidden" not grep -i forbidden "$dir/log/daemonset.log"
}
