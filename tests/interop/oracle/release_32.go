// SPDX-License-Identifier: Apache-2.0

//go:build k132

package main

import "errors"

const release = 32

// structuredFeatures is the one gate that this release has here.
func structuredFeatures(f Features) bool { return f.AdminAccess }

// errOnNode is no error of this release: every error concerns all nodes.
var errOnNode = errors.New("on this node")

// This release has neither taints nor rules for them.
type taintRule struct{}

func patched(_ []*taintRule, slices []*resourceSlice) ([]*resourceSlice, error) { return slices, nil }

func taints([]*resourceSlice) []string { return nil }
