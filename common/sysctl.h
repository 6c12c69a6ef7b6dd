/* Kernel settings below /proc/sys. A key is written with slashes, since device names may hold dots:
 * "net/ipv4/conf/eth0.5/rp_filter". */
#ifndef RSIP_SYSCTL_H
#define RSIP_SYSCTL_H

#include <stdbool.h>

#define SYSCTL_VALUE_MAX 4096 /* lists of ports are long */

/* Both return false with errno set; a value is one line, without its end, and E2BIG when it is longer. */
bool sysctl_read(const char *key, char value[SYSCTL_VALUE_MAX]);
bool sysctl_write(const char *key, const char *value);

/* Calls visit with the name of each entry of a directory: the devices in "net/ipv4/conf", and its "all" and "default". */
typedef void sysctl_visit(const char *name, void *arg);
void sysctl_each(const char *key, sysctl_visit *visit, void *arg);

#endif
