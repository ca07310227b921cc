// SPDX-License-Identifier: Apache-2.0
#include "host/alloc/program_cache.hpp"

namespace knd::alloc {

std::shared_ptr<const cel::Program> ProgramCache::find(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->program;
}

Result<std::shared_ptr<const cel::Program>> ProgramCache::get(std::string_view expression,
                                                              const cel::Environment& environment) {
    const Key key{expression, &environment};
    {
        const std::lock_guard lock(mutex_);
        if (auto known = find(key)) return known;
    }
    // Others need not wait for this one. Two threads may compile the same text; one result is kept.
    KND_TRY_ASSIGN(auto compiled, cel::compile_selector(expression, environment));
    auto program = std::make_shared<const cel::Program>(std::move(compiled));
    const std::lock_guard lock(mutex_);
    if (auto known = find(key)) return known;
    entries_.push_front({std::string(expression), environment, program});
    places_.emplace(Key{entries_.front().expression, &entries_.front().environment},
                    entries_.begin());
    if (entries_.size() > most_) {
        places_.erase({entries_.back().expression, &entries_.back().environment});
        entries_.pop_back();
    }
    return program;
}

std::size_t ProgramCache::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

}  // namespace knd::alloc
