// SPDX-License-Identifier: Apache-2.0
//
// The kubelet's client of one DRA driver instance: pluginregistration and DRAPlugin over unix
// sockets, asynchronous, answers on the io_context's thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "host/model/services.hpp"

namespace knd::local {

/// Carries out calls and connection watches for all plugins of a node with one thread of its own;
/// what comes back is posted to the io_context. Must outlive the plugins.
class GrpcLoop {
  public:
    explicit GrpcLoop(boost::asio::io_context& io);
    /// Cancels the calls under way; their callbacks do not run any more.
    ~GrpcLoop();
    GrpcLoop(const GrpcLoop&) = delete;
    GrpcLoop& operator=(const GrpcLoop&) = delete;

    /// A tag for one operation on queue(): `done` runs on the io_context's thread afterwards.
    void* tag(std::function<void()> done);
    grpc::CompletionQueue* queue() { return &queue_; }

    /// Calls that the destructor has to cancel. On the io_context's thread.
    void started(grpc::ClientContext* context) { calls_.insert(context); }
    void ended(grpc::ClientContext* context) { calls_.erase(context); }

  private:
    boost::asio::io_context& io_;
    grpc::CompletionQueue queue_;
    std::set<grpc::ClientContext*> calls_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with what is posted
    std::thread thread_;
};

/// What a plugin says about itself (PluginInfo).
struct PluginInfo {
    std::string type;
    std::string name;
    std::string endpoint;
    std::vector<std::string> versions;
};

/// Asks the plugin behind a registration socket who it is. Deadline 1 s, as the kubelet's.
void get_plugin_info(GrpcLoop& loop, const std::string& socket, Done<PluginInfo> done);
/// Tells it how its registration went; an empty `error` means well. Deadline 5 s.
void notify_registration(GrpcLoop& loop, const std::string& socket, const std::string& error,
                         Done<> done);

/// One driver's answer for one claim.
struct ClaimAnswer {
    std::vector<PreparedDevice> devices;
    std::string error;
};
using ClaimAnswers = std::map<std::string, ClaimAnswer>;  ///< by claim uid

class DraPlugin {
  public:
    /// `api` is the gRPC package that both sides speak: "v1" or "v1beta1".
    DraPlugin(GrpcLoop& loop, PluginInfo info, std::string api,
              std::function<void()> connection_changed);
    ~DraPlugin();
    DraPlugin(const DraPlugin&) = delete;
    DraPlugin& operator=(const DraPlugin&) = delete;

    const PluginInfo& info() const { return info_; }
    const std::string& api() const { return api_; }
    bool connected() const { return connected_; }

    /// Deadline 45 s. The error is of the whole call, in the form of Go's gRPC.
    void prepare(const std::vector<ClaimRef>& claims, Done<ClaimAnswers> done);
    void unprepare(const std::vector<ClaimRef>& claims, Done<ClaimAnswers> done);

  private:
    void watch();

    GrpcLoop& loop_;
    PluginInfo info_;
    std::string api_;
    std::function<void()> connection_changed_;
    std::shared_ptr<grpc::Channel> channel_;  // shared by gRPC's own calls
    bool connected_ = true;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with callbacks
};

}  // namespace knd::local
