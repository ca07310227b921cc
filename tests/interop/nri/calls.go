// SPDX-License-Identifier: Apache-2.0

//go:build !old

package main

import (
	"context"

	"github.com/containerd/nri/pkg/api"
)

// Since 0.12.5 a plugin may ask that what it does not answer fails.
const failsClosed = true

func (r *runtime) run(p *api.PodSandbox) error {
	return r.RunPodSandbox(context.Background(), &api.RunPodSandboxRequest{Pod: p})
}

func (r *runtime) stop(p *api.PodSandbox) error {
	return r.StopPodSandbox(context.Background(), &api.StopPodSandboxRequest{Pod: p})
}

func (r *runtime) remove(p *api.PodSandbox) error {
	return r.RemovePodSandbox(context.Background(), &api.RemovePodSandboxRequest{Pod: p})
}

func (r *runtime) create(p *api.PodSandbox, c *api.Container) (*api.ContainerAdjustment, error) {
	reply, err := r.CreateContainer(context.Background(),
		&api.CreateContainerRequest{Pod: p, Container: c})
	return reply.GetAdjust(), err
}
