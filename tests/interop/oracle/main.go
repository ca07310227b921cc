// SPDX-License-Identifier: Apache-2.0

// The oracle: Kubernetes' own CEL environment for devices and its structured allocator, asked by
// JSON lines. One case per line comes in, one answer per line goes out, in the same order.
//
//	oracle           answers until the input ends
//	oracle bench     answers on expressions say how long they take
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"

	"k8s.io/klog/v2"

	"k8s.io/dynamic-resource-allocation/structured"
)

// Features are the gates that a case is meant for.
type Features struct {
	AdminAccess          bool `json:"adminAccess"`
	PrioritizedList      bool `json:"prioritizedList"`
	PartitionableDevices bool `json:"partitionableDevices"`
	DeviceTaints         bool `json:"deviceTaints"`
	ConsumableCapacity   bool `json:"consumableCapacity"`
	DeviceBinding        bool `json:"deviceBinding"`
	ListAttributes       bool `json:"listAttributes"`
}

// answer never panics: what the library does with a case is an answer as well.
func answer(line []byte, bench bool) (out any) {
	defer func() {
		if r := recover(); r != nil {
			out = map[string]string{"panic": fmt.Sprint(r), "stack": string(debug.Stack())}
		}
	}()
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(line, &kind); err != nil {
		return map[string]string{"badCase": err.Error()}
	}
	switch kind.Kind {
	case "cel":
		return answerCEL(line, bench)
	case "alloc":
		return answerAlloc(line)
	case "allocBench":
		return answerAllocBench(line)
	}
	return map[string]string{"badCase": "unknown kind " + kind.Kind}
}

func main() {
	klog.LogToStderr(false)
	klog.SetOutput(os.Stderr)
	// "stable" tries pools in the random order of a Go map: nothing to compare with.
	structured.EnableAllocators("incubating", "experimental")
	bench := len(os.Args) > 1 && os.Args[1] == "bench"
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 1 {
			text, failed := json.Marshal(answer(line, bench))
			if failed != nil {
				text = []byte(`{"badCase":"the answer is no JSON"}`)
			}
			out.Write(append(text, '\n'))
			// Whoever asks one by one waits for it.
			if in.Buffered() == 0 {
				out.Flush()
			}
		}
		if err != nil {
			break
		}
	}
	out.Flush()
}
