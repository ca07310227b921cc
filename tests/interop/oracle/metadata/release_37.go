// SPDX-License-Identifier: Apache-2.0

//go:build k137

package main

import "k8s.io/dynamic-resource-allocation/api/metadata/v1beta1"

// newest is an object of the newest version that this release knows.
func newest() *v1beta1.DeviceMetadata { return &v1beta1.DeviceMetadata{} }
