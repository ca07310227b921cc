// SPDX-License-Identifier: Apache-2.0
#include "tools/local/kubelet/hooks.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "host/model/text_file.hpp"
#include "kubelet_support.hpp"

namespace knd::local {
namespace {

class Hooks : public testing::Test {
  protected:
    Hook shell(const std::string& script, int timeout_s = 0) {
        return {"/bin/sh", {"sh", "-c", script}, {"MARK=set"}, timeout_s};
    }
    std::string run(std::vector<Hook> hooks) {
        std::optional<Result<>> answer;
        run_hooks(io_, std::move(hooks), {directory_.path(), "", R"({"id":"c1","pid":7})"},
                  [&](Result<> result) { answer = std::move(result); });
        EXPECT_TRUE(run_until(io_, [&] { return answer.has_value(); }));
        return answer && !answer->ok() ? answer->error().message() : "";
    }
    std::string written(const std::string& name) {
        return read_text_file(directory_ / name).value_or("nothing");
    }
    Directory directory_;
    boost::asio::io_context io_;
};

TEST_F(Hooks, SucceedWhenThereAreNone) {
    EXPECT_EQ(run({}), "");
}

TEST_F(Hooks, GetTheStateOnStdin) {
    EXPECT_EQ(run({shell("cat > state")}), "");
    EXPECT_EQ(written("state"), R"({"id":"c1","pid":7})");
}

TEST_F(Hooks, GetTheirOwnEnvironmentOnly) {
    EXPECT_EQ(run({shell("/usr/bin/env | /bin/grep -v -e PWD -e _= -e SHLVL -e OLDPWD > env")}),
              "");
    EXPECT_EQ(written("env"), "MARK=set\n");
}

TEST_F(Hooks, RunInOrder) {
    EXPECT_EQ(run({shell("echo 1 >> order"), shell("echo 2 >> order")}), "");
    EXPECT_EQ(written("order"), "1\n2\n");
}

TEST_F(Hooks, ReportTheStderrOfOneThatFails) {
    EXPECT_EQ(
        run({shell("true"), shell("echo out; echo not attached >&2; exit 3")}),
        "error running hook #1: error running hook: exit status 3, stdout: out\n, stderr: not "
        "attached");
}

TEST_F(Hooks, EndAtTheFirstThatFails) {
    run({shell("exit 1"), shell("echo ran > second")});
    EXPECT_EQ(written("second"), "nothing");
}

TEST_F(Hooks, AreKilledAfterTheirTimeout) {
    EXPECT_EQ(run({shell("sleep 30", 1)}),
              "error running hook #0: hook ran past specified timeout of 1.0s");
}

TEST_F(Hooks, ReportAMissingProgram) {
    EXPECT_EQ(run({{"/nowhere/gate", {"gate"}, {}, 0}}),
              "error running hook #0: fork/exec /nowhere/gate: no such file or directory");
}

}  // namespace
}  // namespace knd::local
