// SPDX-License-Identifier: Apache-2.0
#include "host/cel/syntax_parser.hpp"

#include <set>

namespace knd::cel::syntax {
namespace {

constexpr int kMaxDepth = 250;
constexpr int kMaxRecoveries = 30;
constexpr int kMaxSkipped = 512;
constexpr std::size_t kMaxSyntaxErrors = 100;

std::string shown(std::string_view text) {
    std::string out;
    for (const char c : text)
        out += c == '\t' ? "\\t" : (c == '\n' ? "\\n" : (c == '\r' ? "\\r" : std::string(1, c)));
    return "'" + out + "'";
}

/// Reserved words get the message they always had.
std::string about_reserved(const std::string& message) {
    const std::string_view start = "no viable alternative at input '";
    if (!message.starts_with(start)) return message;
    for (const std::string_view word : {"true'", "false'", "null'"}) {
        const auto rest = std::string_view(message).substr(start.size());
        if (rest.size() == word.size() + 1 && rest.substr(1) == word)
            return "mismatched input '" + std::string(word) + " expecting IDENTIFIER";
    }
    return message;
}

class Parser {
  public:
    Parser(std::string_view source, const ParserOptions& options, std::vector<Lexeme> all,
           Tree& tree, std::vector<Issue>& issues)
        : source_(source),
          unknown_(options.knows_backquotes ? 0 : one_of(kEscapedIdentifier)),
          all_(std::move(all)),
          tree_(tree),
          issues_(issues),
          grammar_(Grammar::instance()),
          predictor_(grammar_, visible(all_, tree)) {}

    bool run() {
        reported_ = issues_.size();
        if (reported_ > kMaxSyntaxErrors) {
            issues_.resize(kMaxSyntaxErrors + 1);
            issues_.back().message = too_many();
            return true;
        }
        tree_.root = parse(Rule::kStart, 0, std::nullopt);
        tree_.complete = !aborted_;
        return !too_hard_;
    }

  private:
    struct Frame {
        Rule rule = Rule::kStart;
        std::optional<StateIndex> caller;  ///< the state whose first edge called
        int precedence = 0;
        std::size_t node = 0;
    };

    static std::span<const Lexeme> visible(const std::vector<Lexeme>& all, Tree& tree) {
        for (const auto& token : all)
            if (!token.hidden()) tree.tokens.push_back(token);
        return tree.tokens;
    }

    const Lexeme& token(std::size_t ahead = 0) const {
        return tree_.tokens[std::min(at_ + ahead, tree_.tokens.size() - 1)];
    }
    TokenSet next(std::size_t ahead = 0) const { return one_of(token(ahead).type); }
    std::string text(const Lexeme& lexeme) const {
        if (lexeme.type == kEof) return "<EOF>";
        return std::string(source_.substr(lexeme.offset, lexeme.end - lexeme.offset));
    }
    TreeNode& node() { return tree_.nodes[frames_.back().node]; }
    bool going() const { return !failed_ && !aborted_; }

    /// Nine rules call each other for every level of nesting: nothing but these two may be on the
    /// stack then, and they hold next to nothing.
    std::size_t parse(Rule rule, int precedence, std::optional<StateIndex> caller) {
        enter(rule, precedence, caller);
        for (auto at = grammar_.start(rule); going() && grammar_[at].kind != State::Kind::kStop;)
            at = step(at);
        return leave();
    }

    StateIndex step(StateIndex at) {
        const auto& state = grammar_[at];
        if (state.kind != State::Kind::kBasic) return branch(at);
        const auto& edge = state.edges[0];
        if (edge.kind == Edge::Kind::kRule) {
            state_ = at;
            add_child(parse(edge.rule, edge.precedence, at));
        } else {
            pass(at, edge);
        }
        return edge.target;
    }

    [[gnu::noinline]] void enter(Rule rule, int precedence, std::optional<StateIndex> caller) {
        frames_.push_back({rule, caller, precedence, add_node(rule, token().offset)});
        if (++depths_[static_cast<std::size_t>(rule)] > kMaxDepth)
            abort(
                {kNoLocation, "expression recursion limit exceeded: " + std::to_string(kMaxDepth)});
    }

    [[gnu::noinline]] std::size_t leave() {
        if (failed_ && !aborted_) recover();
        failed_ = false;
        const auto frame = frames_.back();
        --depths_[static_cast<std::size_t>(frame.rule)];
        if (frame.caller) state_ = *frame.caller;
        frames_.pop_back();
        return frame.node;
    }

