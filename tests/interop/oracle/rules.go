// SPDX-License-Identifier: Apache-2.0

//go:build !k132

package main

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
)

type trackerFeeds struct {
	slices  sliceFeed
	classes classFeed
	rules   ruleFeed
}

// feed is an informer that never runs: what it should have seen is given to it by hand.
type feed struct {
	cache.SharedIndexInformer
	handler cache.ResourceEventHandler
}

func newFeed(example runtime.Object) *feed {
	return &feed{SharedIndexInformer: cache.NewSharedIndexInformer(&cache.ListWatch{}, example, 0, cache.Indexers{})}
}

func (f *feed) AddEventHandler(handler cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	f.handler = handler
	return f.SharedIndexInformer.AddEventHandler(handler)
}

func (f *feed) AddEventHandlerWithOptions(handler cache.ResourceEventHandler, options cache.HandlerOptions) (cache.ResourceEventHandlerRegistration, error) {
	f.handler = handler
	return f.SharedIndexInformer.AddEventHandlerWithOptions(handler, options)
}

func (f *feed) add(object runtime.Object) error {
	if err := f.GetIndexer().Add(object); err != nil {
		return err
	}
	f.handler.OnAdd(object, true)
	return nil
}

type sliceFeed struct{ *feed }

func (f sliceFeed) Informer() cache.SharedIndexInformer { return f.feed }

func (f sliceFeed) Lister() sliceLister {
	return newSliceLister(f.GetIndexer())
}

type classFeed struct{ *feed }

func (f classFeed) Informer() cache.SharedIndexInformer { return f.feed }

func (f classFeed) Lister() classLister {
	return newClassLister(f.GetIndexer())
}

type ruleFeed struct{ *feed }

func (f ruleFeed) Informer() cache.SharedIndexInformer { return f.feed }

func (f ruleFeed) Lister() ruleLister { return newRuleLister(f.GetIndexer()) }

var (
	_ sliceInformer = sliceFeed{}
	_ classInformer = classFeed{}
)

// patched gives the slices as the scheduler sees them, in the order in which they came. Half of
// the rules are there before the slices, the others come later.
func patched(rules []*taintRule, sliceList []*resourceSlice) ([]*resourceSlice, error) {
	if len(rules) == 0 {
		return sliceList, nil
	}
	feeds := trackerFeeds{
		slices:  sliceFeed{newFeed(&resourceSlice{})},
		classes: classFeed{newFeed(&deviceClass{})},
		rules:   ruleFeed{newFeed(&taintRule{})},
	}
	tracker, err := startTracker(context.Background(), feeds)
	if err != nil {
		return nil, err
	}
	defer tracker.Stop()
	early := len(rules) / 2
	for _, rule := range rules[:early] {
		if err := feeds.rules.add(rule); err != nil {
			return nil, err
		}
	}
	order := map[string]int{}
	for i, slice := range sliceList {
		order[slice.Name] = i
		if err := feeds.slices.add(slice); err != nil {
			return nil, err
		}
	}
	for _, rule := range rules[early:] {
		if err := feeds.rules.add(rule); err != nil {
			return nil, err
		}
	}
	out, err := tracker.ListPatchedResourceSlices()
	slices.SortFunc(out, func(a, b *resourceSlice) int { return order[a.Name] - order[b.Name] })
	return out, err
}

// taints are all that the slices' devices have, in no order of their own: "slice/device key=value:effect".
func taints(sliceList []*resourceSlice) []string {
	out := []string{}
	for _, slice := range sliceList {
		for i := range slice.Spec.Devices {
			device := &slice.Spec.Devices[i]
			for _, taint := range taintsOf(device) {
				out = append(out, strings.Join([]string{slice.Name, "/", device.Name, " ", taint.Key, "=",
					taint.Value, ":", string(taint.Effect)}, ""))
			}
		}
	}
	slices.Sort(out)
	return out
}
