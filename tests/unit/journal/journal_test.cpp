// SPDX-License-Identifier: Apache-2.0
//
// The SQLite journal on real files, and the record's JSON.
#include "host/journal/sqlite_journal.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <fstream>

namespace knd {
namespace {

BindingRecord record(const std::string& uid, const std::string& device) {
    BindingRecord r;
    r.claim = {"default", "claim-" + uid, uid};
    r.pod_claim_name = "net";
    r.pods = {"pod-1", "pod-2"};
    r.request = "nic/fast";
    r.pool = "node";
    r.device.name = device;
    r.device.backend = "netdev";
    r.device.hardware_key = "pci:0000:3b:00.1";
    r.device.netdev = "eth7";
    r.device.attributes = {{"knd.dev/mtu", std::int64_t{9000}},
                           {"knd.dev/rdma", true},
                           {"knd.dev/ifName", std::string("eth7")},
                           {"knd.dev/firmware", Version{"1.2.3"}},
                           {"knd.dev/ints", std::vector<std::int64_t>{1, 2}},
                           {"knd.dev/bools", std::vector<bool>{true, false}},
                           {"knd.dev/strings", std::vector<std::string>{"a"}},
                           {"knd.dev/versions", std::vector<Version>{{"1.0.0"}}}};
    r.device.capacity = {{"knd.dev/bandwidth", "10G"}};
    r.network.interface_name = "net1";
    r.network.addresses = {{"192.0.2.1/24"}};
    r.device.parent_key = "pci:0000:3b:00.0";
    r.device.shareable = true;
    r.device.policies["knd.dev/bandwidth"] = {"1G", "1G", "8G", "1G", {}};
    r.device.consumes = {{"pf0", {{"vfs", "1"}}}};
    r.device.taints = {{"example.com/broken", "yes", "NoSchedule"}};
    r.effects.netdevs = {{7, "eth7", "02:00:00:00:00:01", "net1"}};
    NetdevEffect made;
    made.name = "mv0";
    made.made = MadeLink{false, "macvlan", 3, "eth3", "bridge", 0, "", 1400, "02:00:00:00:00:02"};
    r.effects.netdevs.push_back(made);
    r.effects.rdma_links = {"mlx5_0"};
    r.effects.nodes = {{"/dev/infiniband/uverbs0", 0666, "/dev/x", "rwm", 1000, 0}};
    r.effects.mounts = {{{"/run/x", "/x", true, {"nosuid"}}, 1000, 1000}};
    r.effects.rlimits = {{"RLIMIT_MEMLOCK", UINT64_MAX, UINT64_MAX}};
    r.effects.rdma_limits = {{"mlx5_0", 2, 100}};
    r.effects.attributes = {{"knd.dev/guid", "0002"}};
    r.effects.network_data = NetworkData{"ib0", "00:01", {"192.0.2.2/24"}};
    r.class_config = {{"trust", false}};
    r.consumed = {{"knd.dev/bandwidth", "2G"}};
    r.admin_access = true;
    r.effects.env = {{"NIC", "net1"}};
    r.effects.state = std::string("\0\xff\x01 any bytes", 13);
    r.boot_id = "boot";
    r.state = BindingState::kAttached;
    r.reason = "because";
    r.sandbox_id = "sandbox";
    r.pod_uid = "pod-1";
    r.pod = "default/pod";
    r.netns_path = "/run/netns/x";
    r.netns_id = "4:4026532008";
    r.host_state = {{"mtu", 1500}};
    r.config = {{"vlan", 7}};
    r.attached = {{"net1", "02:00:00:00:00:01", {"192.0.2.1/24"}, 7}};
    r.prepared_ms = 1'700'000'000'000;
    r.changed_ms = 1'700'000'000'001;
    return r;
}

class JournalTest : public testing::Test {
  protected:
    JournalTest() {
        char name[] = "/tmp/knd-journal-XXXXXX";
        directory_ = ::mkdtemp(name);
        path_ = directory_ + "/sub/journal.db";
    }
    ~JournalTest() override { std::filesystem::remove_all(directory_); }

