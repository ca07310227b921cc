// SPDX-License-Identifier: Apache-2.0
//
// NRI messages to and from the pods and containers of the model.
#pragma once

#include "host/model/pod.hpp"

#include <knd/cpp/result.hpp>

namespace nri::pkg::api::v1alpha1 {
class Container;
class ContainerAdjustment;
class PodSandbox;
}  // namespace nri::pkg::api::v1alpha1

namespace knd::nri {

namespace wire = ::nri::pkg::api::v1alpha1;

PodSandbox from_wire(const wire::PodSandbox& message);
Container from_wire(const wire::Container& message);
/// What of an adjustment has a place in the model; INVALID_ARGUMENT for a device of unknown type.
Result<ContainerEdits> from_wire(const wire::ContainerAdjustment& message);

void to_wire(const PodSandbox& pod, wire::PodSandbox& message);
void to_wire(const Container& container, wire::Container& message);
void to_wire(const ContainerEdits& edits, wire::ContainerAdjustment& message);

}  // namespace knd::nri
