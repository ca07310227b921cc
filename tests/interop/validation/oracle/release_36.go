// SPDX-License-Identifier: Apache-2.0

//go:build !k132 && !k133 && !k134 && !k135 && !k137

package main

import "k8s.io/apimachinery/pkg/runtime/schema"

// The version in which answers show what would be stored.
func storageVersion(kind string) schema.GroupVersion {
	if kind == "DeviceTaintRule" {
		return schema.GroupVersion{Group: group, Version: "v1beta2"}
	}
	return schema.GroupVersion{Group: group, Version: "v1"}
}
