# SPDX-License-Identifier: Apache-2.0
# For the programs sriov*.sh: devices by card and number, pods and claims.
# shellcheck shell=bash

class() {
  apply <<'YAML'
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: nic}
spec:
  selectors: [{cel: {expression: 'device.driver == "knd.dev"'}}]
YAML
}
apply() { kubectl apply -f - >/dev/null; }

vf_device() { local address=${card[$1]//[:.]/-}; echo "pci-$address-vf$2"; }
# A card has no vfIndex, and CEL ends in an error for an attribute that is not there.
is_vf() { echo "device.attributes[\"knd.dev\"].isSriovVf && device.attributes[\"knd.dev\"].pfName == \"$1\" && device.attributes[\"knd.dev\"].vfIndex == $2"; }
vf_name() { netdev_of "$(vf_address "$1" "$2")"; }
numvfs() { cat "/sys/bus/pci/devices/${card[$1]}/sriov_numvfs"; }
counts_are() { # counts_are PF0 PF1
  [ "$(numvfs pf0) $(numvfs pf1)" = "$1 $2" ] || { numvfs pf0; numvfs pf1; return 1; }
}

# attributes_are DEVICE JSON: these and no others, but for names and addresses that the kernel chose.
attributes_are() {
  local is should
  is=$(devices | jq -cS --arg name "$1" '.[$name] | del(.ifName, .mac)')
  should=$(jq -cS . <<<"$2")
  [ "$is" = "$should" ] || { printf 'is     %s\nshould %s\n' "$is" "$should"; return 1; }
}
attribute_is() { # attribute_is DEVICE NAME VALUE
  local is
  is=$(devices | jq -r --arg name "$1" --arg attribute "$2" '.[$name][$attribute]')
  [ "$is" = "$3" ] || { printf '%s\n' "$is"; return 1; }
}
pools_are() { # pools_are "POOL..." "POOL...": of the functions of pf0 and of pf1
  local is
  is=$(devices | jq -r '[.[] | select(.isSriovVf)] | group_by(.pfName)
    | map(sort_by(.vfIndex) | map(.pool) | join(" ")) | join("|")')
  [ "$is" = "$1|$2" ] || { printf '%s\n' "$is"; return 1; }
}
explains() { kndctl explain device "$1" | grep -F "$2" || { kndctl explain device "$1"; return 1; }; }

# The state of an interface at home: all that a pod could have changed.
home_state() {
  ip -j -d addr show dev "$1" | jq -cS '.[0] | {ifname, address, mtu, promiscuity, txqlen, altnames,
    ifalias, up: (.flags | index("UP") != null),
    addresses: [.addr_info[] | "\(.local)/\(.prefixlen)"] | sort}'
}
at_home_as() { [ "$(home_state "$1")" = "$2" ] || { home_state "$1"; printf '%s\n' "$2"; return 1; }; }

# What the card says of a function, without its address.
vf_settings() { # vf_settings CARD NUMBER [JQ]
  ip -j -d link show "$1" | jq -cS --argjson vf "$2" ".[0].vfinfo_list[] | select(.vf == \$vf) | ${3:-.}"
}
settings_are() { # settings_are CARD NUMBER JQ-TEST
  vf_settings "$1" "$2" | jq -es "length == 1 and (.[0] | $3)" >/dev/null || { vf_settings "$1" "$2"; return 1; }
}
unchanged() { # unchanged CARD NUMBER BEFORE
  [ "$(vf_settings "$1" "$2")" = "$3" ] || { vf_settings "$1" "$2"; printf '%s\n' "$3"; return 1; }
}

pod() { # pod NAME [CLAIM]
  apply <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  containers: [{name: main, image: example.test/main, resources: {claims: [{name: net}]}}]
  resourceClaims: [{name: net, resourceClaimName: ${2:-$1}}]
YAML
}
claim() { # claim NAME SELECTOR PARAMETERS [CLASS]
  apply <<YAML
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: $1}
spec:
  devices:
    requests:
    - name: net
      exactly:
        deviceClassName: ${4:-nic}
        selectors: [{cel: {expression: '$2'}}]
    config:
    - opaque: {driver: knd.dev, parameters: $3}
YAML
}
ready() { kubectl wait --for=condition=Ready "pod/$1" --timeout=40s; }
delete() { kubectl delete pod,resourceclaim "$1" --timeout=60s; }
in_pod() { # in_pod POD INTERFACE JQ-TEST
  local said
  said=$(pod_exec "$1" ip -j -d addr show dev "$2") && jq -e ".[0] | $3" <<<"$said" && return
  printf '%s\n' "$said"
  return 1
}
says_event() { kubectl get events -o json | jq -r '.items[].message' | grep -F "$1"; }
new_kndd() { local pid; pid=$(kndd_pid) && [ "$pid" != "$1" ] && kill -0 "$pid" && kndctl claims; }
