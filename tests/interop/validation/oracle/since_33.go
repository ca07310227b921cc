// SPDX-License-Identifier: Apache-2.0

//go:build !k132

package main

import (
	"k8s.io/kubernetes/pkg/registry/resource/devicetaintrule"
	"k8s.io/kubernetes/pkg/registry/resource/resourceclaimtemplate"
)

func init() { rules = devicetaintrule.Strategy }

func templateStrategy(ns namespaces) strategy { return resourceclaimtemplate.NewStrategy(ns) }
