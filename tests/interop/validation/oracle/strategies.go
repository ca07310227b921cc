// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/rest"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/component-base/featuregate"
	"k8s.io/kubernetes/pkg/registry/resource/deviceclass"
	"k8s.io/kubernetes/pkg/registry/resource/resourceslice"
)

type strategy interface {
	rest.RESTCreateStrategy
	rest.RESTUpdateStrategy
}

// What older releases do not have.
var rules, ruleStatuses strategy

// The one namespace there is.
type namespaces struct {
	typedcore.NamespaceInterface
	labels map[string]string
}

func (n namespaces) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.Namespace, error) {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: n.labels}}, nil
}

func strategyOf(w write) (strategy, error) {
	ns := namespaces{}
	if w.Admin {
		ns.labels = map[string]string{"resource.kubernetes.io/admin-access": "true"}
	}
	status := w.Operation == "status"
	switch {
	case w.Kind == "ResourceSlice" && !status:
		return resourceslice.Strategy, nil
	case w.Kind == "DeviceClass" && !status:
		return deviceclass.Strategy, nil
	case w.Kind == "ResourceClaim" && !status:
		return claimStrategy(ns), nil
	case w.Kind == "ResourceClaim":
		return claimStatusStrategy(ns), nil
	case w.Kind == "ResourceClaimTemplate" && !status:
		return templateStrategy(ns), nil
	case w.Kind == "DeviceTaintRule" && !status && rules != nil:
		return rules, nil
	case w.Kind == "DeviceTaintRule" && status && ruleStatuses != nil:
		return ruleStatuses, nil
	}
	return nil, fmt.Errorf("no %s of %s", w.Operation, w.Kind)
}

func resourceOf(kind string) string {
	if kind == "DeviceClass" {
		return "deviceclasses"
	}
	return strings.ToLower(kind) + "s"
}

func featureOf(name string) featuregate.Feature { return featuregate.Feature(name) }
