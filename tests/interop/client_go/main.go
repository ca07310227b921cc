// SPDX-License-Identifier: Apache-2.0

// A driver in Go, in what it sends: with Kubernetes' own client library and all bodies in protobuf
// it publishes slices, writes the status of a claim and events, reads pods and nodes, and watches.
//
//	client_go KUBECONFIG
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"time"

	core "k8s.io/api/core/v1"
	events "k8s.io/api/events/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const driver = "dra.example.com"

func must(what string, err error) {
	if err != nil {
		fmt.Printf("FAIL %s: %v\n", what, err)
		os.Exit(1)
	}
}

func want(what string, good bool, detail any) {
	if !good {
		text, _ := json.Marshal(detail)
		fmt.Printf("FAIL %s: %s\n", what, text)
		os.Exit(1)
	}
	fmt.Println("ok", what)
}

func to[T any](value T) *T { return &value }

func device(name string) resourceapi.Device {
	return resourceapi.Device{
		Name: name,
		Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
			"speed": {IntValue: to(int64(25000))},
			"up":    {BoolValue: to(false)},
			"model": {StringValue: to("x")},
			"fw":    {VersionValue: to("1.2.3")},
		},
		Capacity: map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{
			"bandwidth": {Value: resource.MustParse("25G"), RequestPolicy: &resourceapi.CapacityRequestPolicy{
				Default: to(resource.MustParse("1G")),
				ValidRange: &resourceapi.CapacityRequestPolicyRange{
					Min: to(resource.MustParse("1G")), Max: to(resource.MustParse("25G"))}}}},
		AllowMultipleAllocations: to(true),
		Taints:                   []resourceapi.DeviceTaint{{Key: "example.com/bad", Effect: resourceapi.DeviceTaintEffectNoSchedule}},
	}
}

func slices(ctx context.Context, client kubernetes.Interface) {
	api := client.ResourceV1().ResourceSlices()
	watcher, err := api.Watch(ctx, meta.ListOptions{})
	must("watch slices", err)
	defer watcher.Stop()
	wanted := &resourceapi.ResourceSlice{
		ObjectMeta: meta.ObjectMeta{GenerateName: "node-1-"},
		Spec: resourceapi.ResourceSliceSpec{
			Driver: driver, NodeName: to("node-1"),
			Pool:    resourceapi.ResourcePool{Name: "node-1", ResourceSliceCount: 1},
			Devices: []resourceapi.Device{device("a"), device("b")},
		},
	}
	probe, err := api.Create(ctx, wanted, meta.CreateOptions{DryRun: []string{meta.DryRunAll}})
	must("create a slice in a dry run", err)
	want("a dry run keeps what the release has", probe.Spec.Devices[0].AllowMultipleAllocations != nil, probe)
	stored, err := api.Create(ctx, wanted, meta.CreateOptions{})
	must("create a slice", err)
	for i := range stored.Spec.Devices {
		stored.Spec.Devices[i].Taints[0].TimeAdded = nil
	}
	want("a slice comes back as it was sent", reflect.DeepEqual(stored.Spec, wanted.Spec), stored)
	stored.Spec.Devices = stored.Spec.Devices[:1]
	stored.Spec.Pool.Generation++
	updated, err := api.Update(ctx, stored, meta.UpdateOptions{})
	must("update a slice", err)
	want("an update is stored", len(updated.Spec.Devices) == 1 && updated.Generation == 2, updated)
	for _, kind := range []watch.EventType{watch.Added, watch.Modified} {
		event := <-watcher.ResultChan()
		got, is := event.Object.(*resourceapi.ResourceSlice)
		want(fmt.Sprint("a watch tells that a slice was ", kind), is && event.Type == kind && got.Name == stored.Name, event)
	}
	listed, err := api.List(ctx, meta.ListOptions{FieldSelector: "spec.driver=" + driver})
	must("list slices", err)
	want("a list has the slice", len(listed.Items) == 1 && listed.ResourceVersion != "", listed)
	stored.Spec.Driver = "another.example.com"
	_, err = api.Update(ctx, stored, meta.UpdateOptions{})
	want("a stale update is a conflict", errors.IsConflict(err), err)
	updated.Spec.Driver = "Not A Driver"
	_, err = api.Update(ctx, updated, meta.UpdateOptions{})
	want("a wrong driver is invalid", errors.IsInvalid(err), err)
	must("delete a slice", api.Delete(ctx, stored.Name, meta.DeleteOptions{
		Preconditions: &meta.Preconditions{UID: to(stored.UID)}}))
	_, err = api.Get(ctx, stored.Name, meta.GetOptions{})
	want("a deleted slice is gone", errors.IsNotFound(err), err)
}

