// SPDX-License-Identifier: Apache-2.0

//go:build k133 || k134 || k135

package main

import (
	resourcealpha "k8s.io/api/resource/v1alpha3"
	alphalisters "k8s.io/client-go/listers/resource/v1alpha3"
)

type (
	taintRule  = resourcealpha.DeviceTaintRule
	ruleLister = alphalisters.DeviceTaintRuleLister
)

var newRuleLister = alphalisters.NewDeviceTaintRuleLister