    std::unique_ptr<SqliteJournal> open() {
        auto journal = SqliteJournal::open(path_, home_.get_executor());
        EXPECT_TRUE(journal.ok()) << journal.error().message();
        return journal ? *std::move(journal) : nullptr;
    }
    std::string refusal() {
        const auto journal = SqliteJournal::open(path_, home_.get_executor());
        EXPECT_FALSE(journal.ok());
        return journal ? "" : journal.error().message();
    }
    Result<void> commit(Journal& journal, std::vector<JournalChange> changes,
                        Durability durability = Durability::kDisk) {
        std::optional<Result<void>> answer;
        journal.commit(std::move(changes), durability,
                       [&](Result<void> result) { answer = result; });
        home_.restart();
        auto work = boost::asio::make_work_guard(home_);
        while (!answer)
            home_.run_one();
        return *answer;
    }
    /// Many pages, and nothing left in the write-ahead log.
    void fill() {
        std::vector<JournalChange> changes;
        for (int i = 0; i < 40; ++i)
            changes.push_back(JournalChange::put(record("a", std::to_string(i))));
        ASSERT_TRUE(commit(*open(), std::move(changes)).ok());
    }
    void overwrite(std::size_t offset, const std::string& bytes) {
        std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(offset));
        file << bytes;
    }

    boost::asio::io_context home_;
    std::string directory_;
    std::string path_;
};

/// Of a log, without the zeros that it was made long with.
std::size_t written_bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    return bytes.find_last_not_of('\0') + 1;
}

TEST(BindingRecord, SurvivesAJsonRoundTrip) {
    const auto before = to_json(record("u", "dra0"));
    const auto again = record_from_json(before);
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(to_json(*again), before);
    EXPECT_EQ(again->effects, record("u", "dra0").effects);
    EXPECT_EQ(again->attached, record("u", "dra0").attached);
    EXPECT_EQ(again->consumed, record("u", "dra0").consumed);
    EXPECT_EQ(again->device, record("u", "dra0").device);
    EXPECT_EQ(again->network, record("u", "dra0").network);
}

TEST(BindingRecord, NamesTheFieldThatIsWrong) {
    const auto complaint = [](const char* pointer, Json value) {
        auto json = to_json(record("u", "dra0"));
        json[Json::json_pointer(pointer)] = std::move(value);
        const auto result = record_from_json(json);
        EXPECT_FALSE(result.ok()) << pointer;
        EXPECT_EQ(result.code(), Code::kDataLoss);
        return result ? "" : result.error().message();
    };
    EXPECT_EQ(complaint("/state", "flying"), "state \"flying\" is not known");
    EXPECT_EQ(complaint("/claim/uid", 5), "claim.uid is not a string");
    EXPECT_EQ(complaint("/claim", Json()), "claim is not an object");
    EXPECT_EQ(complaint("/effects/netdevs/0/ifindex", 1ull << 40),
              "effects.netdevs.ifindex is out of range");
    EXPECT_EQ(complaint("/effects/stateHex", "0g"), "effects.stateHex is not hexadecimal");
    EXPECT_EQ(complaint("/device/attributes/a", Json{{"int", "x"}}),
              "device.attributes.a is not an attribute value");
    EXPECT_EQ(complaint("/pods", "x"), "pods is not a list");
    EXPECT_EQ(complaint("/place/attached/0/addresses/0", 1),
              "place.attached.addresses holds something that is not a string");
}

/// What the first released schema wrote, before shares, limits and several interfaces.
TEST(BindingRecord, ReadsWhatAnOlderVersionWrote) {
    const auto record = parse_json(R"({
        "claim": {"namespace": "default", "name": "a", "uid": "u"}, "pods": ["pod-1"],
        "request": "nic", "pool": "node", "shareID": "",
        "device": {"name": "dra0", "backend": "netdev", "netdev": "eth7",
                   "hardwareKey": "net:eth7", "capacity": {}, "attributes": {}},
        "network": {}, "effects": {
            "netdevs": [{"ifindex": 7, "name": "eth7", "mac": "", "nameInPod": ""}],
            "rdmaLinks": [], "env": {}, "stateHex": "",
            "nodes": [{"path": "/dev/x", "mode": 432}],
            "mounts": [{"source": "/a", "destination": "/b", "readOnly": true}]},
        "bootID": "boot", "state": "attached", "ending": false, "reason": "",
        "place": {"sandbox": "s1", "podUID": "pod-1", "pod": "default/pod", "netns": "/run/netns/x",
                  "netnsID": "4:1", "hostState": null,
                  "attached": {"interface": "net1", "hardwareAddress": "02:00:00:00:00:01",
                               "addresses": ["192.0.2.1/24"], "ifindex": 3}},
        "preparedMs": 1, "changedMs": 2})");
    ASSERT_TRUE(record.ok());
    const auto read = record_from_json(*record);
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(read->pod_claim_name, "");
    ASSERT_EQ(read->attached.size(), 1u);
    EXPECT_EQ(read->attached[0].ifindex, 3);
    EXPECT_EQ(read->effects.nodes.at(0).uid, -1);
    EXPECT_EQ(read->effects.mounts.at(0).gid, -1);
}

