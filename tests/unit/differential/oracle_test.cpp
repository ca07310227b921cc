// SPDX-License-Identifier: Apache-2.0
//
// The child process that the comparisons ask. Here it is a shell that repeats what it is asked.
#include "tests/interop/differential/oracle.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace knd::differential {
namespace {

class OracleTest : public testing::Test {
  protected:
    OracleTest() {
        std::signal(SIGPIPE, SIG_IGN);
        char name[] = "/tmp/knd-oracle-XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~OracleTest() override { std::filesystem::remove_all(directory_); }

    /// One that answers nothing after `last_words` when it is asked to die.
    Oracle mortal(const std::string& last_words) {
        const auto path = directory_ + "/oracle";
        std::ofstream(path) << "#!/bin/sh\nwhile read -r line; do\n"
                            << "case $line in *die*) " << last_words << ";; esac\n"
                            << "printf '%s\\n' \"$line\"\ndone\n";
        ::chmod(path.c_str(), 0700);
        auto started = Oracle::start(path);
        EXPECT_TRUE(started.ok());
        return *std::move(started);
    }

    static std::vector<std::string> answers(Oracle& oracle, const std::vector<Json>& cases) {
        std::vector<std::string> out;
        const auto asked = oracle.ask(cases, [&](std::size_t i, const Json& answer) {
            EXPECT_EQ(i, out.size());
            out.push_back(to_text(answer));
        });
        EXPECT_TRUE(asked.ok());
        return out;
    }

    std::string directory_;
};

TEST_F(OracleTest, AnswersInOrder) {
    auto oracle = mortal("exit 1");
    EXPECT_EQ(answers(oracle, {1, 2, 3}), (std::vector<std::string>{"1", "2", "3"}));
}

TEST_F(OracleTest, IsReplacedWhenItDies) {
    auto oracle = mortal("exit 3");
    const std::string died = R"({"panic":"the oracle died of it: exit status 3"})";
    EXPECT_EQ(answers(oracle, {1, "die", 2, "die", "die", 3}),
              (std::vector<std::string>{"1", died, "2", died, died, "3"}));
    EXPECT_EQ(answers(oracle, {4}), std::vector<std::string>{"4"});
}

TEST_F(OracleTest, SaysWhichSignalEndedIt) {
    auto oracle = mortal("kill -9 $$");
    EXPECT_EQ(answers(oracle, {"die"}),
              std::vector<std::string>{R"({"panic":"the oracle died of it: signal 9"})"});
}

TEST_F(OracleTest, ThatIsNotThereIsAnError) {
    EXPECT_FALSE(Oracle::start(directory_ + "/nothing").ok());
}

TEST_F(OracleTest, AnswersThatAreNoJsonAreAnError) {
    auto oracle = mortal("echo 'never mind'");
    EXPECT_FALSE(oracle.ask(Json("die")).ok());
}

}  // namespace
}  // namespace knd::differential
