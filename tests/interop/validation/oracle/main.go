// SPDX-License-Identifier: Apache-2.0

// What a real API server says of objects of resource.k8s.io: its decoder, defaults, conversions,
// strategies and validation, without its storage. Reads one case per line and answers with one
// line: "refused" (what cannot be decoded), "strict" (unknown and duplicate fields), "errors" and
// "message" (what validation says), "object" (what would be stored, in v1), "panic".
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
)

const group = "resource.k8s.io"

// A write as it comes to the API server.
type write struct {
	Operation string          `json:"operation"` // create, update or status
	Kind      string          `json:"kind"`
	Version   string          `json:"version"`
	Gates     map[string]bool `json:"gates"`
	Admin     bool            `json:"admin"` // the namespace has the label for admin access
	Before    json.RawMessage `json:"before"`
	After     json.RawMessage `json:"after"`
	Text      string          `json:"text"` // instead of "after", for what JSON cannot repeat
}

type cause struct {
	Reason string `json:"reason"`
	Field  string `json:"field"`
	Text   string `json:"text"`
}

type answer struct {
	Refused string          `json:"refused,omitempty"`
	Strict  []string        `json:"strict,omitempty"`
	Errors  []cause         `json:"errors,omitempty"`
	Message string          `json:"message,omitempty"`
	Object  json.RawMessage `json:"object,omitempty"`
	Panic   string          `json:"panic,omitempty"` // a bug of the oracle's
}

func decoder(strict bool) runtime.Decoder {
	info, _ := runtime.SerializerInfoForMediaType(
		legacyscheme.Codecs.SupportedMediaTypes(), runtime.ContentTypeJSON)
	from := info.Serializer
	if strict {
		from = info.StrictSerializer
	}
	internal := schema.GroupVersion{Group: group, Version: runtime.APIVersionInternal}
	return legacyscheme.Codecs.DecoderToVersion(from, internal)
}

func decode(w write, text []byte, strict bool) (runtime.Object, error) {
	gvk := schema.GroupVersionKind{Group: group, Version: w.Version, Kind: w.Kind}
	object, _, err := decoder(strict).Decode(text, &gvk, nil)
	return object, err
}

func requestContext(w write) context.Context {
	info := &request.RequestInfo{IsResourceRequest: true, APIGroup: group, APIVersion: w.Version,
		Verb: "create", Resource: resourceOf(w.Kind), Path: "/", Name: "x"}
	if w.Operation != "create" {
		info.Verb = "update"
	}
	if w.Operation == "status" {
		info.Subresource = "status"
	}
	ctx := request.WithNamespace(context.Background(), "default")
	ctx = request.WithRequestInfo(ctx, info)
	return request.WithUser(ctx, &user.DefaultInfo{Name: "admin"})
}

// As the generic store does it around BeforeCreate and BeforeUpdate.
func admit(w write, object, before runtime.Object) error {
	ctx := requestContext(w)
	strategy, err := strategyOf(w)
	if err != nil {
		return err
	}
	accessor, err := meta.Accessor(object)
	if err != nil {
		return err
	}
	if w.Operation == "create" {
		rest.WipeObjectMetaSystemFields(accessor)
		rest.FillObjectMetaSystemFields(accessor)
		if accessor.GetName() == "" && accessor.GetGenerateName() != "" {
			accessor.SetName(strategy.GenerateName(accessor.GetGenerateName()))
		}
		return rest.BeforeCreate(strategy, ctx, object)
	}
	old, err := meta.Accessor(before)
	if err != nil {
		return err
	}
	if accessor.GetResourceVersion() == "" {
		accessor.SetResourceVersion(old.GetResourceVersion())
	}
	return rest.BeforeUpdate(strategy, ctx, object, before)
}

func judge(w write) (out answer, err error) {
	defer func() {
		if what := recover(); what != nil {
			out, err = answer{Panic: fmt.Sprint(what)}, nil
		}
	}()
	if err := setGates(w.Gates); err != nil {
		return answer{}, err
	}
	text := []byte(w.Text)
	if w.Text == "" {
		text = w.After
	}
	object, err := decode(w, text, true)
	if strict, ok := runtime.AsStrictDecodingError(err); ok {
		for _, one := range strict.Errors() {
			out.Strict = append(out.Strict, one.Error())
		}
		object, err = decode(w, text, false)
	}
	if err != nil {
		return answer{Refused: err.Error()}, nil
	}
	var before runtime.Object
	if w.Operation != "create" {
		if before, err = decode(w, w.Before, false); err != nil {
			return answer{}, fmt.Errorf("before: %w", err)
		}
	}
	err = admit(w, object, before)
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		out.Message = status.Status().Message
		if status.Status().Details != nil {
			for _, one := range status.Status().Details.Causes {
				out.Errors = append(out.Errors, cause{string(one.Type), one.Field, one.Message})
			}
		}
		return out, nil
	}
	if err != nil {
		return answer{}, err
	}
	stored, err := legacyscheme.Scheme.ConvertToVersion(object, storageVersion(w.Kind))
	if err != nil {
		return answer{}, err
	}
	out.Object, err = json.Marshal(stored)
	return out, err
}

var defaults = map[string]bool{}

// Those of one case are off again in the next.
func setGates(gates map[string]bool) error {
	wanted := map[string]bool{}
	for name := range gates {
		feature := featureOf(name)
		if _, known := defaults[name]; !known {
			defaults[name] = utilfeature.DefaultFeatureGate.Enabled(feature)
		}
	}
	for name, on := range defaults {
		wanted[name] = on
	}
	for name, on := range gates {
		wanted[name] = on
	}
	return utilfeature.DefaultMutableFeatureGate.SetFromMap(wanted)
}

func run() error {
	in := bufio.NewReaderSize(os.Stdin, 1<<16)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return out.Flush()
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var w write
		if err := json.Unmarshal(line, &w); err != nil {
			return err
		}
		said, err := judge(w)
		if err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		text, err := json.Marshal(said)
		if err != nil {
			return err
		}
		out.Write(append(text, '\n'))
		// The asker may wait for this one before it asks on.
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}

func main() {
	// Declarative validation compares itself with the other one and tells of differences.
	klog.SetLogger(logr.Discard())
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
