#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "agent.h"
#include "conf.h"
#include "ctl_server.h"
#include "growth.h"
#include "lease.h"
#include "log.h"
#include "mem.h"
#include "ports_used.h"
#include "tun_relay.h"
#include "tunnel.h"
#include "value.h"

#define PORTS_MAX 16384

struct guest {
	struct guest *prev, *next;
	struct guests *guests;
	struct ctl_conn *conn;  /* NULL once it is gone */
	struct conf_lease like; /* what is wanted for it */
	bool leasing, releasing; /* an answer is due */
	bool granted;           /* address and ports were told; from then on they must not change */
	ip4_t address;
	uint16_t first_port;    /* with the number of ports, enough to notice a change */
	int tun_fd;             /* -1 = not attached */
	struct tun_relay_device *device;
	unsigned claimed;       /* ports that inbound packets reach the device at */
	bool grown_up;          /* there is no more for it on its address */
	uint32_t leaving;       /* bind ID of a growth that it has been told to leave, 0 = none */
};

struct guests {
	struct agent *agent;
	const struct conf_lease *like;
	struct tunnel *tunnel;
	struct guest *list;
};

struct guests *
guests_new(struct agent *agent, const struct conf_lease *like)
{
	struct guests *guests = mem_zero(1, sizeof(*guests));

	guests->agent = agent;
	guests->like = like;
	return guests;
}

void
guests_set_like(struct guests *guests, const struct conf_lease *like)
{
	guests->like = like;
}

static void
guest_free(struct guest *guest)
{
	tun_relay_detach(guest->device);
	free(guest->like.name);
	if (guest->tun_fd >= 0)
		close(guest->tun_fd);
	DL_DELETE(guest->guests->list, guest);
	free(guest);
}

void
guests_free(struct guests *guests)
{
	struct guest *guest, *next;

	if (guests == NULL)
		return;
	DL_FOREACH_SAFE(guests->list, guest, next)
		guest_free(guest);
	free(guests);
}

unsigned
guests_count(const struct guests *guests)
{
	const struct guest *guest;
	unsigned n = 0;

	DL_COUNT(guests->list, guest, n);
	return n;
}

static struct guest *
guest_of(const struct guests *guests, const struct ctl_conn *conn)
{
	struct guest *guest;

	DL_FOREACH(guests->list, guest) {
		if (guest->conn == conn)
			return guest;
	}
	return NULL;
}

/* ---- its leases ---- */

/* The next part of the guest's lease behind this one; NULL starts and ends. */
static const struct lease *
next_part(const struct guest *guest, const struct lease *lease)
{
	lease = lease == NULL ? agent_leases(guest->guests->agent) : lease->next;
	while (lease != NULL && lease->owner != guest)
		lease = lease->next;
	return lease;
}

/* All that it was granted at first. What it has grown by may come and go. */
static bool
all_held(const struct guest *guest)
{
	const struct lease *part = next_part(guest, NULL);

	if (part == NULL)
		return false;
	for (; part != NULL; part = next_part(guest, part)) {
		if (part->state != LEASE_HELD && !part->extra)
			return false;
	}
	return true;
}

/* The next part that the command may use. */
static const struct lease *
next_usable(const struct guest *guest, const struct lease *part)
{
	do
		part = next_part(guest, part);
	while (part != NULL && (part->state != LEASE_HELD || part->grant.address != guest->address ||
	                        (part->extra && part->grant.bind_id == guest->leaving)));
	return part;
}

/* All parts are on one address: only one would be of use. */
static bool
one_address(const struct guest *guest)
{
	ip4_t addr = next_part(guest, NULL)->grant.address;

	for (const struct lease *part = next_part(guest, NULL); part != NULL; part = next_part(guest, part)) {
		if (part->grant.address != addr)
			return false;
	}
	return true;
}

static const struct lease *
refused_part(const struct guest *guest)
{
	const struct lease *part = next_part(guest, NULL);

	while (part != NULL && (part->error == RSIP_OK || part->extra))
		part = next_part(guest, part);
	return part;
}

/* Those that it is to leave among them. */
static unsigned
held_ports(const struct guest *guest)
{
	unsigned n = 0;

	for (const struct lease *part = next_part(guest, NULL); part != NULL; part = next_part(guest, part))
		n += part->state == LEASE_HELD ? part->n_ports : 0;
	return n;
}

