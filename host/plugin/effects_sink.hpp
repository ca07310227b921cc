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

/// Used by one thread at a time. After `cancelled` is set every call answers CANCELLED, and only a
/// state is still taken: the prepare is going to be undone with it.
class EffectsCollector {
  public:
    static constexpr std::size_t kMaxOfEach = 64;
    static constexpr std::size_t kMaxState = 4096;
    static constexpr std::size_t kMaxEnvValue = 32768;
    static constexpr std::size_t kMaxMetadata = 32;
    static constexpr std::size_t kMaxMetadataText = 256;

    /// `domain` is put before names of attributes that have none. `cancelled` outlives this object.
    EffectsCollector(std::string domain, const std::atomic<bool>& cancelled);
    EffectsCollector(const EffectsCollector&) = delete;
    EffectsCollector& operator=(const EffectsCollector&) = delete;

    const knd_effects* face() const { return &face_; }

    /// Looks at the effects together. Call once, when the backend has come back.
    void finish();
    /// Why the first refused effect was refused, also when the backend did not care.
    const std::optional<Error>& refusal() const { return refusal_; }
    /// What was accepted; its state also where something else was refused.
    const Effects& effects() const { return effects_; }

  private:
    Result<void> add_netdev(const knd_netdev* theirs);
    Result<void> add_link(const knd_link* theirs);
    Result<void> add_rdma_link(const char* name);
    Result<void> add_node(const knd_node* theirs);
    Result<void> add_mount(const knd_mount* theirs);
    Result<void> add_env(const char* key, const char* value);
    Result<void> add_rlimit(const knd_rlimit* theirs);
    Result<void> add_rdma_limit(const knd_rdma_limit* theirs);
    Result<void> add_attribute(const char* name, const char* value);
    Result<void> set_network_data(const knd_network_data* theirs);
    Result<void> set_state(const void* data, std::uint64_t size);
    void fill_face();

    template <class Add>
    static knd_status answer(const knd_effects* face, Add add, bool always = false) noexcept;

    knd_effects face_{};
    const std::string domain_;
    const std::atomic<bool>& cancelled_;
    Effects effects_;
    std::optional<Error> refusal_;
};

}  // namespace knd::plugin
