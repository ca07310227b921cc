// SPDX-License-Identifier: Apache-2.0
//
// knd-local's API server alone, for tests that need no scheduler and no kubelet. Serves on
// 127.0.0.1, keeps everything in the directory given, and prints one line when it is ready:
//   knd_local_api_only DIRECTORY
//   -> https://127.0.0.1:PORT DIRECTORY/kubeconfig
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>

#include "host/model/log.hpp"
#include "tools/local/api/server.hpp"

namespace {

knd::Result<> run(const std::filesystem::path& directory) {
    boost::asio::io_context io;
    std::error_code ignored;
    std::filesystem::create_directories(directory, ignored);
    KND_TRY_ASSIGN(const auto store, knd::api::Store::open(io, directory / "objects.db"));
    KND_TRY_ASSIGN(const auto server, knd::api::Server::create(io, *store, {directory, {}}));
    KND_TRY_ASSIGN(const auto port, server->listen("127.0.0.1", 0));
    const auto url = "https://127.0.0.1:" + std::to_string(port);
    KND_TRY(server->write_kubeconfig(directory / "kubeconfig", url));
    std::printf("%s %s\n", url.c_str(), (directory / "kubeconfig").c_str());
    std::fflush(stdout);
    boost::asio::signal_set signals(io, SIGINT, SIGTERM);
    signals.async_wait([&](boost::system::error_code, int) { io.stop(); });
    io.run();
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: knd_local_api_only DIRECTORY\n");
        return 2;
    }
    const auto result = run(argv[1]);
    if (result.ok()) return 0;
    knd::log::error("knd_local_api_only", {{"error", result.error().message()}});
    return 1;
}
