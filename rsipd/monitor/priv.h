/* Privileges: what the monitor must have at its start, the user that its children become, and the places in the file
 * system that each of them may write. Each function says in the log what is missing and how to mend it. */
#ifndef RSIPD_PRIV_H
#define RSIPD_PRIV_H

#include <stdbool.h>
#include <sys/types.h>

struct priv_user { uid_t uid; gid_t gid; };

/* Root, with the capabilities that opening things and dropping to the user take. */
bool priv_check(void);

/* The unprivileged user (configure --with-user). */
bool priv_find_user(struct priv_user *user);

/* Becomes the user for good: no supplementary groups, no capabilities, none to be had by executing anything. */
bool priv_drop(const struct priv_user *user);

/* The directory of the database: made for the user when it is not there, else checked to be the user's to write. */
bool priv_state_dir(const char *database, const struct priv_user *user);

/* The directory of the control socket: root's, for all to pass. */
bool priv_run_dir(const char *socket_path);

/* A file beside the control socket: "/run/rsip/rsipd.sock", ".pid" -> "/run/rsip/rsipd.pid". The caller frees it. */
char *priv_run_file(const char *socket_path, const char *suffix);

#endif
