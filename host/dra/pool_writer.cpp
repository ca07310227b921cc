// SPDX-License-Identifier: Apache-2.0
#include "host/dra/pool_writer.hpp"

namespace knd::dra {

PoolWriter::PoolWriter(kube::Client& client, Target target, PoolPlan plan,
                       std::weak_ptr<void> alive, Handlers handlers)
    : client_(client),
      target_(std::move(target)),
      plan_(std::move(plan)),
      alive_(std::move(alive)),
      handlers_(std::move(handlers)) {}

void PoolWriter::run(kube::Client& client, Target target, PoolPlan plan, std::weak_ptr<void> alive,
                     Handlers handlers) {
    // Its requests keep it alive; it ends with the last of them.
    const std::shared_ptr<PoolWriter> writer(new PoolWriter(
        client, std::move(target), std::move(plan), std::move(alive), std::move(handlers)));
    writer->advance();
}

std::size_t PoolWriter::size_of_phase() const {
    switch (phase_) {
        case Phase::kDelete:
            return plan_.deletes.size();
        case Phase::kUpdate:
            return plan_.updates.size();
        case Phase::kCreate:
            return plan_.creates.size();
        case Phase::kDone:
            break;
    }
    return 0;
}

void PoolWriter::advance() {
    while (phase_ != Phase::kDone) {
        while (result_.ok() && running_ < target_.parallel && next_ < size_of_phase())
            send_next();
        if (running_ > 0) return;
        if (!result_.ok()) break;
        phase_ = static_cast<Phase>(static_cast<int>(phase_) + 1);
        next_ = 0;
    }
    // Reached once: nothing is under way that could call again.
    handlers_.finished(std::move(result_));
}

void PoolWriter::send_next() {
    const auto index = next_++;
    ++running_;
    switch (phase_) {
        case Phase::kDelete:
            return send_delete(plan_.deletes[index]);
        case Phase::kUpdate:
            return send_write(plan_.updates[index]);
        case Phase::kCreate:
            return send_write(plan_.creates[index]);
        case Phase::kDone:
            break;
    }
}

void PoolWriter::send_delete(const StoredSlice& slice) {
    handlers_.removing(slice);
    client_.remove(target_.slices, slice.name, slice.uid, slice.resource_version,
                   [self = shared_from_this(), &slice](Result<> answer) {
                       if (self->alive_.expired()) return;
                       if (answer.code() == Code::kNotFound) answer = {};
                       self->handlers_.removed(slice, answer.ok());
                       self->ended(answer, slice.name);
                   });
}

void PoolWriter::send_write(const SliceWrite& write) {
    auto body = slice_body(write, plan_, target_.owner, target_.pool, target_.version);
    auto done = [self = shared_from_this(), &write](const Result<Json>& object) {
        if (!self->alive_.expired()) self->take_object(write, object);
    };
    if (write.name.empty())
        client_.create(target_.slices, std::move(body), std::move(done));
    else
        client_.update(target_.slices, write.name, std::move(body), std::move(done));
}

void PoolWriter::take_object(const SliceWrite& write, const Result<Json>& object) {
    if (!object) return ended(object.error(), write.name);
    auto stored = parse_slice(*object, target_.version);
    if (!stored) return ended(std::move(stored).error(), write.name);
    handlers_.wrote(write, *std::move(stored));
    ended({}, write.name);
}

void PoolWriter::ended(const Result<>& result, const std::string& name) {
    --running_;
    const bool conflict = result.code() == Code::kAborted ||
                          result.code() == Code::kFailedPrecondition ||
                          result.code() == Code::kNotFound;
    if (conflict && !name.empty()) handlers_.conflict(name);
    if (!result.ok() && result_.ok()) result_ = result;
    advance();
}

}  // namespace knd::dra
