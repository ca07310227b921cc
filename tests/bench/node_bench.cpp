// SPDX-License-Identifier: Apache-2.0
//
// What kndd costs a node: start, hooks, attach, prepare, discovery, memory. Each figure is a median
// of several runs; what the kernel alone takes for the same work is measured in the same run.
//   knd_node_bench [--rounds N] [--kndd PATH]
// Root, release build, an otherwise idle machine. Never part of a verdict.
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "host/kube/client.hpp"
#include "sdk/support/netns.hpp"
#include "tests/host/node/own_namespaces.hpp"
#include "tests/host/node/test_node.hpp"

namespace knd::testing {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

double ms_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// Stops the program: a benchmark that measures a failure measures nothing.
template <class T>
T must(Result<T> result, const char* what) {
    if (!result) {
        std::fprintf(stderr, "%s: %s\n", what, result.error().message().c_str());
        std::exit(1);
    }
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

struct Samples {
    std::vector<double> values;
    void add(double value) { values.push_back(value); }
    double quantile(double q) {
        std::sort(values.begin(), values.end());
        const auto at = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size())));
        return values[std::clamp<std::size_t>(at, 1, values.size()) - 1];
    }
    void print(const char* name, const char* unit = "ms") {
        std::printf("%-52s p50 %9.3f  p99 %9.3f  max %9.3f %s  n=%zu\n", name, quantile(0.5),
                    quantile(0.99), quantile(1), unit, values.size());
    }
};

double memory_mib(pid_t pid, const std::string& key) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(key)) return std::stod(line.substr(key.size())) / 1024;
    }
    return 0;
}

TestNic numbered(int number) {
    TestNic nic;
    char mac[32];
    std::snprintf(mac, sizeof mac, "02:00:00:00:%02x:%02x", number / 256, number % 256);
    nic.name = "nic" + std::to_string(number);
    nic.mac = mac;
    nic.address =
        "10.200." + std::to_string(number / 250) + "." + std::to_string(number % 250 + 1) + "/32";
    return nic;
}

NodeOptions two_backends(const std::string& kndd) {
    NodeOptions options;
    options.binary = kndd;
    options.backends += "[[backend]]\nname = \"dummy\"\nlibrary = \"knd-dummy.so\"\n";
    options.extra = "";
    return options;
}

/// Interfaces with their far ends in one namespace; all go when it goes.
class Nics {
  public:
    explicit Nics(int count) : count_(count), peer_(must(netns::create(), "make a namespace")) {
        for (int i = 0; i < count; ++i) {
            must(make_nic(numbered(i), peer_.get(), "10.250.0.1/32"), "make a NIC");
        }
    }
    /// One by one: a namespace that dies takes its time.
    ~Nics() {
        auto netlink = must(Netlink::open(), "open netlink");
        for (int i = 0; i < count_; ++i) {
            const auto link = netlink.link(numbered(i).name);
            if (link) must(netlink.delete_link(link->ifindex), "delete a NIC");
        }
    }
    Nics(const Nics&) = delete;
    Nics& operator=(const Nics&) = delete;

  private:
    int count_;
    Fd peer_;
};

void bench_start(const std::string& kndd, int devices, int rounds) {
    const Nics nics(devices);
    Samples registered, published;
    double rss = 0, anonymous = 0;
    for (int i = 0; i < rounds; ++i) {
        TestNode node(two_backends(kndd));
        const auto begin = Clock::now();
        must(node.start_daemon(), "start kndd");
        const auto socket = node.directory() / "reg" / "dra.net-reg.sock";
        double at_registered = 0, at_published = 0;
        while (at_registered == 0 || at_published == 0) {
            if (at_registered == 0 && std::filesystem::exists(socket)) {
                at_registered = ms_since(begin);
            }
            if (at_published == 0 && node.published().size() == static_cast<std::size_t>(devices)) {
                at_published = ms_since(begin);
            }
            if (ms_since(begin) > 20000) {
                std::fprintf(stderr, "kndd never came up\n%s\n", node.daemon_log().c_str());
                std::exit(1);
            }
            std::this_thread::sleep_for(200us);
        }
        registered.add(at_registered);
        published.add(at_published);
        std::this_thread::sleep_for(300ms);
        rss = memory_mib(node.daemon_pid(), "VmRSS:");
        anonymous = memory_mib(node.daemon_pid(), "RssAnon:");
        node.kill_daemon(15);
    }
    std::printf("-- %d devices\n", devices);
    registered.print("exec to registration socket");
    published.print("exec to all devices published");
    constexpr double kMbPerMib = 1.048576;
    std::printf("%-52s %.1f MB = %.1f MiB, of it anonymous %.1f MiB\n", "RSS idle, 2 backends",
                rss * kMbPerMib, rss, anonymous);
}

