// SPDX-License-Identifier: Apache-2.0

// The NRI library that containerd and CRI-O use, as the runtime, against our plugin (the probe).
// Prints one line per fact, ends with 1 if one does not hold.
//
// Two versions of the library are wanted: go.mod has the one with an RPC per event, old.mod (with
// the build tag "old") the one with StateChange alone.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containerd/nri/pkg/adaptation"
	"github.com/containerd/nri/pkg/api"
)

const objects = 700 // of about 10 kB each: more than one ttrpc message can hold

var failed bool

func fact(holds bool, format string, args ...any) {
	word := "ok    "
	if !holds {
		word, failed = "FAILED", true
	}
	fmt.Println(word, fmt.Sprintf(format, args...))
}

func pod(name string) *api.PodSandbox {
	return &api.PodSandbox{
		Id: "sandbox-" + name, Uid: "uid-" + name, Namespace: "default", Name: name,
		Annotations: map[string]string{"filler": strings.Repeat("x", 10000)},
		Linux: &api.LinuxPodSandbox{Namespaces: []*api.LinuxNamespace{
			{Type: "mount", Path: "/no"}, {Type: "network", Path: "/run/netns/" + name},
		}},
	}
}

func container(name string) *api.Container {
	return &api.Container{Id: "id-" + name, PodSandboxId: "sandbox-a", Name: name,
		Hooks: &api.Hooks{CreateRuntime: []*api.Hook{{Path: "/bin/true"}}}}
}

type runtime struct{ *adaptation.Adaptation }

func start(dir string) *runtime {
	sync := func(ctx context.Context, cb adaptation.SyncCB) error {
		var pods []*api.PodSandbox
		var containers []*api.Container
		for i := range objects {
			pods = append(pods, pod(fmt.Sprint("p", i)))
			containers = append(containers, container(fmt.Sprint("c", i)))
		}
		_, err := cb(ctx, pods, containers)
		if err != nil {
			fact(false, "synchronised: %v", err)
		}
		return err
	}
	update := func(context.Context, []*adaptation.ContainerUpdate) ([]*adaptation.ContainerUpdate, error) {
		return nil, nil
	}
	r, err := adaptation.New("containerd", "v9.9.9", sync, update,
		adaptation.WithSocketPath(filepath.Join(dir, "nri.sock")),
		adaptation.WithPluginPath(filepath.Join(dir, "plugins")),
		adaptation.WithPluginConfigPath(filepath.Join(dir, "conf")))
	if err == nil {
		err = r.Start()
	}
	if err != nil {
		fmt.Println("FAILED cannot start the runtime side:", err)
		os.Exit(1)
	}
	return &runtime{r}
}

// heard waits for a line of the probe.
func heard(lines chan string, want string) {
	select {
	case got := <-lines:
		fact(got == want, "the plugin hears %q (heard %q)", want, got)
	case <-time.After(5 * time.Second):
		fact(false, "the plugin hears %q (heard nothing)", want)
	}
}

func checkAdjustment(adjust *api.ContainerAdjustment) {
	devices := adjust.GetLinux().GetDevices()
	fact(len(devices) == 1 && devices[0].Path == "/dev/knd0" && devices[0].Type == "c" &&
		devices[0].Major == 1 && devices[0].Minor == 3 && devices[0].FileMode.GetValue() == 0o600 &&
		devices[0].Uid.GetValue() == 7 && devices[0].Gid.GetValue() == 8,
		"the device arrives")
	rules := adjust.GetLinux().GetResources().GetDevices()
	fact(!failsClosed || len(rules) == 2 && !rules[0].Allow && rules[0].Access == "wm" && rules[1].Allow &&
		rules[1].Access == "r" && rules[1].Major.GetValue() == 1 && rules[1].Minor.GetValue() == 3,
		"the rules for its access arrive")
	fact(adjust.GetLinux().GetResources().GetUnified()["rdma.max"] == "mlx5_0 hca_handle=2",
		"the cgroup file arrives")
	limits := adjust.GetRlimits()
	fact(len(limits) == 1 && limits[0].Type == "RLIMIT_MEMLOCK" && limits[0].Soft == 1 &&
		limits[0].Hard == 1<<64-1, "the limit arrives")
	mounts := adjust.GetMounts()
	fact(len(mounts) == 1 && mounts[0].Destination == "/run/knd" && mounts[0].Source == "/run/knd" &&
		slices.Contains(mounts[0].Options, "ro") && slices.Contains(mounts[0].Options, "nosuid"),
		"the mount arrives")
	env := adjust.GetEnv()
	fact(len(env) == 1 && env[0].Key == "KND_PCI" && env[0].Value == "0000:01:00.1",
		"the variable arrives")
	hooks := adjust.GetHooks().GetCreateRuntime()
	fact(len(hooks) == 1 && hooks[0].Path == "/bin/knd-gate" && hooks[0].Timeout.GetValue() == 9,
		"the hook arrives")
}

func (r *runtime) events(lines chan string) {
	fact(r.run(pod("a")) == nil, "a pod starts")
	heard(lines, "run default/a uid-a /run/netns/a")

	adjust, err := r.create(pod("a"), container("main"))
	fact(err == nil, "a container is created (%v)", err)
	heard(lines, "create default/a main 1")
	checkAdjustment(adjust)

	err = r.run(pod("refused"))
	fact(err != nil && strings.Contains(err.Error(), "device is gone"), "a refusal arrives: %v", err)
	heard(lines, "run default/refused uid-refused /run/netns/refused")

	began := time.Now()
	err = r.run(pod("stuck"))
	fact(err != nil && strings.Contains(err.Error(), "is not done after"),
		"a pod without an answer is refused: %v", err)
	fact(time.Since(began) < 2*time.Second, "and in time (%v)", time.Since(began).Round(time.Millisecond))
	heard(lines, "run default/stuck uid-stuck /run/netns/stuck")

	fact(r.stop(pod("a")) == nil, "a pod stops, whatever the plugin thinks")
	heard(lines, "stop default/a")
	fact(r.remove(pod("a")) == nil, "a pod is removed")
	heard(lines, "remove default/a")
}

func (r *runtime) latency() {
	quiet := pod("quiet")
	quiet.Annotations = nil
	var took []time.Duration
	for range 2000 {
		began := time.Now()
		if r.run(quiet) != nil {
			fact(false, "an empty hook succeeds")
			return
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	fmt.Printf("note   empty RunPodSandbox: p50 %v, p99 %v\n", took[len(took)/2], took[len(took)*99/100])
}

func main() {
	if len(os.Args) != 3 {
		fmt.Println("FAILED usage: PROGRAM DIRECTORY events|again < LINES-OF-THE-PROBE")
		os.Exit(1)
	}
	r := start(os.Args[1])
	lines := make(chan string, 100)
	go func() {
		for scanner := bufio.NewScanner(os.Stdin); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	heard(lines, fmt.Sprintf("synchronize %d %d", objects, objects))
	time.Sleep(50 * time.Millisecond) // the library adds the plugin to its list after that
	if os.Args[2] == "events" {
		r.events(lines)
		r.latency()
	} else {
		fact(r.run(pod("b")) == nil, "a pod starts after the runtime did")
		heard(lines, "run default/b uid-b /run/netns/b")
		err := r.run(pod("fatal"))
		fact((err != nil) == failsClosed, "a pod whose plugin dies fails where it can: %v", err)
		fact(r.run(pod("c")) == nil, "a pod starts where no plugin is any more")
	}
	if failed {
		os.Exit(1)
	}
}
