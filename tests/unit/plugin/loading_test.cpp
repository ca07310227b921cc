// SPDX-License-Identifier: Apache-2.0
//
// What a person reads when a backend can not be loaded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/plugin/plugin_fixture.hpp"

namespace knd::plugin {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kDir = KND_BAD_BACKENDS;

/// Why `library` does not run.
std::string refusal(const std::string& library, PluginFixture& host) {
    const auto info = host.load(library).info();
    EXPECT_EQ(info.state, BackendState::kFailed);
    return info.reason;
}
std::string refusal(const std::string& library) {
    PluginFixture host;
    return refusal(library, host);
}

/// A directory of its own, safe as the rules want it.
class Directory {
  public:
    Directory() {
        char name[] = "/tmp/knd-plugin-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~Directory() { fs::remove_all(path_); }
    const std::string& path() const { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }
    void copy(const std::string& library) const {
        fs::copy_file(kDir + "/" + library, file(library));
    }
    void write(const std::string& name, const std::string& bytes) const {
        std::ofstream(file(name), std::ios::binary) << bytes;
    }

  private:
    std::string path_;
};

std::string elf_header(unsigned char elf_class, unsigned short machine) {
    std::string header(
        "\x7f"
        "ELF",
        4);
    header += static_cast<char>(elf_class);
    header += '\x01';
    header.resize(64);
    header[16] = 3;
    header[18] = static_cast<char>(machine & 0xff);
    header[19] = static_cast<char>(machine >> 8);
    return header;
}

TEST(Loading, TakesALibraryThatDoesNothingWrong) {
    PluginFixture host;
    const auto info = host.load("bad-nothing.so").info();
    EXPECT_EQ(info.state, BackendState::kLoaded);
    EXPECT_EQ(info.library, kDir + "/bad-nothing.so");
    EXPECT_EQ(info.id, "example.com/bad");
    EXPECT_EQ(info.version, "0.1.0");
    EXPECT_EQ(info.extensions, (std::vector<std::string>{"knd.discovery/1", "knd.prepare/1"}));
}

TEST(Loading, SaysWhichFileIsMissing) {
    EXPECT_EQ(refusal("knd-none.so"), kDir + "/knd-none.so does not exist");
}

TEST(Loading, RefusesAPath) {
    EXPECT_EQ(refusal("../evil.so"),
              "library `../evil.so` must be a bare file name; it is looked for in " + kDir +
                  " and nowhere else");
}

TEST(Loading, RefusesARelativeDirectory) {
    PluginFixture host;
    host.options.directory = "backends";
    EXPECT_EQ(refusal("x.so", host), "the backend directory `backends` is not an absolute path");
}

TEST(Loading, RefusesAFileThatIsNoElf) {
    const Directory dir;
    dir.write("text.so", "#!/bin/sh\necho hello, this is a text\n");
    PluginFixture host;
    host.options.directory = dir.path();
    EXPECT_EQ(refusal("text.so", host),
              dir.file("text.so") + " is not an ELF file, so it is no shared library");
}

TEST(Loading, RefusesAnEmptyFile) {
    const Directory dir;
    dir.write("empty.so", "");
    PluginFixture host;
    host.options.directory = dir.path();
    EXPECT_EQ(refusal("empty.so", host),
              dir.file("empty.so") + " is not an ELF file, so it is no shared library");
}

TEST(Loading, NamesTheMachineThatALibraryIsFor) {
    const Directory dir;
    dir.write("other.so", elf_header(2, 22));  // s390x, of either byte order
    PluginFixture host;
    host.options.directory = dir.path();
    EXPECT_THAT(refusal("other.so", host),
                StartsWith(dir.file("other.so") + " is built for s390x, this machine is "));
}

TEST(Loading, RefusesA32BitLibrary) {
    const Directory dir;
    dir.write("small.so", elf_header(1, 3));
    PluginFixture host;
    host.options.directory = dir.path();
    EXPECT_THAT(refusal("small.so", host), HasSubstr("is built for a 32-bit machine (i386)"));
}

TEST(Loading, RefusesALibraryThatIsCutOff) {
    const Directory dir;
    std::ifstream in(kDir + "/bad-nothing.so", std::ios::binary);
    std::string bytes(5000, '\0');
    in.read(bytes.data(), 5000);
    dir.write("cut.so", bytes);
    PluginFixture host;
    host.options.directory = dir.path();
    EXPECT_THAT(refusal("cut.so", host), HasSubstr("cut.so"));
}

TEST(Loading, RefusesAFileThatOthersMayWrite) {
    const Directory dir;
    dir.copy("bad-nothing.so");
    ::chmod(dir.file("bad-nothing.so").c_str(), 0666);
    PluginFixture host;
    host.options.directory = dir.path();
    EXPECT_EQ(
        refusal("bad-nothing.so", host),
        dir.file("bad-nothing.so") + " may be written by others (mode 0666); run chmod go-w on it");
}

TEST(Loading, RefusesADirectoryThatOthersMayWriteEvenIfSticky) {
    const Directory dir;
    dir.copy("bad-nothing.so");
    ::chmod(dir.path().c_str(), 01777);
    PluginFixture host;
    host.options.directory = dir.path();
    EXPECT_EQ(
        refusal("bad-nothing.so", host),
        "directory " + dir.path() + " may be written by others (mode 1777); run chmod go-w on it");
}

TEST(Loading, RefusesAFileOfAnotherUser) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    const Directory dir;
    dir.copy("bad-nothing.so");
    ASSERT_EQ(::chown(dir.file("bad-nothing.so").c_str(), 4242, 4242), 0);
    PluginFixture host;
    host.options.directory = dir.path();
    EXPECT_EQ(refusal("bad-nothing.so", host),
              dir.file("bad-nothing.so") + " belongs to uid 4242; make it root's or uid 0's");
}

TEST(Loading, RefusesASymbolicLink) {
    const Directory dir;
    fs::create_symlink(kDir + "/bad-nothing.so", dir.file("link.so"));
    PluginFixture host;
    host.options.directory = dir.path();
    EXPECT_EQ(refusal("link.so", host),
              dir.file("link.so") + " is a symbolic link; put the file itself into the directory");
}

TEST(Loading, RefusesADirectoryInPlaceOfAFile) {
    const Directory dir;
    fs::create_directory(dir.file("dir.so"));
    PluginFixture host;
    host.options.directory = dir.path();
    EXPECT_EQ(refusal("dir.so", host), dir.file("dir.so") + " is not a regular file");
}

TEST(Loading, TakesTheSumThatIsPinned) {
    const Directory dir;
    dir.write("text.so", "abc");
    PluginFixture host;
    host.options.directory = dir.path();
    // SHA-256 of "abc", from FIPS 180-2; upper case on purpose.
    const auto info = host.load_all({{"bad",
                                      "text.so",
                                      "BA7816BF8F01CFEA414140DE5DAE2223"
                                      "B00361A396177A9CB410FF61F20015AD",
                                      {}}})
                          .info();
    EXPECT_THAT(info.reason, HasSubstr("is not an ELF file"));
}

TEST(Loading, RefusesAnotherSumThanThePinned) {
    const Directory dir;
    dir.write("text.so", "abd");
    PluginFixture host;
    host.options.directory = dir.path();
    const auto info = host.load_all({{"bad", "text.so", "00ff", {}}}).info();
    EXPECT_THAT(info.reason, StartsWith(dir.file("text.so") + " has SHA-256 a52d159f262b2c6ddb72"));
    EXPECT_THAT(info.reason, HasSubstr("but the configuration pins 00ff"));
}

TEST(Loading, RefusesALibraryWithoutEntry) {
    EXPECT_EQ(refusal("bad-no-entry.so"),
              kDir +
                  "/bad-no-entry.so: has no symbol knd_entry_v1, so it is no KND backend, or its "
                  "build hides the symbol");
}

TEST(Loading, KeepsWhatTheLinkerSays) {
    EXPECT_EQ(refusal("bad-missing-symbol.so"),
              kDir +
                  "/bad-missing-symbol.so: uses a function that nothing on this machine "
                  "provides: " +
                  kDir +
                  "/bad-missing-symbol.so: undefined symbol: a_function_that_does_not_exist");
}

TEST(Loading, RefusesANewerAbi) {
    EXPECT_EQ(refusal("bad-newer-abi.so"),
              kDir +
                  "/bad-newer-abi.so: it is built for backend ABI 0.10, newer than this host's "
                  "0.3; update KND Host or rebuild the backend");
}

TEST(Loading, RefusesAnOlderAbi) {
    EXPECT_EQ(refusal("bad-older-abi.so"),
              kDir +
                  "/bad-older-abi.so: it is built for backend ABI 0.0, which this host (ABI 0.3) "
                  "no longer speaks; rebuild the backend");
}

TEST(Loading, NamesTheEmptySlotOfATable) {
    EXPECT_EQ(refusal("bad-half-table.so"),
              kDir +
                  "/bad-half-table.so: its table knd.prepare/1 leaves `unprepare` empty; the "
                  "backend has to be repaired");
}

TEST(Loading, NamesTheEmptySlotOfTheInstance) {
    EXPECT_EQ(refusal("bad-no-stop.so"),
              kDir +
                  "/bad-no-stop.so: its knd_backend leaves `stop` empty; the backend has to be "
                  "repaired");
}

TEST(Loading, NamesTheEmptySlotOfTheEntry) {
    EXPECT_THAT(refusal("bad-no-descriptor.so"),
                HasSubstr("knd_entry_v1 leaves `descriptor` empty"));
    EXPECT_THAT(refusal("bad-no-create.so"), HasSubstr("knd_entry_v1 leaves `create` empty"));
}

TEST(Loading, RefusesAShortTable) {
    EXPECT_EQ(refusal("bad-short-table.so"),
              kDir +
                  "/bad-short-table.so: its table knd.health/1 has size 8, 16 are needed; the "
                  "backend has to be repaired");
}

TEST(Loading, NamesAMissingRequiredExtension) {
    EXPECT_EQ(refusal("bad-no-discovery.so"),
              kDir +
                  "/bad-no-discovery.so: it does not offer knd.discovery/1, which is required; "
                  "the backend has to be repaired");
}

TEST(Loading, RefusesADescriptorWithoutSemanticVersion) {
    EXPECT_EQ(refusal("bad-version.so"),
              kDir +
                  "/bad-version.so: its descriptor's version `one point two` is no semantic "
                  "version; the backend has to be repaired");
}

TEST(Loading, SurvivesACrashInAConstructor) {
    EXPECT_EQ(refusal("bad-constructor-crashes.so"),
              kDir +
                  "/bad-constructor-crashes.so crashed with SIGSEGV (Segmentation fault) while "
                  "its constructors ran; it was tried in a child process, so nothing else is "
                  "affected");
}

TEST(Loading, SurvivesAConstructorThatExits) {
    EXPECT_EQ(refusal("bad-constructor-exits.so"),
              kDir +
                  "/bad-constructor-exits.so ended the process with exit status 3 while its "
                  "constructors ran; it was tried in a child process, so nothing else is "
                  "affected");
}

TEST(Loading, GivesUpOnAConstructorThatHangs) {
    PluginFixture host;
    host.options.probe_timeout = std::chrono::milliseconds(1000);
    EXPECT_EQ(refusal("bad-constructor-hangs.so", host),
              kDir + "/bad-constructor-hangs.so hung for 1000 ms while its constructors ran");
}

TEST(Loading, SurvivesACrashInCreate) {
    EXPECT_EQ(refusal("bad-create-crashes.so"),
              kDir +
                  "/bad-create-crashes.so crashed with SIGABRT (Aborted) in create; it was tried "
                  "in a child process, so nothing else is affected");
}

TEST(Loading, RefusesALibraryThatMakesNoInstance) {
    EXPECT_EQ(refusal("bad-create-fails.so"),
              kDir + "/bad-create-fails.so: create made no instance");
}

/// A copy of a good library in a directory of its own, running.
class LoadedFile : public ::testing::Test {
  protected:
    LoadedFile() {
        dir.copy("bad-nothing.so");
        host.options.directory = dir.path();
        backend = &host.run("bad-nothing.so");
    }
    std::string path() const { return dir.file("bad-nothing.so"); }
    std::string reason() {
        EXPECT_TRUE(host.list(*backend).ok());
        EXPECT_EQ(backend->info().state, BackendState::kRunning);
        return backend->info().reason;
    }
    /// In place, as `cp` does it.
    void overwrite(const std::string& library) const {
        std::ifstream from(kDir + "/" + library, std::ios::binary);
        std::ofstream(path(), std::ios::binary | std::ios::trunc) << from.rdbuf();
    }