func claims(ctx context.Context, client kubernetes.Interface) {
	api := client.ResourceV1().ResourceClaims("default")
	created, err := api.Create(ctx, &resourceapi.ResourceClaim{
		ObjectMeta: meta.ObjectMeta{Name: "claim"},
		Spec: resourceapi.ResourceClaimSpec{Devices: resourceapi.DeviceClaim{
			Requests: []resourceapi.DeviceRequest{{Name: "nic", Exactly: &resourceapi.ExactDeviceRequest{DeviceClassName: "net"}}},
			Config: []resourceapi.DeviceClaimConfiguration{{DeviceConfiguration: resourceapi.DeviceConfiguration{
				Opaque: &resourceapi.OpaqueDeviceConfiguration{Driver: driver, Parameters: runtime.RawExtension{Raw: []byte(`{"mtu":9000}`)}}}}},
		}},
	}, meta.CreateOptions{})
	must("create a claim", err)
	want("defaults are filled in", created.Spec.Devices.Requests[0].Exactly.Count == 1, created)
	want("parameters come back", string(created.Spec.Devices.Config[0].Opaque.Parameters.Raw) == `{"mtu":9000}`, created)
	created.Status = resourceapi.ResourceClaimStatus{
		Allocation: &resourceapi.AllocationResult{Devices: resourceapi.DeviceAllocationResult{
			Results: []resourceapi.DeviceRequestAllocationResult{{Request: "nic", Driver: driver, Pool: "node-1", Device: "a"}}}},
		ReservedFor: []resourceapi.ResourceClaimConsumerReference{{Resource: "pods", Name: "pod", UID: "uid"}},
	}
	allocated, err := api.UpdateStatus(ctx, created, meta.UpdateOptions{})
	must("allocate a claim", err)
	now := meta.Now().Rfc3339Copy()
	allocated.Status.Devices = []resourceapi.AllocatedDeviceStatus{{
		Driver: driver, Pool: "node-1", Device: "a",
		Data:        &runtime.RawExtension{Raw: []byte(`{"a":[1,2]}`)},
		Conditions:  []meta.Condition{{Type: "Ready", Status: meta.ConditionTrue, Reason: "Attached", LastTransitionTime: now}},
		NetworkData: &resourceapi.NetworkDeviceData{InterfaceName: "net1", IPs: []string{"10.0.0.1/24"}, HardwareAddress: "02:00:00:00:00:01"},
	}}
	written, err := api.UpdateStatus(ctx, allocated, meta.UpdateOptions{})
	must("write the status of a claim", err)
	got := written.Status.Devices
	want("the status comes back", len(got) == 1 && got[0].Conditions[0].LastTransitionTime.Time.Equal(now.Time) &&
		string(got[0].Data.Raw) == `{"a":[1,2]}` && got[0].NetworkData.IPs[0] == "10.0.0.1/24", written)
	patched, err := api.Patch(ctx, "claim", "application/merge-patch+json",
		[]byte(`{"metadata":{"labels":{"seen":"yes"}}}`), meta.PatchOptions{})
	must("patch a claim", err)
	want("a patch is stored", patched.Labels["seen"] == "yes", patched)
}

func podsAndNodes(ctx context.Context, client kubernetes.Interface) {
	_, err := client.CoreV1().Nodes().Create(ctx, &core.Node{ObjectMeta: meta.ObjectMeta{Name: "node-1"}}, meta.CreateOptions{})
	must("create a node", err)
	node, err := client.CoreV1().Nodes().Get(ctx, "node-1", meta.GetOptions{})
	must("read a node", err)
	node.Status.Capacity = core.ResourceList{"cpu": resource.MustParse("2")}
	node.Status.Conditions = []core.NodeCondition{{Type: core.NodeReady, Status: core.ConditionTrue}}
	node, err = client.CoreV1().Nodes().UpdateStatus(ctx, node, meta.UpdateOptions{})
	must("write the status of a node", err)
	want("the capacity of a node comes back", node.Status.Capacity.Cpu().Value() == 2, node)
	pod, err := client.CoreV1().Pods("default").Create(ctx, &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "pod"},
		Spec: core.PodSpec{
			Containers:     []core.Container{{Name: "c", Image: "busybox", Resources: core.ResourceRequirements{Claims: []core.ResourceClaim{{Name: "net"}}}}},
			ResourceClaims: []core.PodResourceClaim{{Name: "net", ResourceClaimName: to("claim")}},
			Volumes:        []core.Volume{{Name: "v", VolumeSource: core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{}}}},
		},
	}, meta.CreateOptions{})
	must("create a pod", err)
	want("a pod comes back", pod.Spec.Volumes[0].EmptyDir != nil && pod.Spec.RestartPolicy == core.RestartPolicyAlways &&
		pod.Spec.Containers[0].Resources.Claims[0].Name == "net", pod)
	must("bind a pod", client.CoreV1().Pods("default").Bind(ctx, &core.Binding{
		ObjectMeta: meta.ObjectMeta{Name: "pod"}, Target: core.ObjectReference{Kind: "Node", Name: "node-1"}}, meta.CreateOptions{}))
	pod, err = client.CoreV1().Pods("default").Get(ctx, "pod", meta.GetOptions{})
	must("read a pod", err)
	want("a pod is bound", pod.Spec.NodeName == "node-1", pod)
	pod.Status.Phase = core.PodRunning
	pod.Status.StartTime = to(meta.Now())
	pod, err = client.CoreV1().Pods("default").UpdateStatus(ctx, pod, meta.UpdateOptions{})
	must("write the status of a pod", err)
	want("a pod runs", pod.Status.Phase == core.PodRunning && pod.Status.StartTime != nil, pod)
}

