#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Real kubectl, of two versions or more, against knd-local's API server alone.
#   tests/host/kubectl.sh BUILD_DIRECTORY [KUBECTL ...]
# Without KUBECTL it takes the one in PATH and Debian 12's kubernetes-client (1.20), which it
# fetches with apt-get into a temporary directory. Prints PASS or FAIL per check; needs no root.
set -u

build=${1:?usage: kubectl.sh BUILD_DIRECTORY [KUBECTL ...]}
shift
work=$(mktemp -d)
server_pid=
failures=0

finish() {
    [ -n "$server_pid" ] && kill "$server_pid" 2>/dev/null && wait "$server_pid" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

# --- What is tried ------------------------------------------------------------------------------

kubectls=("$@")
if [ ${#kubectls[@]} -eq 0 ]; then
    command -v kubectl >/dev/null && kubectls+=("$(command -v kubectl)")
    mkdir -p "$work/debian"
    if (cd "$work/debian" && apt-get download kubernetes-client && dpkg -x ./*.deb .) \
        >"$work/apt.log" 2>&1; then
        kubectls+=("$work/debian/usr/bin/kubectl")
    else
        echo "SKIP Debian's kubectl 1.20: $(tail -n 1 "$work/apt.log")"
    fi
fi
[ ${#kubectls[@]} -gt 0 ] || { echo "FAIL no kubectl found"; exit 1; }

# --- Helpers ------------------------------------------------------------------------------------

# check NAME PATTERN COMMAND...: the command's output, both streams, matches the extended pattern.
check() {
    local name=$1 pattern=$2 output
    shift 2
    output=$("$@" 2>&1)
    if grep -Eqz -- "$pattern" <<<"$output"; then
        echo "PASS $version: $name"
    else
        echo "FAIL $version: $name"
        printf '%s\n' "  command: $*" "  wanted:  $pattern" "  output:" "${output//$'\n'/$'\n    '}"
        failures=$((failures + 1))
    fi
}

k() { "$kubectl" --kubeconfig "$kubeconfig" --cache-dir "$work/cache-$version" "$@"; }

# status PATH JSON: what a kubelet or a driver does, since kubectl 1.20 cannot write a status.
status() {
    curl -s --cacert "$work/state/ca.crt" -H "Authorization: Bearer $token" -X PATCH \
        -H 'Content-Type: application/merge-patch+json' "$url$1/status" -d "$2"
}

later() { (sleep 0.7; "$@" >/dev/null 2>&1) & }

# --- The objects of the walkthrough -------------------------------------------------------------

cat >"$work/class.yaml" <<'YAML'
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata:
  name: dranet-cloud
spec:
  selectors:
  - cel:
      expression: device.driver == "dra.net"
YAML
cat >"$work/claim.yaml" <<'YAML'
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata:
  name: cloud-network-dra-net-1
spec:
  devices:
    requests:
    - name: req-cloud-net-1
      exactly:
        deviceClassName: dranet-cloud
---
apiVersion: v1
kind: Pod
metadata:
  name: pod-dra-net1
  labels:
    app: pod-dra-net1
spec:
  containers:
  - name: ctr1
    image: registry.k8s.io/e2e-test-images/agnhost:2.39
  resourceClaims:
  - name: net-1
    resourceClaimName: cloud-network-dra-net-1
YAML
cat >"$work/slice.yaml" <<'YAML'
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata:
  name: kind-worker-dra.net-hwg94
spec:
  driver: dra.net
  nodeName: kind-worker
  pool: {name: kind-worker, generation: 1, resourceSliceCount: 1}
  devices:
  - name: dra0
    attributes:
      dra.net/ifName: {string: dra0}
YAML
cat >"$work/node.yaml" <<'YAML'
apiVersion: v1
kind: Node
metadata:
  name: kind-worker
  labels: {node-role.kubernetes.io/worker: ""}
YAML
cat >"$work/event.yaml" <<'YAML'
apiVersion: v1
kind: Event
metadata: {name: pod-dra-net1.1}
involvedObject: {kind: Pod, namespace: default, name: pod-dra-net1, uid: POD_UID}
type: Warning
reason: FailedAttach
message: the device went away
source: {component: knd}
firstTimestamp: "2026-01-01T00:00:00Z"
lastTimestamp: "2026-01-01T00:00:00Z"
count: 3
YAML
sed 's/dranet-cloud/Not_A_Name/; s/req-cloud-net-1/Bad/; s/ name: cloud-network-dra-net-1/ name: bad/' \
    "$work/claim.yaml" >"$work/bad-claim.yaml"
sed 's/device.driver/device.nonsense/' "$work/class.yaml" >"$work/bad-class.yaml"

# --- The checks ---------------------------------------------------------------------------------

try_discovery() {
    check "api-resources lists the kinds of both groups" \
        'pods .*po .*Pod.*deviceclasses .*resourceclaims .*resourceclaimtemplates .*resourceslices .*false +ResourceSlice' \
        k api-resources
    check "api-resources knows verbs" 'create.*watch' k api-resources -o wide
    check "api-versions" 'resource.k8s.io/v1.*v1' k api-versions
    check "version shows the server" '1\.?"?,? ?M?i?n?o?r?:?"?36|v1.36' k version
    check "explain a pod" 'resourceClaims' k explain pod.spec
    check "explain a claim" 'exactly.*firstAvailable.*name' k explain resourceclaim.spec.devices.requests
    check "explain a slice, recursively" 'attributes.*capacity' k explain resourceslice --recursive
}

try_apply() {
    check "apply the class" 'deviceclass.*dranet-cloud created' k apply -f "$work/class.yaml"
    check "apply the claim and the pod" \
        'resourceclaim.*cloud-network-dra-net-1 created.*pod/pod-dra-net1 created' \
        k apply -f "$work/claim.yaml"
    check "apply a slice and a node" 'slice.*created.*node/kind-worker created' \
        k apply -f "$work/slice.yaml" -f "$work/node.yaml"
    check "apply again changes nothing" 'unchanged' k apply -f "$work/class.yaml"
    sed 's/app: pod-dra-net1/app: other/' "$work/claim.yaml" >"$work/relabeled.yaml"
    check "apply a change" 'pod/pod-dra-net1 configured' k apply -f "$work/relabeled.yaml"
    check "apply has changed it" '^other' k get pod pod-dra-net1 -o 'jsonpath={.metadata.labels.app}'
    check "apply as a dry run" 'dry run' k apply --dry-run=server -f "$work/claim.yaml"
    check "apply server-side" 'serverside-applied' k apply --server-side -f "$work/node.yaml"
    check "refuse a bad claim" 'invalid.*lowercase RFC 1123' k apply -f "$work/bad-claim.yaml"
    check "refuse a bad expression" 'undefined field' k apply -f "$work/bad-class.yaml"
    check "refuse an unknown field" 'unknown field.*nonsense' \
        k apply -f - <<<'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"nonsense":1,"containers":[{"name":"a","image":"b"}]}}'
    check "refuse a change of a claim" 'spec: Invalid value.*field is immutable' \
        k patch resourceclaim cloud-network-dra-net-1 --type=merge -p '{"spec":{"devices":{"requests":[]}}}'
    check "create twice" 'AlreadyExists.*"cloud-network-dra-net-1" already exists' \
        k create -f "$work/claim.yaml"
}

try_get() {
    status /api/v1/namespaces/default/pods/pod-dra-net1 '{"status":{"phase":"Running",
        "podIP":"10.244.1.2","conditions":[{"type":"Ready","status":"True"}],
        "containerStatuses":[{"name":"ctr1","ready":true,"state":{"running":{}}}]}}' >/dev/null
    check "get pods" 'NAME +READY +STATUS +RESTARTS +AGE.pod-dra-net1 +1/1 +Running +0 ' k get pods
    check "get pods -o wide" \
        'IP +NODE +NOMINATED NODE +READINESS GATES.*10.244.1.2 +<none> +<none> +<none>' \
        k get pods -o wide
    check "get pods of all namespaces" 'default +pod-dra-net1' k get pods -A
    check "get resourceslices" \
        'NAME +NODE +DRIVER +POOL +AGE.kind-worker-dra.net-hwg94 +kind-worker +dra.net +kind-worker' \
        k get resourceslices
    check "get resourceslices -o yaml" 'ifName:.*string: dra0.*kind: List' k get resourceslices -o yaml
    check "get resourceslices -o json" '"driver": "dra.net"' k get resourceslices -o json
    check "get resourceclaims" 'NAME +STATE +AGE.cloud-network-dra-net-1 +pending' k get resourceclaims
    check "get deviceclasses" 'NAME +AGE.dranet-cloud' k get deviceclasses
    check "get nodes -o wide" 'INTERNAL-IP.*kind-worker .*worker' k get nodes -o wide
    check "get by label" 'pod-dra-net1' k get pods -l 'app in (other,pod-dra-net1)' -o name
    check "get by field" 'No resources found' k get pods --field-selector status.phase=Failed
    check "get by a wrong field" 'field label not supported: spec.x' k get pods --field-selector spec.x=1
    check "get in small chunks" 'default.*kube-system' k get namespaces --chunk-size=1
    check "get what is not there" 'NotFound.*pods "nope" not found' k get pod nope
    later k label pod pod-dra-net1 seen=yes --overwrite
    check "get -w shows a change" 'pod-dra-net1.*yes.*' timeout 6 "$kubectl" \
        --kubeconfig "$kubeconfig" --cache-dir "$work/cache-$version" get pods -w -L seen
}

try_claim_status() {
    status /apis/resource.k8s.io/v1/namespaces/default/resourceclaims/cloud-network-dra-net-1 \
        '{"status":{"allocation":{"devices":{"results":[{"request":"req-cloud-net-1",
        "driver":"dra.net","pool":"kind-worker","device":"dra0"}]},"nodeSelector":
        {"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In",
        "values":["kind-worker"]}]}]}}}}' >/dev/null
    local claim=(get resourceclaim cloud-network-dra-net-1 -o)
    check "jsonpath of the device" '^dra0' \
        k "${claim[@]}" 'jsonpath={.status.allocation.devices.results[*].device}'
    check "jsonpath of the pool" '^kind-worker' \
        k "${claim[@]}" 'jsonpath={.status.allocation.devices.results[*].pool}'
    check "jsonpath of the node selector" \
        '^\{"nodeSelectorTerms":\[\{"matchFields":\[\{"key":"metadata.name","operator":"In","values":\["kind-worker"\]\}\]\}\]\}' \
        k "${claim[@]}" 'jsonpath={.status.allocation.nodeSelector}'
    check "get shows the allocation" 'allocated' k get resourceclaim cloud-network-dra-net-1
}

try_describe() {
    local uid
    uid=$(k get pod pod-dra-net1 -o 'jsonpath={.metadata.uid}')
    sed "s/POD_UID/$uid/" "$work/event.yaml" | k create -f - >/dev/null
    check "describe a pod with its events" 'Image: .*agnhost.*FailedAttach.*the device went away' \
        k describe pod pod-dra-net1
    check "describe a claim" 'Device Class Name: *dranet-cloud' \
        k describe resourceclaim cloud-network-dra-net-1
    check "describe a slice" 'Driver: *dra.net' k describe resourceslices
    check "describe a node" 'Roles: *worker.*Non-terminated Pods' k describe node kind-worker
    check "describe a namespace" 'Status: *Active' k describe namespace default
    check "get events" 'LAST SEEN +TYPE +REASON +OBJECT +MESSAGE.*FailedAttach +pod/pod-dra-net1' \
        k get events
}

try_wait_and_delete() {
    check "wait for a condition" 'condition met' k wait --for=condition=Ready pod/pod-dra-net1 --timeout=5s
    later k delete pod pod-dra-net1
    check "wait for a deletion" 'condition met' k wait --for=delete pod/pod-dra-net1 --timeout=5s
    check "delete" 'resourceclaim.*"cloud-network-dra-net-1" deleted' \
        k delete resourceclaim cloud-network-dra-net-1
    check "delete by file" '"dranet-cloud" deleted' k delete -f "$work/class.yaml"
    check "delete what is not there" 'NotFound' k delete pod nope
    check "create a namespace" 'namespace/scratch created' k create namespace scratch
    k -n scratch apply -f "$work/claim.yaml" >/dev/null 2>&1
    check "delete a namespace with its contents" 'namespace "scratch" deleted' k delete namespace scratch
    check "nothing is left of it" 'No resources found' k get pods,resourceclaims -A
    check "delete the rest" 'deleted' k delete -f "$work/slice.yaml" -f "$work/node.yaml"
    k delete events --all >/dev/null 2>&1
}

# --- Run ----------------------------------------------------------------------------------------

"$build/bin/knd_local_api_only" "$work/state" >"$work/ready" 2>"$work/server.log" &
server_pid=$!
for _ in $(seq 100); do
    [ -s "$work/ready" ] && break
    sleep 0.1
done
read -r url kubeconfig <"$work/ready" || { echo "FAIL the server did not start"; cat "$work/server.log"; exit 1; }
token=$(awk '/token:/ {print $2}' "$kubeconfig")

for kubectl in "${kubectls[@]}"; do
    version=$("$kubectl" version --client 2>/dev/null | grep -Eo 'v1\.[0-9]+\.[0-9]+' | head -n 1)
    try_discovery
    try_apply
    try_get
    try_claim_status
    try_describe
    try_wait_and_delete
done

kill -0 "$server_pid" 2>/dev/null || { echo "FAIL the server has died"; cat "$work/server.log"; exit 1; }
[ "$failures" -eq 0 ] && echo "PASS all" || echo "FAIL $failures checks"
exit $((failures > 0))
