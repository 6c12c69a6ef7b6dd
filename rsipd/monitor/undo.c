#include "undo.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "netlink.h"
#include "offload.h"
#include "sysctl.h"

/* A record is one line: a verb and its arguments, parted by tabs. The first line says of which boot and which network
 * namespace the others speak. */
#define ARGS_MAX 3
#define RECORD_MAX (2 * SYSCTL_VALUE_MAX + 512)

struct undo {
	struct netlink *nl;
	char *path;
	int fd;
	char **records;
	size_t n, cap;
};

/* --- putting back: one function a verb ---------------------------------------------------------------------------- */

/* Only what still stands as we left it: an operator's later change stays. args: key, old value, our value. */
static void
back_sysctl(struct netlink *nl, char *const args[])
{
	char now[SYSCTL_VALUE_MAX];

	(void)nl;
	if (strncmp(args[0], "net/", 4) != 0 || strstr(args[0], "..") != NULL)
		return;
	if (!sysctl_read(args[0], now) || strcmp(now, args[2]) != 0)
		return;
	if (!sysctl_write(args[0], args[1]))
		log_warn("netstate", "cannot put back sysctl=%s value=\"%s\" error=\"%s\"", args[0], args[1], strerror(errno));
}

/* args: device, address */
static void
back_proxy(struct netlink *nl, char *const args[])
{
	unsigned ifindex = netlink_index(nl, args[0]);
	ip4_t addr;

	if (ifindex != 0 && ip4_parse(args[1], &addr))
		netlink_proxy_del(nl, ifindex, addr);
}

/* args: device, address, table */
static void
back_rule(struct netlink *nl, char *const args[])
{
	struct netlink_rule rule = { .table = (uint32_t)strtoul(args[2], NULL, 10), .iif = args[0], .to.len = 32 };

	if (ip4_parse(args[1], &rule.to.addr))
		netlink_rule_del(nl, &rule);
}

/* args: device, feature */
static void
back_feature(struct netlink *nl, char *const args[])
{
	(void)nl;
	offload_set(args[0], args[1], true);
}

/* args: device, kind */
static void
back_tunnel(struct netlink *nl, char *const args[])
{
	if (netlink_link_is(nl, args[0], args[1]))
		netlink_link_del(nl, args[0]);
}

/* args: device */
static void
back_ingress(struct netlink *nl, char *const args[])
{
	unsigned ifindex = netlink_index(nl, args[0]);

	if (ifindex != 0)
		netlink_ingress_del(nl, ifindex);
}

/* args: device */
static void
back_drop(struct netlink *nl, char *const args[])
{
	unsigned ifindex = netlink_index(nl, args[0]);

	if (ifindex != 0)
		netlink_drop_del(nl, ifindex);
}

static const struct verb {
	const char *name;
	int n_args;
	void (*back)(struct netlink *nl, char *const args[]);
} verbs[] = {
	{ "sysctl", 3, back_sysctl },
	{ "proxy", 2, back_proxy },
	{ "rule", 3, back_rule },
	{ "feature", 2, back_feature },
	{ "tunnel", 2, back_tunnel },
	{ "ingress", 1, back_ingress },
	{ "drop", 1, back_drop },
};

static void
run_record(struct netlink *nl, const char *record)
{
	char text[RECORD_MAX], *rest = text, *args[ARGS_MAX] = { 0 };
	int n = 0;

	snprintf(text, sizeof(text), "%s", record);
	const char *name = strsep(&rest, "\t");
	while (rest != NULL && n < ARGS_MAX)
		args[n++] = strsep(&rest, "\t");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0 && verbs[i].n_args == n)
			verbs[i].back(nl, args);
	}
}

static void
run_backwards(struct undo *undo)
{
	while (undo->n > 0) {
		run_record(undo->nl, undo->records[--undo->n]);
		free(undo->records[undo->n]);
	}
}

/* --- the journal's file ------------------------------------------------------------------------------------------- */

static void
remember(struct undo *undo, const char *record)
{
	if (undo->n == undo->cap) {
		undo->cap = undo->cap * 2 + 64;
		undo->records = mem_grow(undo->records, undo->cap, sizeof(char *));
	}
	undo->records[undo->n++] = mem_strdup(record);
}

