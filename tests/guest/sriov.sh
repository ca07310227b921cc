#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The sriov backend on two network cards: functions that it makes, what is published of them, how they
# work in a pod with the settings that a claim names, and how they come home.
set -u
for part in lib cards cluster sriov_lib; do . "tests/guest/$part.sh"; done

fact "the cards are there" cards_up
fact "the cluster is up" cluster_up --node-config tests/guest/cluster/sriov.toml
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

[ "$failures" = 0 ] || tail -n 60 "$root/log/guest-worker.log"
exit $((failures > 0))
