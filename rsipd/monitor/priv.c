#include "config.h"

#include "priv.h"

#include <cap-ng.h>
#include <errno.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

#define RUN_DIR_MODE 0755
#define STATE_DIR_MODE 0770 /* root's and the group's: an rsipc beside us has its state there, too */

static const struct { unsigned number; const char *name, *use; } needed[] = {
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN", "the TUN device, routes and proxy ARP" },
	{ CAP_NET_RAW, "CAP_NET_RAW", "the tunnel sockets" },
	{ CAP_SETUID, "CAP_SETUID", "giving up root" },
	{ CAP_SETGID, "CAP_SETGID", "giving up root's groups" },
	{ CAP_SETPCAP, "CAP_SETPCAP", "giving up the capabilities themselves" },
	{ CAP_CHOWN, "CAP_CHOWN", "the state directory" },
	{ CAP_KILL, "CAP_KILL", "ending its workers" },
};

bool
priv_check(void)
{
	bool good = true;

	if (geteuid() != 0) {
		log_error("priv", "must be started as root: it opens the tunnel, then serves as user %s", RSIP_USER);
		return false;
	}
	capng_get_caps_process();
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (capng_have_capability(CAPNG_EFFECTIVE, needed[i].number))
			continue;
		log_error("priv", "lacks capability %s, needed for %s; the container or service that starts it must grant it",
		          needed[i].name, needed[i].use);
		good = false;
	}
	return good;
}

bool
priv_find_user(struct priv_user *user)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(RSIP_USER);
	if (pw == NULL)
		log_error("priv", "there is no user %s to serve as; make it: adduser --system --group --no-create-home "
		          "--home /nonexistent %s", RSIP_USER, RSIP_USER);
	else if (pw->pw_uid == 0)
		log_error("priv", "user %s is root under another name; it must be one without rights", RSIP_USER);
	else {
		*user = (struct priv_user) { pw->pw_uid, pw->pw_gid };
		return true;
	}
	return false;
}

bool
priv_drop(const struct priv_user *user)
{
	int err;

	capng_clear(CAPNG_SELECT_BOTH);
	err = capng_change_id((int)user->uid, (int)user->gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	if (err == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && geteuid() == user->uid && getegid() == user->gid &&
	    setuid(0) != 0)
		return true;
	log_error("priv", "cannot become user %s result=%d error=\"%s\"", RSIP_USER, err, strerror(errno));
	return false;
}

/* --- directories -------------------------------------------------------------------------------------------------- */

/* The directory of path; the caller frees it. */
static char *
directory_of(const char *path)
{
	char *copy = mem_strdup(path), *dir = mem_strdup(dirname(copy));

	free(copy);
	return dir;
}

/* mkdir -p. What is there already stays as it is; *made tells whether the last one is new. */
static bool
make_path(const char *dir, mode_t mode, bool *made)
{
	struct stat st;

	*made = false;
	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	char *parent = directory_of(dir);
	bool ignored, good = strcmp(parent, dir) == 0 || make_path(parent, RUN_DIR_MODE, &ignored);

	free(parent);
	if (good && mkdir(dir, mode) == 0) {
		*made = true;
		return true;
	}
	if (good)
		log_error("priv", "cannot make directory path=\"%s\" error=\"%s\"", dir, strerror(errno));
	return false;
}

bool
priv_run_dir(const char *socket_path)
{
	char *dir = directory_of(socket_path);
	bool made, good = make_path(dir, RUN_DIR_MODE, &made);

	if (good && made && chmod(dir, RUN_DIR_MODE) != 0) /* whatever the umask */
		good = false;
	free(dir);
	return good;
}

/* Run as the user: whether every directory on the way to the database can be passed, and the last one written. */
static bool
can_write(const char *database)
{
	char *dir = directory_of(database);
	bool good = true;

	for (char *slash = dir; good && (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
		*slash = '\0';
		good = access(dir, X_OK) == 0;
		if (!good)
			log_error("priv", "user %s cannot pass %s on the way to the state; choose another path, or: chmod a+x %s",
			          RSIP_USER, dir, dir);
	}
	if (good && access(dir, R_OK | W_OK | X_OK) != 0 && errno == EROFS) {
		log_error("priv", "the state directory is on a read-only file system; mount it for writing, findmnt tells which: "
		          "findmnt -T %s", dir);
		good = false;
	} else if (good && access(dir, R_OK | W_OK | X_OK) != 0) {
		log_error("priv", "user %s cannot write in the state directory; give it to the user: chown %s %s", RSIP_USER,
		          RSIP_USER, dir);
		good = false;
	}
	if (good && access(database, R_OK | W_OK) != 0 && errno != ENOENT) {
		log_error("priv", "user %s cannot write the state; let it: chown %s %s* && chmod u+rw %s*", RSIP_USER, RSIP_USER,
		          database, database);
		good = false;
	}
	free(dir);
	return good;
}

/* Asks in a child that has become the user: no other way knows all that the kernel looks at. */
static bool
user_can_write(const char *database, const struct priv_user *user)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(priv_drop(user) && can_write(database) ? 0 : 1);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool
priv_state_dir(const char *database, const struct priv_user *user)
{
	char *dir = directory_of(database);
	bool made, good = make_path(dir, STATE_DIR_MODE, &made);

	if (good && made && (chown(dir, 0, user->gid) != 0 || chmod(dir, STATE_DIR_MODE) != 0)) {
		log_error("priv", "cannot give the state directory to user %s path=\"%s\" error=\"%s\"", RSIP_USER, dir,
		          strerror(errno));
		good = false;
	}
	free(dir);
	return good && user_can_write(database, user);
}

char *
priv_run_file(const char *socket_path, const char *suffix)
{
	size_t len = strlen(socket_path);
	char *path = mem_zero(len + strlen(suffix) + 1, 1);

	if (len > 5 && strcmp(socket_path + len - 5, ".sock") == 0)
		len -= 5;
	memcpy(path, socket_path, len);
	return strcat(path, suffix);
}