func writeEvents(ctx context.Context, client kubernetes.Interface) {
	about := core.ObjectReference{Kind: "Pod", Namespace: "default", Name: "pod", APIVersion: "v1"}
	old, err := client.CoreV1().Events("default").Create(ctx, &core.Event{
		ObjectMeta: meta.ObjectMeta{Name: "old"}, InvolvedObject: about, Reason: "Attached", Message: "m",
		Type: core.EventTypeNormal, FirstTimestamp: meta.Now(), LastTimestamp: meta.Now(), Count: 1,
		Source: core.EventSource{Component: driver},
	}, meta.CreateOptions{})
	must("write a core event", err)
	want("a core event comes back", old.Count == 1 && !old.FirstTimestamp.IsZero(), old)
	at := meta.NewMicroTime(time.Unix(1700000000, 123456000))
	event, err := client.EventsV1().Events("default").Create(ctx, &events.Event{
		ObjectMeta: meta.ObjectMeta{Name: "new"}, EventTime: at, Regarding: about, Reason: "Attached", Note: "n",
		Type: core.EventTypeNormal, Action: "Attach", ReportingController: driver, ReportingInstance: "node-1",
	}, meta.CreateOptions{})
	must("write an event of events.k8s.io", err)
	want("its time is exact", event.EventTime.Time.Equal(at.Time) && event.Regarding == about, event)
	same, err := client.CoreV1().Events("default").Get(ctx, "new", meta.GetOptions{})
	must("read it as a core event", err)
	want("both are the same event", same.InvolvedObject == about && same.Message == "n" && same.ReportingController == driver, same)
	event.Series = &events.EventSeries{Count: 2, LastObservedTime: at}
	event, err = client.EventsV1().Events("default").Update(ctx, event, meta.UpdateOptions{})
	must("make it a series", err)
	want("a series comes back", event.Series.Count == 2 && event.Series.LastObservedTime.Time.Equal(at.Time), event)
	all, err := client.EventsV1().Events("").List(ctx, meta.ListOptions{})
	must("list events of events.k8s.io", err)
	want("both events are listed", len(all.Items) == 2 && all.Items[1].DeprecatedSource.Component == driver, all)
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	must("read the kubeconfig", err)
	config.ContentType = runtime.ContentTypeProtobuf
	if len(os.Args) > 2 && os.Args[2] == "only" {
		config.AcceptContentTypes = runtime.ContentTypeProtobuf
	} else {
		config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	}
	client, err := kubernetes.NewForConfig(config)
	must("make a client", err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, resources, err := client.Discovery().ServerGroupsAndResources()
	must("discover", err)
	want("discovery knows the groups", len(resources) == 3, resources)
	slices(ctx, client)
	claims(ctx, client)
	podsAndNodes(ctx, client)
	writeEvents(ctx, client)
	factory := informers.NewSharedInformerFactory(client, 0)
	informer := factory.Core().V1().Pods()
	informer.Informer()
	factory.Start(ctx.Done())
	synced := factory.WaitForCacheSync(ctx.Done())
	cached, err := informer.Lister().Pods("default").Get("pod")
	must("find the pod in an informer", err)
	want("an informer knows the pod", synced[reflect.TypeOf(&core.Pod{})] && cached.Status.Phase == core.PodRunning, cached)
}
