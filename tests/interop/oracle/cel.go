// SPDX-License-Identifier: Apache-2.0

//go:build !k132 && !k133

package main

import (
	"context"
	"encoding/json"
	"math"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/utils/ptr"
)

type celCase struct {
	Expression string   `json:"expression"`
	Features   Features `json:"features"`
	// New: as API validation looks at an expression, not as schedulers look at one that is stored.
	New    bool `json:"new"`
	Device struct {
		Driver                   string                                                    `json:"driver"`
		AllowMultipleAllocations *bool                                                     `json:"allowMultipleAllocations"`
		Attributes               map[resourceapi.QualifiedName]resourceapi.DeviceAttribute `json:"attributes"`
		Capacity                 map[resourceapi.QualifiedName]resourceapi.DeviceCapacity  `json:"capacity"`
	} `json:"device"`
}

type celAnswer struct {
	CompileError string `json:"compileError,omitempty"`
	Result       bool   `json:"result"`
	Error        string `json:"error,omitempty"`
	// Cost is what the evaluation took, Estimate the most that one could take.
	Cost     *uint64 `json:"cost,omitempty"`
	Estimate *uint64 `json:"estimate,omitempty"`
	// How long one takes; only from bench.
	CompileNanoseconds  int64 `json:"compileNanoseconds,omitempty"`
	EvaluateNanoseconds int64 `json:"evaluateNanoseconds,omitempty"`
}

// compiler is what the cel package gives but does not name.
type compiler interface {
	CompileCELExpression(expression string, options cel.Options) cel.CompilationResult
}

// The package keeps one compiler, for the features asked for last; building one takes long, and
// cases ask for all kinds.
var (
	compilers = map[cel.Features]compiler{}
	caches    = map[cel.Features]*cel.Cache{}
)

func compilerFor(f Features) compiler {
	key := celFeatures(f)
	if compilers[key] == nil {
		compilers[key] = cel.GetCompiler(key)
	}
	return compilers[key]
}

func cacheFor(f Features) *cel.Cache {
	key := celFeatures(f)
	if caches[key] == nil {
		caches[key] = cel.NewCache(1000, key)
	}
	return caches[key]
}

func answerCEL(line []byte, bench bool) any {
	var c celCase
	if err := json.Unmarshal(line, &c); err != nil {
		return map[string]string{"badCase": err.Error()}
	}
	var options cel.Options
	if c.New {
		options.EnvType = ptr.To(environment.NewExpressions)
	}
	compiled := compilerFor(c.Features).CompileCELExpression(c.Expression, options)
	if compiled.Error != nil {
		return celAnswer{CompileError: compiled.Error.Error()}
	}
	var out celAnswer
	if compiled.MaxCost != math.MaxUint64 {
		out.Estimate = &compiled.MaxCost
	}
	device := cel.Device{
		Driver:                   c.Device.Driver,
		AllowMultipleAllocations: c.Device.AllowMultipleAllocations,
		Attributes:               c.Device.Attributes,
		Capacity:                 c.Device.Capacity,
	}
	if bench {
		// As the scheduler compiles: without an estimate.
		out.CompileNanoseconds = measureCall(func() {
			compilerFor(c.Features).CompileCELExpression(c.Expression, cel.Options{DisableCostEstimation: true})
		})
		out.EvaluateNanoseconds = measureCall(func() {
			compiled.DeviceMatches(context.Background(), device)
		})
	}
	matches, details, err := compiled.DeviceMatches(context.Background(), device)
	if err != nil {
		out.Error = err.Error()
	}
	out.Result = matches
	if details != nil {
		out.Cost = details.ActualCost()
	}
	return out
}
