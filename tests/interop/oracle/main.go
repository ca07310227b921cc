// SPDX-License-Identifier: Apache-2.0

// The oracle: Kubernetes' own CEL environment for devices and its structured allocator, asked by
// JSON lines. One case per line comes in, one answer per line goes out, in the same order. The
// library is that of one release, by the module file and the tag that it is built with.
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

	// From 1.37 on.
	CompatibilityGroups    bool `json:"compatibilityGroups"`
	DerivedAttributes      bool `json:"derivedAttributes"`
	FractionalRange        bool `json:"fractionalRange"`
	OptionalNodeOperations bool `json:"optionalNodeOperations"`

	// Kubernetes is the minor version of the release; 0 stands for 36.
	Kubernetes int `json:"kubernetes"`
}

// answer never panics: what the library does with a case is an answer as well.
func answer(line []byte, bench bool) (out any) {
	defer func() {
		if r := recover(); r != nil {
			out = map[string]string{"panic": fmt.Sprint(r), "stack": string(debug.Stack())}
		}
	}()
	var kind struct {
		Kind     string   `json:"kind"`
		Features Features `json:"features"`
	}
	if err := json.Unmarshal(line, &kind); err != nil {
		return map[string]string{"badCase": err.Error()}
	}
	if wanted := kind.Features.Kubernetes; wanted != release && (wanted != 0 || release != 36) {
		return map[string]string{"badCase": fmt.Sprintf("for release 1.%d, this is 1.%d", wanted, release)}
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
