// SPDX-License-Identifier: Apache-2.0

//go:build !k132 && !k133 && !k134 && !k135

package main

import (
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/kubernetes/pkg/registry/resource/resourceclaim"
)

// Since 1.36 writing the status of a claim is a matter of rights as well.
func claimStrategy(ns namespaces) strategy {
	return resourceclaim.NewStrategy(ns, authorizerfactory.NewAlwaysAllowAuthorizer())
}

func claimStatusStrategy(ns namespaces) strategy {
	return resourceclaim.NewStatusStrategy(resourceclaim.NewStrategy(ns, authorizerfactory.NewAlwaysAllowAuthorizer()))
}
