// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"math"
	"time"

	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/utils/ptr"
)

type celCase struct {
	Expression string   `json:"expression"`
	Features   Features `json:"features"`
	// New: as API validation looks at an expression, not as schedulers look at one that is stored.
	New    bool      `json:"new"`
	Device celDevice `json:"device"`
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

func answerCEL(line []byte, bench bool) any {
	var c celCase
	if err := decode(line, &c); err != nil {
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
	device := c.Device.input()
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

// measureCall repeats a call for a fifth of a second.
func measureCall(call func()) int64 {
	began := time.Now()
	for rounds := int64(1); ; rounds++ {
		call()
		if took := time.Since(began); took > 200*time.Millisecond {
			return took.Nanoseconds() / rounds
		}
	}
}