/// The kernel takes a namespace apart beside us, under the same lock as a move.
void settle() {
    std::this_thread::sleep_for(200ms);
}

/// The same work by netlink alone: move, name, address, up; and back.
void bench_floor(int rounds, Samples& in, Samples& out) {
    const Nics nics(1);
    auto here = must(Netlink::open(), "open netlink");
    const auto home = must(netns::open_own(), "open the namespace");
    for (int i = 0; i < rounds; ++i) {
        settle();
        const auto pod = must(netns::create(), "make a namespace");
        auto there = must(netns::open_netlink(pod.get()), "open netlink");
        const auto link = must(here.link("nic0"), "find nic0");
        auto begin = Clock::now();
        must(here.change_link(link.ifindex, {.name = "nic0", .netns_fd = pod.get()}), "move");
        const auto moved = must(there.link("nic0"), "find nic0");
        AddressInfo address;
        address.ifindex = moved.ifindex;
        address.address = "10.200.0.1";
        address.prefix_length = 32;
        must(there.add_address(address), "add the address");
        must(there.set_up(moved.ifindex), "set it up");
        in.add(ms_since(begin));
        begin = Clock::now();
        must(there.change_link(moved.ifindex, {.name = "nic0", .netns_fd = home.get()}),
             "move back");
        const auto back = must(here.link("nic0"), "find nic0");
        address.ifindex = back.ifindex;
        must(here.add_address(address), "add the address");
        must(here.set_up(back.ifindex), "set it up");
        out.add(ms_since(begin));
    }
}

/// What a prepare cannot do without: the claim from the API server, and a flush.
class PrepareFloor {
  public:
    explicit PrepareFloor(const TestNode& node)
        : file_(::open((node.directory() / "floor").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)),
          client_(must(kube::Client::open(
                           io_,
                           must(kube::Config::from_kubeconfig(node.directory() / "kubeconfig"),
                                "read the kubeconfig"),
                           {}),
                       "open a client")) {}

    void get(const ClaimRef& claim) {
        std::optional<Result<Json>> answer;
        client_->get(kube::Resource{"resource.k8s.io/v1", "resourceclaims", claim.ns}, claim.name,
                     [&](Result<Json> got) { answer = std::move(got); });
        while (!answer)
            io_.run_one();
        must(*std::move(answer), "get the claim");
    }

    /// As much as the journal writes for one record, in a file that does not grow, as its log.
    void flush() {
        write(flushes_++ % kPlaces);
        if (::fdatasync(file_.get()) != 0) must<void>(Error::from_errno("flush", errno), "");
    }

    /// Connects, and gives the file its length.
    void warm_up(const ClaimRef& claim) {
        get(claim);
        for (int i = 0; i < kPlaces; ++i)
            write(i);
        flush();
    }

  private:
    static constexpr int kPlaces = 300;

    void write(int place) {
        static constexpr char kPages[3 * 4096] = {};
        const auto offset = static_cast<off_t>(sizeof kPages) * place;
        if (::pwrite(file_.get(), kPages, sizeof kPages, offset) != std::ssize(kPages))
            must<void>(Error::from_errno("write", errno), "");
    }

    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
        boost::asio::make_work_guard(io_);
    Fd file_;
    std::unique_ptr<kube::Client> client_;
    int flushes_ = 0;
};

/// NodePrepareResources, and what it is made of, each by itself.
struct PrepareSamples {
    Samples prepare, call, get, flush, unprepare;
    std::int64_t flushes = 0;
};

struct PodSamples {
    Samples run, attach, stop, detach;
};

std::int64_t flushes(const TestNode& node) {
    return json_int(json_at(must(node.control("/journal"), "journal"), "journal"), "flushes");
}

template <class Step>
double timed(Step step) {
    const auto begin = Clock::now();
    step();
    return ms_since(begin);
}

/// One after the other, `pause` before each measurement.
template <class Pause>
void bench_prepares(TestNode& node, PrepareFloor& floor, const ClaimRef& claim, int rounds,
                    Pause pause, PrepareSamples& samples) {
    for (int i = 0; i < rounds; ++i) {
        const auto flushed = flushes(node);
        pause();
        samples.prepare.add(timed([&] { must(node.prepare(claim), "prepare"); }));
        samples.flushes += flushes(node) - flushed;
        pause();
        samples.unprepare.add(timed([&] { must(node.unprepare(claim), "unprepare"); }));
        pause();
        samples.call.add(timed([&] { must(node.unprepare(claim), "unprepare nothing"); }));
        pause();
        samples.get.add(timed([&] { floor.get(claim); }));
        pause();
        samples.flush.add(timed([&] { floor.flush(); }));
    }
}

