#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times `kndctl simulate` on a generated cluster: parsing, the allocator on every node, and output.

usage: simulate_bench.py [--nodes N] [--devices N] [--keep FILE] KNDCTL

Prints seconds and the most memory that was resident. The target on an idle machine, release build:
under 2 s and 1 GiB for 5,000 nodes of 16 devices. --keep writes the input to FILE and leaves it.
"""
import argparse
import json
import os
import resource
import subprocess
import tempfile
import time

API = "resource.k8s.io/v1"
DRIVER = "knd.dev"


def device(number):
    root = f"pci0000:{number // 4:02x}"
    return {
        "name": f"eth{number}",
        "attributes": {
            "alias": {"string": ""},
            "ifName": {"string": f"eth{number}"},
            "mac": {"string": f"02:00:00:00:00:{number:02x}"},
            "mtu": {"int": 1500},
            "numaNode": {"int": number % 2},
            "rdma": {"bool": number % 4 == 0},
            "speed": {"int": 200000 if number % 2 else 25000},
            "resource.kubernetes.io/pcieRoot": {"string": root},
        },
        "capacity": {"bandwidth": {"value": "200G"}},
    }


def objects(nodes, devices):
    for number in range(nodes):
        node = f"node-{number:05d}"
        yield {"apiVersion": "v1", "kind": "Node",
               "metadata": {"name": node, "labels": {"kubernetes.io/hostname": node}}}
        yield {"apiVersion": API, "kind": "ResourceSlice", "metadata": {"name": f"{node}-{DRIVER}"},
               "spec": {"driver": DRIVER, "nodeName": node,
                        "pool": {"name": node, "generation": 1, "resourceSliceCount": 1},
                        "devices": [device(d) for d in range(devices)]}}
    yield {"apiVersion": API, "kind": "DeviceClass", "metadata": {"name": "nic"},
           "spec": {"selectors": [{"cel": {"expression": f'device.driver == "{DRIVER}"'}}]}}
    fast = f'device.attributes["{DRIVER}"].speed >= 200000'
    yield {"apiVersion": API, "kind": "ResourceClaim",
           "metadata": {"name": "pair", "namespace": "default"},
           "spec": {"devices": {
               "requests": [{"name": "nic", "exactly": {
                   "deviceClassName": "nic", "allocationMode": "ExactCount", "count": 2,
                   "selectors": [{"cel": {"expression": fast}}]}}],
               "constraints": [{"requests": ["nic"],
                                "matchAttribute": "resource.kubernetes.io/pcieRoot"}]}}}


def measure(program, file):
    begin = time.monotonic()
    done = subprocess.run([program, "simulate", "-o", "json", "-f", file],
                          stdout=subprocess.PIPE, check=True)
    seconds = time.monotonic() - begin
    fitting = sum(node["fits"] for node in json.loads(done.stdout)["nodes"])
    # ru_maxrss is the largest of all children so far, and in KiB.
    resident = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return seconds, resident, fitting


def main():
    parser = argparse.ArgumentParser(description="times kndctl simulate")
    parser.add_argument("kndctl")
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--devices", type=int, default=16)
    parser.add_argument("--keep", metavar="FILE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        file = arguments.keep or os.path.join(directory, "cluster.json")
        with open(file, "w", encoding="utf-8") as out:
            # As `kubectl get ... -o json` writes it.
            json.dump({"apiVersion": "v1", "kind": "List",
                       "items": list(objects(arguments.nodes, arguments.devices))}, out, indent=4)
        size = os.path.getsize(file) / 2**20
        runs = sorted(measure(arguments.kndctl, file) for _ in range(3))
    print(f"{arguments.nodes} nodes x {arguments.devices} devices, {size:.0f} MiB of JSON: "
          f"{runs[1][0]:.2f} s (median of 3), {runs[-1][1]:.0f} MiB resident, "
          f"{runs[0][2]} nodes fit")


if __name__ == "__main__":
    main()
