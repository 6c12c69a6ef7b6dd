/* Features of network devices by the names that ethtool -k shows in the kernel's spelling: "rx-gro", "rx-lro". */
#ifndef RSIPD_OFFLOAD_H
#define RSIPD_OFFLOAD_H

#include <stdbool.h>

/* Whether the device has the feature on now; false also when there is no such device or feature. */
bool offload_get(const char *device, const char *feature);

/* Returns false after a line in the log when the feature does not stand as wanted afterwards. */
bool offload_set(const char *device, const char *feature, bool on);

#endif
