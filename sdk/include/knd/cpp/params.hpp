// SPDX-License-Identifier: Apache-2.0
//
// Params: the configuration that the host hands to a backend, with types checked. An absent key
// gives the fallback; a key of another type is an error that names it. Read every key that you
// support, also when you will not use it: the host reports the others as unknown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <knd/cpp/abi.hpp>

namespace knd {

class Params {
  public:
    /// `params` outlives this object; null: of a host that has none, all keys are absent. `prefix`
    /// is put before each key.
    explicit Params(const knd_params* params, std::string prefix = {})
        : params_(params), prefix_(std::move(prefix)) {}

    Result<std::string> string(std::string_view key, const std::string& fallback = {}) const {
        const char* value = fallback.c_str();
        KND_TRY(read(key, [&](const char* path, knd_error* err) {
            return params_->string(params_, path, fallback.c_str(), &value, err);
        }));
        return std::string(value != nullptr ? value : "");
    }

    Result<std::int64_t> integer(std::string_view key, std::int64_t fallback = 0) const {
        std::int64_t value = fallback;
        KND_TRY(read(key, [&](const char* path, knd_error* err) {
            return params_->integer(params_, path, fallback, &value, err);
        }));
        return value;
    }

    /// An integer that must lie in [low, high]; the fallback is not checked against them.
    Result<std::int64_t> integer_in(std::string_view key, std::int64_t fallback, std::int64_t low,
                                    std::int64_t high) const {
        KND_TRY_ASSIGN(const auto value, integer(key, fallback));
        if (value != fallback && (value < low || value > high)) {
            return Error(Code::kInvalidArgument,
                         "`" + path_of(key) + "` is " + std::to_string(value) + ", must be " +
                             std::to_string(low) + " to " + std::to_string(high));
        }
        return value;
    }

    Result<bool> boolean(std::string_view key, bool fallback = false) const {
        bool value = fallback;
        KND_TRY(read(key, [&](const char* path, knd_error* err) {
            return params_->boolean(params_, path, fallback, &value, err);
        }));
        return value;
    }

    /// Number of elements of a list, 0 when the key is absent.
    Result<std::size_t> length(std::string_view key) const {
        std::int64_t value = 0;
        KND_TRY(read(key, [&](const char* path, knd_error* err) {
            return params_->length(params_, path, &value, err);
        }));
        return static_cast<std::size_t>(value);
    }

    /// A list of strings; empty when the key is absent.
    Result<std::vector<std::string>> strings(std::string_view key) const {
        KND_TRY_ASSIGN(const auto count, length(key));
        std::vector<std::string> values;
        for (std::size_t i = 0; i < count; ++i) {
            KND_TRY_ASSIGN(auto value, string(element(key, i)));
            values.push_back(std::move(value));
        }
        return values;
    }

    /// The tables of a list:
    ///   KND_TRY_ASSIGN(const auto vfs, config.tables("vf"));
    ///   for (const auto& vf : vfs) { KND_TRY_ASSIGN(const auto mac, vf.string("mac")); ... }
    Result<std::vector<Params>> tables(std::string_view key) const {
        KND_TRY_ASSIGN(const auto count, length(key));
        std::vector<Params> items;
        for (std::size_t i = 0; i < count; ++i) {
            items.emplace_back(params_, prefix_ + element(key, i) + ".");
        }
        return items;
    }

    /// A table by name: `params.table("limits").integer("mtu")`.
    Params table(std::string_view key) const { return Params(params_, path_of(key) + "."); }

    /// Full path of `key`, for messages.
    std::string path_of(std::string_view key) const { return prefix_ + std::string(key); }

  private:
    static std::string element(std::string_view key, std::size_t index) {
        return std::string(key) + "[" + std::to_string(index) + "]";
    }

    template <class Get>
    Result<void> read(std::string_view key, Get get) const {
        if (params_ == nullptr) return {};
        auto err = empty_error();
        const auto status = get(path_of(key).c_str(), &err);
        if (status != KND_OK) return read_error(status, err);
        return {};
    }

    const knd_params* params_;
    std::string prefix_;
};

}  // namespace knd
