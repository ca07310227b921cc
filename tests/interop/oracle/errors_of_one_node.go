// SPDX-License-Identifier: Apache-2.0

//go:build !k132 && !k133 && !k134

package main

import "k8s.io/dynamic-resource-allocation/structured"

// errOnNode is that of an allocation which may succeed on another node.
var errOnNode = structured.ErrFailedAllocationOnNode
