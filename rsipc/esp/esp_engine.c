#include "esp_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "esp_device.h"
#include "esp_engine_impl.h"
#include "esp_keys.h"
#include "esp_path.h"
#include "esp_sequence.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "netlink.h"

#define TICK_MS 1000
#define LOOK_MS 30000    /* a path's MTU may grow again, of which nobody tells */
#define MTU_DEFAULT 1500 /* while there is no way to the peer: Ethernet's */
#define QUEUE_LEN 1000   /* packets: as long as a wire's */
#define MTU_LEAST 68     /* that a device for IPv4 may have */

/* ---- paths ---- */

static void
look_at(struct esp_engine *engine, struct esp_tunnel *t)
{
	struct esp_path path;

	if (!esp_path_look(t->conf->local, t->sa.remote.addr, &path)) {
		log_debug("esp", "no way to the peer sa=%s error=\"%s\"", t->sa.name, strerror(errno));
		path = (struct esp_path){ t->sa.local.addr, MTU_DEFAULT };
	}
	t->inner_max = esp_tunnel_inner_max(t, path.mtu);
	if (path.local == t->sa.local.addr)
		return;
	if (t->sa.local.addr == 0)
		t->sa.local = (struct sa_end){ path.local, t->conf->encap ? engine->conf->port : 0 };
	else
		engine->events.local_changed(t, path.local, engine->events.arg);
}

/* What fits into every tunnel. */
static void
set_mtu(struct esp_engine *engine)
{
	unsigned mtu = UINT16_MAX;
	int err;

	for (size_t i = 0; i < engine->conf->n_sas; i++) {
		if (engine->tunnels[i]->inner_max < mtu)
			mtu = engine->tunnels[i]->inner_max;
	}
	if (engine->conf->mtu != 0)
		mtu = engine->conf->mtu;
	mtu = mtu < MTU_LEAST ? MTU_LEAST : mtu;
	if (mtu == engine->mtu)
		return;
	if ((err = netlink_link_mtu(engine->nl, engine->conf->device, mtu)) != 0) {
		log_warn("esp", "MTU cannot be set device=%s mtu=%u error=\"%s\"", engine->conf->device, mtu, strerror(err));
		return;
	}
	engine->mtu = mtu;
	log_info("esp", "mtu device=%s mtu=%u", engine->conf->device, mtu);
}

static void
look_at_all(void *arg)
{
	struct esp_engine *engine = arg;

	for (size_t i = 0; i < engine->conf->n_sas; i++)
		look_at(engine, engine->tunnels[i]);
	set_mtu(engine);
	engine->looked = clock_now();
}

void
esp_engine_moved(struct esp_engine *engine, struct esp_tunnel *t)
{
	struct esp_path path;

	if (esp_path_look(t->conf->local, t->sa.remote.addr, &path))
		t->inner_max = esp_tunnel_inner_max(t, path.mtu);
	set_mtu(engine);
}

/* News come in bursts, and may come from inside of sending: looked at once, behind them. */
static void
look_soon(void *arg)
{
	loop_deferred_raise(((struct esp_engine *)arg)->look);
}

static void
too_big(struct esp_tunnel *t, void *arg)
{
	(void)t;
	look_soon(arg);
}

static void
tick_cb(void *arg)
{
	struct esp_engine *engine = arg;

	esp_own_keepalives(engine);
	esp_sequence_foresee(engine->sequence);
	if (clock_now() - engine->looked >= LOOK_MS)
		look_at_all(engine);
	loop_timer_set(engine->tick, TICK_MS);
}

/* ---- opening ---- */

static void
tell_fault(const char *line, void *arg)
{
	(void)arg;
	log_error("esp", "%s", line);
}

static bool
make_tunnels(struct esp_engine *engine)
{
	const struct esp_conf *conf = engine->conf;
	struct esp_sa_keys *keys = esp_keys_read(conf, tell_fault, NULL);
	bool good = keys != NULL;

	for (size_t i = 0; good && i < conf->n_sas; i++) {
		struct esp_tunnel *t = esp_tunnel_new(&conf->sas[i], keys[i].in, keys[i].out, engine->sequence);

		if ((good = t != NULL)) {
			engine->tunnels[i] = t;
			HASH_ADD(hh, engine->by_spi, sa.spi_in, sizeof(t->sa.spi_in), t);
		}
	}
	esp_keys_wipe(conf, keys);
	return good;
}

static struct netlink_net
net_of(const struct esp_prefix *prefix)
{
	struct netlink_net net = { .version = prefix->version, .len = prefix->len };

	memcpy(net.addr, prefix->addr, sizeof(net.addr));
	return net;
}

static void
add_address(struct esp_engine *engine, unsigned index, const struct esp_prefix *address)
{
	struct netlink_net net = net_of(address);
	int err = netlink_net_address(engine->nl, index, &net);
	char text[ESP_PREFIX_STRLEN];

	if (err != 0)
		log_error("esp", "address cannot be set address=%s error=\"%s\"", esp_prefix_str(address, text), strerror(err));
}

