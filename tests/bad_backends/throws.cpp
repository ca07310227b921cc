// SPDX-License-Identifier: Apache-2.0
//
// A backend of the C++ layer that throws wherever `where` says, and refuses to be told that it may
// not: what the layer makes of it must be a status and a sentence.
#include <knd/cpp/backend.hpp>
#include <stdexcept>

namespace {

constexpr knd_descriptor kDescriptor{.size = sizeof(knd_descriptor),
                                     .flags = 0,
                                     .id = "example.com/throws",
                                     .vendor = "Example",
                                     .version = "0.1.0",
                                     .summary = "Throws"};

class Throws {
  public:
    explicit Throws(knd::Host) {
#ifdef BAD_CONSTRUCTOR_THROWS
        throw std::runtime_error("no hardware of this kind");
#endif
    }

    knd::Result<void> start(const knd::Params& config) {
        KND_TRY_ASSIGN(where_, config.string("where"));
        return maybe("start");
    }
    void stop() {
        static_cast<void>(maybe("stop"));
    }
    knd::Result<void> list(const knd::Call&, knd::DeviceSink&) {
        return maybe("list");
    }
    knd::Result<void> prepare(const knd::Call&, const knd::PrepareRequest&, knd::EffectsSink&) {
        return maybe("prepare");
    }
    knd::Result<void> unprepare(const knd::Call&, const knd::Binding&) {
        return maybe("unprepare");
    }

  private:
    knd::Result<void> maybe(const std::string& here) const {
        if (where_ == here) throw std::out_of_range("no element 7 in " + here);
        if (where_ == here + "-int") throw 42;
        return {};
    }
    std::string where_;
};

}  // namespace

KND_EXPORT_BACKEND(Throws, kDescriptor)
