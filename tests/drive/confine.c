/*
 * confine: see confine.h.
 */
#include <drive/confine.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

bool confine_deny_io_uring(int errno_value)
{
	/* The numbers are the same on every architecture, so the filter need not ask for it. */
	struct sock_filter program[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 3, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 2, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_register, 1, 0),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ((unsigned)errno_value & SECCOMP_RET_DATA)),
	};
	const struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

bool confine_to_nobody(void)
{
	const struct rlimit limit = {.rlim_cur = CONFINE_MEMLOCK_SIZE, .rlim_max = CONFINE_MEMLOCK_SIZE};
	return setrlimit(RLIMIT_MEMLOCK, &limit) == 0 && setgroups(0, NULL) == 0 &&
	       setresgid(CONFINE_NOBODY, CONFINE_NOBODY, CONFINE_NOBODY) == 0 &&
	       setresuid(CONFINE_NOBODY, CONFINE_NOBODY, CONFINE_NOBODY) == 0;
}
