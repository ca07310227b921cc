// SPDX-License-Identifier: Apache-2.0

// Reads device metadata (KEP-5304) with the library that programs in containers read it with. One
// line per file comes in: what the file is of, and its content. One line goes out: the path at
// which the library looks for it, and what it reads there.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"k8s.io/dynamic-resource-allocation/api/metadata"
	"k8s.io/dynamic-resource-allocation/devicemetadata"
)

type file struct {
	Driver   string `json:"driver"`
	Claim    string `json:"claim"`
	PodClaim string `json:"podClaim"`
	Request  string `json:"request"`
	Stream   string `json:"stream"`
}

func (f file) path() string {
	if f.PodClaim != "" {
		return metadata.ResourceClaimTemplateFilePath(f.Driver, f.PodClaim, f.Request)
	}
	return metadata.ResourceClaimFilePath(f.Driver, f.Claim, f.Request)
}

// read gives the object as JSON with its keys in order.
func (f file) read() any {
	object := newest()
	if err := devicemetadata.DecodeMetadataFromStream(json.NewDecoder(strings.NewReader(f.Stream)), object); err != nil {
		return err.Error()
	}
	text, err := json.Marshal(object)
	if err != nil {
		return err.Error()
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return err.Error()
	}
	return plain
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var f file
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			fmt.Println("bad line:", err)
			continue
		}
		text, err := json.Marshal(map[string]any{"path": f.path(), "object": f.read()})
		if err != nil {
			fmt.Println("bad answer:", err)
			continue
		}
		fmt.Println(string(text))
	}
}
