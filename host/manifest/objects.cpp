// SPDX-License-Identifier: Apache-2.0
#include "host/manifest/objects.hpp"

namespace knd::manifest {
namespace {

/// One row per kind: how it is read and where it goes.
class Reader {
  public:
    explicit Reader(const Check& check) : check_(check) {}

    Result<void> take(const Json& object, const Origin& origin) {
        const auto kind = json_string(object, "kind");
        const auto known = readers().find(kind);
        if (known == readers().end() || !of_known_group(object)) {
            ++objects_.ignored[kind];
            return {};
        }
        const auto& metadata = json_at(object, "metadata");
        const auto ns = json_string(metadata, "namespace");
        const auto name = json_string(metadata, "name");
        const auto full_name = ns.empty() ? name : ns + "/" + name;
        const auto what = kind + (name.empty() ? "" : " " + full_name);
        if (!name.empty()) {
            const auto [first, is_new] = objects_.origins.try_emplace({kind, full_name}, origin);
            if (!is_new)
                return Error(Code::kAlreadyExists,
                             what + " is given twice, first at " + first->second.text());
        }
        if (check_) KND_TRY(check_(object).wrap(what));
        return known->second(objects_, object).wrap(what);
    }

    Objects finish() && { return std::move(objects_); }

  private:
    using Read = std::function<Result<void>(Objects&, const Json&)>;

    template <class T>
    static Read into(std::vector<T> Objects::*list, Result<T> (*read)(const Json&)) {
        return [list, read](Objects& objects, const Json& json) -> Result<void> {
            KND_TRY_ASSIGN(auto object, read(json));
            (objects.*list).push_back(std::move(object));
            return {};
        };
    }

    static const std::map<std::string, Read>& readers() {
        static const std::map<std::string, Read> kReaders = {
            {"ResourceSlice", into(&Objects::slices, api::read_resource_slice)},
            {"DeviceClass", into(&Objects::classes, api::read_device_class)},
            {"ResourceClaim", into(&Objects::claims, api::read_resource_claim)},
            {"ResourceClaimTemplate", into(&Objects::templates, api::read_resource_claim_template)},
            {"Pod", into(&Objects::pods, api::read_pod)},
            {"Node", into(&Objects::nodes, api::read_node)},
            {"DeviceTaintRule", into(&Objects::taint_rules, api::read_device_taint_rule)},
        };
        return kReaders;
    }

    /// Another group may have a Node or a Pod too. A version that is not known is left to the
    /// reader, which says so.
    static bool of_known_group(const Json& object) {
        const auto version = json_string(object, "apiVersion");
        return version.find('/') == std::string::npos || version.starts_with("resource.k8s.io/");
    }

    const Check& check_;
    Objects objects_;
};

}  // namespace

const Origin* Objects::origin(const std::string& kind, const std::string& name) const {
    const auto found = origins.find({kind, name});
    return found == origins.end() ? nullptr : &found->second;
}

Result<Objects> read_objects(std::span<const std::string> paths, const Check& check) {
    Reader reader(check);
    KND_TRY(for_each_object(
        paths, [&](const Json& object, const Origin& at) { return reader.take(object, at); }));
    return std::move(reader).finish();
}

Result<Objects> read_objects(const Source& source, const Check& check) {
    Reader reader(check);
    KND_TRY(for_each_object(
        source, [&](const Json& object, const Origin& at) { return reader.take(object, at); }));
    return std::move(reader).finish();
}

}  // namespace knd::manifest
