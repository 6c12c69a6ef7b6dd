#include "config.h"

#include "fast_path.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpffs.h"
#include "conf.h"
#include "fast_device.h"
#include "fast_paths.h"
#include "fast_tables.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "redirect_watch.h"
#include "relay.h"

#define WATCH_MS 1000

struct fast_path {
	bool demanded; /* by the config: to be without it is an error */
	struct fast_tables tables;
	bool on; /* programs are attached */
	struct fast_device devices[RELAY_PRIVATE_MAX + 1];
	size_t n_devices;
	struct redirect_watch *watch; /* NULL: this kernel does not tell */
	struct fast_paths *paths;
	char detail[512];
	struct loop *loop;
	struct loop_event *timer;
	void (*changed)(void *arg);
	void *arg;
};

__attribute__((format(printf, 2, 3))) static void
say(struct fast_path *fp, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fp->detail, sizeof(fp->detail), format, args);
	va_end(args);
}

const char *
fast_path_name(const struct fast_path *fp)
{
	return fp->on ? "xdp" : "relay";
}

const char *
fast_path_detail(const struct fast_path *fp)
{
	return fp->detail;
}

struct xdp_tables *
fast_path_tables(struct fast_path *fp)
{
	return fp->tables.ready ? &fp->tables.xdp : NULL;
}

/* ---- what there is to attach, and where ---- */

static void
add_device(struct fast_path *fp, const char *name, unsigned roles, unsigned number)
{
	struct fast_device *d = &fp->devices[fp->n_devices];
	char why[128];

	if (fast_device_find(d, name, roles, why, sizeof(why))) {
		d->number = number;
		fp->n_devices++;
	} else {
		log_warn("xdp", "a device is left to the relay reason=\"%s\"", why);
	}
}

/* The public interface first. A device keeps its number as long as the config names the same devices in the same order;
 * where it does not, the programs' cached ways out are wrong until they ask again, in less than a second. */
static void
find_devices(struct fast_path *fp, const struct conf *conf)
{
	unsigned number = 1;

	add_device(fp, conf->public_interface, XDP_DEVICE_PUBLIC, number++);
	for (size_t i = 0; i < conf->n_private_interfaces && fp->n_devices <= RELAY_PRIVATE_MAX; i++)
		add_device(fp, conf->private_interfaces[i], XDP_DEVICE_PRIVATE, number++);
}

static bool
make_ready(struct fast_path *fp, const struct conf *conf)
{
	if (conf->data_plane == CONF_DP_RELAY) {
		say(fp, "the config says so");
		return false;
	}
	if (!fast_tables_open(&fp->tables, conf, fp->detail, sizeof(fp->detail)))
		return false;
	find_devices(fp, conf);
	return true;
}

struct fast_path *
fast_path_new(const struct conf *conf)
{
	struct fast_path *fp = mem_zero(1, sizeof(*fp));

	fp->demanded = conf->data_plane == CONF_DP_XDP;
	if (make_ready(fp, conf)) {
		say(fp, "the fast path waits for its tables");
		return fp;
	}
	if (fp->demanded)
		log_error("xdp", "no fast path, the relay forwards all packets reason=\"%s\"", fp->detail);
	else
		log_info("xdp", "no fast path, the relay forwards all packets reason=\"%s\"", fp->detail);
	fast_path_detach(); /* what a dead rsipd left forwards by leases that nobody keeps any more */
	return fp;
}

/* ---- attaching ---- */

static void
drops_frames(struct fast_path *fp, const struct fast_device *d, int err)
{
	say(fp, "the driver of %s drops redirected frames (%s); where it is a veth, the device at its other end needs an XDP "
	    "program or GRO (ethtool -K PEER gro on)", d->name, strerror(err));
}

/* Where frames go that are redirected from a native program, the driver must take them. */
static bool
tries_well(struct fast_path *fp, struct fast_device *d)
{
	int err = fp->watch != NULL && redirect_watch_add(fp->watch, d->ifindex) ?
	          redirect_watch_try(fp->watch, d->ifindex, d->mac) : ENOSYS;

	if (err == 0 || err == ENOSYS)
		return true;
	if (err == ENETDOWN || err == ENOBUFS)
		return true; /* says nothing of the driver; the watch sees what becomes of later frames */
	drops_frames(fp, d, err);
	return false;
}

