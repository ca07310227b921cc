// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/table.hpp"

#include <algorithm>

namespace knd::ctl {
namespace {

std::string cell(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    if (value.is_array()) {
        std::string joined;
        for (const auto& item : value)
            joined += (joined.empty() ? "" : ",") + cell(item);
        return joined;
    }
    return value.is_null() ? "" : to_text(value);
}

}  // namespace

std::string table(const std::vector<Column>& columns, const Json& objects) {
    std::vector<std::vector<std::string>> rows(1);
    for (const auto& column : columns)
        rows[0].push_back(column.title);
    if (objects.is_array()) {
        for (const auto& object : objects) {
            auto& row = rows.emplace_back();
            for (const auto& column : columns) {
                auto text = cell(json_at(object, column.key));
                row.push_back(text.empty() ? "-" : std::move(text));
            }
        }
    }
    std::vector<std::size_t> widths(columns.size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            text += row[i];
            if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 3, ' ');
        }
        text += '\n';
    }
    return text;
}

}  // namespace knd::ctl
