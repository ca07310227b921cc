# SPDX-License-Identifier: Apache-2.0
# The guest's two network cards, by name instead of in the order in which their driver found them: pf0
# on root 0000:20 and NUMA node 0, pf1 on root 0000:40 and node 1, with a wire between them.
# shellcheck shell=bash
declare -A card=([pf0]=0000:21:00.0 [pf1]=0000:41:00.0)

netdev_of() { ls "/sys/bus/pci/devices/$1/net" 2>/dev/null | head -n 1; }
has_netdev() { [ -n "$(netdev_of "$1")" ]; }

# call ADDRESS NAME: waits for the function's interface, gives it the name, and brings it up.
call() {
  soon 20 has_netdev "$1" || return
  ip link set "$(netdev_of "$1")" name "$2" && ip link set "$2" up
}

cards_up() {
  modprobe -a igb igbvf && call "${card[pf0]}" pf0 && call "${card[pf1]}" pf1
}

# The PCI address of a virtual function: those of an 82576 are 0x80 behind the card, two apart.
vf_address() { # vf_address CARD NUMBER
  local bus=${card[$1]%:*}
  printf '%s:10.%d' "$bus" $((2 * $2))
}

# functions_up CARD COUNT: they are called pf0v0, pf0v1, ... The first has a MAC of the administrator's,
# which must be there before its driver looks.
functions_up() {
  local number device=/sys/bus/pci/devices/${card[$1]}
  echo 0 >"$device/sriov_drivers_autoprobe" && echo "$2" >"$device/sriov_numvfs" || return
  ip link set "$1" vf 0 mac "52:54:00:00:0${1#pf}:10" || return
  echo 1 >"$device/sriov_drivers_autoprobe"
  for ((number = 0; number < $2; number++)); do
    vf_address "$1" "$number" >/sys/bus/pci/drivers_probe || return
    call "$(vf_address "$1" "$number")" "${1}v$number" || return
  done
}
functions_down() { echo 0 >"/sys/bus/pci/devices/${card[$1]}/sriov_numvfs"; }
