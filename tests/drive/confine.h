/*
 * confine: what a process under test may no longer do, as a container or a service manager would have it.
 *
 * Both are for the child that is about to become the server: they hold for the rest of its life, and across exec.
 *
 * See: seccomp(2), setrlimit(2).
 */
#pragma once

#include <stdbool.h>

/* What an unprivileged process often gets: Debian's kernels had it as their default for years. */
#define CONFINE_MEMLOCK_SIZE (64 * 1024)

/* Every io_uring system call answers this errno from now on: EPERM, as under a container's seccomp profile, ENOSYS, as on a
 * kernel without it. False: errno says why not. */
bool confine_deny_io_uring(int errno_value);

/* Becomes nobody, who may lock no more than CONFINE_MEMLOCK_SIZE. Needs root. False: errno says why not. */
bool confine_to_nobody(void);

#define CONFINE_NOBODY 65534 /* user and group, on every Linux */