    [[gnu::noinline]] void add_child(std::size_t child) {
        node().children.push_back({.is_node = true, .index = child});
    }

    std::size_t add_node(Rule rule, std::uint32_t offset) {
        tree_.nodes.push_back({rule, 0, offset});
        return tree_.nodes.size() - 1;
    }

    [[gnu::noinline]] StateIndex branch(StateIndex at) {
        state_ = at;
        sync();
        if (!going()) return at;
        const auto& state = grammar_[at];
        return decide(state.kind == State::Kind::kLoopBack ? state.entry : at);
    }

    [[gnu::noinline]] void pass(StateIndex at, const Edge& edge) {
        if (edge.kind == Edge::Kind::kPrecedence) wrap();
        if (edge.kind != Edge::Kind::kTokens) return;
        state_ = at;
        match(edge.tokens);
    }

    /// What was read so far becomes the left side of a new node of the same rule.
    void wrap() {
        const auto left = frames_.back().node;
        frames_.back().node = add_node(frames_.back().rule, tree_.nodes[left].offset);
        node().children.push_back({.is_node = true, .index = left});
        node().label = label_;
    }

    StateIndex decide(StateIndex at) {
        const auto& state = grammar_[at];
        const auto way = state.adaptive ? predict(at) : by_next(state);
        if (!going()) return at;
        if (state.labels) label_ = static_cast<int>(way) + 1;
        // A rule that recurses on its left gets its label when the left side is wrapped.
        if (state.labels && frames_.back().rule != Rule::kCalc &&
            frames_.back().rule != Rule::kMember)
            node().label = label_;
        return state.edges[way].target;
    }

    std::size_t by_next(const State& state) {
        for (std::size_t i = 0; i < state.edges.size(); ++i)
            if ((look(grammar_, state.edges[i].target, nullptr) & next()) != 0) return i;
        if (!state.labels) return state.edges.size() - 1;
        no_way(at_);
        return 0;
    }

    std::size_t predict(StateIndex at) {
        const auto found = predictor_.predict(at, at_, callers(), frames_.back().precedence);
        if (found.kind == Prediction::Kind::kTooHard) aborted_ = too_hard_ = true;
        if (found.kind == Prediction::Kind::kNone) no_way(found.offending);
        return found.alternative;
    }

    Stack callers() const {
        Stack out;
        for (const auto& frame : frames_)
            if (frame.caller) out.push_back(grammar_[*frame.caller].edges[0].target);
        return out;
    }

    // --- tokens ----------------------------------------------------------------------------------

    void match(TokenSet wanted) {
        if ((wanted & next()) == 0) return match_otherwise();
        matched();
        consume();
    }

    void matched() {
        recovering_ = false;
        error_states_.clear();
        error_at_ = kMadeUp;
    }

    void consume() {
        const auto& taken = token();
        node().children.push_back({.skipped = recovering_,
                                   .index = std::min(at_, tree_.tokens.size() - 1),
                                   .type = taken.type});
        if (taken.type != kEof) ++at_;
    }

    /// Without the next token, or as if the wanted one were there.
    void match_otherwise() {
        if (!may_recover()) return;
        if (delete_one()) return consume();
        const auto wanted = expected();
        auto stack = callers();
        if ((look(grammar_, grammar_[state_].edges[0].target, &stack) & next()) == 0)
            return mismatch();
        if (begin_error())
            report(token(), "missing " + set_text(wanted) + " at " + shown(text(token())));
        auto type = kEof;
        while ((wanted & one_of(type)) == 0)
            type = static_cast<TokenType>(type + 1);
        node().children.push_back({.index = kMadeUp, .type = type});
    }

    bool delete_one() {
        if ((expected() & next(1)) == 0) return false;
        unwanted();
        consume();
        matched();
        return true;
    }

    void unwanted() {
        if (begin_error())
            report(token(), "extraneous input " + shown(text(token())) + " expecting " +
                                set_text(expected()));
    }

    /// At a branch: whether the next token can be read at all.
    void sync() {
        if (recovering_) return;
        const auto possible = look(grammar_, state_, nullptr);
        if ((possible & (next() | kRuleEnd)) != 0) return;
        if (grammar_[state_].kind != State::Kind::kLoopBack) {
            if (!delete_one()) mismatch();
            return;
        }
        unwanted();
        skip_to(expected() | recovery_set());
    }

