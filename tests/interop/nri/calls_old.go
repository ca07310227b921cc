// SPDX-License-Identifier: Apache-2.0

//go:build old

package main

import (
	"context"

	"github.com/containerd/nri/pkg/api"
)

const failsClosed = false

func (r *runtime) run(p *api.PodSandbox) error {
	return r.RunPodSandbox(context.Background(), &api.StateChangeEvent{Pod: p})
}

func (r *runtime) stop(p *api.PodSandbox) error {
	return r.StopPodSandbox(context.Background(), &api.StateChangeEvent{Pod: p})
}

func (r *runtime) remove(p *api.PodSandbox) error {
	return r.RemovePodSandbox(context.Background(), &api.StateChangeEvent{Pod: p})
}

func (r *runtime) create(p *api.PodSandbox, c *api.Container) (*api.ContainerAdjustment, error) {
	reply, err := r.CreateContainer(context.Background(),
		&api.CreateContainerRequest{Pod: p, Container: c})
	return reply.GetAdjust(), err
}
