// SPDX-License-Identifier: Apache-2.0
//
// The host side of a TestNode: directories, interfaces, pods' namespaces, and the gate.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "sdk/support/netns.hpp"
#include "tests/host/node/test_node.hpp"

namespace knd::testing {

namespace fs = std::filesystem;

ShortDirectory::ShortDirectory() {
    std::string name = "/tmp/kndXXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
}

ShortDirectory::~ShortDirectory() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

Result<void> make_nic(const TestNic& nic, int peer_netns, const std::string& peer_address) {
    KND_TRY_ASSIGN(auto here, Netlink::open());
    NewLink link;
    link.kind = "veth";
    link.name = nic.name;
    link.mac = nic.mac;
    link.mtu = nic.mtu;
    link.peer_name = nic.name + "p";
    link.peer_netns_fd = peer_netns;
    KND_TRY(here.create_link(link));
    KND_TRY_ASSIGN(auto there, netns::open_netlink(peer_netns));
    const auto configure = [](Netlink& where, const std::string& name,
                              const std::string& text) -> Result<void> {
        KND_TRY_ASSIGN(const auto found, where.link(name));
        KND_TRY_ASSIGN(const auto cidr, parse_cidr(text));
        AddressInfo address;
        address.ifindex = found.ifindex;
        address.address = cidr.address;
        address.prefix_length = cidr.prefix_length;
        KND_TRY(where.add_address(address));
        return where.set_up(found.ifindex);
    };
    KND_TRY(configure(there, nic.name + "p", peer_address));
    return configure(here, nic.name, nic.address);
}

Result<std::string> describe_interface(const std::string& name) {
    KND_TRY_ASSIGN(auto netlink, Netlink::open());
    KND_TRY_ASSIGN(const auto link, netlink.link(name));
    std::string text = link.name + " " + link.mac + " mtu " + std::to_string(link.mtu) +
                       (link.up() ? " up" : " down") + " alias '" + link.alias + "'";
    auto altnames = link.altnames;
    std::sort(altnames.begin(), altnames.end());
    for (const auto& altname : altnames)
        text += " altname " + altname;
    KND_TRY_ASSIGN(const auto addresses, netlink.addresses(link.ifindex));
    std::vector<std::string> lines;
    for (const auto& address : addresses)
        lines.push_back("address " + address.cidr());
    KND_TRY_ASSIGN(const auto routes, netlink.routes(link.ifindex));
    for (const auto& route : routes) {
        if (route.table == 254) lines.push_back("route " + route.text());
    }
    std::sort(lines.begin(), lines.end());
    for (const auto& line : lines)
        text += "\n" + line;
    return text;
}

TestPod::TestPod(const TestNode& node, const std::string& name) {
    sandbox_.id = "sandbox-" + name;
    sandbox_.uid = "uid-" + name;
    sandbox_.ns = "default";
    sandbox_.name = name;
    sandbox_.netns = node.directory() / ("netns-" + name);
    if (auto made = netns::create(); made) {
        fd_ = *std::move(made);
        (void)netns::pin(fd_.get(), sandbox_.netns);
    }
}

TestPod::~TestPod() {
    remove_netns();
}

void TestPod::remove_netns() {
    (void)netns::unpin(sandbox_.netns);
    fd_.reset();
}

Result<std::vector<LinkInfo>> TestPod::links() const {
    KND_TRY_ASSIGN(auto netlink, netns::open_netlink(fd_.get()));
    return netlink.links();
}

GateResult run_gate(const Hook& hook, const PodSandbox& pod) {
    int input[2], errors[2];
    if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(errors, O_CLOEXEC) != 0) return {-1, "pipe", {}};
    local::SpawnOptions options;
    options.argv = hook.args;
    options.program = hook.path;
    options.env = hook.env;
    options.input = Fd(input[0]);
    options.errors = Fd(errors[1]);
    const auto begin = std::chrono::steady_clock::now();
    const auto child = local::spawn(options);
    options.input.reset();
    options.errors.reset();
    Fd to(input[1]), from(errors[0]);
    if (!child) return {-1, child.error().message(), {}};
    const Json state = {
        {"ociVersion", "1.0.2"}, {"id", "container"},
        {"status", "creating"},  {"pid", ::getpid()},
        {"bundle", "/"},         {"annotations", {{"io.kubernetes.cri.sandbox-id", pod.id}}}};
    const auto text = to_text(state);
    (void)!::write(to.get(), text.data(), text.size());
    to.reset();
    GateResult result;
    char buffer[4096];
    for (ssize_t n; (n = ::read(from.get(), buffer, sizeof buffer)) > 0;) {
        result.message.append(buffer, static_cast<std::size_t>(n));
    }
    int status = 0;
    ::waitpid(child->id.pid, &status, 0);
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begin);
    return result;
}

}  // namespace knd::testing