void print_prepares(const char* when, PrepareSamples& samples) {
    std::printf("-- prepare %s\n", when);
    samples.prepare.print("NodePrepareResources, as the kubelet sees it");
    samples.call.print("  alone: a gRPC call that has nothing to do");
    samples.get.print("  alone: the same claim from the API server, TLS");
    samples.flush.print("  alone: 12 KiB written and flushed");
    samples.unprepare.print("NodeUnprepareResources");
    std::printf(
        "%-52s %.2f\n", "journal flushes per prepare",
        static_cast<double>(samples.flushes) / static_cast<double>(samples.prepare.values.size()));
}

bool link_ready(const TestPod& pod) {
    auto netlink = netns::open_netlink(pod.fd());
    if (!netlink) return false;
    const auto link = netlink->link("nic0");
    return link.ok() && link->up();
}

void one_pod(TestNode& node, int number, PodSamples& samples) {
    settle();
    TestPod pod(node, "p" + std::to_string(number));
    const auto claim =
        must(node.make_claim("c" + std::to_string(number), {"nic0"}, pod.sandbox().uid), "claim");
    must(node.prepare(claim), "prepare");
    auto begin = Clock::now();
    must(node.run_pod(pod.sandbox()), "run");
    samples.run.add(ms_since(begin));
    const auto marker = node.directory() / "run/gate" / pod.sandbox().id / claim.uid;
    while (!std::filesystem::exists(marker))
        std::this_thread::sleep_for(100us);
    samples.attach.add(ms_since(begin));
    if (!link_ready(pod)) {
        std::fprintf(stderr, "marker without a device\n");
        std::exit(1);
    }
    begin = Clock::now();
    node.stop_pod(pod.sandbox());
    samples.stop.add(ms_since(begin));
    while (!describe_interface("nic0").ok())
        std::this_thread::sleep_for(100us);
    samples.detach.add(ms_since(begin));
    must(node.unprepare(claim), "unprepare");
}

void bench_pods(const std::string& kndd, int rounds) {
    Samples floor_in, floor_out;
    bench_floor(rounds / 2, floor_in, floor_out);
    PodSamples pods;
    PrepareSamples busy, idle;
    double life = 0;
    {
        const Nics nics(1);
        TestNode node(two_backends(kndd));
        must(node.start_daemon(), "start kndd");
        must(node.wait_ready(), "wait for kndd");
        if (!eventually([&] { return node.published().size() == 1; })) {
            std::fprintf(stderr, "nic0 is not offered\n%s\n", node.daemon_log().c_str());
            std::exit(1);
        }
        for (int i = 0; i < rounds; ++i)
            one_pod(node, i, pods);
        settle();
        life = static_cast<double>(flushes(node)) / rounds;
        PrepareFloor floor(node);
        const auto claim = must(node.make_claim("again", {"nic0"}, "pod"), "claim");
        floor.warm_up(claim);
        bench_prepares(
            node, floor, claim, rounds, [] {}, busy);
        bench_prepares(node, floor, claim, rounds, settle, idle);
    }
    bench_floor(rounds / 2, floor_in, floor_out);
    print_prepares("back to back", busy);
    print_prepares("after 200 ms of nothing", idle);
    std::printf("-- %d pods with one NIC with one address, one after the other\n", rounds);
    std::printf("%-52s %.2f\n", "journal flushes per life of a pod", life);
    pods.run.print("RunPodSandbox hook, as the runtime sees it");
    pods.attach.print("RunPodSandbox until the gate opens");
    floor_in.print("  the kernel alone: move, address, up");
    std::printf("%-52s %.2f\n", "  ratio of the medians",
                pods.attach.quantile(0.5) / floor_in.quantile(0.5));
    pods.stop.print("StopPodSandbox hook");
    pods.detach.print("StopPodSandbox until the device is home");
    floor_out.print("  the kernel alone: move, address, up");
}

int run(const std::string& kndd, int rounds, bool pods_only) {
    utsname system{};
    ::uname(&system);
    std::printf("kndd %s, kernel %s, %ld processors\n", KND_VERSION, system.release,
                ::sysconf(_SC_NPROCESSORS_ONLN));
    if (!pods_only) {
        bench_start(kndd, 1, 10);
        bench_start(kndd, 64, 10);
        bench_start(kndd, 1000, 3);
    }
    bench_pods(kndd, rounds);
    return 0;
}

}  // namespace
}  // namespace knd::testing

int main(int argc, char** argv) {
    int rounds = 200;
    CLI::App app{"What kndd costs a node"};
    app.add_option("--rounds", rounds, "pods to run")->capture_default_str();
    bool pods_only = false;
    app.add_flag("--pods-only", pods_only, "leave out the starts");
    std::string kndd = "kndd";
    app.add_option("--kndd", kndd, "absolute path of another build, to compare two");
    CLI11_PARSE(app, argc, argv);
    if (!knd::testing::enter_own_namespaces()) {
        std::perror("needs root, for namespaces of its own");
        return 1;
    }
    return knd::testing::run(kndd, rounds, pods_only);
}
