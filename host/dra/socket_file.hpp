// SPDX-License-Identifier: Apache-2.0
//
// SocketFile: the name of a unix socket. The socket is bound under
// a hidden name and shown, by rename, when it listens: the kubelet ignores hidden names and
// connects at once to others. The file goes away with its owner and is never taken from a living
// process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::dra {

class SocketFile {
  public:
    /// Makes the directory if it is missing, removes what a dead predecessor left at either name,
    /// and refuses when a living process listens there or the path is too long for the kernel.
    static Result<SocketFile> claim(const std::filesystem::path& path);

    SocketFile(SocketFile&& other) noexcept;
    SocketFile& operator=(SocketFile&&) = delete;
    ~SocketFile();

    const std::string& hidden() const { return hidden_; }
    const std::string& path() const { return path_; }
    /// The socket, under the hidden name.
    Result<Fd> listen();
    /// After listen(): mode 0600, then the final name.
    Result<> show();
    /// The same socket under a new directory entry, so that watchers see it created again.
    Result<> show_again();
    /// Whether the final name is there and ours: the directory may have been emptied meanwhile.
    bool in_place() const;
    void remove();

  private:
    SocketFile(std::string path, std::string hidden);
    std::string path_;
    std::string hidden_;
    bool shown_ = false;
    /// Of the socket: under the same name there may be another process's by now.
    std::uint64_t inode_ = 0;
};

}  // namespace knd::dra
