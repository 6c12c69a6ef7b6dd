/* Where BPF programs and maps outlive the process that made them: the BPF file system, and this gateway's place in it.
 *
 *   /sys/fs/bpf/rsip/NETNS/LAYOUT/MAP
 *
 * NETNS is the network namespace's number: a machine may have a gateway in each. LAYOUT names the shape of the tables,
 * so that an rsipd of another build, or with other sizes in its config, does not mistake them for its own. */
#ifndef RSIPD_BPFFS_H
#define RSIPD_BPFFS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define BPFFS "/sys/fs/bpf"

/* Mounts the BPF file system if nobody has. False with a sentence in why when it cannot be had. */
bool bpffs_ready(char *why, size_t size);

/* The directory of this network namespace's gateway. */
void bpffs_home(char path[PATH_MAX]);

/* Makes the directory and those above it. False with errno set. */
bool bpffs_make(const char *dir);

/* Removes what is pinned in dir, and dir itself; what is not there is no fault. */
void bpffs_remove(const char *dir);

/* Removes every layout in home but the one that is named; all of them, and home, for NULL. */
void bpffs_remove_others(const char *home, const char *layout);

#endif