static json_t *
lease_document(const struct guest *guest)
{
	json_t *ports = value_made(json_array());

	for (const struct lease *part = next_usable(guest, NULL); part != NULL; part = next_usable(guest, part)) {
		json_t *of_part = value_ports(part->grant.ports, part->grant.n_ports);

		json_array_extend(ports, of_part);
		json_decref(of_part);
	}
	return value_made(json_pack("{s:o, s:o, s:i}", "address", value_address(guest->address), "ports", ports, "mtu",
	    (int)tunnel_mtu(guest->guests->tunnel)));
}

/* ---- its device ---- */

/* The command's namespace has ended under us. The connection tells the rest. */
static void
device_gone(void *arg)
{
	struct guest *guest = arg;

	guest->device = NULL;
	close(guest->tun_fd);
	guest->tun_fd = -1;
}

static void
attach(struct guest *guest)
{
	struct tun_relay *relay = tunnel_relay(guest->guests->tunnel);
	int fd = relay != NULL ? fcntl(guest->tun_fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (fd < 0 || (guest->device = tun_relay_attach(relay, fd, device_gone, guest)) == NULL) {
		log_error("guest", "device cannot be served error=\"%s\"", relay == NULL || fd < 0 ? strerror(errno) : "too many");
		return;
	}
	guest->claimed = held_ports(guest);
	for (const struct lease *part = next_part(guest, NULL); part != NULL; part = next_part(guest, part)) {
		for (unsigned i = 0; part->state == LEASE_HELD && i < part->grant.n_ports; i++)
			tun_relay_claim(guest->device, part->grant.address, part->grant.ports[i]);
	}
}

/* The same device under other ports. */
static void
attach_again(struct guest *guest)
{
	tun_relay_detach(guest->device);
	guest->device = NULL;
	attach(guest);
}

/* ---- what happens to it ---- */

static void
give_up(struct guest *guest)
{
	tun_relay_detach(guest->device);
	guest->device = NULL;
	agent_unwant(guest->guests->agent, guest);
}

static void
closed(void *arg)
{
	struct guest *guest = arg;

	guest->conn = NULL;
	guest->leasing = guest->releasing = false;
	give_up(guest);
}

static void
answer_lease(struct guest *guest)
{
	const struct lease *first = next_part(guest, NULL);

	guest->leasing = false;
	guest->granted = true;
	guest->address = first->grant.address;
	guest->first_port = first->grant.ports[0].first;
	ctl_answer(guest->conn, lease_document(guest));
}

static void
refuse_lease(struct guest *guest, const char *why)
{
	guest->leasing = false;
	ctl_refuse(guest->conn, "%s", why);
	give_up(guest);
}

/* The lease came back with other values than the command's namespace was set up for: it stays cut off. */
static bool
has_moved(const struct guest *guest)
{
	const struct lease *first = next_part(guest, NULL);

	return guest->granted && (first->grant.address != guest->address || first->grant.ports[0].first != guest->first_port);
}

static void
update(struct guest *guest)
{
	const struct lease *refused;
	bool held = all_held(guest) && guest->guests->tunnel != NULL;

	if (guest->leasing && held && !one_address(guest))
		refuse_lease(guest, "the gateway has no single address with so many free ports");
	else if (guest->leasing && held)
		answer_lease(guest);
	else if (guest->leasing && (refused = refused_part(guest)) != NULL)
		refuse_lease(guest, refused->error_text);
	else if (guest->tun_fd >= 0 && guest->device == NULL && held && !has_moved(guest))
		attach(guest);
	else if (guest->device != NULL && held && !has_moved(guest) && guest->claimed != held_ports(guest))
		attach_again(guest);
	else if (guest->device != NULL && (!held || has_moved(guest))) {
		log_warn("guest", "a command has lost its lease ports=%u", guest->like.ports);
		tun_relay_detach(guest->device);
		guest->device = NULL;
	}
	if (guest->releasing && !agent_holds(guest->guests->agent, guest)) {
		guest->releasing = false;
		ctl_answer(guest->conn, json_object());
	}
}

void
guests_update(struct guests *guests, struct tunnel *tunnel)
{
	struct guest *guest, *next;

	guests->tunnel = tunnel;
	DL_FOREACH_SAFE(guests->list, guest, next) {
		update(guest);
		if (guest->conn == NULL && !agent_holds(guests->agent, guest))
			guest_free(guest);
	}
}

void
guests_detach(struct guests *guests)
{
	struct guest *guest;

	guests->tunnel = NULL;
	DL_FOREACH(guests->list, guest) {
		tun_relay_detach(guest->device);
		guest->device = NULL;
	}
}

/* ---- requests ---- */

void
guest_lease(struct guests *guests, struct ctl_conn *conn, const json_t *request)
{
	const json_t *ports = json_object_get(request, "ports");
	struct guest *guest;

	if (guests->like == NULL) {
		ctl_refuse(conn, "the config has no lease of method rsap-ip to take as the model for commands; add one");
		return;
	}
	if (guest_of(guests, conn) != NULL) {
		ctl_refuse(conn, "this connection has a lease already");
		return;
	}
	if (!json_is_integer(ports) || json_integer_value(ports) < 1 || json_integer_value(ports) > PORTS_MAX) {
		ctl_refuse(conn, "\"ports\" must be a number from 1 to %d", PORTS_MAX);
		return;
	}
	guest = mem_zero(1, sizeof(*guest));
	guest->guests = guests;
	guest->conn = conn;
	guest->tun_fd = -1;
	guest->leasing = true;
	guest->like = *guests->like;
	guest->like.name = mem_strdup(guests->like->name); /* the section may go before it */
	guest->like.ports = (uint16_t)json_integer_value(ports);
	guest->like.port = 0;
	DL_APPEND(guests->list, guest);
	ctl_on_close(conn, closed, guest);
	agent_want(guests->agent, &guest->like, guest);
}

void
guest_attach(struct guests *guests, struct ctl_conn *conn)
{
	struct guest *guest = guest_of(guests, conn);

	if (guest == NULL || !guest->granted || guest->tun_fd >= 0) {
		ctl_refuse(conn, "attach comes once, after lease");
		return;
	}
	if ((guest->tun_fd = ctl_take_fd(conn)) < 0) {
		ctl_refuse(conn, "no descriptor came with the request");
		return;
	}
	if (guests->tunnel != NULL)
		attach(guest);
	if (guest->device != NULL)
		ctl_answer(conn, json_object());
	else
		ctl_refuse(conn, "the device cannot be served; see the log of rsipc");
}

/* [[first port of a range, how many of it are in use], ...]. Which ones they are makes no difference. */
static bool
read_used(struct ports_used *used, const json_t *ports)
{
	size_t i;
	json_t *range;

	memset(used, 0, sizeof(*used));
	json_array_foreach(ports, i, range) {
		int first, n;

		if (json_unpack(range, "[i,i]", &first, &n) != 0 || first < 1 || n < 0 || first + n > UINT16_MAX + 1)
			return false;
		for (int port = first; port < first + n; port++)
			ports_used_add(used, (uint16_t)port);
	}
	return json_is_array(ports);
}

/* Ports on another address than its own are of no use to it. */
static const struct lease *
useless_growth(const struct guest *guest)
{
	const struct lease *part = next_part(guest, NULL);

	while (part != NULL && !(part->extra && part->state == LEASE_HELD && part->grant.address != guest->address))
		part = next_part(guest, part);
	return part;
}

/* What it was told to leave it has left, as it asks again, unless a program was faster. */
static void
end_leaving(struct guest *guest, const struct lease *spare)
{
	if (spare != NULL && (spare->state != LEASE_HELD || spare->grant.bind_id == guest->leaving)) {
		guest->leaving = 0;
		agent_give_back(guest->guests->agent, spare);
	} else {
		guest->leaving = spare != NULL ? spare->grant.bind_id : 0;
	}
}

static void
grow(struct guest *guest, const struct ports_used *used)
{
	struct agent *agent = guest->guests->agent;
	const struct lease *useless = useless_growth(guest);

	if (useless != NULL) {
		guest->grown_up = true;
		agent_give_back(agent, useless);
	}
	if (!guest->grown_up && growth_allowed(&guest->like))
		end_leaving(guest, growth_of(agent, &guest->like, guest, used));
}

void
guest_used(struct guests *guests, struct ctl_conn *conn, const json_t *request)
{
	struct guest *guest = guest_of(guests, conn);
	static struct ports_used used;

	if (guest == NULL || !guest->granted || guest->leasing || guest->releasing) {
		ctl_refuse(conn, "used comes after lease");
		return;
	}
	if (!read_used(&used, json_object_get(request, "ports"))) {
		ctl_refuse(conn, "\"ports\" must be a list of pairs: the first port of a range, and how many of it are in use");
		return;
	}
	if (guests->tunnel == NULL || !all_held(guest) || has_moved(guest)) {
		ctl_refuse(conn, "the lease is not held, the gateway is being asked for it; ask again later");
		return;
	}
	grow(guest, &used);
	ctl_answer(conn, lease_document(guest));
}

void
guest_release(struct guests *guests, struct ctl_conn *conn)
{
	struct guest *guest = guest_of(guests, conn);

	if (guest == NULL) {
		ctl_refuse(conn, "there is nothing to release");
		return;
	}
	guest->releasing = true;
	give_up(guest);
}
