// SPDX-License-Identifier: Apache-2.0
#include "sdk/check/elf_file.hpp"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>

namespace knd::check {
namespace {

/// Bounds-checked view of the file, by offset and, once segments are known, by address.
class Image {
  public:
    explicit Image(std::string bytes) : bytes_(std::move(bytes)) {}

    template <class T>
    std::optional<T> at(std::uint64_t offset) const {
        if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return std::nullopt;
        T value;
        std::memcpy(&value, bytes_.data() + offset, sizeof value);
        return value;
    }
    std::optional<std::uint64_t> offset_of(std::uint64_t address) const {
        for (const auto& segment : segments) {
            if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
            if (address - segment.p_vaddr < segment.p_filesz) {
                return segment.p_offset + (address - segment.p_vaddr);
            }
        }
        return std::nullopt;
    }
    template <class T>
    std::optional<T> at_address(std::uint64_t address) const {
        const auto offset = offset_of(address);
        return offset ? at<T>(*offset) : std::nullopt;
    }
    std::string text_at_address(std::uint64_t address) const {
        const auto offset = offset_of(address);
        if (!offset || *offset >= bytes_.size()) return {};
        const auto end = bytes_.find('\0', *offset);
        return end == std::string::npos ? std::string() : bytes_.substr(*offset, end - *offset);
    }

    std::vector<Elf64_Phdr> segments;

  private:
    std::string bytes_;
};

/// The entries of the dynamic section that matter here.
struct Dynamic {
    std::uint64_t symbols = 0;
    std::uint64_t strings = 0;
    std::uint64_t gnu_hash = 0;
    std::uint64_t hash = 0;
    std::vector<std::uint64_t> needed;
    std::vector<std::uint64_t> search;
};

void read_entry(const Elf64_Dyn& entry, Dynamic& dynamic, ElfFile& file) {
    switch (entry.d_tag) {
        case DT_SYMTAB:
            dynamic.symbols = entry.d_un.d_ptr;
            break;
        case DT_STRTAB:
            dynamic.strings = entry.d_un.d_ptr;
            break;
        case DT_GNU_HASH:
            dynamic.gnu_hash = entry.d_un.d_ptr;
            break;
        case DT_HASH:
            dynamic.hash = entry.d_un.d_ptr;
            break;
        case DT_NEEDED:
            dynamic.needed.push_back(entry.d_un.d_val);
            break;
        case DT_RPATH:
        case DT_RUNPATH:
            dynamic.search.push_back(entry.d_un.d_val);
            break;
        case DT_TEXTREL:
            file.text_relocations = true;
            break;
        case DT_BIND_NOW:
            file.bind_now = true;
            break;
        case DT_FLAGS:
            if ((entry.d_un.d_val & DF_TEXTREL) != 0) file.text_relocations = true;
            if ((entry.d_un.d_val & DF_BIND_NOW) != 0) file.bind_now = true;
            break;
        case DT_FLAGS_1:
            if ((entry.d_un.d_val & DF_1_NOW) != 0) file.bind_now = true;
            break;
        default:
            break;
    }
}

/// Number of dynamic symbols. The dynamic section does not say it; the hash tables know.
std::uint32_t symbol_count(const Image& image, const Dynamic& dynamic) {
    if (dynamic.hash != 0) {
        return image.at_address<std::uint32_t>(dynamic.hash + 4).value_or(0);
    }
    const auto header = image.at_address<std::array<std::uint32_t, 4>>(dynamic.gnu_hash);
    if (!header) return 0;
    const auto [buckets, first, bloom_words, shift] = *header;
    const auto bucket_table = dynamic.gnu_hash + 16 + std::uint64_t{bloom_words} * 8;
    std::uint32_t last = 0;
    for (std::uint32_t i = 0; i < buckets; ++i) {
        const auto bucket = image.at_address<std::uint32_t>(bucket_table + std::uint64_t{i} * 4);
        if (!bucket) return 0;
        last = std::max(last, *bucket);
    }
    if (last < first) return first;
    // A chain ends with an odd hash.
    const auto chains = bucket_table + std::uint64_t{buckets} * 4;
    for (;; ++last) {
        const auto hash = image.at_address<std::uint32_t>(chains + std::uint64_t{last - first} * 4);
        if (!hash || (*hash & 1) != 0) return last + 1;
    }
}

void read_symbols(const Image& image, const Dynamic& dynamic, ElfFile& file) {
    const auto count = symbol_count(image, dynamic);
    for (std::uint32_t i = 1; i < count; ++i) {
        const auto symbol = image.at_address<Elf64_Sym>(dynamic.symbols + i * sizeof(Elf64_Sym));
        if (!symbol) return;
        const auto binding = ELF64_ST_BIND(symbol->st_info);
        if (symbol->st_shndx == SHN_UNDEF || binding == STB_LOCAL) continue;
        const auto visibility = ELF64_ST_VISIBILITY(symbol->st_other);
        if (visibility == STV_HIDDEN || visibility == STV_INTERNAL) continue;
        file.exported.push_back(
            {image.text_at_address(dynamic.strings + symbol->st_name), binding == STB_GNU_UNIQUE});
    }
}

void split_paths(const std::string& paths, std::vector<std::string>& out) {
    std::size_t start = 0;
    while (start <= paths.size()) {
        const auto end = std::min(paths.find(':', start), paths.size());
        out.push_back(paths.substr(start, end - start));
        start = end + 1;
    }
}

}  // namespace

Result<ElfFile> ElfFile::read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error::from_errno(path, errno);
    Image image(std::string(std::istreambuf_iterator<char>(in), {}));
    const auto damaged = [&] { return Error(Code::kInvalidArgument, path + " is damaged"); };
    const auto header = image.at<Elf64_Ehdr>(0);
    if (!header || header->e_phentsize != sizeof(Elf64_Phdr)) return damaged();
    ElfFile file;
    file.executable_stack = true;
    std::optional<Elf64_Phdr> dynamic_segment;
    for (unsigned i = 0; i < header->e_phnum; ++i) {
        const auto segment = image.at<Elf64_Phdr>(header->e_phoff + i * sizeof(Elf64_Phdr));
        if (!segment) return damaged();
        image.segments.push_back(*segment);
        const bool executable = (segment->p_flags & PF_X) != 0;
        if (segment->p_type == PT_GNU_STACK) file.executable_stack = executable;
        if (segment->p_type == PT_DYNAMIC) dynamic_segment = segment;
        const bool writable = (segment->p_flags & PF_W) != 0;
        if (segment->p_type == PT_LOAD && executable && writable) file.writable_code = true;
    }
    if (!dynamic_segment) return damaged();
    Dynamic dynamic;
    for (std::uint64_t at = 0; at < dynamic_segment->p_filesz; at += sizeof(Elf64_Dyn)) {
        const auto entry = image.at<Elf64_Dyn>(dynamic_segment->p_offset + at);
        if (!entry) return damaged();
        if (entry->d_tag == DT_NULL) break;
        read_entry(*entry, dynamic, file);
    }
    for (const auto offset : dynamic.needed) {
        file.needed.push_back(image.text_at_address(dynamic.strings + offset));
    }
    for (const auto offset : dynamic.search) {
        split_paths(image.text_at_address(dynamic.strings + offset), file.search);
    }
    read_symbols(image, dynamic, file);
    return file;
}

}  // namespace knd::check