TEST(BindingRecord, NamesEveryState) {
    for (const auto state :
         {BindingState::kPrepared, BindingState::kAttaching, BindingState::kAttached,
          BindingState::kDetaching, BindingState::kFailed, BindingState::kReleasing}) {
        const auto again = state_from_name(state_name(state));
        ASSERT_TRUE(again.ok());
        EXPECT_EQ(*again, state);
    }
}

TEST_F(JournalTest, IsEmptyAtFirst) {
    const auto journal = open();
    ASSERT_NE(journal, nullptr);
    EXPECT_TRUE(journal->load()->empty());
}

TEST_F(JournalTest, KeepsRecordsAcrossARestart) {
    ASSERT_TRUE(commit(*open(), {JournalChange::put(record("a", "dra0")),
                                 JournalChange::put(record("b", "dra1"))})
                    .ok());
    const auto records = open()->load();
    ASSERT_TRUE(records.ok()) << records.error().message();
    ASSERT_EQ(records->size(), 2u);
    EXPECT_EQ(to_json((*records)[0]), to_json(record("a", "dra0")));
}

TEST_F(JournalTest, ReplacesARecordWithTheSameKey) {
    auto changed = record("a", "dra0");
    changed.state = BindingState::kFailed;
    const auto journal = open();
    ASSERT_TRUE(commit(*journal, {JournalChange::put(record("a", "dra0"))}).ok());
    ASSERT_TRUE(commit(*journal, {JournalChange::put(changed)}).ok());
    const auto records = journal->load();
    ASSERT_EQ(records->size(), 1u);
    EXPECT_EQ(records->front().state, BindingState::kFailed);
}

TEST_F(JournalTest, KeepsTheSharesOfADeviceApart) {
    auto journal = open();
    auto one = record("a", "d"), two = record("a", "d");
    one.share_id = "1";
    two.share_id = "2";
    ASSERT_TRUE(commit(*journal, {JournalChange::put(one), JournalChange::put(two)}).ok());
    ASSERT_TRUE(commit(*journal, {JournalChange::erase(one.key())}).ok());
    const auto records = journal->load();
    ASSERT_TRUE(records.ok());
    ASSERT_EQ(records->size(), 1u);
    EXPECT_EQ(records->at(0).share_id, "2");
}

TEST_F(JournalTest, ForgetsErasedRecordsAndIgnoresUnknownKeys) {
    const auto journal = open();
    ASSERT_TRUE(commit(*journal, {JournalChange::put(record("a", "dra0"))}).ok());
    ASSERT_TRUE(commit(*journal, {JournalChange::erase(record("a", "dra0").key()),
                                  JournalChange::erase({"x", "y", "z"})})
                    .ok());
    EXPECT_TRUE(journal->load()->empty());
}

TEST_F(JournalTest, FlushesOncePerCommitHoweverManyChanges) {
    const auto journal = open();
    std::vector<JournalChange> changes;
    for (int i = 0; i < 64; ++i)
        changes.push_back(JournalChange::put(record("a", "dra" + std::to_string(i))));
    ASSERT_TRUE(commit(*journal, std::move(changes)).ok());
    EXPECT_EQ(journal->info().flushes, 1u);
}

TEST_F(JournalTest, WaitsForTheDiskOnlyWhereAsked) {
    const auto journal = open();
    ASSERT_TRUE(
        commit(*journal, {JournalChange::put(record("a", "dra0"))}, Durability::kThisBoot).ok());
    EXPECT_EQ(journal->info().flushes, 0u);
    ASSERT_TRUE(commit(*journal, {JournalChange::erase(record("a", "dra0").key())}).ok());
    EXPECT_EQ(journal->info().flushes, 1u);
}

TEST_F(JournalTest, BringsALongLogHomeBetweenCommits) {
    const auto journal = open();
    for (int i = 0; i < 1200; ++i)
        ASSERT_TRUE(
            commit(*journal, {JournalChange::put(record("a", "dra0"))}, Durability::kThisBoot)
                .ok());
    // Each commit is at least a page; left alone the log would have all of them.
    EXPECT_LT(std::filesystem::file_size(path_ + "-wal"), 1100u * 4120u);
    EXPECT_EQ(journal->load()->size(), 1u);
}