/* Of which boot and network namespace the settings are. */
static void
identity(char *buf, size_t cap)
{
	char boot[SYSCTL_VALUE_MAX] = "?";
	struct stat st = { 0 };

	sysctl_read("kernel/random/boot_id", boot);
	if (stat("/proc/self/ns/net", &st) != 0)
		st.st_ino = 0;
	snprintf(buf, cap, "rsipd\t%.64s\t%llu", boot, (unsigned long long)st.st_ino);
}

static void
load(struct undo *undo)
{
	char line[RECORD_MAX], here[128];
	FILE *file = fdopen(dup(undo->fd), "r");
	bool ours = false;

	if (file == NULL)
		return;
	identity(here, sizeof(here));
	for (int number = 0; fgets(line, sizeof(line), file) != NULL; number++) {
		size_t len = strcspn(line, "\n");
		if (line[len] == '\0')
			break; /* cut off by the death of its writer, before the change was made */
		line[len] = '\0';
		if (number == 0)
			ours = strcmp(line, here) == 0;
		else if (ours)
			remember(undo, line);
	}
	fclose(file);
}

/* Whole or not at all: what a full disk has cut off would spoil the next line as well. */
static bool
put_line(struct undo *undo, const char *line)
{
	char text[RECORD_MAX];
	int len = snprintf(text, sizeof(text), "%s\n", line);
	off_t end = lseek(undo->fd, 0, SEEK_END);

	if (len < (int)sizeof(text) && write(undo->fd, text, (size_t)len) == len)
		return true;
	log_error("netstate", "cannot write the journal path=\"%s\" error=\"%s\"", undo->path, strerror(errno));
	if (end < 0 || ftruncate(undo->fd, end) != 0)
		log_error("netstate", "cannot mend the journal path=\"%s\" error=\"%s\"", undo->path, strerror(errno));
	return false;
}

static bool
begin(struct undo *undo)
{
	char here[128];

	identity(here, sizeof(here));
	return ftruncate(undo->fd, 0) == 0 && put_line(undo, here);
}

/* The journal makes root act, so it must be root's own. */
static bool
trusted(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 022) == 0;
}

static void
undo_free(struct undo *undo)
{
	if (undo->fd >= 0)
		close(undo->fd);
	while (undo->n > 0)
		free(undo->records[--undo->n]);
	free(undo->records);
	free(undo->path);
	free(undo);
}

struct undo *
undo_open(const char *path, struct netlink *nl)
{
	struct undo *undo = mem_zero(1, sizeof(*undo));

	undo->nl = nl;
	undo->path = mem_strdup(path);
	undo->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (undo->fd < 0 || !trusted(undo->fd)) {
		log_error("netstate", "cannot keep a journal of changes path=\"%s\" error=\"%s\"", path,
		          undo->fd < 0 ? strerror(errno) : "the file is not root's alone: remove it");
		undo_free(undo);
		return NULL;
	}
	load(undo);
	if (undo->n > 0)
		log_info("netstate", "putting back what a killed rsipd left changes=%zu", undo->n);
	run_backwards(undo);
	if (begin(undo))
		return undo;
	undo_free(undo);
	return NULL;
}

void
undo_close(struct undo *undo)
{
	if (undo == NULL)
		return;
	run_backwards(undo);
	unlink(undo->path);
	undo_free(undo);
}

void
undo_leave(struct undo *undo)
{
	if (undo != NULL)
		undo_free(undo);
}

