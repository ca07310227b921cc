#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The RDMA backend on InfiniBand devices that have no hardware: what is published of them beside what
# `rdma`, `ibv_devinfo` and sysfs say, what a pod gets in exclusive mode, and how it comes home.
#   MODE=shared: the same where RDMA devices are in all namespaces (rdma_shared.sh)
set -u
for part in lib cards cluster; do . "tests/guest/$part.sh"; done
mode=${MODE:-exclusive}
first=pci-0000-21-00-0 second=pci-0000-41-00-0

# --- What is tried ------------------------------------------------------------------------------

is() { local said; said=$("${@:2}") && [ "$said" = "$1" ] || { printf '%s\n' "$said"; return 1; }; }
bind() { echo "$2" >"/sys/bus/pci/devices/$1/driver_override" && echo "$1" >/sys/bus/pci/drivers_probe; }
control() { echo "$*" >/sys/module/fake_hca/parameters/control; }

# published DEVICE NAME: the value of one attribute.
published() { kndd_devices | jq -r --arg d "$1" --arg a "$2" '.devices[] | select(.name == $d)
  | .attributes | with_entries(.key |= ltrimstr("knd.dev/")) | .[$a] | if type == "object" then to_entries[0].value else . end'; }
says() { is "$3" published "$1" "$2"; }
ibv() { ibv_devinfo -v -d "$1" | sed -n "s/^[[:space:]]*$2:[[:space:]]*//p" | head -n 1; }
rdma_dev() { rdma -d -j dev show "$1" | jq -r ".[0].$2"; }
rdma_link() { rdma -d -j link show "$1/1" | jq -r ".[0].$2"; }

apply() { kubectl apply -f - >/dev/null; }
# pod NAME DEVICE PARAMETERS: with a claim for that device; container `other` does not list it.
pod() {
  apply <<YAML
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: $1}
spec:
  devices:
    requests:
    - name: hca
      exactly:
        deviceClassName: hca
        selectors: [{cel: {expression: 'device.attributes["knd.dev"].rdmaDevice == "$2"'}}]
    config:
    - opaque: {driver: knd.dev, parameters: $3}
---
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  containers:
  - {name: main, image: example.test/main, resources: {claims: [{name: hca}]}}
  - {name: other, image: example.test/other}
  resourceClaims: [{name: hca, resourceClaimName: $1}]
YAML
}
ready() { kubectl wait --for=condition=Ready "pod/$1" --timeout=40s; }
delete() { kubectl delete pod,resourceclaim "$1" --timeout=40s; }
at_home() { rdma dev show "$1"; }
says_event() { kubectl get events -o json | jq -r '.items[].message' | grep -F "$1"; }

# In a container, which has its device nodes; `umad` and `issm` beside `uverbs`, if any.
in_container() { local pod=$1 container=$2; shift 2; local_ exec "$pod" -c "$container" -- "$@"; }
verbs_of() { ls "/sys/bus/pci/devices/$1/infiniband_verbs"; }
# nodes_are POD ADDRESS: the verbs of that function and rdma_cm, and nothing else.
nodes_are() { is "rdma_cm $(verbs_of "$2")" eval "in_container $1 main ls /dev/infiniband | tr '\n' ' ' | sed 's/ $//'"; }

# --- The machine --------------------------------------------------------------------------------

modprobe ib_core netns_mode=$([ "$mode" = shared ] && echo 1 || echo 0)
modprobe -a ib_uverbs rdma_ucm ib_umad ib_ipoib
need_module fake_hca || exit 0
fact "fake_hca is loaded" modprobe fake_hca driver_id=14
fact "it takes a card on each root" eval 'bind "${card[pf0]}" fake_hca && bind "${card[pf1]}" fake_hca'
fact "the node's mode is $mode" is "$mode" eval "rdma system | cut -d' ' -f2"
control pkey fhca0 1 1 8001
fact "the cluster is up" cluster_up --node-config tests/guest/cluster/rdma.toml
fact "both are offered" soon 20 eval 'offered $first && offered $second'
apply <<'YAML'
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: hca}
spec:
  selectors: [{cel: {expression: 'device.driver == "knd.dev"'}}]
YAML

# --- What is published --------------------------------------------------------------------------