TEST_F(JournalTest, GivesTheLogItsLengthBeforeTheFirstCommit) {
    const auto journal = open();
    ASSERT_TRUE(commit(*journal, {JournalChange::put(record("a", "dra0"))}).ok());
    EXPECT_EQ(std::filesystem::file_size(path_ + "-wal"), 4194304u);
}

TEST_F(JournalTest, KeepsALogThatAKilledPredecessorGaveItsLength) {
    const pid_t child = ::fork();
    if (child == 0) {
        const auto journal = open();
        if (!commit(*journal, {JournalChange::put(record("a", "dra0"))})) ::_exit(1);
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    const auto journal = open();
    ASSERT_TRUE(commit(*journal, {JournalChange::put(record("b", "dra1"))}).ok());
    EXPECT_EQ(journal->load()->size(), 2u);
    EXPECT_EQ(std::filesystem::file_size(path_ + "-wal"), 4194304u);
}

TEST_F(JournalTest, KeepsWhatWasNotFlushedWhenTheProcessIsKilled) {
    const pid_t child = ::fork();
    if (child == 0) {
        const auto journal = open();
        if (!commit(*journal, {JournalChange::put(record("a", "dra0"))}, Durability::kThisBoot))
            ::_exit(1);
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(open()->load()->size(), 1u);
}

TEST_F(JournalTest, StartsAfreshBesideTheLogOfAFileThatWasMovedAway) {
    auto journal = open();
    ASSERT_TRUE(commit(*journal, {JournalChange::put(record("u1", "eth7"))}).ok());
    const auto log = path_ + "-wal";
    std::filesystem::copy(log, path_ + ".kept");
    journal.reset();
    std::filesystem::remove(path_);
    std::filesystem::rename(path_ + ".kept", log);  // as of a process that was killed
    journal = open();
    ASSERT_NE(journal, nullptr);
    const auto records = journal->load();
    ASSERT_TRUE(records.ok()) << records.error().message();
    EXPECT_TRUE(records->empty());
}

TEST_F(JournalTest, AnswersInTheOrderOfTheCalls) {
    const auto journal = open();
    std::vector<int> order;
    for (int i = 0; i < 20; ++i)
        journal->commit({JournalChange::put(record("a", "dra" + std::to_string(i)))},
                        i % 2 == 0 ? Durability::kDisk : Durability::kThisBoot,
                        [&order, i](Result<void> result) {
                            EXPECT_TRUE(result.ok());
                            order.push_back(i);
                        });
    auto work = boost::asio::make_work_guard(home_);
    while (order.size() < 20)
        home_.run_one();
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(JournalTest, WritesWhatIsQueuedBeforeItCloses) {
    open()->commit({JournalChange::put(record("a", "dra0"))}, Durability::kThisBoot,
                   [](const Result<void>&) {});
    EXPECT_EQ(open()->load()->size(), 1u);
}

TEST_F(JournalTest, IsReadableByItsOwnerAlone) {
    open();
    struct stat info {};
    ASSERT_EQ(::stat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(JournalTest, RefusesASecondProcess) {
    const auto first = open();
    const auto text = refusal();
    EXPECT_NE(text.find("in use by another process; is a second kndd running?"), std::string::npos)
        << text;
    EXPECT_TRUE(commit(*first, {JournalChange::put(record("a", "dra0"))}).ok());
}

TEST_F(JournalTest, RefusesAnEmptyFile) {
    std::filesystem::create_directories(directory_ + "/sub");
    std::ofstream(path_).close();
    const auto text = refusal();
    EXPECT_NE(text.find("is not a journal of knd"), std::string::npos) << text;
    EXPECT_NE(text.find("never replaced by itself"), std::string::npos) << text;
}

TEST_F(JournalTest, RefusesAFileThatIsNoDatabase) {
    std::filesystem::create_directories(directory_ + "/sub");
    std::ofstream(path_) << std::string(8192, 'x');
    EXPECT_NE(refusal().find("is damaged"), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(path_), 8192u);
}

TEST_F(JournalTest, RefusesATruncatedFile) {
    fill();
    const auto size = std::filesystem::file_size(path_);
    std::filesystem::resize_file(path_, size / 2);
    EXPECT_NE(refusal().find("is damaged"), std::string::npos);
}

TEST_F(JournalTest, RefusesDamagedPages) {
    fill();
    overwrite(4096, std::string(64, '\xee'));
    EXPECT_NE(refusal().find("is damaged"), std::string::npos);
}

TEST_F(JournalTest, RefusesTheFileOfANewerVersion) {
    open();
    // user_version is the big-endian word at offset 60 of the header.
    overwrite(60, std::string("\0\0\0\x09", 4));
    EXPECT_NE(refusal().find("has schema 9, this version knows 1"), std::string::npos);
}

TEST_F(JournalTest, RefusesARecordThatItCannotRead) {
    auto bad = record("a", "dra0");
    bad.network.mtu = 5;  // no claim could have asked for it
    ASSERT_TRUE(commit(*open(), {JournalChange::put(bad)}).ok());
    const auto records = open()->load();
    ASSERT_FALSE(records.ok());
    EXPECT_EQ(records.code(), Code::kDataLoss);
    EXPECT_NE(records.error().message().find("record of claim a, device dra0: network: "),
              std::string::npos)
        << records.error().message();
}

TEST_F(JournalTest, SaysWhatToDoWhenTheDirectoryIsAFile) {
    std::ofstream(directory_ + "/sub").close();
    EXPECT_NE(refusal().find(path_), std::string::npos);
}

TEST_F(JournalTest, SurvivesAWriteAheadLogThatEndsInTheMiddle) {
    {
        const auto journal = open();
        ASSERT_TRUE(commit(*journal, {JournalChange::put(record("a", "dra0"))}).ok());
        ASSERT_TRUE(commit(*journal, {JournalChange::put(record("b", "dra1"))}).ok());
        // What a power cut leaves behind: the files as they are now, the last frame torn.
        std::filesystem::create_directories(directory_ + "/cut");
        std::filesystem::copy_file(path_, directory_ + "/cut/journal.db");
        std::filesystem::copy_file(path_ + "-wal", directory_ + "/cut/journal.db-wal");
    }
    const auto log = directory_ + "/cut/journal.db-wal";
    std::filesystem::resize_file(log, written_bytes(log) - 100);
    path_ = directory_ + "/cut/journal.db";
    const auto records = open()->load();
    ASSERT_TRUE(records.ok()) << records.error().message();
    ASSERT_EQ(records->size(), 1u);
    EXPECT_EQ(records->front().claim.uid, "a");
}

/// Runs in a process with a mount namespace of its own. The text of the first failing commit, or
/// why there is none.
std::string fill_a_small_disk(const std::string& directory) {
    const auto uid = ::geteuid();
    if (::unshare(CLONE_NEWNS | (uid == 0 ? 0 : CLONE_NEWUSER)) != 0)
        return "SKIP: no mount namespaces here";
    // A file system takes no files of a user that it has no number for.
    if (uid != 0) std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return "SKIP: mounts cannot be made private";
    if (::mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=128k") != 0)
        return "SKIP: no tmpfs in a mount namespace";
    boost::asio::io_context home;
    auto work = boost::asio::make_work_guard(home);
    auto journal = SqliteJournal::open(directory + "/journal.db", home.get_executor());
    if (!journal) return "open: " + journal.error().message();
    for (int i = 0; i < 1000; ++i) {
        std::optional<Result<void>> answer;
        (*journal)->commit({JournalChange::put(record("a", std::to_string(i)))}, Durability::kDisk,
                           [&](Result<void> result) { answer = result; });
        while (!answer)
            home.run_one();
        if (answer->ok()) continue;
        const auto kept = (*journal)->load();
        if (!kept || kept->size() != static_cast<std::size_t>(i)) return "records were lost";
        return (*journal)->info().last_error;
    }
    return "the disk never filled up";
}

TEST_F(JournalTest, SaysThatTheDiskIsFullAndLosesNothing) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto text = fill_a_small_disk(directory_);
        const auto written = ::write(ends[1], text.data(), text.size());
        ::_exit(written < 0 ? 1 : 0);
    }
    ::close(ends[1]);
    char buffer[512];
    std::string text;
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    if (text.starts_with("SKIP")) GTEST_SKIP() << text;
    EXPECT_NE(text.find("cannot grow: the disk is full. Free some space"), std::string::npos)
        << text;
}

}  // namespace
}  // namespace knd
