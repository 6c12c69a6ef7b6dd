/* The devices that the config names. One that goes and comes back is another one to the kernel, by its index: packet
 * rings, filters, sysctls, proxy ARP entries and XDP programs went with the first, so all has to be made anew. */
#ifndef RSIPD_DEVICE_WATCH_H
#define RSIPD_DEVICE_WATCH_H

struct device_watch;
struct loop;
struct workers_env;

struct device_events {
	void (*others)(void *arg);  /* see below */
	void (*settled)(void *arg); /* addresses or routes changed, and the devices are those of before */
	void *arg;
};

/* Watches the devices of env, whose conf names them and whose place tells them as they are now. Calls events->others as soon as all
 * are there again, up and with the addresses that RSIP is served at, and one of them is another one; nothing more is
 * looked for from then on. One that is gone is told in the log. env and events are kept. NULL after a line in the log. The caller
 * ends it with device_watch_free, which accepts NULL. */
struct device_watch *device_watch_new(const struct workers_env *env, const struct device_events *events);
void device_watch_free(struct device_watch *watch);

#endif
