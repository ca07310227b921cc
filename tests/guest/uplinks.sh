#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the node's traffic needs is never offered, whatever it is built of, and is offered again when the
# route has gone elsewhere.
set -u
for part in lib cards cluster; do . "tests/guest/$part.sh"; done

pf0=pci-0000-21-00-0
pf1=pci-0000-41-00-0
vf=pci-0000-21-10-0
far=198.51.100.1
explains() { kndctl explain device "$1" | grep -F "$2"; }

# The default route as the words say; its interface gets an address and is brought up first.
route_over() {
  ip link set "$1" up
  ip addr add 198.51.100.2/24 dev "$1"
  ip route replace default via "$far" dev "$1"
}
route_back() { ip route replace default via "$gateway" dev eth0 && ip addr flush dev "$1" scope global; }

not_offered() { # not_offered WHAT DEVICE...
  local device
  for device in "${@:2}"; do fact "$1: $device is not offered" soon 15 withheld "$device"; done
}
is_offered() {
  local device
  for device in "${@:2}"; do fact "$1: $device is offered" soon 15 offered "$device"; done
}

on_a_card() {
  is_offered "without a route over it" "$pf0" "$pf1" "$vf"
  route_over pf0
  not_offered "default route over a card" "$pf0"
  is_offered "default route over a card" "$pf1" "$vf"
  fact "the reason is told" explains "$pf0" "pf0 carries the node's default route"
  route_back pf0
  is_offered "the route has gone" "$pf0"
  ip -6 addr add 2001:db8::2/64 dev pf0 nodad
  ip -6 route add default via 2001:db8::1 dev pf0
  not_offered "IPv6 default route over a card" "$pf0"
  ip -6 route delete default dev pf0
  ip -6 addr flush dev pf0 scope global
  is_offered "the IPv6 route has gone" "$pf0"
}

on_a_function() {
  route_over pf0v0
  not_offered "default route over a virtual function" "$vf" "$pf0"
  fact "the reason is told, also of its card" explains "$pf0" "pf0 is the physical function of pf0v0"
  route_back pf0v0
  is_offered "the route has gone" "$vf" "$pf0"
}

# A route that names a next hop object, and one over two cards.
by_next_hops() {
  ip addr add 198.51.100.2/24 dev pf0
  ip addr add 203.0.113.2/24 dev pf1
  ip nexthop add id 1 via "$far" dev pf0
  ip nexthop add id 2 via 203.0.113.1 dev pf1
  ip nexthop add id 3 group 1/2
  ip route replace default nhid 1
  not_offered "default route by a next hop object" "$pf0"
  is_offered "default route by a next hop object" "$pf1"
  ip route replace default nhid 3
  not_offered "default route over two next hops" "$pf0" "$pf1"
  ip addr flush dev pf1 scope global
  route_back pf0
  ip nexthop flush >/dev/null
  is_offered "the routes have gone" "$pf0" "$pf1"
}

# on_top NAME LINK-ARGUMENT...: an interface that stands on pf0, under the route and without it.
on_top() {
  local name=$1
  shift
  ip link add link pf0 name "$name" "$@" || { fact "$* can be made" false; return; }
  route_over "$name"
  not_offered "default route over $name" "$name" "$pf0"
  route_back "$name"
  is_offered "the route has gone" "$name"
  fact "what $name stands on stays at home" withheld "$pf0"
  ip link delete "$name"
  is_offered "$name has gone" "$pf0"
}

on_a_bond() {
  ip link add bond0 type bond mode active-backup miimon 100
  ip link set pf0 down
  ip link set pf1 down
  ip link set pf0 master bond0
  ip link set pf1 master bond0
  ip link set bond0 up
  ip link add link bond0 name vlan20 type vlan id 20
  route_over vlan20
  not_offered "default route over a VLAN of a bond" vlan20 "$pf0" "$pf1" bond0
  is_offered "default route over a VLAN of a bond" "$vf"
  route_back vlan20
  is_offered "the route has gone" vlan20
  fact "ports of a bond stay at home" withheld "$pf0"
  ip link delete vlan20
  ip link delete bond0
  is_offered "the bond has gone" "$pf0" "$pf1"
  ip link set pf0 up
  ip link set pf1 up
}

in_a_vrf() {
  ip link add vrf0 type vrf table 10
  ip link set vrf0 up
  ip link set pf0 master vrf0
  not_offered "a port of a VRF" "$pf0" vrf0
  ip link set pf0 nomaster
  is_offered "no port of a VRF any more" "$pf0"
  ip link delete vrf0
}

fact "the cards are there" cards_up
fact "a card makes a virtual function" functions_up pf0 1
fact "the cluster is up" cluster_up
gateway=$(ip -j route show default | jq -r '.[0].gateway')
on_a_card
on_a_function
by_next_hops
on_top vlan10 type vlan id 10
on_top macvlan0 type macvlan mode bridge
on_top ipvlan0 type ipvlan mode l2
on_a_bond
in_a_vrf
[ "$failures" = 0 ] || tail -n 40 "$root/log/guest-worker.log"
exit $((failures > 0))