    TokenSet expected() const {
        auto following = look(grammar_, state_, nullptr);
        auto out = following & ~kRuleEnd;
        for (auto i = frames_.size(); i-- > 0 && (following & kRuleEnd) != 0;) {
            if (!frames_[i].caller) break;
            following = look(grammar_, grammar_[*frames_[i].caller].edges[0].target, nullptr);
            out |= following & ~kRuleEnd;
        }
        if ((following & kRuleEnd) != 0) out |= one_of(kEof);
        return out & ~unknown_;
    }

    /// What can follow any of the rules that are being read.
    TokenSet recovery_set() const {
        TokenSet out = 0;
        for (const auto& frame : frames_)
            if (frame.caller)
                out |= look(grammar_, grammar_[*frame.caller].edges[0].target, nullptr);
        return out & ~kRuleEnd;
    }

    void skip_to(TokenSet wanted) {
        for (int skipped = 0; token().type != kEof && (wanted & next()) == 0; ++skipped) {
            if (recovers_ && skipped == kMaxSkipped)
                return abort({kNoLocation, "error recovery token lookahead limit exceeded: " +
                                               std::to_string(kMaxSkipped)});
            consume();
        }
    }

    // --- errors ----------------------------------------------------------------------------------

    void abort(Issue issue) {
        if (!aborted_) issues_.push_back(std::move(issue));
        aborted_ = true;
    }

    static std::string too_many() {
        return "Syntax error: More than " + std::to_string(kMaxSyntaxErrors) + " syntax errors";
    }

    void report(const Lexeme& where, const std::string& what) {
        if (reported_++ < kMaxSyntaxErrors)
            issues_.push_back({where.offset, "Syntax error: " + what});
        else
            abort({where.offset, too_many()});
    }

    /// False while the last error is being recovered from.
    bool begin_error() {
        if (recovering_) return false;
        return recovering_ = true;
    }

    /// These two fail the rule: its reading ends, recover() says where it goes on.
    void mismatch() {
        failed_ = true;
        message_ =
            "mismatched input " + shown(text(token())) + " expecting " + set_text(expected());
        offending_ = at_;
    }
    void no_way(std::size_t offending) {
        failed_ = true;
        message_ = about_reserved("no viable alternative at input " + shown(between(offending)));
        offending_ = offending;
    }

    /// The tokens from here to that one, blanks included; not what is no token.
    std::string between(std::size_t last) const {
        if (token().type == kEof) return "<EOF>";
        std::string out;
        const auto& end = tree_.tokens[std::min(last, tree_.tokens.size() - 1)];
        for (const auto& lexeme : all_)
            if (lexeme.type != kEof && lexeme.offset >= token().offset &&
                lexeme.offset <= end.offset)
                out += text(lexeme);
        return out;
    }

    bool may_recover() {
        if (recoveries_++ < kMaxRecoveries) return true;
        const auto what =
            "error recovery attempt limit exceeded: " + std::to_string(kMaxRecoveries);
        report(token(), what);
        aborted_ = true;
        return false;
    }

    void recover() {
        if (begin_error()) report(tree_.tokens[offending_], message_);
        if (aborted_ || !may_recover()) return;
        // The same error at the same place twice: one token must go.
        if (error_at_ == at_ && error_states_.contains(state_)) consume();
        error_at_ = at_;
        error_states_.insert(state_);
        recovers_ = true;
        skip_to(recovery_set());
        recovers_ = false;
    }

    std::string_view source_;
    TokenSet unknown_;  ///< tokens that the release does not have
    std::vector<Lexeme> all_;
    Tree& tree_;
    std::vector<Issue>& issues_;
    const Grammar& grammar_;
    Predictor predictor_;
    std::vector<Frame> frames_;
    int depths_[kRules] = {};
    std::size_t at_ = 0;
    StateIndex state_ = 0;
    int label_ = 0;
    bool failed_ = false, aborted_ = false, too_hard_ = false;
    std::string message_;
    std::size_t offending_ = 0;
    bool recovering_ = false, recovers_ = false;
    std::size_t error_at_ = kMadeUp;
    std::set<StateIndex> error_states_;
    int recoveries_ = 0;
    std::size_t reported_ = 0;
};

}  // namespace

bool parse_broken(std::string_view source, const ParserOptions& options, Tree& tree,
                  std::vector<Issue>& issues) {
    auto tokens = scan(source, options, issues);
    return Parser(source, options, std::move(tokens), tree, issues).run();
}

}  // namespace knd::cel::syntax
