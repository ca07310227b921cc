// SPDX-License-Identifier: Apache-2.0
#include "host/config/config.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

namespace knd {
namespace {

std::string error_of(std::string_view text) {
    auto config = parse_config(text, "test.toml");
    return config ? "" : config.error().message();
}

TEST(Config, DocumentedDefaultsEqualTheRealOnes) {
    std::ifstream file(KND_SOURCE_DIR "/configs/daemon.toml");
    std::string section;
    std::map<std::string, std::string> documented;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("[")) section = line.substr(1, line.find(']') - 1);
        const auto equals = line.find(" = ");
        if (line.empty() || line[0] == '#' || equals == std::string::npos) continue;
        documented[section + "." + line.substr(0, equals)] = line.substr(equals + 3);
    }
    std::map<std::string, std::string> real;
    for (auto& [key, value] : config_keys()) {
        if (value.starts_with('\'')) value = '"' + value.substr(1, value.size() - 2) + '"';
        real[key] = value;
    }
    EXPECT_EQ(documented, real);
}

TEST(Config, DefaultFileIsValid) {
    EXPECT_TRUE(load_config(KND_SOURCE_DIR "/configs/daemon.toml").ok());
}

TEST(Config, ReadsBackendsInOrder) {
    auto config = parse_config(
        "[[backend]]\nname='a'\nlibrary='knd-a.so'\n"
        "[[backend]]\nname='b'\nlibrary='knd-b.so'\n[backend.config]\nn=3\n",
        "t");
    ASSERT_TRUE(config.ok());
    ASSERT_EQ(config->backends.size(), 2u);
    EXPECT_EQ(config->backends[0].name, "a");
    EXPECT_EQ(config->backends[1].config["n"], 3);
}

TEST(Config, MissingFileIsNamed) {
    auto config = load_config("/nonexistent/kndd.toml");
    ASSERT_FALSE(config.ok());
    EXPECT_EQ(config.error().message(),
              "cannot read configuration: /nonexistent/kndd.toml: No such file or directory");
}

TEST(Config, DirectoryInsteadOfFileIsAnError) {
    EXPECT_FALSE(load_config("/tmp").ok());
}

TEST(Config, MalformedTomlNamesTheLine) {
    EXPECT_TRUE(error_of("[driver]\nname = \n").starts_with("test.toml:2: not valid TOML: "));
}

TEST(Config, UnknownKeyNamesTheNearestOne) {
    EXPECT_EQ(error_of("[driver]\nnmae = 'x.y'\n"),
              "test.toml:2: unknown key `driver.nmae`; did you mean `driver.name`?");
}

TEST(Config, UnknownSectionNamesTheNearestOne) {
    EXPECT_EQ(error_of("[drivr]\nname = 'x.y'\n"),
              "test.toml:1: unknown key `drivr`; did you mean `driver`?");
}

TEST(Config, WrongTypeSaysWhatIsAllowed) {
    EXPECT_EQ(error_of("[attach]\nworkers = 'four'\n"),
              "test.toml:2: `attach.workers` must be a whole number from 1 to 64");
}

TEST(Config, WrongChoiceListsTheChoices) {
    EXPECT_EQ(error_of("[attach]\nmode = 'fast'\n"),
              "test.toml:2: `attach.mode` must be \"async\" or \"sync\"");
}

TEST(Config, ReportsEveryProblemAtOnce) {
    const auto error = error_of("[driver]\nfoo = 1\n[http]\nlisten = 2\n");
    EXPECT_NE(error.find("test.toml:2:"), std::string::npos);
    EXPECT_NE(error.find("test.toml:4:"), std::string::npos);
}

TEST(Config, BackendWithoutLibraryIsRefused) {
    EXPECT_EQ(error_of("[[backend]]\nname = 'x'\n"),
              "test.toml:1: backend `x` needs a `library`, for example \"knd-netdev.so\"");
}

TEST(Config, BackendNameUsedTwiceIsRefused) {
    EXPECT_NE(error_of("[[backend]]\nname='a'\nlibrary='l'\n[[backend]]\nname='a'\nlibrary='m'\n")
                  .find("backend name `a` is used twice"),
              std::string::npos);
}

TEST(Config, DriverNameMustBeADnsName) {
    EXPECT_FALSE(error_of("[driver]\nname = 'Knd.Dev'\n").empty());
    EXPECT_FALSE(error_of("[driver]\nname = 'knd..dev'\n").empty());
    EXPECT_FALSE(error_of("[driver]\nname = '-knd.dev'\n").empty());
    EXPECT_FALSE(error_of("[driver]\nname = ''\n").empty());
    EXPECT_EQ(error_of("[driver]\nname = 'dra.net'\n"), "");
}

TEST(Config, RelativePathIsRefused) {
    EXPECT_EQ(error_of("[paths]\nrun = 'run'\n"),
              "test.toml: `paths.run` must be an absolute path, not \"run\"");
}

TEST(Config, ResolveFillsInNodeAndDriver) {
    auto config = *parse_config("[driver]\npool = '{node}/{backend}'\n", "t");
    ASSERT_TRUE(resolve_config(config, "", "host1").ok());
    EXPECT_EQ(config.driver.node, "host1");
    EXPECT_EQ(config.driver.pool, "host1/{backend}");
    EXPECT_EQ(config.kubelet.plugin_dir, "/var/lib/kubelet/plugins/knd.dev");
}

TEST(Config, EnvironmentNamesTheNodeBeforeTheHost) {
    auto config = *parse_config("", "t");
    ASSERT_TRUE(resolve_config(config, "node7", "host1").ok());
    EXPECT_EQ(config.driver.node, "node7");
}

}  // namespace
}  // namespace knd
