// SPDX-License-Identifier: Apache-2.0
#include "host/kube/config.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "tests/fakes/nri_loop.hpp"

namespace knd::kube {
namespace {

constexpr std::string_view kPem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

class ConfigFile : public ::testing::Test {
  protected:
    std::string write(const std::string& name, std::string_view text) {
        const auto path = dir_.file(name);
        std::ofstream(path, std::ios::trunc) << text;
        return path;
    }
    /// A whole kubeconfig around the lines of its cluster and user.
    std::string kubeconfig(const std::string& cluster, const std::string& user) {
        return write("config",
                     "apiVersion: v1\nkind: Config\ncurrent-context: main\n"
                     "contexts:\n- name: main\n  context: {cluster: c, user: u}\n"
                     "clusters:\n- name: c\n  cluster: {" +
                         cluster +
                         "}\n"
                         "users:\n- name: u\n  user: {" +
                         user + "}\n");
    }
    fakes::TempDir dir_;
};

TEST_F(ConfigFile, ReadsServerTokenAndInlineCertificates) {
    const auto config = Config::from_kubeconfig(kubeconfig(
        "server: 'https://h:6443/', certificate-authority-data: aGVsbG8=", "token: t0ken"));
    ASSERT_TRUE(config.ok()) << config.error().message();
    EXPECT_EQ(config->server, "https://h:6443");
    EXPECT_EQ(config->ca.data, "hello");
    EXPECT_EQ(config->token.data, "t0ken");
}

TEST_F(ConfigFile, ResolvesRelativeFilesBesideItself) {
    const auto config = Config::from_kubeconfig(
        kubeconfig("server: https://h, certificate-authority: pki/ca.crt", "tokenFile: /run/t"));
    ASSERT_TRUE(config.ok());
    EXPECT_EQ(config->ca.file, dir_.file("pki/ca.crt"));
    EXPECT_EQ(config->token.file, "/run/t");
}

TEST_F(ConfigFile, RefusesExecPluginsByName) {
    const auto config =
        Config::from_kubeconfig(kubeconfig("server: https://h", "exec: {command: aws}"));
    ASSERT_FALSE(config.ok());
    EXPECT_NE(config.error().message().find("`exec` section"), std::string::npos);
}

TEST_F(ConfigFile, NamesTheMissingContext) {
    const auto config =
        Config::from_kubeconfig(kubeconfig("server: https://h", "token: t"), "other");
    ASSERT_FALSE(config.ok());
    EXPECT_NE(config.error().message().find("contexts has no entry \"other\""), std::string::npos);
}

TEST_F(ConfigFile, RefusesServersThatAreNoUrl) {
    EXPECT_EQ(Config::from_kubeconfig(kubeconfig("server: 'h:6443'", "token: t")).code(),
              Code::kInvalidArgument);
}

TEST_F(ConfigFile, SaysWhereTheYamlIsBroken) {
    const auto config = Config::from_kubeconfig(write("broken", "a: [1\nb: }"));
    ASSERT_FALSE(config.ok());
    EXPECT_NE(config.error().message().find("line"), std::string::npos);
}

TEST_F(ConfigFile, ReportsAFileThatIsNotThere) {
    EXPECT_EQ(Config::from_kubeconfig("/nonexistent/config").code(), Code::kNotFound);
}

TEST_F(ConfigFile, SurvivesYamlOfTheWrongShape) {
    for (const auto* text : {"", "[]", "5", "contexts: 5\ncurrent-context: x", "a: b"})
        EXPECT_FALSE(Config::from_kubeconfig(write("shape", text)).ok()) << text;
}

TEST_F(ConfigFile, BracketsAnIpv6ServiceHost) {
    ::setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    ::setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    const auto config = Config::in_cluster(dir_.file(""));
    ::unsetenv("KUBERNETES_SERVICE_HOST");
    ::unsetenv("KUBERNETES_SERVICE_PORT");
    ASSERT_TRUE(config.ok());
    EXPECT_EQ(config->server, "https://[fd00::1]:443");
}

TEST_F(ConfigFile, SaysWhatToSetOutsideAPod) {
    const auto config = Config::load("");
    ASSERT_FALSE(config.ok());
    EXPECT_NE(config.error().message().find("kube.kubeconfig"), std::string::npos);
}

class CredentialFiles : public ConfigFile {
  protected:
    Config config() {
        Config made;
        made.token.file = write("token", "one\n");
        made.ca.file = write("ca.crt", kPem);
        return made;
    }
    Credentials::Clock::time_point later() {
        return Credentials::Clock::now() + 2 * Credentials::kRefresh;
    }
};

TEST_F(CredentialFiles, TrimTheToken) {
    auto credentials = Credentials::open(config());
    ASSERT_TRUE(credentials.ok()) << credentials.error().message();
    EXPECT_EQ(credentials->current(Credentials::Clock::now()).token, "one");
}

TEST_F(CredentialFiles, AreReadAgainAfterAMinute) {
    auto credentials = Credentials::open(config());
    ASSERT_TRUE(credentials.ok());
    write("token", "two");
    EXPECT_EQ(credentials->current(Credentials::Clock::now()).token, "one");
    EXPECT_EQ(credentials->current(later()).token, "two");
}

TEST_F(CredentialFiles, AreReadAtOnceWhenTheTokenIsRejected) {
    auto credentials = Credentials::open(config());
    ASSERT_TRUE(credentials.ok());
    EXPECT_FALSE(credentials->token_rejected(Credentials::Clock::now()));
    write("token", "two");
    EXPECT_TRUE(credentials->token_rejected(Credentials::Clock::now()));
}

TEST_F(CredentialFiles, KeepTheOldRootsWhenTheNewFileIsNoPem) {
    auto credentials = Credentials::open(config());
    ASSERT_TRUE(credentials.ok());
    write("ca.crt", "half a certif");
    EXPECT_EQ(credentials->current(later()).ca, kPem);
}

TEST_F(CredentialFiles, MustBeThereAtStart) {
    auto made = config();
    made.token.file = "/nonexistent/token";
    const auto credentials = Credentials::open(made);
    ASSERT_FALSE(credentials.ok());
    EXPECT_NE(credentials.error().message().find("/nonexistent/token"), std::string::npos);
}

}  // namespace
}  // namespace knd::kube
