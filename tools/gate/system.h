/* SPDX-License-Identifier: Apache-2.0
 *
 * The seven system calls that knd-gate needs, without a C library: the program is started once per
 * container by the runtime, possibly of another distribution, so it is small, static and has
 * nothing to initialise. Results are the kernel's: negative numbers are -errno.
 */
#ifndef KND_GATE_SYSTEM_H
#define KND_GATE_SYSTEM_H

#include <fcntl.h>
#include <linux/time_types.h>
#include <poll.h>
#include <stddef.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
/* The kernel puts argc and argv on the stack, and the stack is not aligned as a function wants it.
 */
__asm__(
    ".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n"
    "\tcall gate_start\n\thlt\n");

static inline long system_call(long number, long a, long b, long c, long d, long e) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x29, xzr\n\tmov x0, sp\n\tbl gate_start\n\tbrk #0\n");

static inline long system_call(long number, long a, long b, long c, long d, long e) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}
#else
#error "knd-gate knows the system calls of x86_64 and aarch64"
#endif

static inline long sys_read(int fd, void* data, size_t size) {
    return system_call(SYS_read, fd, (long)data, (long)size, 0, 0);
}

static inline long sys_write(int fd, const void* data, size_t size) {
    return system_call(SYS_write, fd, (long)data, (long)size, 0, 0);
}

static inline int sys_open(const char* path) {
    return (int)system_call(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0);
}

static inline void sys_close(int fd) {
    system_call(SYS_close, fd, 0, 0, 0, 0);
}

/* Waits for `fd` (none if negative) or until the time is up; like poll(). */
static inline int sys_wait(int fd, long milliseconds) {
    struct pollfd entry = {fd, POLLIN, 0};
    struct __kernel_timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    return (int)system_call(SYS_ppoll, (long)&entry, 1, (long)&time, 0, 0);
}

static inline long now_ms(void) {
    struct __kernel_timespec time = {0, 0};
    system_call(SYS_clock_gettime, 1 /* CLOCK_MONOTONIC */, (long)&time, 0, 0, 0);
    return (long)(time.tv_sec * 1000 + time.tv_nsec / 1000000);
}

static inline void sys_exit(int status) {
    for (;;)
        system_call(SYS_exit_group, status, 0, 0, 0, 0);
}

#endif