static bool
attach_all(struct fast_path *fp, enum attach_mode mode)
{
	int err;

	for (size_t i = 0; i < fp->n_devices; i++) {
		struct fast_device *d = &fp->devices[i];

		if (!fast_device_tell(d, &fp->tables.xdp, d->mode == mode) || !fast_device_attach(d, &fp->tables.xdp, mode, &err)) {
			say(fp, "%s: no %s XDP: %s", d->name, attach_mode_name(mode), attach_reason());
			return false;
		}
	}
	for (size_t i = 0; i < fp->n_devices; i++) {
		if (mode == ATTACH_NATIVE && !tries_well(fp, &fp->devices[i]))
			return false;
	}
	for (size_t i = 0; i < fp->n_devices; i++)
		fast_device_tell(&fp->devices[i], &fp->tables.xdp, true);
	return true;
}

static void
remove_all(struct fast_path *fp)
{
	for (size_t i = 0; i < fp->n_devices; i++) {
		attach_remove(fp->devices[i].ifindex);
		fp->devices[i].mode = ATTACH_NONE;
		xdp_tables_no_device(&fp->tables.xdp, fp->devices[i].ifindex);
	}
}

/* Which devices, in which mode, and what is lost beside the best. */
static void
say_where(struct fast_path *fp, const char *why_generic)
{
	size_t at = (size_t)snprintf(fp->detail, sizeof(fp->detail), "%s", attach_mode_name(fp->devices[0].mode));

	for (size_t i = 0; i < fp->n_devices && at < sizeof(fp->detail); i++)
		at += (size_t)snprintf(fp->detail + at, sizeof(fp->detail) - at, "%s %s", i == 0 ? " on" : ",", fp->devices[i].name);
	if (why_generic[0] != '\0' && at < sizeof(fp->detail))
		at += (size_t)snprintf(fp->detail + at, sizeof(fp->detail) - at, "; not native: %s", why_generic);
	if (!fp->devices[0].shared && at < sizeof(fp->detail))
		snprintf(fp->detail + at, sizeof(fp->detail) - at, "; alone: this kernel cannot run another XDP program beside it");
}

static void
attached(struct fast_path *fp, const char *why_generic)
{
	say_where(fp, why_generic);
	log_info("xdp", "fast path attached detail=\"%s\"", fp->detail);
	fast_tables_unpin(&fp->tables, false);
}

/* In the kernel behind the driver, which takes any device; else not at all. */
static void
attach_generic(struct fast_path *fp, const char *why_generic)
{
	fp->on = attach_all(fp, ATTACH_GENERIC);
	if (fp->on) {
		attached(fp, why_generic);
		return;
	}
	remove_all(fp);
	if (fp->demanded)
		log_error("xdp", "fast path not attached, the relay forwards all packets reason=\"%s\"", fp->detail);
	else
		log_warn("xdp", "fast path not attached, the relay forwards all packets reason=\"%s\"", fp->detail);
}

static void
attach_best(struct fast_path *fp)
{
	char why_generic[sizeof(fp->detail)];

	fp->on = attach_all(fp, ATTACH_NATIVE);
	if (!fp->on) {
		snprintf(why_generic, sizeof(why_generic), "%s", fp->detail);
		attach_generic(fp, why_generic);
	} else {
		attached(fp, "");
	}
}

/* ---- watching ---- */

/* The driver has no place for redirected frames; or nothing leaves, and not because the link is down. */
static bool
loses_frames(const struct fast_device *d, const struct redirect_count *now)
{
	if (now->lost == d->lost)
		return false;
	return now->error == -EOPNOTSUPP || now->error == -ENXIO ||
	       (now->sent == d->sent && now->error != 0 && now->error != -ENETDOWN);
}

