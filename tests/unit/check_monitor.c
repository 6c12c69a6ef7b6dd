/* What of the monitor needs no root: the pid file's lock, the service manager's datagrams, the file of a reload. */
#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "monitor_proto.h"
#include "netlink.h"
#include "notify.h"
#include "own_network.h"
#include "pidfile.h"
#include "reload.h"
#include "run_suite.h"
#include "sysctl.h"
#include "undo.h"

static char dir[64], path[96];

static void
setup(void)
{
	log_init("check", LOG_TO_NONE, LOG_LVL_ERROR, false);
	strcpy(dir, "/tmp/check_monitor.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
}

static void
teardown(void)
{
	unlink(path);
	rmdir(dir);
}

/* --- pid file ----------------------------------------------------------------------------------------------------- */

START_TEST(pidfile_tells_pid)
{
	int fd = pidfile_open(path);
	char text[32] = "";
	struct stat st;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 077, 0); /* a lock on it, by anybody else, would keep the next rsipd out */
	ck_assert_int_gt(pread(fd, text, sizeof(text) - 1, 0), 0);
	ck_assert_int_eq(atoi(text), getpid());
	pidfile_close(fd, path);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* A second daemon finds the lock, and what it does not touch is the first one's number. */
START_TEST(pidfile_is_one_daemons)
{
	int fd = pidfile_open(path), status;
	char text[32] = "";

	ck_assert_int_ge(fd, 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(pidfile_open(path) < 0 ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_gt(pread(fd, text, sizeof(text) - 1, 0), 0);
	ck_assert_int_eq(atoi(text), getpid());
	pidfile_close(fd, path);
}
END_TEST

/* A killed monitor's worker, which has the descriptor too, is waited for until it ends; while the monitor lives it is
 * not. */
START_TEST(pidfile_waits_for_workers)
{
	int alive[2], fd;
	char said;

	ck_assert_int_eq(pipe(alive), 0);
	pid_t monitor = fork();
	if (monitor == 0) {
		fd = pidfile_open(path);
		if (fork() == 0) { /* the worker; a moment after its monitor it ends */
			usleep(300000);
			_exit(write(alive[1], "w", 1) == 1 && fd >= 0 ? 0 : 1);
		}
		_exit(0);
	}
	ck_assert_int_eq(waitpid(monitor, NULL, 0), monitor);
	fd = pidfile_open(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(alive[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(read(alive[0], &said, 1), 1); /* it has ended before */
	pidfile_close(fd, path);
	close(alive[0]);
	close(alive[1]);
}
END_TEST

/* What a killed daemon leaves is no obstacle, even when its number was longer. */
START_TEST(pidfile_left_behind)
{
	FILE *old = fopen(path, "w");
	char text[32] = "";

	ck_assert_ptr_nonnull(old);
	fputs("123456789012\n", old);
	fclose(old);
	int fd = pidfile_open(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(pread(fd, text, sizeof(text) - 1, 0), 0);
	ck_assert_int_eq(atoi(text), getpid());
	ck_assert_ptr_nonnull(strchr(text, '\n'));
	ck_assert_str_eq(strchr(text, '\n'), "\n");
	pidfile_close(fd, path);
}
END_TEST

/* Root must not write through somebody's symbolic link. */
START_TEST(pidfile_follows_no_link)
{
	ck_assert_int_eq(symlink("/tmp/check_monitor.elsewhere", path), 0);
	ck_assert_int_lt(pidfile_open(path), 0);
	ck_assert_int_ne(access("/tmp/check_monitor.elsewhere", F_OK), 0);
}
END_TEST

/* --- notify ------------------------------------------------------------------------------------------------------- */

/* A service manager's socket; name starts with '@' for the abstract namespace. */
static int
manager_open(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	strncpy(at.sun_path, name, sizeof(at.sun_path) - 1);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *
manager_hears(int fd)
{
	static char text[128];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

START_TEST(notify_by_path)
{
	int fd = manager_open(path);

	notify_send("READY=1");
	ck_assert_str_eq(manager_hears(fd), "READY=1");
	notify_reloading();
	ck_assert_int_eq(strncmp(manager_hears(fd), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
	close(fd);
	notify_send("STOPPING=1"); /* nobody listens any more: no harm */
}
END_TEST

START_TEST(notify_abstract)
{
	char name[40];

	snprintf(name, sizeof(name), "@check_monitor.%d", (int)getpid()); /* another build's tests may run beside these */
	int fd = manager_open(name);

	notify_send("READY=1");
	ck_assert_str_eq(manager_hears(fd), "READY=1");
	close(fd);
}
END_TEST

START_TEST(notify_none)
{
	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_send("READY=1");
}
END_TEST

START_TEST(watchdog)
{
	char pid[16];

	unsetenv("WATCHDOG_USEC");
	ck_assert_int_eq(notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	ck_assert_int_eq(notify_watchdog_ms(), 15000);
	setenv("WATCHDOG_PID", "1", 1);
	ck_assert_int_eq(notify_watchdog_ms(), 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	ck_assert_int_eq(notify_watchdog_ms(), 15000);
}
END_TEST

/* --- the journal of changes --------------------------------------------------------------------------------------- */

static void
limit_file_size(rlim_t size)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size != 0 ? size : limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* What is cut off by a full disk is not made part of the next record, which the next rsipd could then not put back. */
START_TEST(journal_on_a_full_disk)
{
	struct netlink *nl = netlink_open();
	struct undo *undo = undo_open(path, nl);
	char line[256];
	struct stat st;

	ck_assert_ptr_nonnull(undo);
	ck_assert_int_eq(stat(path, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	limit_file_size((rlim_t)st.st_size + 10);
	ck_assert(!undo_proxy(undo, "nosuch0", 0, 0xcb007108));
	limit_file_size(0);
	undo_proxy(undo, "nosuch0", 0, 0xcb007109);
	undo_leave(undo);
	FILE *journal = fopen(path, "r");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), journal));
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), journal));
	ck_assert_str_eq(line, "proxy\tnosuch0\t203.0.113.9\n");
	fclose(journal);
	netlink_close(nl);
}
END_TEST

START_TEST(journal_has_no_room_for_a_setting)
{
	static const char key[] = "net/ipv4/ip_forward";
	char before[SYSCTL_VALUE_MAX], after[SYSCTL_VALUE_MAX];
	struct stat st;

	if (!own_network())
		return;
	struct netlink *nl = netlink_open();
	struct undo *undo = undo_open(path, nl);
	ck_assert_ptr_nonnull(undo);
	ck_assert(sysctl_read(key, before));
	ck_assert_int_eq(stat(path, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	limit_file_size((rlim_t)st.st_size + 10);
	ck_assert(!undo_sysctl(undo, key, strcmp(before, "0") == 0 ? "1" : "0"));
	limit_file_size(0);
	ck_assert(sysctl_read(key, after));
	ck_assert_str_eq(after, before);
	undo_close(undo);
	netlink_close(nl);
}
END_TEST

/* --- messages ----------------------------------------------------------------------------------------------------- */

static int
next_descriptor(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

/* As monitor_send does, with more descriptors beside the message than any has. */
static void
send_descriptors(int to, const int *fds, size_t n)
{
	struct monitor_msg msg = { .op = MON_PONG };
	union { struct cmsghdr align; char space[256]; } control = { 0 };
	struct iovec iov = { .iov_base = &msg, .iov_len = sizeof(msg) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
	                      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	ck_assert_int_eq(sendmsg(to, &hdr, 0), (ssize_t)sizeof(msg));
}

/* A worker that somebody has taken over must not fill the monitor with descriptors that nobody closes. */
START_TEST(message_keeps_one_descriptor)
{
	static const int many[] = { 0, 1, 2, 0, 1 };
	struct monitor_msg msg;
	int pair[2], passed;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	int before = next_descriptor();
	for (size_t n = 1; n <= 5; n++) {
		send_descriptors(pair[0], many, n);
		ck_assert_int_eq(monitor_receive(pair[1], &msg, &passed), 1);
		if (passed >= 0)
			close(passed);
		ck_assert_int_eq(next_descriptor(), before);
	}
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* --- reload ------------------------------------------------------------------------------------------------------- */

/* The copy holds what was checked, whatever becomes of the file, and nobody can change it. */
START_TEST(reload_is_sealed)
{
	FILE *file = fopen(path, "w");
	struct conf *conf, *again;
	int fd;

	fputs("gateway { private-interface = a public-interface = b listen = 10.0.0.1 }\n"
	      "pool p { addresses = 203.0.113.8 methods = rsap-ip }\npolicy l { pools = p }\nhost 10.0.0.0/8 { policy = l }\n",
	      file);
	fclose(file);
	conf = reload_read(path, &fd);
	ck_assert_ptr_nonnull(conf);
	ck_assert_int_eq(truncate(path, 0), 0);
	again = conf_parse_fd(fd, path, NULL, NULL);
	ck_assert_ptr_nonnull(again);
	ck_assert_int_lt(write(fd, "x", 1), 0);
	conf_free(conf);
	conf_free(again);
	close(fd);
	ck_assert_ptr_null(reload_read(path, &fd)); /* empty by now */
	ck_assert_int_eq(fd, -1);
	ck_assert_ptr_null(reload_read("/nonexistent/rsipd.conf", &fd));
	ck_assert_int_eq(fd, -1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("monitor");
	TCase *tc = tcase_create("without root");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, pidfile_tells_pid);
	tcase_add_test(tc, pidfile_is_one_daemons);
	tcase_add_test(tc, pidfile_waits_for_workers);
	tcase_add_test(tc, pidfile_left_behind);
	tcase_add_test(tc, pidfile_follows_no_link);
	tcase_add_test(tc, notify_by_path);
	tcase_add_test(tc, notify_abstract);
	tcase_add_test(tc, notify_none);
	tcase_add_test(tc, watchdog);
	tcase_add_test(tc, journal_on_a_full_disk);
	tcase_add_test(tc, journal_has_no_room_for_a_setting);
	tcase_add_test(tc, message_keeps_one_descriptor);
	tcase_add_test(tc, reload_is_sealed);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