/* Tunnels may share a remote network and differ in the local one. */
static bool
routed_before(const struct esp_conf *conf, const struct esp_sa_conf *until, const struct esp_prefix *to)
{
	for (const struct esp_sa_conf *sa = conf->sas; sa < until; sa++) {
		for (size_t i = 0; i < sa->n_remote_nets; i++) {
			const struct esp_prefix *other = &sa->remote_nets[i];

			if (other->version == to->version && other->len == to->len && memcmp(other->addr, to->addr, sizeof(to->addr)) == 0)
				return true;
		}
	}
	return false;
}

static void
add_routes(struct esp_engine *engine, unsigned index, const struct esp_sa_conf *sa)
{
	char text[ESP_PREFIX_STRLEN];

	for (size_t i = 0; i < sa->n_remote_nets; i++) {
		struct netlink_net net = net_of(&sa->remote_nets[i]);
		int err = routed_before(engine->conf, sa, &sa->remote_nets[i]) ? 0 : netlink_net_route(engine->nl, index, &net);

		if (err != 0)
			log_error("esp", "route cannot be set to=%s error=\"%s\"", esp_prefix_str(&sa->remote_nets[i], text), strerror(err));
	}
}

/* Addresses, and routes to what is behind the peers. The device takes them along when it goes. */
static void
set_up_network(struct esp_engine *engine, unsigned index)
{
	for (size_t i = 0; i < engine->conf->n_addresses; i++)
		add_address(engine, index, &engine->conf->addresses[i]);
	for (size_t i = 0; i < engine->conf->n_sas; i++)
		add_routes(engine, index, &engine->conf->sas[i]);
}

static bool
open_device(struct esp_engine *engine)
{
	const char *name = engine->conf->device;
	int err;

	if ((engine->device = esp_device_open(name)) < 0) {
		log_error("esp", "device cannot be made device=%s error=\"%s\": %s", name, strerror(errno),
		    errno == EBUSY ? "there is one of that name, set device in section esp" : "modprobe tun, and be root");
		return false;
	}
	if ((err = netlink_link_up(engine->nl, name, MTU_DEFAULT, QUEUE_LEN)) != 0) {
		log_error("esp", "device cannot be set up device=%s error=\"%s\"", name, strerror(err));
		return false;
	}
	engine->mtu = MTU_DEFAULT;
	set_up_network(engine, netlink_index(engine->nl, name));
	return true;
}

static bool
open_wire(struct esp_engine *engine)
{
	struct esp_wire_events events = { esp_flow_packet, esp_flow_batch_end, too_big, engine };
	bool udp = false, native = false;

	for (size_t i = 0; i < engine->conf->n_sas; i++)
		*(engine->conf->sas[i].encap ? &udp : &native) = true;
	engine->wire = esp_wire_open(engine->loop, udp ? engine->conf->port : 0, native, &events);
	return engine->wire != NULL;
}

struct esp_engine *
esp_engine_new(struct loop *loop, const struct esp_conf *conf, const struct esp_engine_events *events)
{
	struct esp_engine *engine = mem_zero(1, sizeof(*engine));

	engine->loop = loop;
	engine->conf = conf;
	engine->events = *events;
	engine->device = -1;
	engine->tunnels = mem_zero(conf->n_sas, sizeof(*engine->tunnels));
	engine->sequence = esp_sequence_open(conf->state, 2 * conf->n_sas);
	engine->look = loop_deferred(loop, look_at_all, engine);
	if (engine->sequence == NULL || !make_tunnels(engine) || (engine->nl = netlink_open()) == NULL || !open_wire(engine) ||
	    !open_device(engine) || (engine->watch = netlink_watch(loop, 0, look_soon, engine)) == NULL) {
		esp_engine_free(engine);
		return NULL;
	}
	look_at_all(engine);
	engine->readable = loop_readable(loop, engine->device, esp_flow_device_readable, engine);
	engine->tick = loop_timer(loop, tick_cb, engine);
	loop_timer_set(engine->tick, TICK_MS);
	return engine;
}

void
esp_engine_free(struct esp_engine *engine)
{
	if (engine == NULL)
		return;
	netlink_unwatch(engine->watch);
	loop_event_free(engine->readable);
	loop_event_free(engine->tick);
	loop_event_free(engine->look);
	if (engine->device >= 0)
		close(engine->device);
	esp_wire_close(engine->wire);
	netlink_close(engine->nl);
	HASH_CLEAR(hh, engine->by_spi);
	for (size_t i = 0; i < engine->conf->n_sas; i++)
		esp_tunnel_free(engine->tunnels[i]);
	esp_sequence_close(engine->sequence);
	free(engine->tunnels);
	free(engine);
}

struct esp_tunnel *
esp_engine_next(struct esp_engine *engine, const struct esp_tunnel *after)
{
	size_t i = 0;

	while (after != NULL && i < engine->conf->n_sas && engine->tunnels[i++] != after)
		;
	return i < engine->conf->n_sas ? engine->tunnels[i] : NULL;
}

const struct esp_engine_counters *
esp_engine_counters(const struct esp_engine *engine)
{
	return &engine->counters;
}

const struct esp_wire_counters *
esp_engine_wire(const struct esp_engine *engine)
{
	return esp_wire_counters(engine->wire);
}