try_attributes() {
  local sys=/sys/class/infiniband/fhca0
  fact "rdma" says $first rdma true
  fact "rdmaDevice" says $first rdmaDevice fhca0
  fact "rdmaNamespaces" says $first rdmaNamespaces "$mode"
  fact "nodeGuid, as rdma says" says $first nodeGuid "$(rdma_dev fhca0 node_guid | tr -d : | sed 's/..../&:/g; s/:$//')"
  fact "nodeGuid, as ibv_devinfo says" says $first nodeGuid "$(ibv fhca0 node_guid)"
  fact "systemGuid, as ibv_devinfo says" says $first systemGuid "$(ibv fhca0 sys_image_guid)"
  fact "firmware, as rdma says" says $first firmware "$(rdma_dev fhca0 fw)"
  fact "nodeType" says $first nodeType "$(cut -d' ' -f2 $sys/node_type)"
  fact "hcaType" says $first hcaType "$(cat $sys/hca_type)"
  fact "ports" says $first ports "$(ibv fhca0 phys_port_cnt)"
  fact "linkLayer" says $first linkLayer "$(ibv fhca0 link_layer)"
  fact "portState, as rdma says" says $first portState "$(rdma_link fhca0 state)"
  fact "speed" says $first speed 100000
  fact "lid, as rdma says" says $first lid "$(rdma_link fhca0 lid)"
  fact "smLid, as rdma says" says $first smLid "$(rdma_link fhca0 sm_lid)"
  fact "portGuid" says $first portGuid "$(cut -d: -f5-8 $sys/ports/1/gids/0)"
  fact "pkeys" eval 'published $first pkeys | tr -d " \n" | grep -F 0xffff'
  fact "activeMtu, as ibv_devinfo says" says $first activeMtu "$(ibv fhca0 active_mtu | cut -d' ' -f1)"
  fact "linkWidth, as ibv_devinfo says" says $first linkWidth "$(ibv fhca0 active_width | cut -d' ' -f1)"
  fact "driver" says $first driver fake_hca
  fact "pcieRoot of the first" says $first resource.kubernetes.io/pcieRoot pci0000:20
  fact "pcieRoot of the second" says $second resource.kubernetes.io/pcieRoot pci0000:40
  fact "numaNode of the second" says $second numaNode 1
}

# --- A pod ---------------------------------------------------------------------------------------

has_device() { pod_exec "$1" rdma dev show "$2"; }

try_pod() {
  pod one fhca0 '{"pkey": "0x8001"}'
  fact "a pod with an RDMA device becomes ready" ready one
  fact "the device is in the pod" has_device one fhca0
  if [ "$mode" = exclusive ]; then
    fact "and not on the node" eval '! at_home fhca0'
    fact "the other is on the node" at_home fhca1
    fact "and not in the pod" eval '! has_device one fhca1'
  else
    fact "and on the node" at_home fhca0
  fi
  pod two fhca1 '{"hcaHandles": 0}'
  fact "a pod with the other device becomes ready" ready two
  fact "a container has the nodes of its device" nodes_are one "${card[pf0]}"
  fact "so has that of the other pod" nodes_are two "${card[pf1]}"
  fact "libibverbs opens the device in the container" in_container one main ibv_devinfo -d fhca0
  fact "the second pod is deleted" delete two
  fact "its device is on the node" soon 20 at_home fhca1
  [ "$mode" = shared ] || fact "a name that the pod gives" pod_exec one rdma dev set fhca0 name mine
  fact "the pod is deleted" delete one
  fact "the device is on the node, under its own name" soon 20 at_home fhca0
  fact "and is offered again" soon 20 says $first rdmaDevice fhca0
}

try_refusals() {
  pod foreign fhca0 '{"pkey": "0x8002"}'
  fact "a PKey that the port lacks is told" soon 40 says_event "no member of partition 0x8002 (it has 0xffff, 0x8001)"
  delete foreign >/dev/null
  pod admin fhca0 '{"privileged": true}'
  fact "privileged is the class's to allow" soon 40 says_event "which its DeviceClass does not allow"
  delete admin >/dev/null
}

try_port_down() {
  control port fhca1 1 down
  fact "a port that goes down is published" soon 20 says $second portState DOWN
  fact "and makes the device unhealthy" soon 20 eval 'kndd_devices | grep -F "port 1 is DOWN (Polling)"'
  control port fhca1 1 init
  fact "a port without subnet manager is told apart" soon 20 eval 'kndd_devices | grep -F "no subnet manager"'
  control port fhca1 1 active
  fact "a port that is back" soon 20 says $second portState ACTIVE
}

try_attributes
try_pod
try_refusals
try_port_down
[ "$failures" = 0 ] || { kndd_devices | jq -c '.devices[]' | head -c 6000; tail -n 60 "$root/log/guest-worker.log"; }
exit $((failures > 0))
