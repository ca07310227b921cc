#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The modules of tests/guest/modules make what other programs here rely on.
set -u
for part in lib cards; do . "tests/guest/$part.sh"; done

# bind ADDRESS DRIVER
bind() { echo "$2" >"/sys/bus/pci/devices/$1/driver_override" && echo "$1" >/sys/bus/pci/drivers_probe; }
driver_of() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")"; }
is() { local said; said=$("${@:2}") && [ "$said" = "$1" ] || { printf '%s\n' "$said"; return 1; }; }

try_hca() {
  fact "fake_hca is loaded" modprobe fake_hca driver_id=14
  fact "it takes a card" bind "${card[pf0]}" fake_hca
  fact "the card has it" is fake_hca driver_of "${card[pf0]}"
  fact "there is an RDMA device" is "fhca0" ls "/sys/bus/pci/devices/${card[pf0]}/infiniband"
  fact "libibverbs opens it" ibv_devinfo -d fhca0
  fact "it is InfiniBand" is InfiniBand cat /sys/class/infiniband/fhca0/ports/1/link_layer
}

try_nic() {
  fact "fake_nic is loaded" modprobe fake_nic
  fact "it takes the other card" bind "${card[pf1]}" fake_nic
  fact "that has an interface" soon 5 has_netdev "${card[pf1]}"
  fact "and a switch" devlink dev eswitch set "pci/${card[pf1]}" mode switchdev
}

modprobe ib_uverbs
! need_module fake_hca || try_hca
! need_module fake_nic || try_nic
exit $((failures > 0))
