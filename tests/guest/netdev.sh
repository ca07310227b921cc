#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The netdev backend on network cards: what is published of physical and virtual functions, which of
# them a claim gets, how they work in a pod, and how they come home.
set -u
for part in lib cards cluster; do . "tests/guest/$part.sh"; done

# --- What is tried ------------------------------------------------------------------------------

# attributes_are DEVICE JSON: these and no others, but for those that the PCI database words.
attributes_are() {
  local is should
  is=$(devices | jq -cS --arg name "$1" '.[$name] | del(.pciVendor, .pciDevice)')
  should=$(jq -cS . <<<"$2")
  [ "$is" = "$should" ] || { printf 'is     %s\nshould %s\n' "$is" "$should"; return 1; }
}

# The state of an interface at home: all that a pod could have changed.
home_state() {
  ip -j -d addr show dev "$1" | jq -cS '.[0] | {ifname, address, mtu, promiscuity, txqlen, altnames,
    ifalias, up: (.flags | index("UP") != null),
    addresses: [.addr_info[] | "\(.local)/\(.prefixlen)"] | sort}'
}
at_home_as() { [ "$(home_state "$1")" = "$2" ] || { home_state "$1"; printf '%s\n' "$2"; return 1; }; }

apply() { kubectl apply -f - >/dev/null; }

# pod NAME: one that has the claim of that name.
pod() {
  apply <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  containers: [{name: main, image: example.test/main, resources: {claims: [{name: net}]}}]
  resourceClaims: [{name: net, resourceClaimName: $1}]
YAML
}

# claim NAME SELECTOR PARAMETERS: one device that the CEL expression finds.
claim() {
  apply <<YAML
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: $1}
spec:
  devices:
    requests:
    - name: net
      exactly:
        deviceClassName: nic
        selectors: [{cel: {expression: '$2'}}]
    config:
    - opaque: {driver: knd.dev, parameters: $3}
YAML
}

ready() { kubectl wait --for=condition=Ready "pod/$1" --timeout=40s; }
allocated() {
  kubectl get resourceclaim "$1" -o 'jsonpath={.status.allocation.devices.results[*].device}'
}
is() { local said; said=$("${@:2}") && [ "$said" = "$1" ] || { printf '%s\n' "$said"; return 1; }; }
in_pod() { # in_pod POD INTERFACE JQ-TEST
  local said
  said=$(pod_exec "$1" ip -j -d addr show dev "$2") && jq -e ".[0] | $3" <<<"$said" && return
  printf '%s\n' "$said"
  return 1
}
delete() { kubectl delete pod,resourceclaim "$1" --timeout=40s; }
new_kndd() { local pid; pid=$(kndd_pid) && [ "$pid" != "$1" ] && kill -0 "$pid" && kndctl claims; }

# --- The machine --------------------------------------------------------------------------------

fact "the cards are there" cards_up
fact "a card makes virtual functions" functions_up pf0 2
ip addr add 192.0.2.1/24 dev pf0
ip link set pf0v0 alias "first of pf0"
fact "the cluster is up" cluster_up
soon 20 offered pci-0000-41-00-0
apply <<'YAML'
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: nic}
spec:
  selectors: [{cel: {expression: 'device.driver == "knd.dev"'}}]
YAML

# --- What is published --------------------------------------------------------------------------

common='"encapsulation": "ether", "type": "device", "virtual": false, "ebpf": false, "rdma": false,
  "mtu": 1500, "state": "up", "speed": 1000'
fact "a physical function has its attributes" soon 10 attributes_are pci-0000-21-00-0 '{
  '"$common"', "ifName": "pf0", "alias": "", "mac": "52:54:00:00:00:01", "driver": "igb",
  "permanentMac": "52:54:00:00:00:01", "sriov": true, "sriovVfs": 2, "ipv4": "192.0.2.1/24",
  "pciAddress": "0000:21:00.0", "pciSubsystem": "1100", "numaNode": 0,
  "resource.kubernetes.io/pciBusID": "0000:21:00.0", "resource.kubernetes.io/numaNode": 0,
  "resource.kubernetes.io/pcieRoot": "pci0000:20"}'