    const Directory dir;
    PluginFixture host;
    Backend* backend = nullptr;
};

TEST_F(LoadedFile, MayBeTruncatedWhileItRuns) {
    EXPECT_EQ(::truncate(path().c_str(), 0), 0);
    EXPECT_EQ(reason(), "the file was replaced after it was loaded; restart kndd to use it");
    EXPECT_TRUE(host.prepare(*backend).ok());
}

TEST_F(LoadedFile, MayBeOverwrittenWhileItRuns) {
    overwrite("bad-always-internal.so");
    EXPECT_EQ(reason(), "the file was replaced after it was loaded; restart kndd to use it");
    overwrite("bad-nothing.so");
    EXPECT_EQ(reason(), "");
}

TEST_F(LoadedFile, IsTheSameWhenItWasOnlyTouched) {
    fs::last_write_time(path(), fs::file_time_type::clock::now() + std::chrono::hours(1));
    EXPECT_EQ(reason(), "");
}

TEST_F(LoadedFile, SaysThatItWasRemoved) {
    fs::remove(path());
    EXPECT_THAT(reason(), StartsWith("the file was removed after it was loaded"));
}

TEST_F(LoadedFile, IsNamedInTheTableOfMappings) {
    std::ifstream maps("/proc/self/maps");
    std::string all((std::istreambuf_iterator<char>(maps)), {});
    EXPECT_THAT(all, HasSubstr("/memfd:bad-nothing.so"));
    EXPECT_EQ(backend->info().library, path());
}

TEST(Loading, MapsTheFileItselfWhereItLooksForOthersBesideIt) {
    const Directory dir;
    std::ofstream(dir.file("helper.c")) << "int helper(void) { return 7; }\n";
    std::ofstream(dir.file("origin.c"))
        << "#include <knd/knd.h>\n"
           "#include <stddef.h>\n"
           "int helper(void);\n"
           "static knd_backend* create(const knd_host* host) { (void)host;\n"
           "  return helper() == 7 ? NULL : (knd_backend*)1; }\n"
           "static const knd_descriptor d = {sizeof d, 0, \"example.com/origin\", \"Example\",\n"
           "  \"1.0.0\", \"Looks beside itself\"};\n"
           "const knd_entry knd_entry_v1 = {KND_ABI_MAJOR, KND_ABI_MINOR, &d, create};\n";
    const auto compile = "cd " + dir.path() +
                         " && cc -shared -fPIC -o libhelper.so helper.c"
                         " && cc -shared -fPIC -I " KND_SDK_INCLUDE
                         " -o origin.so origin.c -L. -lhelper '-Wl,-rpath,$ORIGIN'";
    ASSERT_EQ(std::system(compile.c_str()), 0);
    PluginFixture host;
    host.options.directory = dir.path();
    // It was found and called: that is what create answers.
    EXPECT_EQ(refusal("origin.so", host), dir.file("origin.so") + ": create made no instance");
}

TEST(Loading, LoadsTheRightLibraryAfterOneThatWasRefused) {
    PluginFixture host;
    EXPECT_THAT(refusal("bad-newer-abi.so", host), HasSubstr("newer than this host's"));
    host.options.probe = false;
    EXPECT_THAT(refusal("bad-no-create.so", host), HasSubstr("leaves `create` empty"));
    EXPECT_THAT(refusal("bad-half-table.so", host), HasSubstr("leaves `unprepare` empty"));
    EXPECT_EQ(host.load("bad-nothing.so").info().state, BackendState::kLoaded);
}

TEST(Loading, RefusesAnotherPinForAFileThatIsLoadedAlready) {
    PluginFixture host;
    host.load_all({{"a", "bad-nothing.so", "", {}}, {"b", "bad-nothing.so", "00ff", {}}});
    EXPECT_EQ(host.registry->find("a")->info().state, BackendState::kLoaded);
    EXPECT_THAT(host.registry->find("b")->info().reason,
                HasSubstr("but the configuration pins 00ff"));
}

TEST(Loading, UsesTheFirstOfTwoWithOneName) {
    PluginFixture host;
    host.load_all({{"nic", "bad-nothing.so", "", {}}, {"nic", "bad-duplicates.so", "", {}}});
    EXPECT_EQ(host.registry->backends()[0]->info().state, BackendState::kLoaded);
    EXPECT_EQ(host.registry->backends()[1]->info().reason,
              "backend `nic` is listed twice; the first one stands");
    EXPECT_EQ(host.registry->find("nic"), host.registry->backends()[0]);
}

TEST(Loading, MakesTwoInstancesOfOneLibrary) {
    PluginFixture host;
    host.load_all({{"a", "bad-nothing.so", "", {}}, {"b", "bad-nothing.so", "", {}}});
    EXPECT_TRUE(host.start(*host.registry->find("a")).ok());
    EXPECT_TRUE(host.start(*host.registry->find("b")).ok());
}

TEST(Loading, GoesOnAfterABackendThatFails) {
    PluginFixture host;
    host.load_all({{"a", "bad-constructor-crashes.so", "", {}}, {"b", "bad-nothing.so", "", {}}});
    EXPECT_TRUE(host.start(*host.registry->find("b")).ok());
}

TEST(Loading, AnswersCallsToABackendThatFailedWithTheReason) {
    PluginFixture host;
    auto& backend = host.load("knd-none.so");
    const auto started = host.start(backend);
    EXPECT_EQ(started.code(), Code::kFailedPrecondition);
    EXPECT_EQ(message_of(started),
              "backend bad: not running: " + kDir + "/knd-none.so does not exist");
}

}  // namespace
}  // namespace knd::plugin