static void
look_for_losses(struct fast_path *fp, struct fast_device *d)
{
	struct redirect_count now;
	char why[sizeof(fp->detail)];

	if (fp->watch == NULL || d->mode != ATTACH_NATIVE || !redirect_watch_read(fp->watch, d->ifindex, &now))
		return;
	if (loses_frames(d, &now)) {
		drops_frames(fp, d, -now.error);
		log_warn("xdp", "redirected frames are lost device=%s frames=%llu reason=\"%s\"", d->name,
		         (unsigned long long)(now.lost - d->lost), fp->detail);
		snprintf(why, sizeof(why), "%s", fp->detail);
		attach_generic(fp, why);
		fp->changed(fp->arg);
	}
	d->lost = now.lost;
	d->sent = now.sent;
}

static void
look_for_moves(struct fast_path *fp, struct fast_device *d)
{
	if (!fast_device_moved(d))
		return;
	log_info("xdp", "a device has another link address device=%s", d->name);
	fast_device_tell(d, &fp->tables.xdp, true);
}

/* Someone has taken a program away: that was meant, so it is not put back. It also goes with its device: device_watch.h. */
static void
look_for_removal(struct fast_path *fp, struct fast_device *d)
{
	if (d->mode == ATTACH_NONE || fast_device_holds(d))
		return;
	d->mode = ATTACH_NONE;
	if (if_nametoindex(d->name) == d->ifindex)
		say(fp, "someone has taken our program from %s; restart rsipd to have it back", d->name);
	else
		say(fp, "the device %s is gone", d->name);
	log_warn("xdp", "fast path gone, the relay forwards reason=\"%s\"", fp->detail);
	fp->on = false;
	for (size_t i = 0; i < fp->n_devices; i++)
		fp->on = fp->on || fp->devices[i].mode != ATTACH_NONE;
	fp->changed(fp->arg);
}

static void
watch_cb(void *arg)
{
	struct fast_path *fp = arg;

	for (size_t i = 0; i < fp->n_devices; i++) {
		look_for_losses(fp, &fp->devices[i]);
		look_for_moves(fp, &fp->devices[i]);
		look_for_removal(fp, &fp->devices[i]);
	}
	loop_timer_set(fp->timer, WATCH_MS);
}

/* ---- life ---- */

void
fast_path_begin(struct fast_path *fp, struct loop *loop, void (*changed)(void *arg), void *arg)
{
	const char *why = "";

	if (!fp->tables.ready || fp->timer != NULL)
		return;
	fp->changed = changed;
	fp->arg = arg;
	fp->watch = redirect_watch_new(&why);
	if (fp->watch == NULL)
		log_warn("xdp", "frames that a driver loses will not be noticed reason=\"%s\"", why);
	fp->paths = fast_paths_new(loop, &fp->tables.xdp);
	attach_best(fp);
	fp->timer = loop_timer(loop, watch_cb, fp);
	loop_timer_set(fp->timer, WATCH_MS);
	changed(arg);
}

void
fast_path_free(struct fast_path *fp, bool leave)
{
	if (fp == NULL)
		return;
	loop_event_free(fp->timer);
	fast_paths_free(fp->paths);
	redirect_watch_free(fp->watch);
	if (fp->tables.ready && !leave) {
		remove_all(fp);
		fast_tables_unpin(&fp->tables, true);
	} else if (fp->on) {
		log_info("xdp", "fast path stays detail=\"%s\"", fp->detail);
	}
	fast_tables_close(&fp->tables);
	free(fp);
}

static void
detach_one(unsigned ifindex, const char *device, void *arg)
{
	bool *good = arg;

	if (attach_remove(ifindex)) {
		log_info("xdp", "fast path taken away device=%s", device);
	} else {
		log_error("xdp", "cannot take the fast path away device=%s reason=\"%s\"", device, attach_reason());
		*good = false;
	}
}

bool
fast_path_detach(void)
{
	char home[PATH_MAX];
	bool good = true;

	attach_each(detach_one, &good);
	bpffs_home(home);
	bpffs_remove_others(home, NULL);
	return good;
}
