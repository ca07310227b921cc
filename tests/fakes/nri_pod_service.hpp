// SPDX-License-Identifier: Apache-2.0
//
// A PodService that remembers what it was told and answers as it is set: at once, with an error, or
// only when the test says so.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/model/services.hpp"

namespace knd::fakes {

class NriPodService : public PodService {
  public:
    std::vector<std::string> calls;  ///< "run default/a", "create default/a/main", ...
    std::vector<PodSandbox> pods;    ///< of the last synchronize
    std::vector<Container> containers;
    std::optional<PodSandbox> last_pod;
    std::optional<Container> last_container;
    ContainerEdits edits;       ///< for create_container
    std::optional<Error> fail;  ///< what everything answers with
    bool hold = false;          ///< answer only at release()
    RuntimeInfo runtime;        ///< of the last connection

    void runtime_connected(const RuntimeInfo& info) override { runtime = info; }

    void release() {
        for (auto& answer : std::exchange(held_, {}))
            answer();
    }
    std::size_t held() const { return held_.size(); }

    void synchronize(std::vector<PodSandbox> all_pods, std::vector<Container> all_containers,
                     Done<> done) override {
        pods = std::move(all_pods);
        containers = std::move(all_containers);
        calls.push_back("synchronize");
        answer(std::move(done));
    }
    void run_pod_sandbox(PodSandbox pod, Done<> done) override {
        pod_call("run ", std::move(pod), std::move(done));
    }
    void stop_pod_sandbox(PodSandbox pod, Done<> done) override {
        pod_call("stop ", std::move(pod), std::move(done));
    }
    void remove_pod_sandbox(PodSandbox pod, Done<> done) override {
        pod_call("remove ", std::move(pod), std::move(done));
    }
    void create_container(PodSandbox pod, Container container, Done<ContainerEdits> done) override {
        calls.push_back("create " + pod.text() + "/" + container.name);
        last_pod = std::move(pod);
        last_container = std::move(container);
        auto reply = [this, done = std::move(done)] {
            if (fail) return done(*fail);
            done(edits);
        };
        if (hold) return held_.push_back(std::move(reply));
        reply();
    }

  private:
    void pod_call(const char* verb, PodSandbox pod, Done<> done) {
        calls.push_back(verb + pod.text());
        last_pod = std::move(pod);
        answer(std::move(done));
    }
    void answer(Done<> done) {
        auto reply = [this, done = std::move(done)] {
            if (fail) return done(*fail);
            done({});
        };
        if (hold) return held_.push_back(std::move(reply));
        reply();
    }

    std::vector<std::function<void()>> held_;
};

}  // namespace knd::fakes
