// SPDX-License-Identifier: Apache-2.0
//
// Any text as a manifest, YAML or JSON, down to typed objects and API validation. A text that is
// read is read again from the JSON of its objects, with the same result.
#include <cstdlib>
#include <string>

#include "host/manifest/manifest.hpp"
#include "host/validation/validation.hpp"
#include "tools/kndctl/simulate/objects.hpp"

namespace {

/// A list of all objects of the text; nothing where it does not read.
knd::Result<knd::Json> objects_of(const std::string& text) {
    auto list = knd::Json::array();
    KND_TRY(knd::manifest::for_each_object(
        knd::manifest::Source{"fuzz", text},
        [&](knd::Json object, const knd::Origin& origin) -> knd::Result<void> {
            if (origin.line < 1) std::abort();
            static_cast<void>(knd::validation::validate_object(object));
            list.push_back(std::move(object));
            return {};
        }));
    return list;
}

/// As kndctl reads them: what it is asked with comes from anywhere.
knd::Result<knd::simulate::Objects> typed_objects_of(const std::string& text) {
    knd::simulate::Collector collector;
    KND_TRY(knd::manifest::for_each_object(knd::manifest::Source{"fuzz", text},
                                           [&](const knd::Json& object, const knd::Origin& at) {
                                               return collector.add(object, at.text());
                                           }));
    return collector.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    static_cast<void>(typed_objects_of(text));
    const auto objects = objects_of(text);
    if (!objects.ok()) return 0;
    // Deeper by the list itself: may be refused for that, but never read differently.
    const auto again = objects_of(knd::to_text({{"kind", "List"}, {"items", *objects}}));
    if (again.ok() && *again != *objects && knd::to_text(*again) != knd::to_text(*objects))
        std::abort();
    return 0;
}
