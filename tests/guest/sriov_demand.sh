#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Virtual functions that are made when a claim wants one, and the card that makes them as a device of its
# own; what happens to a function and its card under a pod.
set -u
for part in lib cards cluster sriov_lib; do . "tests/guest/$part.sh"; done

fact "the cards are there" cards_up
fact "the cluster is up" cluster_up --node-config guest-worker=tests/guest/cluster/sriov_demand.toml
class
net='"interface": {"name": "net1", "addresses": ["203.0.113.1/24"]}'

# --- On demand ----------------------------------------------------------------------------------

fact "the card and its functions that are yet to be made are offered" soon 20 offered "$(vf_device pf0 6)"
fact "also the card" offered pci-0000-21-00-0
fact "there is none yet" counts_are 0 2
before=$(home_state pf0)
claim one "$(is_vf pf0 0)" "{$net}"
claim two "$(is_vf pf0 1)" "{$net, \"vlan\": 7}"
pod one && pod two
fact "two claims at once: the first pod becomes ready" ready one
fact "the second, too" ready two
fact "the functions were made, all at once" counts_are 7 2
fact "the setting is made" settings_are pf0 1 '.vlan_list[0].vlan == 7'

claim whole 'device.attributes["knd.dev"].pfName == "pf0" && !device.attributes["knd.dev"].isSriovVf' \
  '{"interface": {"name": "net1"}}'
pod whole
sleep 5
fact "a claim on the whole card waits" eval '! pod_exec whole true'
fact "the card is still on the node" ip link show pf0
fact "the first pod is deleted" delete one
fact "the second, too" delete two
fact "then the whole card is in its pod" ready whole
fact "by its name" in_pod whole net1 '.address == "52:54:00:00:00:01"'
fact "and has no functions" counts_are 0 2
fact "the pod with the card is deleted" delete whole
fact "the card is home as it was" soon 20 at_home_as pf0 "$before"

claim idle "$(is_vf pf0 3)" "{$net}"
pod idle
fact "functions are made again" ready idle
fact "that pod is deleted" delete idle
fact "idle functions are taken away" soon 30 counts_are 0 2

# --- What goes wrong under a pod ----------------------------------------------------------------

vf=$(vf_address pf1 0)
claim torn "$(is_vf pf1 0)" "{$net}"
pod torn
fact "a pod with a function becomes ready" ready torn
echo "$vf" >"/sys/bus/pci/devices/$vf/driver/unbind"
fact "a driver that is unbound under a pod is told" soon 20 says_event "somebody unbound it"
fact "the pod is deleted" delete torn
claim again "$(is_vf pf1 0)" "{$net}"
echo "$vf" >"/sys/bus/pci/devices/$vf/driver/unbind" 2>/dev/null
pod again
fact "the driver is bound for the next pod" ready again
fact "its interface is there" in_pod again net1 '.addr_info[0].local == "203.0.113.1"'
fact "that pod is deleted" delete again

[ "$failures" = 0 ] || grep -hvE "pool published" "$root"/log/guest-*.log | uniq | cut -c1-300 | tail -n 60
exit $((failures > 0))
