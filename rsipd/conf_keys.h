/* The keys of the identities in rsipd.conf. Root reads their files: when rsipd starts, and in the monitor at a reload. The
 * control process, which cannot, has them from its parent by fork(2), and at a reload by a sealed file in memory. */
#ifndef RSIPD_CONF_KEYS_H
#define RSIPD_CONF_KEYS_H

#include <stdbool.h>

#include "cfile.h"

struct conf;

/* Reads the key files that the config names. Faults are told as "PATH:LINE: ...", the line being the config's; path is
 * the config's. False when there was any. */
bool conf_keys_read(struct conf *conf, const char *path, cfile_report *report, void *arg);

/* The keys as a descriptor for conf_keys_take; -1 with errno set. The caller closes it. */
int conf_keys_pack(const struct conf *conf);

/* Fills in the keys of the same config's identities. fd is read from its start and stays open. False when one is not there. */
bool conf_keys_take(struct conf *conf, int fd);

/* For a process that has no use for them. */
void conf_keys_wipe(struct conf *conf);

#endif
