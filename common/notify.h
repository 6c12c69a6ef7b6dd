/* Telling the service manager how the daemon stands: sd_notify(3)'s datagram, without its library. All of this does
 * nothing when no service manager asked for it. */
#ifndef RSIP_NOTIFY_H
#define RSIP_NOTIFY_H

#include <stdint.h>

void notify_send(const char *state); /* "READY=1", "STOPPING=1", "STATUS=..."; several parted by newlines */
void notify_reloading(void);         /* to be followed by READY=1 */

/* How often to send "WATCHDOG=1", in milliseconds: half of what the manager waits for; 0 = it does not watch. */
int64_t notify_watchdog_ms(void);

#endif
