// SPDX-License-Identifier: Apache-2.0

//go:build k133 || k134 || k135

package main

import "k8s.io/kubernetes/pkg/registry/resource/resourceclaim"

func claimStrategy(ns namespaces) strategy {
	return resourceclaim.NewStrategy(ns)
}

func claimStatusStrategy(ns namespaces) strategy {
	return resourceclaim.NewStatusStrategy(resourceclaim.NewStrategy(ns))
}
