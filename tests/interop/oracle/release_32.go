// SPDX-License-Identifier: Apache-2.0

//go:build k132

package main

const release = 32

// structuredFeatures is the one gate that this release has here.
func structuredFeatures(f Features) bool { return f.AdminAccess }

// This release has neither taints nor rules for them.
type taintRule struct{}

func patched(_ []*taintRule, slices []*resourceSlice) ([]*resourceSlice, error) { return slices, nil }

func taints([]*resourceSlice) []string { return nil }
