#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "log.h"

bool
privileges_suffice(void)
{
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) && capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW))
		return true;
	fprintf(stderr, "rsipc: needs CAP_NET_ADMIN and CAP_NET_RAW: run it as root\n");
	return false;
}

bool
privileges_drop(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN, CAP_NET_RAW, -1) == 0 &&
	    capng_apply(CAPNG_SELECT_BOTH) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return true;
	log_error("privileges", "cannot be given up error=\"%s\"", strerror(errno));
	return false;
}

/* A number from the environment of sudo; -1 when there is none that is sound. */
static long
number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long n;

	if (text == NULL || *text == '\0')
		return -1;
	errno = 0;
	n = strtol(text, &end, 10);
	return errno == 0 && *end == '\0' && n >= 0 && n < INT32_MAX ? n : -1;
}

bool
privileges_of_caller(void)
{
	long uid = number_of("SUDO_UID"), gid = number_of("SUDO_GID");
	const struct passwd *pw;

	if (geteuid() != 0 || uid <= 0 || gid < 0)
		return true;
	if ((pw = getpwuid((uid_t)uid)) == NULL)
		return setgroups(0, NULL) == 0 && setgid((gid_t)gid) == 0 && setuid((uid_t)uid) == 0;
	return initgroups(pw->pw_name, (gid_t)gid) == 0 && setgid((gid_t)gid) == 0 && setuid((uid_t)uid) == 0;
}
