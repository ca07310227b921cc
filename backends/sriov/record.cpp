// SPDX-License-Identifier: Apache-2.0
#include "backends/sriov/record.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <knd/cpp/fd.hpp>

namespace sriov {
namespace {

namespace fs = std::filesystem;
using knd::Code;
using knd::Error;
using knd::Result;
using knd::VfValues;

constexpr const char* kVersion = "1";

template <class T>
void put_number(std::ostream& out, const std::string& key, const std::optional<T>& value) {
    if (value) out << key << '=' << static_cast<std::uint64_t>(*value) << '\n';
}

void put_values(std::ostream& out, const std::string& prefix, const VfValues& values) {
    if (values.mac) out << prefix << "mac=" << *values.mac << '\n';
    put_number(out, prefix + "vlan", values.vlan);
    put_number(out, prefix + "qos", values.qos);
    put_number(out, prefix + "protocol", values.vlan_protocol);
    put_number(out, prefix + "spoof", values.spoof_check);
    put_number(out, prefix + "trust", values.trust);
    put_number(out, prefix + "state", values.link_state);
    put_number(out, prefix + "min", values.min_rate);
    put_number(out, prefix + "max", values.max_rate);
    put_number(out, prefix + "node", values.node_guid);
    put_number(out, prefix + "port", values.port_guid);
}

using Lines = std::map<std::string, std::string>;

std::string text_in(const Lines& lines, const std::string& key) {
    const auto found = lines.find(key);
    return found == lines.end() ? "" : found->second;
}

template <class T>
void get_number(const Lines& lines, const std::string& key, std::optional<T>& value, bool& good) {
    const auto text = text_in(lines, key);
    if (text.empty()) return;
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end) {
        good = false;
    } else {
        value = static_cast<T>(number);
    }
}

void get_values(const Lines& lines, const std::string& prefix, VfValues& values, bool& good) {
    if (const auto mac = text_in(lines, prefix + "mac"); !mac.empty()) values.mac = mac;
    get_number(lines, prefix + "vlan", values.vlan, good);
    get_number(lines, prefix + "qos", values.qos, good);
    get_number(lines, prefix + "protocol", values.vlan_protocol, good);
    get_number(lines, prefix + "spoof", values.spoof_check, good);
    get_number(lines, prefix + "trust", values.trust, good);
    get_number(lines, prefix + "state", values.link_state, good);
    get_number(lines, prefix + "min", values.min_rate, good);
    get_number(lines, prefix + "max", values.max_rate, good);
    get_number(lines, prefix + "node", values.node_guid, good);
    get_number(lines, prefix + "port", values.port_guid, good);
}

}  // namespace

std::string Record::text() const {
    std::ostringstream out;
    out << "version=" << kVersion << "\nclaimUid=" << claim_uid << "\nclaim=" << claim
        << "\ndevice=" << device << "\ncard=" << card << "\naddress=" << address
        << "\nmode=" << (mode == Mode::kNetdev ? "netdev" : "vfio-pci") << "\ndriver=" << driver
        << "\nname=" << name << "\nmac=" << mac << '\n';
    if (index >= 0) out << "index=" << index << '\n';
    if (mtu > 0) out << "mtu=" << mtu << '\n';
    if (mtu_set) out << "mtuSet=1\n";
    if (ready) out << "ready=1\n";
    if (given_ifindex > 0) out << "given.ifindex=" << given_ifindex << '\n';
    out << "given.name=" << given_name << "\ngiven.mac=" << given_mac
        << "\ngiven.node=" << given_node << '\n';
    put_values(out, "before.", before);
    put_values(out, "after.", after);
    out << "end=1\n";
    return out.str();
}

Result<Record> Record::parse(std::string_view text) {
    Lines lines;
    std::istringstream in{std::string(text)};
    for (std::string line; std::getline(in, line);) {
        const auto equals = line.find('=');
        if (equals != std::string::npos) lines[line.substr(0, equals)] = line.substr(equals + 1);
    }
    Record record;
    bool good = text_in(lines, "version") == kVersion && text_in(lines, "end") == "1";
    record.claim_uid = text_in(lines, "claimUid");
    record.claim = text_in(lines, "claim");
    record.device = text_in(lines, "device");
    record.card = text_in(lines, "card");
    record.address = text_in(lines, "address");
    record.mode = text_in(lines, "mode") == "vfio-pci" ? Mode::kVfio : Mode::kNetdev;
    record.driver = text_in(lines, "driver");
    record.name = text_in(lines, "name");
    record.mac = text_in(lines, "mac");
    std::optional<int> index;
    std::optional<int> mtu;
    get_number(lines, "index", index, good);
    get_number(lines, "mtu", mtu, good);
    record.index = index.value_or(-1);
    record.mtu = mtu.value_or(0);
    std::optional<int> ifindex;
    get_number(lines, "given.ifindex", ifindex, good);
    record.given_ifindex = ifindex.value_or(0);
    record.given_name = text_in(lines, "given.name");
    record.given_mac = text_in(lines, "given.mac");
    record.given_node = text_in(lines, "given.node");
    record.ready = text_in(lines, "ready") == "1";
    record.mtu_set = text_in(lines, "mtuSet") == "1";
    get_values(lines, "before.", record.before, good);
    get_values(lines, "after.", record.after, good);
    if (!good || record.device.empty() || record.claim_uid.empty())
        return Error(Code::kDataLoss, "the record of what was changed is torn");
    return record;
}

std::string Records::path_of(const std::string& device) const {
    return directory_ + "/" + device;
}

Result<void> Records::open() const {
    std::error_code failure;
    fs::create_directories(directory_, failure);
    if (failure) return Error::from_errno("make " + directory_, failure.value());
    fs::permissions(directory_, fs::perms::owner_all, failure);
    return {};
}

Result<void> Records::save(const Record& record) const {
    const auto path = path_of(record.device);
    const auto fresh = path + ".new";
    const auto what = "write " + path;
    const knd::Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) return Error::from_errno(what, errno);
    const auto text = record.text();
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return Error::from_errno(what, errno);
    if (::rename(fresh.c_str(), path.c_str()) != 0) return Error::from_errno(what, errno);
    return {};
}

Result<std::optional<Record>> Records::load(const std::string& device) const {
    std::ifstream file(path_of(device));
    if (!file) return std::optional<Record>();
    std::ostringstream text;
    text << file.rdbuf();
    auto record = Record::parse(text.str());
    if (!record.ok()) return std::move(record).error().wrap(path_of(device));
    return std::optional<Record>(*std::move(record));
}

Result<void> Records::remove(const std::string& device) const {
    std::error_code failure;
    fs::remove(path_of(device), failure);
    if (failure) return Error::from_errno("remove " + path_of(device), failure.value());
    return {};
}

Result<std::vector<Record>> Records::all() const {
    std::vector<Record> records;
    std::error_code failure;
    for (fs::directory_iterator it(directory_, failure), end; !failure && it != end;
         it.increment(failure)) {
        const auto name = it->path().filename().string();
        if (name.ends_with(".new")) continue;
        auto record = load(name);
        // One that is torn has changed nothing: it is whole before the first change.
        if (!record.ok()) {
            (void)remove(name);
        } else if (*record) {
            records.push_back(**std::move(record));
        }
    }
    if (failure && failure.value() != ENOENT)
        return Error::from_errno("read " + directory_, failure.value());
    return records;
}

}  // namespace sriov
