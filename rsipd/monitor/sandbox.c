#include "config.h"

#include "sandbox.h"

#include "log.h"

#ifdef RSIP_SANITIZERS

bool
sandbox_apply(enum sandbox_role role)
{
	(void)role;
	log_info("sandbox", "left out in a build with sanitizers");
	return true;
}

#else

#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define SOCKET_TYPE_MASK 0xf /* the other bits are flags, as SOCK_CLOEXEC */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The event loop, the clock, memory, randomness, the log, and dying in order. */
static const int both[] = {
	SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_create1),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(pipe2), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime), SCMP_SYS(close), SCMP_SYS(fcntl), SCMP_SYS(dup), SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(brk),
	SCMP_SYS(mremap),  SCMP_SYS(munmap), SCMP_SYS(madvise), SCMP_SYS(getrandom), SCMP_SYS(futex),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(tgkill), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rseq), SCMP_SYS(sched_yield),
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(connect), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(sysinfo), SCMP_SYS(membarrier),
	SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg), /* many packets, or many hosts' requests, at a time */
};

/* Clients of the sockets, the database beside its -wal and -shm files, the config file of a reload. */
static const int control[] = {
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(shutdown), SCMP_SYS(ioctl), SCMP_SYS(open), SCMP_SYS(openat),
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(fstatfs),
	SCMP_SYS(statfs), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(lseek), SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(pwritev),
	SCMP_SYS(preadv), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fchmod),
	SCMP_SYS(fchown), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(mkdir), SCMP_SYS(rmdir), SCMP_SYS(utimensat),
	SCMP_SYS(utimes), SCMP_SYS(getdents64), SCMP_SYS(flock), SCMP_SYS(getrusage), SCMP_SYS(times),
	SCMP_SYS(getrlimit), SCMP_SYS(prlimit64),
};

/* What a library may try and do without: refused, not fatal. The relay and a trace open no file at all. */
static const int refused[] = {
	SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(stat), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(readlink), SCMP_SYS(prctl), SCMP_SYS(uname), SCMP_SYS(ioctl), SCMP_SYS(lseek),
};

static int
add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++) {
		/* A negative number is a call that this machine's architecture does not have. */
		if (calls[i] >= 0)
			err = seccomp_rule_add(filter, action, calls[i], 0);
	}
	return err;
}

/* The thread that writes the database. What clone3 is asked for cannot be seen from here: without it the C library uses
 * clone, which may make threads, and no processes. */
static int
add_threads(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread);

	if (err == 0)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return err != 0 ? err : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(set_robust_list), 0);
}

/* Unix sockets, for the log: syslog may have been restarted. Memory never to be executed. */
static int
add_limited(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp unix_only = SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0);
	const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, unix_only);

	if (err == 0)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec);
	if (err == 0)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec);
	return err;
}

/* The tables of the XDP programs, by the descriptors that the monitor has left open: elements looked up, written and
 * deleted. bpf(2) that makes maps or loads programs needs a capability anyhow. */
static int
add_tables(scmp_filter_ctx filter)
{
	const enum bpf_cmd commands[] = {
		BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY,
	};
	int err = 0;

	for (size_t i = 0; i < COUNT(commands) && err == 0; i++) {
		const struct scmp_arg_cmp command = SCMP_A0(SCMP_CMP_EQ, commands[i], 0);

		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1, command);
	}
	return err;
}

static int
add_role(scmp_filter_ctx filter, enum sandbox_role role)
{
	/* UDP, to name servers: what control's listeners could send anyway. */
	const struct scmp_arg_cmp inet = SCMP_A0(SCMP_CMP_EQ, AF_INET, 0);
	const struct scmp_arg_cmp datagrams = SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE_MASK, SOCK_DGRAM);
	int err = add_all(filter, SCMP_ACT_ALLOW, both, COUNT(both));

	if (err == 0)
		err = add_limited(filter);
	if (err != 0)
		return err;
	if (role == SANDBOX_CONTROL) {
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, inet, datagrams);
		if (err == 0)
			err = add_threads(filter);
		return err != 0 ? err : add_all(filter, SCMP_ACT_ALLOW, control, COUNT(control));
	}
	if (role == SANDBOX_RELAY) {
		err = add_tables(filter);
		if (err == 0) /* AF_XDP sockets to their devices; the monitor has opened them */
			err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(bind), 0);
	}
	return err != 0 ? err : add_all(filter, SCMP_ACT_ERRNO(EPERM), refused, COUNT(refused));
}

bool
sandbox_apply(enum sandbox_role role)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err = -ENOMEM;

	if (filter != NULL) {
		err = add_role(filter, role);
		if (err == 0)
			err = seccomp_load(filter);
		seccomp_release(filter);
	}
	if (err != 0)
		log_error("sandbox", "cannot limit the process's system calls error=\"%s\"", strerror(-err));
	return err == 0;
}

#endif
