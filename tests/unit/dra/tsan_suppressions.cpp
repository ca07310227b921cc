// SPDX-License-Identifier: Apache-2.0
//
// The gRPC library of the distribution is not built for ThreadSanitizer, which therefore does not
// see how it orders what one of its threads hands to another. What only our code touches stays
// checked.
#ifdef __SANITIZE_THREAD__
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
    return "called_from_lib:libgrpc.so\n"
           "called_from_lib:libgrpc++.so\n"
           "race:libgrpc\n"
           "race:libabsl\n"
           "race:libgpr\n"
           "race:grpc::\n"
           "race:knd::dra::CallReactor\n"
           "race:knd::dra::HealthStream\n";
}
#endif
