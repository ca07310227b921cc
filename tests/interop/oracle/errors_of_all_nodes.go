// SPDX-License-Identifier: Apache-2.0

//go:build k132 || k133 || k134

package main

import "errors"

// errOnNode is no error of these releases: every error concerns all nodes.
var errOnNode = errors.New("on this node")