fact "so has one of another root and NUMA node" soon 10 attributes_are pci-0000-41-00-0 '{
  '"$common"', "ifName": "pf1", "alias": "", "mac": "52:54:00:00:00:02", "driver": "igb",
  "permanentMac": "52:54:00:00:00:02", "sriov": true, "sriovVfs": 0,
  "pciAddress": "0000:41:00.0", "pciSubsystem": "1100", "numaNode": 1,
  "resource.kubernetes.io/pciBusID": "0000:41:00.0", "resource.kubernetes.io/numaNode": 1,
  "resource.kubernetes.io/pcieRoot": "pci0000:40"}'
fact "so has a virtual function" soon 10 attributes_are pci-0000-21-10-0 '{
  '"$common"', "ifName": "pf0v0", "alias": "first of pf0", "mac": "52:54:00:00:00:10",
  "driver": "igbvf", "permanentMac": "52:54:00:00:00:10", "sriov": false, "isSriovVf": true,
  "pciAddress": "0000:21:10.0", "pciSubsystem": "1100", "numaNode": 0,
  "resource.kubernetes.io/pciBusID": "0000:21:10.0", "resource.kubernetes.io/numaNode": 0,
  "resource.kubernetes.io/pcieRoot": "pci0000:20"}'

# --- A virtual function and a card, each in a pod, with the wire between them -------------------

root20='device.attributes["resource.kubernetes.io"].pcieRoot == "pci0000:20"'
virtual='has(device.attributes["knd.dev"].isSriovVf)'
free='device.attributes["knd.dev"].ifName == "pf0v1"' # no MAC of the administrator's
vf_before=$(home_state pf0v1) pf_before=$(home_state pf1)

try_pods() {
  claim left "$free && $root20 && $virtual" '{"interface": {"name": "net1", "mtu": 1400,
    "addresses": ["203.0.113.1/24"], "hardwareAddr": "52:54:00:aa:00:01"}}'
  claim right 'device.attributes["resource.kubernetes.io"].numaNode == 1' \
    '{"interface": {"name": "net1", "addresses": ["203.0.113.2/24"]}}'
  pod left && pod right
  fact "a pod with a virtual function becomes ready" ready left
  fact "a pod with a card becomes ready" ready right
  fact "CEL finds the virtual function by root" is pci-0000-21-10-2 allocated left
  fact "CEL finds the card by NUMA node" is pci-0000-41-00-0 allocated right
  fact "the virtual function has the claim's name, MTU, MAC and address" in_pod left net1 '.mtu == 1400
    and .address == "52:54:00:aa:00:01" and (.flags | index("UP") != null) and .addr_info[0].local == "203.0.113.1"'
  fact "the card has the claim's name and address, and its own MAC" in_pod right net1 '.mtu == 1500
    and .address == "52:54:00:00:00:02" and .addr_info[0].local == "203.0.113.2"'
  fact "neither is on the node" eval '! ip link show pf0v1 && ! ip link show pf1'
  fact "one pod hears the other over the wire" soon 20 pod_exec left ping -c 1 -W 2 203.0.113.2
  fact "what is in a pod stays published as it was" devices_keep
  fact "the claim's status has the address" is 'net1 203.0.113.1/24' kubectl get resourceclaim left \
    -o 'jsonpath={.status.devices[0].networkData.interfaceName} {.status.devices[0].networkData.ips[0]}'
}
devices_keep() {
  devices | jq -e '.["pci-0000-21-10-2"] | .ifName == "pf0v1" and .isSriovVf and .speed == 1000'
}

