#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# As rdma.sh, where every RDMA device is in all namespaces.
MODE=shared . tests/guest/rdma.sh
