// SPDX-License-Identifier: Apache-2.0
#include "backends/sriov/idle.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

namespace sriov {

knd::Result<void> IdleCards::open() {
    timer_ = knd::Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer_) return knd::Error::from_errno("make a timer", errno);
    return {};
}

void IdleCards::idle(const std::string& card, int for_seconds, Clock::time_point now) {
    until_.try_emplace(card, now + std::chrono::seconds(for_seconds));
    arm(now);
}

void IdleCards::busy(const std::string& card) {
    until_.erase(card);
}

std::vector<std::string> IdleCards::due(Clock::time_point now) {
    std::uint64_t expirations = 0;
    if (timer_) (void)!::read(timer_.get(), &expirations, sizeof expirations);
    std::vector<std::string> cards;
    for (const auto& [card, until] : until_)
        if (until <= now) cards.push_back(card);
    for (const auto& card : cards)
        until_.erase(card);
    arm(now);
    return cards;
}

void IdleCards::arm(Clock::time_point now) {
    if (!timer_ || until_.empty()) return;
    auto first = until_.begin()->second;
    for (const auto& [card, until] : until_)
        first = std::min(first, until);
    const auto wait = std::max(first - now, Clock::duration(std::chrono::milliseconds(1)));
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(wait).count();
    itimerspec spec{};
    spec.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    spec.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    ::timerfd_settime(timer_.get(), 0, &spec, nullptr);
}

}  // namespace sriov
