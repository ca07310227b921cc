// SPDX-License-Identifier: Apache-2.0

//go:build !k132 && !k133 && !k134

package main

import "k8s.io/kubernetes/pkg/registry/resource/devicetaintrule"

func init() { ruleStatuses = devicetaintrule.StatusStrategy }
