// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>

#include <knd/cpp/result.hpp>

namespace knd {
namespace {

/// Every errno of this C library, by what it means to whoever asked.
const std::map<Code, std::set<int>>& meanings() {
    static const std::map<Code, std::set<int>> kMeanings = {
        {Code::kCancelled, {ECANCELED}},
        {Code::kInvalidArgument,
         {EINVAL, E2BIG, ENAMETOOLONG, ENOTDIR, EISDIR, ELOOP, EXDEV, EMSGSIZE, EDESTADDRREQ,
          EILSEQ}},
        {Code::kDeadlineExceeded, {ETIMEDOUT, ETIME}},
        {Code::kNotFound, {ENOENT, ENODEV, ENXIO, ESRCH}},
        {Code::kAlreadyExists, {EEXIST}},
        {Code::kPermissionDenied, {EACCES, EPERM}},
        {Code::kResourceExhausted,
         {ENOSPC, ENOMEM, EMFILE, ENFILE, EDQUOT, EMLINK, EUSERS, ENOLCK, ENOSR, ETOOMANYREFS}},
        {Code::kFailedPrecondition,
         {ECHILD,    ENOTBLK,        ESPIPE,  EROFS,   ENOEXEC, ENOTEMPTY, ENOMSG,      EIDRM,
          EL2NSYNC,  EL3HLT,         EL3RST,  ELNRNG,  EUNATCH, ENOCSI,    EL2HLT,      EBADE,
          EBADR,     EXFULL,         ENOANO,  EBADRQC, EBADSLT, EBFONT,    ENOSTR,      ENODATA,
          ENONET,    ENOPKG,         EREMOTE, EADV,    ESRMNT,  EPROTO,    EMULTIHOP,   EDOTDOT,
          ENOTUNIQ,  EREMCHG,        ELIBACC, ELIBBAD, ELIBSCN, ELIBMAX,   ELIBEXEC,    ESTRPIPE,
          EISCONN,   EADDRNOTAVAIL,  ENOTNAM, ENAVAIL, EISNAM,  ENOMEDIUM, EMEDIUMTYPE, ERFKILL,
          EHWPOISON, ENOTRECOVERABLE}},
        {Code::kAborted, {EDEADLK}},
        {Code::kOutOfRange, {EDOM, ERANGE, EFBIG, EOVERFLOW, ECHRNG}},
        {Code::kUnimplemented,
         {EOPNOTSUPP, ENOSYS, ENOTTY, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EPFNOSUPPORT, EAFNOSUPPORT,
          ENOPROTOOPT, EPROTOTYPE}},
        {Code::kInternal, {EFAULT, EBADF, EBADFD, ENOTSOCK}},
        {Code::kUnavailable,
         {EIO,          EBUSY,        EAGAIN,     EINTR,        ERESTART,    EALREADY,  EINPROGRESS,
          ETXTBSY,      ENOBUFS,      EADDRINUSE, ENETDOWN,     ENETUNREACH, ENETRESET, EHOSTDOWN,
          EHOSTUNREACH, ECONNREFUSED, ECONNRESET, ECONNABORTED, ENOTCONN,    ESHUTDOWN, EPIPE,
          ENOLINK,      ECOMM,        EREMOTEIO,  ESTALE,       EOWNERDEAD}},
        {Code::kDataLoss, {EUCLEAN, EBADMSG}},
        {Code::kUnauthenticated, {ENOKEY, EKEYEXPIRED, EKEYREVOKED, EKEYREJECTED}},
    };
    return kMeanings;
}

TEST(ErrorOfErrno, HasTheCodeOfWhatItMeans) {
    for (const auto& [code, numbers] : meanings()) {
        for (const int number : numbers)
            EXPECT_EQ(Error::from_errno("x", number).code(), code) << ::strerrorname_np(number);
    }
}

TEST(ErrorOfErrno, IsDecidedForAllThatTheLibraryKnows) {
    std::map<int, int> decided;
    for (const auto& [code, numbers] : meanings()) {
        for (const int number : numbers)
            ++decided[number];
    }
    for (int number = 1; number < 4096; ++number) {
        const char* name = ::strerrorname_np(number);
        EXPECT_EQ(decided[number], name != nullptr ? 1 : 0) << (name != nullptr ? name : "?");
    }
}

TEST(ErrorOfErrno, IsNoBugWhenNobodyKnowsIt) {
    EXPECT_EQ(Error::from_errno("x", 0).code(), Code::kFailedPrecondition);
    EXPECT_EQ(Error::from_errno("x", 524).code(), Code::kFailedPrecondition);  // ENOTSUPP
    EXPECT_EQ(Error::from_errno("x", -5).code(), Code::kFailedPrecondition);
}

TEST(ErrorOfErrno, SaysWhatFailed) {
    const auto error = Error::from_errno("set MAC address", EBUSY);
    EXPECT_EQ(error.message(), "set MAC address: Device or resource busy");
    EXPECT_EQ(error.os_error(), EBUSY);
}

Result<int> sum(Result<int> first, Result<int> second) {
    // clang-format off: two on one line are what is tried
    KND_TRY_ASSIGN(const int a, std::move(first));
    KND_TRY_ASSIGN(const int b, std::move(second));
    // clang-format on
    return a + b;
}

TEST(TryAssign, StandsTwiceOnOneLine) {
    EXPECT_EQ(sum(1, 2).value(), 3);
    EXPECT_EQ(sum(1, Error(Code::kAborted, "second")).error().message(), "second");
    EXPECT_EQ(sum(Error(Code::kAborted, "first"), 2).error().message(), "first");
}

}  // namespace
}  // namespace knd
