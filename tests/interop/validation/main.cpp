// SPDX-License-Identifier: Apache-2.0
//
// Compares our API validation with that of a real API server: on the kept cases, on every limit,
// and on valid objects that are spoiled at random.
//
//   validation_differential --oracle PATH [--corpus FILE] [--count N] [--seed N] [--show N]
//                           [--record FILE] [--release NN]
//
// Ends with 0 if all is the same, 1 if not, 2 for a bad command line. --record writes a case of
// each sort of answer with what the oracle said, for tests that have no oracle.
#include <cstdio>
#include <fstream>
#include <map>
#include <set>

#include "tests/interop/differential/command_line.hpp"
#include "tests/interop/differential/oracle.hpp"
#include "tests/interop/validation/judge.hpp"
#include "tests/interop/validation/mutate.hpp"
#include "tests/interop/validation/release.hpp"

namespace knd::differential {
namespace {

constexpr std::size_t kBatch = 500;

struct Counts {
    std::size_t cases = 0, accepted = 0, invalid = 0, refused = 0, strict = 0;
    std::size_t words = 0, skipped = 0, different = 0;
};

/// "spec.devices[0].name" -> "spec.devices[].name"
std::string without_numbers(const std::string& field) {
    std::string out;
    bool inside = false;
    for (const char c : field) {
        if (c == ']') inside = false;
        if (!inside) out += c;
        if (c == '[') inside = true;
    }
    return out;
}

/// What a case is about: the fields that are wrong, and how.
std::string sort_of(const Json& write, const Json& answer) {
    auto sort = json_string(write, "operation") + " " + json_string(write, "kind");
    if (answer.contains("refused")) return sort + " refused";
    if (answer.contains("strict")) sort += " strict";
    for (const auto& error : json_at(answer, "errors"))
        sort +=
            " " + json_string(error, "reason") + " " + without_numbers(json_string(error, "field"));
    return sort;
}

class Run {
  public:
    Run(const CommonSettings& settings, Oracle& oracle) : settings_(settings), oracle_(oracle) {}

    Result<void> ask(const std::string& name, const std::vector<Json>& writes);
    Result<void> ask_at_random();
    Result<void> write_record() const;
    bool all_same() const { return different_ == 0; }

  private:
    void take(const Json& write, const Json& answer, Counts& counts);
    void summary(const std::string& name, const Counts& counts) const;

