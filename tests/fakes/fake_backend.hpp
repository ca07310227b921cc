// SPDX-License-Identifier: Apache-2.0
//
// FakeBackend: prepares devices in a FakeHardware that outlives it, answers later as the real one
// does, and fails on demand. FakeDevices is the inventory over a set of them.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/claims/ports.hpp"
#include "host/plugin/backend.hpp"

namespace knd::fake {

/// What hardware remembers when nobody runs.
struct FakeHardware {
    std::map<BindingKey, std::string> prepared;  ///< binding -> the instance that prepared it
    std::set<BindingKey> attached;
    /// Of the interface that is called like the device.
    std::function<int(const std::string& device)> ifindex_of = [](const std::string&) { return 9; };
};

class FakeBackend final : public Backend {
  public:
    FakeBackend(std::string name, FakeHardware& hardware, boost::asio::any_io_executor home)
        : name_(std::move(name)), hardware_(hardware), home_(std::move(home)) {}

    /// What a device is, besides its netdev of the same name.
    std::map<std::string, Effects> effects;
    /// Asked before each call: "prepare", "unprepare", "attach", "detach", "reconcile".
    std::function<std::optional<Error>(std::string_view call, const std::string& device)> fault =
        [](std::string_view, const std::string&) { return std::nullopt; };
    /// Configuration keys that it knows.
    std::set<std::string> known_keys;
    std::vector<std::string> calls;  ///< "prepare dra0"

    const std::string& name() const override { return name_; }
    BackendInfo info() const override {
        BackendInfo info;
        info.name = name_;
        info.state = BackendState::kRunning;
        return info;
    }
    void start(Done<> done) override { answer(std::move(done), Result<void>{}); }
    void stop(Done<> done) override { answer(std::move(done), Result<void>{}); }
    void list(Done<DeviceListing> done) override {
        answer(std::move(done), Result<DeviceListing>(DeviceListing{}));
    }

    void prepare(PrepareRequest request, Deadline, Done<Effects> done) override {
        call("prepare", request.binding.key.device);
        last_request = request;
        boost::asio::post(home_, [this, request = std::move(request), done = std::move(done)] {
            done(prepare_now(request));
        });
    }
    void unprepare(Binding binding, Deadline, Done<> done) override {
        call("unprepare", binding.key.device);
        unprepared_with = binding.state;
        boost::asio::post(home_, [this, key = binding.key, done = std::move(done)] {
            if (auto error = fault("unprepare", key.device)) return done(*std::move(error));
            hardware_.prepared.erase(key);
            done({});
        });
    }
    void attach(Attachment attachment, Deadline, Done<> done) override {
        call("attach", attachment.binding.key.device);
        attach_netns = attachment.netns_fd;
        auto error = fault("attach", attachment.binding.key.device);
        if (!error) hardware_.attached.insert(attachment.binding.key);
        answer(std::move(done), error ? Result<void>(*std::move(error)) : Result<void>{});
    }
    void detach(Attachment attachment, Deadline, Done<> done) override {
        call("detach", attachment.binding.key.device);
        auto error = fault("detach", attachment.binding.key.device);
        if (!error) hardware_.attached.erase(attachment.binding.key);
        answer(std::move(done), error ? Result<void>(*std::move(error)) : Result<void>{});
    }
    void reconcile(std::vector<Binding> live, Deadline, Done<std::vector<Lost>> done) override {
        calls.push_back("reconcile " + std::to_string(live.size()));
        std::erase_if(hardware_.prepared, [&](const auto& item) {
            for (const auto& binding : live)
                if (binding.key == item.first) return false;
            return item.second == name_;
        });
        if (auto error = fault("reconcile", ""))
            return answer(std::move(done), Result<std::vector<Lost>>(*std::move(error)));
        answer(std::move(done), Result<std::vector<Lost>>(lost));
    }
    const std::optional<std::map<std::string, HealthReport>>& health() const override {
        return reports;
    }

    std::vector<Lost> lost;  ///< what the next reconcile does not find
    std::optional<std::map<std::string, HealthReport>> reports;  ///< none: it does not tell
    std::optional<PrepareRequest> last_request;
    std::string unprepared_with;  ///< the state that the last unprepare got
    int attach_netns = -2;        ///< what the last attach got

    int count(const std::string& call) const {
        int found = 0;
        for (const auto& made : calls)
            found += made == call ? 1 : 0;
        return found;
    }

  private:
    void call(std::string_view what, const std::string& device) {
        calls.push_back(std::string(what) + " " + device);
    }
    template <class T>
    void answer(Done<T> done, Result<T> result) {
        boost::asio::post(home_,
                          [done = std::move(done), result = std::move(result)] { done(result); });
    }
    Result<Effects> prepare_now(const PrepareRequest& request) {
        const auto& device = request.binding.key.device;
        if (auto error = fault("prepare", device)) return *std::move(error);
        for (const auto& [key, value] : request.config.items())
            if (!known_keys.contains(key))
                return Error(Code::kInvalidArgument, "unknown key `" + key + "`");
        Effects result;
        result.netdevs = {{hardware_.ifindex_of(device), device, "", ""}};
        if (const auto found = effects.find(device); found != effects.end()) result = found->second;
        result.state = "state of " + device;
        hardware_.prepared[request.binding.key] = name_;
        return result;
    }

    std::string name_;
    FakeHardware& hardware_;
    boost::asio::any_io_executor home_;
};

class FakeDevices final : public DeviceTable {
  public:
    std::map<std::string, Backend*> instances;
    std::map<std::pair<std::string, std::string>, Device> devices;  ///< (pool, name)

    void add(const std::string& name, const std::string& backend) {
        Device device;
        device.name = name;
        device.backend = backend;
        device.hardware_key = "net:" + name;
        device.netdev = name;
        devices[{"node", name}] = device;
    }
    Result<Found> find(std::string_view pool, std::string_view device) const override {
        const auto found = devices.find({std::string(pool), std::string(device)});
        if (found == devices.end())
            return Error(Code::kNotFound, "pool node has no such device on this node");
        return Found{found->second, instances.at(found->second.backend)};
    }
    std::map<std::string, std::string> uplinks;  ///< interface -> why the host needs it
    Result<void> may_leave(const Device& device) const override {
        const auto found = uplinks.find(device.netdev);
        if (found == uplinks.end()) return {};
        return Error(Code::kFailedPrecondition, found->second);
    }
    Result<void> may_take(const Device& device, std::string_view interface) const override {
        if (const auto found = uplinks.find(std::string(interface)); found != uplinks.end())
            return Error(Code::kFailedPrecondition, found->second);
        for (const auto& [key, other] : devices)
            if (other.netdev == interface && other.name != device.name)
                return Error(Code::kFailedPrecondition, "interface " + std::string(interface) +
                                                            " is device " + other.name +
                                                            " of backend " + other.backend);
        return {};
    }
    std::vector<std::string> wholes_of(const Device& device) const override {
        std::vector<std::string> wholes;
        for (auto key = device.parent_key; !key.empty();) {
            wholes.push_back(key);
            key.clear();
            for (const auto& [name, other] : devices)
                if (other.hardware_key == wholes.back()) key = other.parent_key;
        }
        return wholes;
    }
    Backend* backend(std::string_view instance) const override {
        const auto found = instances.find(std::string(instance));
        return found == instances.end() ? nullptr : found->second;
    }
    std::vector<Backend*> backends() const override {
        std::vector<Backend*> all;
        for (const auto& [name, backend] : instances)
            all.push_back(backend);
        return all;
    }
};

}  // namespace knd::fake