/* Before the change where that can be, so that none goes unnoted; putting back what was not done does no harm. */
static bool
note(struct undo *undo, const char *record)
{
	if (!put_line(undo, record))
		return false;
	remember(undo, record);
	return true;
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

/* The kernel may spell a value in its own way, so ours is read back; only then can it be noted. What cannot be noted is not
 * left changed. */
bool
undo_sysctl(struct undo *undo, const char *key, const char *value)
{
	char old[SYSCTL_VALUE_MAX], ours[SYSCTL_VALUE_MAX], record[RECORD_MAX];

	if (!sysctl_read(key, old) || (strcmp(old, value) != 0 && !sysctl_write(key, value)) || !sysctl_read(key, ours)) {
		log_error("netstate", "cannot set sysctl=%s value=\"%s\" error=\"%s\"", key, value, strerror(errno));
		return false;
	}
	if (strcmp(old, ours) == 0)
		return true;
	snprintf(record, sizeof(record), "sysctl\t%s\t%s\t%s", key, old, ours);
	if (note(undo, record))
		return true;
	sysctl_write(key, old);
	return false;
}

bool
undo_proxy(struct undo *undo, const char *device, unsigned ifindex, ip4_t addr)
{
	char str[IP4_STRLEN], record[RECORD_MAX];
	int err;

	snprintf(record, sizeof(record), "proxy\t%s\t%s", device, ip4_str(addr, str));
	if (!note(undo, record))
		return false;
	err = netlink_proxy_add(undo->nl, ifindex, addr);
	if (err != 0)
		log_error("netstate", "cannot answer ARP device=%s address=%s error=\"%s\"", device, str, strerror(err));
	return err == 0;
}

bool
undo_feature_off(struct undo *undo, const char *device, const char *feature)
{
	char record[RECORD_MAX];

	if (!offload_get(device, feature))
		return true;
	snprintf(record, sizeof(record), "feature\t%s\t%s", device, feature);
	return note(undo, record) && offload_set(device, feature, false);
}

int
undo_tunnel(struct undo *undo, const char *device, const char *kind, ip4_t local)
{
	char record[RECORD_MAX];
	int err;

	snprintf(record, sizeof(record), "tunnel\t%s\t%s", device, kind);
	if (!note(undo, record))
		return EIO;
	err = netlink_tunnel_add(undo->nl, device, kind, local, 0, 0);
	return err == ENODEV || err == EIO ? EOPNOTSUPP : err;
}

/* The hook goes at the end if it is ours; a device that has it already keeps it. Noted when it is there, lest another's
 * be taken away. */
static int
make_ingress(struct undo *undo, const char *device, unsigned ifindex)
{
	char record[RECORD_MAX];
	int err = netlink_ingress_add(undo->nl, ifindex);

	if (err == EEXIST)
		return 0;
	snprintf(record, sizeof(record), "ingress\t%s", device);
	return err != 0 || note(undo, record) ? err : EIO;
}

int
undo_drop(struct undo *undo, const char *device, unsigned ifindex, const struct sock_filter *code, uint16_t len, bool again)
{
	char record[RECORD_MAX];
	int err;

	if (again)
		return netlink_drop_set(undo->nl, ifindex, code, len, true);
	if ((err = make_ingress(undo, device, ifindex)) != 0)
		return err;
	err = netlink_drop_set(undo->nl, ifindex, code, len, false);
	if (err == EEXIST) /* of one that was killed, and whose journal is lost: nobody else's has our handle */
		err = netlink_drop_set(undo->nl, ifindex, code, len, true);
	if (err != 0)
		return err;
	snprintf(record, sizeof(record), "drop\t%s", device);
	return note(undo, record) ? 0 : EIO;
}

/* Rules of one priority are asked in the order of their adding, and deleting takes the first that fits: so ours is
 * added, then a second `lookup local`, and the first one goes. At no moment is there none. */
bool
undo_rule(struct undo *undo, const char *device, ip4_t addr, unsigned table)
{
	const struct netlink_rule ours = { .table = table, .to = { addr, 32 }, .iif = device };
	const struct netlink_rule local = { .table = RT_TABLE_LOCAL };
	char str[IP4_STRLEN], record[RECORD_MAX];
	int err;

	snprintf(record, sizeof(record), "rule\t%s\t%s\t%u", device, ip4_str(addr, str), table);
	if (!note(undo, record))
		return false;
	err = netlink_rule_add(undo->nl, &ours);
	if (err == 0)
		err = netlink_rule_add(undo->nl, &local);
	if (err == 0)
		err = netlink_rule_del(undo->nl, &local);
	if (err != 0)
		log_error("netstate", "cannot steer device=%s address=%s error=\"%s\"", device, str, strerror(err));
	return err == 0;
}