    const CommonSettings& settings_;
    Oracle& oracle_;
    std::size_t different_ = 0;
    std::size_t shown_ = 0;
    std::set<std::string> sorts_;
    std::map<std::string, Json> recorded_;
};

void Run::take(const Json& write, const Json& answer, Counts& counts) {
    ++counts.cases;
    counts.refused += answer.contains("refused") ? 1 : 0;
    counts.strict += answer.contains("strict") ? 1 : 0;
    counts.invalid += answer.contains("errors") ? 1 : 0;
    counts.accepted += answer.contains("object") ? 1 : 0;
    std::string what;
    const auto likeness = judge(write, answer, our_judgement(write), what);
    counts.words += likeness == Likeness::kSameButWords ? 1 : 0;
    counts.skipped += likeness == Likeness::kSkipped ? 1 : 0;
    const auto sort = sort_of(write, answer);
    if (!settings_.record.empty() && likeness != Likeness::kSkipped) {
        auto kept = write;
        kept["expected"] = answer;
        auto& known = recorded_[sort];
        // The smallest of a sort is the easiest to read.
        if (known.is_null() || to_text(kept).size() < to_text(known).size())
            known = std::move(kept);
    }
    if (likeness != Likeness::kDifferent) return;
    ++counts.different;
    ++different_;
    // One of each sort is enough to read.
    if (!sorts_.insert(sort).second || shown_++ >= settings_.show) return;
    std::printf("DIFFERENT %s\n  %s\n", what.c_str(), to_text(write).c_str());
}

void Run::summary(const std::string& name, const Counts& counts) const {
    std::printf(
        "%s: %zu cases: %zu accepted, %zu invalid, %zu of a wrong type, %zu with unknown fields; "
        "%zu same but for words, %zu skipped, %zu different\n",
        name.c_str(), counts.cases, counts.accepted, counts.invalid, counts.refused, counts.strict,
        counts.words, counts.skipped, counts.different);
    std::fflush(stdout);
}

Result<void> Run::ask(const std::string& name, const std::vector<Json>& writes) {
    Counts counts;
    KND_TRY(oracle_.ask(
        writes, [&](std::size_t i, const Json& answer) { take(writes[i], answer, counts); }));
    summary(name, counts);
    return {};
}

Result<void> Run::ask_at_random() {
    std::printf("seed %llu\n", static_cast<unsigned long long>(settings_.seed));
    const auto bases = valid_writes(settings_.release);
    Random random(settings_.seed);
    Counts counts;
    for (std::size_t done = 0; done < settings_.count;) {
        std::vector<Json> batch;
        while (batch.size() < kBatch && done < settings_.count) {
            auto write = random_write(random, bases);
            if (!fit_release(write, settings_.release)) continue;
            batch.push_back(std::move(write));
            ++done;
        }
        KND_TRY(oracle_.ask(
            batch, [&](std::size_t i, const Json& answer) { take(batch[i], answer, counts); }));
    }
    summary("random", counts);
    return {};
}

/// What a case shows: errors without the values that they quote.
std::set<std::string> shown_by(const Json& write) {
    const auto& answer = json_at(write, "expected");
    const auto about = json_string(write, "operation") + " " + json_string(write, "kind") + " ";
    std::set<std::string> out;
    if (answer.contains("refused") || answer.contains("strict")) out.insert(about + "strict");
    for (const auto& error : json_at(answer, "errors")) {
        auto text = json_string(error, "text");
        const auto from = text.find('"');
        const auto to = text.rfind('"');
        if (from < to) text.erase(from, to - from);
        out.insert(about + without_numbers(json_string(error, "field")) + text);
    }
    return out;
}

/// Smallest first, and only what shows something new.
Result<void> Run::write_record() const {
    if (settings_.record.empty()) return {};
    std::multimap<std::size_t, const Json*> by_size;
    for (const auto& [sort, write] : recorded_)
        by_size.emplace(to_text(write).size(), &write);
    std::set<std::string> known;
    std::size_t count = 0;
    std::ofstream file(settings_.record);
    for (const auto& [size, write] : by_size) {
        const auto before = known.size();
        known.merge(shown_by(*write));
        if (known.size() == before) continue;
        file << (count++ == 0 ? "[\n" : ",\n") << to_text(*write);
    }
    file << "\n]\n";
    if (!file.flush()) return Error(Code::kUnavailable, "cannot write " + settings_.record);
    std::printf("%zu cases of %zu sorts in %s\n", count, recorded_.size(),
                settings_.record.c_str());
    return {};
}

Result<bool> compare_all(const CommonSettings& settings) {
    KND_TRY_ASSIGN(auto oracle, Oracle::start(settings.oracle));
    Run run(settings, oracle);
    if (!settings.corpus.empty()) {
        KND_TRY_ASSIGN(auto corpus, read_cases(settings.corpus));
        std::erase_if(
            corpus, [&](const Json& write) { return release_of_write(write) != settings.release; });
        KND_TRY(run.ask("corpus", corpus));
    }
    auto limits = limit_writes(valid_writes(settings.release));
    std::erase_if(limits, [&](Json& write) { return !fit_release(write, settings.release); });
    KND_TRY(run.ask("limits", limits));
    KND_TRY(run.ask_at_random());
    KND_TRY(run.write_record());
    return run.all_same();
}

int run(int argc, char** argv) {
    CommonSettings settings;
    settings.count = 5000;
    settings.show = 20;
    settings.release = kUsualRelease;
    CLI::App app("Compares our API validation with Kubernetes' own.");
    add_common_options(app, settings, "Judged cases to ask again first",
                       "Write a judged case of each sort to this file");
    return run_comparison(app, argc, argv, [&] { return compare_all(settings); });
}

}  // namespace
}  // namespace knd::differential

int main(int argc, char** argv) {
    return knd::differential::run(argc, argv);
}