try_death_of_kndd() {
  local pid
  pid=$(kndd_pid)
  kill -9 "$pid"
  fact "kndd is started again" soon 20 new_kndd "$pid"
  fact "the pods still hear each other" soon 20 pod_exec right ping -c 1 -W 2 203.0.113.1
  fact "the pod with the virtual function is deleted" delete left
  fact "the pod with the card is deleted" delete right
  fact "the virtual function is home as it was" soon 20 at_home_as pf0v1 "$vf_before"
  fact "the card is home as it was" soon 20 at_home_as pf1 "$pf_before"
}

# --- What goes wrong ----------------------------------------------------------------------------

says_event() { kubectl get events -o json | jq -r '.items[].message' | grep -F "$1"; }

try_refused_mac() {
  local before
  before=$(home_state pf0v0)
  claim refused 'device.attributes["knd.dev"].ifName == "pf0v0"' \
    '{"interface": {"name": "net1", "hardwareAddr": "52:54:00:aa:00:02"}}'
  pod refused
  fact "a MAC that the card refuses is told" soon 30 says_event "Cannot assign requested address"
  fact "the virtual function does not stay in the pod" soon 20 at_home_as pf0v0 "$before"
  fact "that pod is deleted" delete refused
  fact "the virtual function is home as it was after a refusal" soon 20 at_home_as pf0v0 "$before"
}

# All that holds the namespace of a pod goes at once: its processes, and the name of the namespace.
end_namespace() {
  local pin=$1 inode pid
  inode=$(stat -Lc %i "$pin")
  for pid in /proc/[0-9]*; do
    [ "$(stat -Lc %i "$pid/ns/net" 2>/dev/null)" != "$inode" ] || kill -9 "${pid#/proc/}"
  done
  umount --lazy "$pin"
}

try_death_of_namespace() {
  claim short "$free" '{"interface": {"name": "net1", "addresses": ["203.0.113.1/24"], "mtu": 1400}}'
  pod short
  fact "a pod that will die becomes ready" ready short
  end_namespace "$(echo "$root"/netns/pod-*)"
  fact "the pod whose namespace died is deleted" delete short
  fact "the kernel and kndd bring the virtual function home as it was" \
    soon 30 at_home_as pf0v1 "$vf_before"
}

try_loss() {
  claim lost "$free" '{}'
  pod lost
  fact "a pod that will lose its device becomes ready" ready lost
  functions_down pf0
  fact "the pod that lost its device is deleted" delete lost
  fact "a device that is gone is not offered" soon 15 withheld pci-0000-21-10-2
  fact "virtual functions are made again" functions_up pf0 2
  fact "and offered" soon 15 offered pci-0000-21-10-2
}

# --- Two devices on one root --------------------------------------------------------------------

try_pair() {
  fact "the other card makes virtual functions" functions_up pf1 2
  fact "virtual functions that come later are offered" soon 15 offered pci-0000-41-10-2
  apply <<YAML
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: pair}
spec:
  devices:
    requests:
    - name: any
      exactly: {deviceClassName: nic, selectors: [{cel: {expression: '$virtual'}}]}
    - name: that
      exactly:
        deviceClassName: nic
        selectors: [{cel: {expression: 'device.attributes["knd.dev"].ifName == "pf1v1"'}}]
    constraints:
    - matchAttribute: resource.kubernetes.io/pcieRoot
YAML
  pod pair
  fact "a pod with two devices becomes ready" ready pair
  fact "both are on one root" is "pci-0000-41-10-0 pci-0000-41-10-2" allocated pair
  fact "both are in the pod" pod_exec pair ip link show dev pf1v0
  fact "both are in the pod, also the second" pod_exec pair ip link show dev pf1v1
  fact "the pod with two devices is deleted" delete pair
  fact "both come home" soon 20 ip link show dev pf1v0
  fact "both come home, also the second" soon 20 ip link show dev pf1v1
}

try_pods
try_death_of_kndd
try_refused_mac
try_death_of_namespace
try_loss
try_pair
[ "$failures" = 0 ] || tail -n 60 "$root/log/guest-worker.log"
exit $((failures > 0))
