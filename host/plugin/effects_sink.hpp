// SPDX-License-Identifier: Apache-2.0
//
// EffectsCollector: the effects sink of one prepare(). The first effect that cannot be carried out
// makes the whole prepare fail: half of a device is no device.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "host/model/binding.hpp"

#include <knd/cpp/result.hpp>

#include <knd/ext/prepare.h>

namespace knd::plugin {

/// Used by one thread at a time. After `cancelled` is set every call answers CANCELLED.
class EffectsCollector {
  public:
    static constexpr std::size_t kMaxOfEach = 64;
    static constexpr std::size_t kMaxState = 4096;
    static constexpr std::size_t kMaxEnvValue = 32768;

    /// `cancelled` outlives this object.
    explicit EffectsCollector(const std::atomic<bool>& cancelled);
    EffectsCollector(const EffectsCollector&) = delete;
    EffectsCollector& operator=(const EffectsCollector&) = delete;

    const knd_effects* face() const { return &face_; }

    /// Why the first refused effect was refused, also when the backend did not care.
    const std::optional<Error>& refusal() const { return refusal_; }
    const Effects& effects() const { return effects_; }

  private:
    Result<void> add_netdev(const knd_netdev* netdev);
    Result<void> add_rdma_link(const char* name);
    Result<void> add_node(const knd_node* node);
    Result<void> add_mount(const knd_mount* mount);
    Result<void> add_env(const char* key, const char* value);
    Result<void> set_state(const void* data, std::uint64_t size);

    template <class Add>
    static knd_status answer(const knd_effects* face, Add add) noexcept;

    knd_effects face_{};
    const std::atomic<bool>& cancelled_;
    Effects effects_;
    std::optional<Error> refusal_;
};

}  // namespace knd::plugin
