#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The sriov backend on two network cards: functions that it makes, what is published of them, how they
# work in a pod with the settings that a claim names, and how they come home.
set -u
for part in lib cards cluster sriov_lib; do . "tests/guest/$part.sh"; done

fact "the cards are there" cards_up
fact "the cluster is up" cluster_up --node-config guest-worker=tests/guest/cluster/sriov.toml
class

# --- What is published --------------------------------------------------------------------------

fact "the functions that TOML wants are there" soon 20 counts_are 4 7
fact "all are offered" soon 20 offered "$(vf_device pf1 6)"
fact "a function has its attributes" soon 10 attributes_are "$(vf_device pf0 1)" '{
  "pool": "gold", "tier": "gold", "mode": "netdev", "isSriovVf": true, "pfName": "pf0", "PFName": "pf0",
  "pfPciAddress": "0000:21:00.0", "vfIndex": 1, "vfID": 1, "pciAddress": "0000:21:10.2",
  "linkType": "ethernet", "speed": 1000, "driver": "igbvf", "vendorId": 32902, "deviceId": 4298,
  "vendor": "8086", "deviceID": "10ca", "pfDeviceID": "10c9", "rdma": false, "rdmaCapable": false,
  "numaNode": 0, "mtu": 1500, "vhostNet": false, "resource.kubernetes.io/pciBusID": "0000:21:10.2",
  "resource.kubernetes.io/numaNode": 0, "resource.kubernetes.io/pcieRoot": "pci0000:20"}'
fact "the first pool that matches wins" soon 10 pools_are "gold gold rest rest" "rest rest rest rest rest rest gold"
fact "a card whose functions are offered is not, and says why" \
  explains pci-0000-21-00-0 "its virtual functions are offered"

# --- A function in a pod ------------------------------------------------------------------------

vf=$(vf_name pf0 1) before=$(home_state "$(vf_name pf0 1)")
claim first "$(is_vf pf0 1)" '{"interface": {"name": "net1", "addresses": ["203.0.113.1/24"]}}'
pod first
fact "a pod with a virtual function becomes ready" ready first
fact "the function is in the pod" in_pod first net1 '.addr_info[0].local == "203.0.113.1"'
fact "and not on the node" eval "! ip link show $vf"
fact "what is in the pod stays published" soon 5 attribute_is "$(vf_device pf0 1)" pool gold
fact "the pod is deleted" delete first
fact "the function is home as it was" soon 20 at_home_as "$vf" "$before"

# --- Settings -----------------------------------------------------------------------------------

net='"interface": {"name": "net1", "addresses": ["203.0.113.1/24"]}'
try_settings() {
  local vf before settings pid
  vf=$(vf_name pf0 0) before=$(home_state "$vf") settings=$(vf_settings pf0 0)
  claim set "$(is_vf pf0 0)" "{$net, \"mac\": \"52:54:00:00:0a:01\", \"vlan\": 100, \"vlanQos\": 3,
    \"trust\": true, \"spoofCheck\": false, \"maxTxRate\": 100, \"mtu\": 1400}"
  pod set
  fact "a pod with settings becomes ready" ready set
  fact "the card says them" settings_are pf0 0 '.address == "52:54:00:00:0a:01"
    and .vlan_list[0].vlan == 100 and .vlan_list[0].qos == 3 and .trust and (.spoofchk | not)
    and .rate.max_tx == 100'
  fact "the interface in the pod has the MAC and the MTU" in_pod set net1 \
    '.address == "52:54:00:00:0a:01" and .mtu == 1400'
  fact "no other function was touched" settings_are pf0 1 '(.vlan_list[0].vlan // 0) == 0 and (.trust | not)'

  claim same "$(is_vf pf0 2)" "{$net, \"mac\": \"52:54:00:00:0a:01\"}"
  pod same
  fact "a MAC that another function has is refused" \
    soon 30 says_event '`mac` 52:54:00:00:0a:01 is the address of virtual function 0 of pf0'
  fact "that pod is deleted" delete same

  pid=$(kndd_pid)
  kill -9 "$pid"
  fact "kndd is started again while the function is away" soon 20 new_kndd "$pid"
  fact "the card says the settings still" settings_are pf0 0 '.vlan_list[0].vlan == 100 and .trust'
  fact "the pod with settings is deleted" delete set
  fact "the card's settings are as before" soon 20 unchanged pf0 0 "$settings"
  fact "the function is home as it was, with its own MAC and MTU" soon 20 at_home_as "$vf" "$before"
}

# refuses NAME SETTINGS WORDS: a pod whose claim names them does not start, says why, and the card is as
# it was.
refuses() {
  local settings
  settings=$(vf_settings pf0 3)
  claim "$1" "$(is_vf pf0 3)" "{$net, $2}"
  pod "$1"
  fact "refused: $2" soon 30 says_event "$3"
  fact "nothing changed: $2" unchanged pf0 3 "$settings"
  kubectl delete pod,resourceclaim "$1" --timeout=60s >/dev/null
}

try_settings
refuses unsupported '"vlan": 5, "trust": true, "linkState": "enable"' \
  'driver igb of the card refuses `linkState`'
refuses protocol '"vlan": 5, "vlanProto": "802.1ad"' 'Protocol not supported'
refuses minimum '"minTxRate": 10' 'refuses `minTxRate`'
refuses range '"vlan": 4095' '`vlan` is 4095, must be 0 to 4094'
refuses priority '"vlanQos": 3' '`vlanQos` is a priority'
refuses multicast '"mac": "01:00:5e:00:00:01"' 'a multicast address'
refuses fast '"maxTxRate": 1001' 'the link of pf0 has 1000 Mbit/s'
refuses guid '"nodeGuid": "00:11:22:33:44:55:66:77"' 'are for InfiniBand'
refuses typo '"maxTxRates": 10' 'maxTxRate'

[ "$failures" = 0 ] || grep -hvE "pool published|is not prepared" "$root"/log/guest-*.log | cut -c1-300
exit $((failures > 0))
