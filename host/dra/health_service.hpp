// SPDX-License-Identifier: Apache-2.0
//
// DRAResourceHealth (KEP-4680): the kubelet opens a stream and is told of the health of devices,
// at once when it changes, and again before its patience is over. Templates over the API version,
// because v1 and v1alpha1 are the same messages under two names.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/model/device_health.hpp"
#include "host/proto/kubelet/dra_health_v1.grpc.pb.h"
#include "host/proto/kubelet/dra_health_v1alpha1.grpc.pb.h"

namespace knd::dra {

/// After this time without news the kubelet calls a device Unknown. What kubelets of 1.34 take,
/// whatever they are told.
inline constexpr std::chrono::seconds kHealthLease{30};
/// The kubelet cuts longer ones.
inline constexpr std::size_t kMaxHealthMessage = 1024;
/// A message with more would come near to the 4 MiB that the kubelet reads.
inline constexpr std::size_t kHealthsPerMessage = 2'000;
/// One kubelet has one; one that starts again may not have closed its last.
inline constexpr std::size_t kMaxHealthStreams = 16;

/// Shared by the streams that are sending it.
using HealthList = std::shared_ptr<const std::vector<DeviceHealth>>;

/// Hands the newest list to all streams. Threads: any.
class HealthHub {
  public:
    class Stream {
      public:
        virtual ~Stream() = default;
        /// Replaces what it has not begun to send.
        virtual void offer(HealthList list) = 0;
        virtual void close() = 0;
    };

    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
    }
    /// Ends all streams and refuses newcomers. Whether there were any.
    bool close() {
        const std::lock_guard lock(mutex_);
        open_ = false;
        for (auto* stream : streams_)
            stream->close();
        return !streams_.empty();
    }
    /// False: the driver is stopping, or there are too many.
    bool add(Stream* stream) {
        const std::lock_guard lock(mutex_);
        if (!open_ || streams_.size() == kMaxHealthStreams) return false;
        streams_.insert(stream);
        stream->offer(list_);
        return true;
    }
    void remove(Stream* stream) {
        const std::lock_guard lock(mutex_);
        streams_.erase(stream);
    }
    void publish(HealthList list) {
        const std::lock_guard lock(mutex_);
        list_ = std::move(list);
        for (auto* stream : streams_)
            stream->offer(list_);
    }
    /// The same again, for its time.
    void renew() {
        const std::lock_guard lock(mutex_);
        for (auto* stream : streams_)
            stream->offer(list_);
    }

  private:
    std::mutex mutex_;
    bool open_ = false;
    std::set<Stream*> streams_;
    HealthList list_ = std::make_shared<const std::vector<DeviceHealth>>();
};

struct HealthV1 {
    using Service = ::v1::DRAResourceHealth::CallbackService;
    using Request = ::v1::NodeWatchResourcesRequest;
    using Response = ::v1::NodeWatchResourcesResponse;
    using Status = ::v1::HealthStatus;
};

struct HealthV1alpha1 {
    using Service = ::v1alpha1::DRAResourceHealth::CallbackService;
    using Request = ::v1alpha1::NodeWatchResourcesRequest;
    using Response = ::v1alpha1::NodeWatchResourcesResponse;
    using Status = ::v1alpha1::HealthStatus;
};

/// At most kMaxHealthMessage bytes, cut between characters.
inline std::string health_message(std::string_view text) {
    if (text.size() <= kMaxHealthMessage) return std::string(text);
    auto end = kMaxHealthMessage - 3;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return std::string(text.substr(0, end)) + "...";
}

/// Up to kHealthsPerMessage of `list`, from `first` on.
template <class Api>
void fill_health(const std::vector<DeviceHealth>& list, std::size_t first,
                 typename Api::Response& response) {
    using Status = typename Api::Status;
    response.Clear();
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const auto end = std::min(list.size(), first + kHealthsPerMessage);
    for (auto i = first; i < end; ++i) {
        auto& device = *response.add_devices();
        device.mutable_device()->set_pool_name(list[i].pool);
        device.mutable_device()->set_device_name(list[i].device);
        device.set_health(list[i].health == Health::kHealthy     ? Status::HEALTHY
                          : list[i].health == Health::kUnhealthy ? Status::UNHEALTHY
                                                                 : Status::UNKNOWN);
        device.set_last_updated_time(now.count());
        device.set_health_check_timeout_seconds(kHealthLease.count());
        device.set_message(health_message(list[i].message));
    }
}

/// One watch. gRPC owns it until OnDone. One write is under way at a time; a client that reads
/// slowly gets the newest list, not all of them.
template <class Api>
class HealthStream final : public grpc::ServerWriteReactor<typename Api::Response>,
                           public HealthHub::Stream {
  public:
    explicit HealthStream(HealthHub& hub) : hub_(hub) {
        if (hub_.add(this)) return;
        closing_ = true;
        this->Finish(
            {grpc::StatusCode::UNAVAILABLE, "the driver is stopping, or serves too many watches"});
    }

    void offer(HealthList list) override {
        {
            const std::lock_guard lock(mutex_);
            next_ = std::move(list);
            if (closing_ || std::exchange(busy_, true)) return;
            prepare();
        }
        this->StartWrite(&response_);
    }

    void close() override {
        {
            const std::lock_guard lock(mutex_);
            if (std::exchange(closing_, true) || busy_) return;
        }
        end();
    }

    void OnCancel() override { close(); }

    void OnWriteDone(bool ok) override {
        bool write = false;
        {
            const std::lock_guard lock(mutex_);
            closing_ = closing_ || !ok;
            write = !closing_ && (next_ || sending_);
            if (write)
                prepare();
            else
                busy_ = false;
            if (!write && !closing_) return;
        }
        if (write) return this->StartWrite(&response_);
        end();
    }

    void OnDone() override {
        hub_.remove(this);
        delete this;
    }

  private:
    /// The next message. With mutex_.
    void prepare() {
        if (next_) {
            sending_ = std::exchange(next_, nullptr);
            first_ = 0;
        }
        fill_health<Api>(*sending_, first_, response_);
        first_ += kHealthsPerMessage;
        if (first_ >= sending_->size()) sending_.reset();
    }

    /// Called once: by who closes it when nothing is under way, or by the end of the last write.
    /// Without an error, which the kubelet would log.
    void end() { this->Finish(grpc::Status::OK); }

    HealthHub& hub_;
    std::mutex mutex_;
    HealthList next_;     ///< what was offered since
    HealthList sending_;  ///< whose rest is still to be sent
    std::size_t first_ = 0;
    bool busy_ = false;
    bool closing_ = false;
    typename Api::Response response_;  ///< gRPC's while busy_
};

template <class Api>
class HealthService final : public Api::Service {
  public:
    explicit HealthService(HealthHub& hub) : hub_(hub) {}

    grpc::ServerWriteReactor<typename Api::Response>* NodeWatchResources(
        grpc::CallbackServerContext*, const typename Api::Request*) override {
        return new HealthStream<Api>(hub_);
    }

  private:
    HealthHub& hub_;
};

}  // namespace knd::dra
