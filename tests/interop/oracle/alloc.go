// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"
)

// timeLimit ends a search that would take longer than anybody wants to wait for one case.
const timeLimit = 300 * time.Millisecond

// maxTries is how often the order of a map is asked for. Those of up to eight entries are read from
// a random one of eight places on; larger ones are in any order, so that six pools take 720 tries.
const maxTries = 2000

type allocCase struct {
	Features Features         `json:"features"`
	Slices   []*resourceSlice `json:"slices"`
	Classes  []*deviceClass   `json:"classes"`
	Claims   []*resourceClaim `json:"claims"`
	Nodes    []*v1.Node       `json:"nodes"`
	// Allocated is what other claims hold, as in their status.
	Allocated []deviceResult `json:"allocated"`
	// TaintRules are merged into the slices first.
	TaintRules []*taintRule `json:"taintRules"`

	// counted: there are counters, which an allocation may change.
	counted bool
}

// nodeAnswer has allocations, or an error, or neither: does not fit.
type nodeAnswer struct {
	Allocations any    `json:"allocations,omitempty"`
	Fits        bool   `json:"fits"`
	Error       string `json:"error,omitempty"`
	// OnNode: the error does not concern other nodes.
	OnNode bool `json:"onNode,omitempty"`
	// Aborted: no answer within the time limit.
	Aborted bool `json:"aborted,omitempty"`
}

type allocAnswer struct {
	Error string       `json:"error,omitempty"`
	Nodes []nodeAnswer `json:"nodes"`
	// Taints of all devices; only where there are rules.
	Taints []string `json:"taints,omitempty"`
}

type classes []*deviceClass

func (c classes) List() ([]*deviceClass, error) { return c, nil }

// Get fails as the lister of an informer does.
func (c classes) Get(name string) (*deviceClass, error) {
	for _, class := range c {
		if class.Name == name {
			return class, nil
		}
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Group: "resource.k8s.io", Resource: "deviceclass"}, name)
}

// sortByPool keeps the order within a pool, which may matter. That of the pools does not, but a map
// that is filled in order is often read in order.
func (c *allocCase) sortByPool() {
	pool := func(slice *resourceSlice) string {
		return slice.Spec.Driver + "/" + slice.Spec.Pool.Name
	}
	slices.SortStableFunc(c.Slices, func(a, b *resourceSlice) int {
		return strings.Compare(pool(a), pool(b))
	})
}

// fresh is the same case in new objects: before 1.37 an allocation may change what claims ask for,
// and the counters of slices.
func (c *allocCase) fresh() *allocCase {
	out := *c
	out.Claims = make([]*resourceClaim, len(c.Claims))
	for i, claim := range c.Claims {
		out.Claims[i] = claim.DeepCopy()
	}
	out.Slices = make([]*resourceSlice, len(c.Slices))
	for i, slice := range c.Slices {
		out.Slices[i] = slice.DeepCopy()
	}
	return &out
}

// allocate asks again until the pools are tried in the order of their names.
func allocate(allocator structuredAllocator, node *v1.Node, c *allocCase) nodeAnswer {
	asked := c.fresh()
	for range maxTries {
		if c.counted {
			asked = c.fresh()
			var err error
			if allocator, err = asked.allocator(context.Background()); err != nil {
				return nodeAnswer{Error: err.Error()}
			}
		}
		if out := allocateOnce(allocator, node, asked.Claims); out != nil {
			return *out
		}
	}
	return nodeAnswer{Error: "the pools were never tried in order", Aborted: true}
}

// allocateOnce has no answer if the pools are tried in another order.
func allocateOnce(allocator structuredAllocator, node *v1.Node, claims []*resourceClaim) (out *nodeAnswer) {
	defer func() {
		if r := recover(); r != nil {
			switch r.(type) {
			case wrongOrder:
			case tooLong:
				out = &nodeAnswer{Error: "no answer in time", Aborted: true}
			default:
				panic(r)
			}
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	order := &poolOrder{ctx: ctx, bindingLast: bindingLast(allocator)}
	allocations, err := allocateWith(klog.NewContext(ctx, logr.New(order)), allocator, node, claims)
	if err != nil {
		return &nodeAnswer{
			Error:   err.Error(),
			OnNode:  errors.Is(err, errOnNode),
			Aborted: ctx.Err() != nil,
		}
	}
	if len(allocations) == 0 {
		return &nodeAnswer{Fits: allocations != nil}
	}
	return &nodeAnswer{Allocations: shown(allocations), Fits: true}
}

func answerAlloc(line []byte) any {
	var c allocCase
	if err := decode(line, &c); err != nil {
		return map[string]string{"badCase": err.Error()}
	}
	var out allocAnswer
	merged, err := patched(c.TaintRules, c.Slices)
	if err != nil {
		return allocAnswer{Error: err.Error()}
	}
	if c.Slices = merged; len(c.TaintRules) > 0 {
		out.Taints = taints(merged)
	}
	c.counted = bytes.Contains(line, []byte("consumesCounters"))
	c.sortByPool()
	allocator, err := c.allocator(context.Background())
	if err != nil {
		return allocAnswer{Error: err.Error()}
	}
	for _, node := range c.Nodes {
		out.Nodes = append(out.Nodes, allocate(allocator, node, &c))
	}
	return out
}
