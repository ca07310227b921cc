// SPDX-License-Identifier: Apache-2.0

//go:build k132

package main

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/registry/resource/resourceclaim"
	"k8s.io/kubernetes/pkg/registry/resource/resourceclaimtemplate"
)

// Nothing depends on the namespace yet.
func claimStrategy(namespaces) strategy { return resourceclaim.Strategy }

func claimStatusStrategy(namespaces) strategy { return resourceclaim.StatusStrategy }

func templateStrategy(namespaces) strategy { return resourceclaimtemplate.Strategy }

// The version in which answers show what would be stored.
func storageVersion(string) schema.GroupVersion {
	return schema.GroupVersion{Group: group, Version: "v1beta1"}
}
