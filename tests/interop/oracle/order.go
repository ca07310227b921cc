// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/go-logr/logr"
)

// Some releases and variants try pools in the order of a Go map, which is another one each time.
// They log the pools before they look at the first device; poolOrder listens, and ends the
// allocation with wrongOrder unless the pools are sorted.
type poolOrder struct {
	// bindingLast: pools with binding conditions come after all others.
	bindingLast bool
	seen        bool

	// ctx is what the allocation has been called with: before 1.34 it does not look at it.
	ctx   context.Context
	calls int
}

// wrongOrder is what poolOrder panics with: nothing else stops an allocation at this point.
type wrongOrder struct{}

// tooLong is what it panics with when the time is over.
type tooLong struct{}

// callsPerLook is how often the allocation may ask for its log before the time is looked at.
const callsPerLook = 256

func (o *poolOrder) Init(logr.RuntimeInfo) {}

// Enabled ends with the one message of interest: those that follow cost time.
func (o *poolOrder) Enabled(int) bool {
	if o.calls++; o.calls%callsPerLook == 0 && o.ctx.Err() != nil {
		panic(tooLong{})
	}
	return !o.seen
}

func (o *poolOrder) Error(error, string, ...any) {}

func (o *poolOrder) WithValues(...any) logr.LogSink { return o }

func (o *poolOrder) WithName(string) logr.LogSink { return o }

func (o *poolOrder) Info(_ int, message string, values ...any) {
	if message != "Gathered pool information" {
		return
	}
	o.seen = true
	names := poolNames(values, o.bindingLast)
	if !slices.IsSorted(names) {
		panic(wrongOrder{})
	}
}

// poolNames finds the pools among the values of the message. With bindingLast those with binding
// conditions have names that sort after the others.
func poolNames(values []any, bindingLast bool) []string {
	var names []string
	for i := 1; i < len(values); i += 2 {
		value := values[i]
		if marshaler, ok := value.(logr.Marshaler); ok {
			value = marshaler.MarshalLog().(map[string]any)["content"]
		}
		pools := reflect.ValueOf(value)
		if pools.Kind() != reflect.Slice {
			continue
		}
		for j := range pools.Len() {
			if isUnused(pools.Index(j).Elem()) {
				continue
			}
			name := fmt.Sprint(pools.Index(j).Interface())
			if bindingLast && hasBinding(pools.Index(j).Elem()) {
				name = "~" + name
			}
			names = append(names, name)
		}
	}
	return names
}

// isUnused tells of a pool that it has nothing for the node and nothing against it, so that its
// place does not matter: 1.35 gathers the counters of all nodes' pools.
func isUnused(pool reflect.Value) bool {
	return slicesOf(pool).Len() == 0 && !pool.FieldByName("IsIncomplete").Bool() &&
		!pool.FieldByName("IsInvalid").Bool()
}

// slicesOf looks into a Pool, whose type is internal: its slices with devices for the node.
func slicesOf(pool reflect.Value) reflect.Value {
	if poolSlices := pool.FieldByName("DeviceSlicesTargetingNode"); poolSlices.IsValid() {
		return poolSlices
	}
	return pool.FieldByName("Slices")
}

func hasBinding(pool reflect.Value) bool {
	poolSlices := slicesOf(pool)
	for i := range poolSlices.Len() {
		devices := poolSlices.Index(i).Elem().FieldByName("Spec").FieldByName("Devices")
		for j := range devices.Len() {
			if !devices.Index(j).FieldByName("BindingConditions").IsNil() {
				return true
			}
		}
	}
	return false
}
