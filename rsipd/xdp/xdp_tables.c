#include "config.h"

#include "xdp_tables.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "log.h"

const char *const xdp_map_names[XDP_MAP_COUNT] = {
#define X(id, name) [XDP_MAP_##id] = #name,
	XDP_MAPS(X)
#undef X
};

static const struct { uint32_t key, value; } shapes[XDP_MAP_COUNT] = {
	[XDP_MAP_ADDRS] = { 4, sizeof(struct xdp_addr) },
	[XDP_MAP_PORTS] = { 4, sizeof(struct xdp_ports) },
	[XDP_MAP_BINDINGS] = { 4, sizeof(struct xdp_binding) },
	[XDP_MAP_COUNTS_IN] = { 4, sizeof(struct xdp_count) },
	[XDP_MAP_COUNTS_OUT] = { 4, sizeof(struct xdp_count) },
	[XDP_MAP_TERMS] = { 4, sizeof(struct xdp_terms) },
	[XDP_MAP_SPIS] = { 4, sizeof(struct xdp_line) },
	[XDP_MAP_COOKIES] = { 4, sizeof(struct xdp_line) },
	[XDP_MAP_CLAIMS] = { sizeof(struct xdp_claim_key), sizeof(struct xdp_claim) },
	[XDP_MAP_IPSEC] = { sizeof(struct xdp_ipsec_key), 4 },
	[XDP_MAP_FLOWS] = { sizeof(struct xdp_flow_key), sizeof(struct xdp_flow) },
	[XDP_MAP_ROUTES] = { 4, sizeof(struct xdp_route_pair) },
	[XDP_MAP_HOPS] = { 4, sizeof(struct xdp_shared_hop) },
	[XDP_MAP_HOP_IDS] = { sizeof(struct xdp_hop_key), sizeof(struct xdp_hop_id) },
	[XDP_MAP_STATE] = { 4, sizeof(struct xdp_state) },
	[XDP_MAP_DEVICES] = { 4, sizeof(struct xdp_device) },
	[XDP_MAP_EGRESS] = { 4, sizeof(struct xdp_egress) },
	[XDP_MAP_TOTALS] = { 4, sizeof(struct xdp_totals) },
};

/* What is mapped, and where that is kept in struct xdp_tables. */
static const struct { enum xdp_map map; size_t at; } mapped[] = {
	{ XDP_MAP_PORTS, offsetof(struct xdp_tables, ports) },
	{ XDP_MAP_BINDINGS, offsetof(struct xdp_tables, bindings) },
	{ XDP_MAP_COUNTS_IN, offsetof(struct xdp_tables, counts_in) },
	{ XDP_MAP_COUNTS_OUT, offsetof(struct xdp_tables, counts_out) },
	{ XDP_MAP_TERMS, offsetof(struct xdp_tables, terms) },
	{ XDP_MAP_SPIS, offsetof(struct xdp_tables, spis) },
	{ XDP_MAP_COOKIES, offsetof(struct xdp_tables, cookies) },
	{ XDP_MAP_TOTALS, offsetof(struct xdp_tables, totals) },
	{ XDP_MAP_STATE, offsetof(struct xdp_tables, state) },
};
#define MAPPED (sizeof(mapped) / sizeof(mapped[0]))

static void **
memory_of(struct xdp_tables *t, size_t i)
{
	return (void **)(void *)((char *)t + mapped[i].at);
}

/* ---- taking over ---- */

static bool
read_entries(int fd, enum xdp_map map, uint32_t *entries)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) != 0) {
		log_error("xdp", "cannot look at the table name=%s error=\"%s\"", xdp_map_names[map], strerror(errno));
		return false;
	}
	if (info.key_size != shapes[map].key || info.value_size != shapes[map].value) {
		log_error("xdp", "a table has another layout name=%s key=%u value=%u", xdp_map_names[map], info.key_size,
		          info.value_size);
		return false;
	}
	*entries = info.max_entries;
	return true;
}

static bool
read_sizes(const int fd[XDP_MAP_COUNT], struct xdp_sizes *sizes)
{
	uint32_t n[XDP_MAP_COUNT];

	for (int map = 0; map < XDP_MAP_COUNT; map++) {
		if (!read_entries(fd[map], (enum xdp_map)map, &n[map]))
			return false;
	}
	*sizes = (struct xdp_sizes) {
		.addresses = n[XDP_MAP_ADDRS], .port_tables = n[XDP_MAP_PORTS] - 1, .bindings = n[XDP_MAP_BINDINGS],
		.spi_lines = n[XDP_MAP_SPIS], .cookie_lines = n[XDP_MAP_COOKIES], .claims = n[XDP_MAP_CLAIMS],
		.ipsec = n[XDP_MAP_IPSEC], .flows = n[XDP_MAP_FLOWS], .devices = n[XDP_MAP_DEVICES],
		.cpus = n[XDP_MAP_TOTALS],
	};
	return true;
}

static size_t
mapped_size(const struct xdp_tables *t, enum xdp_map map)
{
	return (size_t)xdp_sizes_entries(&t->sizes, map) * shapes[map].value;
}

static void *
map_memory(const struct xdp_tables *t, enum xdp_map map)
{
	void *memory = mmap(NULL, mapped_size(t, map), PROT_READ | PROT_WRITE, MAP_SHARED, t->fd[map], 0);

	if (memory != MAP_FAILED)
		return memory;
	log_error("xdp", "cannot map the table name=%s error=\"%s\"", xdp_map_names[map], strerror(errno));
	return NULL;
}

/* Few of the lines are in use at first. */
static void
begin_lines(struct xdp_lines *in_use, uint32_t n_lines)
{
	const uint32_t first = 16;

	if (in_use->n != 0)
		return;
	in_use->n = n_lines < first ? n_lines : first;
	while (in_use->wide + 1 < in_use->n)
		in_use->wide = 2 * in_use->wide + 1;
}

/* What the programs have to know of the tables. A seed that an earlier run drew stays, as do the lines in use: items
 * were placed by them. */
static bool
tell_state(struct xdp_tables *t)
{
	begin_lines(&t->state->spis, t->sizes.spi_lines);
	begin_lines(&t->state->cookies, t->sizes.cookie_lines);
	if (t->state->seed != 0 || getrandom(&t->state->seed, sizeof(t->state->seed), 0) == sizeof(t->state->seed))
		return true;
	log_error("xdp", "cannot draw a random number error=\"%s\"", strerror(errno));
	xdp_tables_close(t);
	return false;
}

bool
xdp_tables_open(struct xdp_tables *t, const int fd[XDP_MAP_COUNT])
{
	memset(t, 0, sizeof(*t));
	memcpy(t->fd, fd, sizeof(t->fd));
	if (!read_sizes(fd, &t->sizes))
		return false;
	for (size_t i = 0; i < MAPPED; i++) {
		if ((*memory_of(t, i) = map_memory(t, mapped[i].map)) == NULL) {
			xdp_tables_close(t);
			return false;
		}
	}
	return tell_state(t);
}

void
xdp_tables_close(struct xdp_tables *t)
{
	for (size_t i = 0; i < MAPPED; i++) {
		if (*memory_of(t, i) != NULL)
			munmap(*memory_of(t, i), mapped_size(t, mapped[i].map));
	}
	memset(t, 0, sizeof(*t));
}

void
xdp_tables_protect(struct xdp_tables *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < MAPPED; i++) {
		if (mapped[i].map != XDP_MAP_BINDINGS)
			mprotect(*memory_of(t, i), mapped_size(t, mapped[i].map), PROT_READ);
	}
}

/* ---- devices ---- */

static bool
set(const struct xdp_tables *t, enum xdp_map map, uint32_t key, const void *value)
{
	if (bpf_map_update_elem(t->fd[map], &key, value, BPF_ANY) == 0)
		return true;
	log_error("xdp", "cannot write the table name=%s key=%u error=\"%s\"", xdp_map_names[map], key, strerror(errno));
	return false;
}

void
xdp_tables_paths(struct xdp_tables *t, bool by_destination)
{
	__atomic_store_n(&t->state->by_destination, by_destination, __ATOMIC_RELEASE);
	__atomic_fetch_add(&t->state->generation, 1, __ATOMIC_RELEASE);
}

void
xdp_tables_own(struct xdp_tables *t, const ip4_t *own, size_t n)
{
	for (size_t i = 0; i < XDP_OWN_MAX; i++)
		__atomic_store_n(&t->state->own[i], i < n ? htonl(own[i]) : 0, __ATOMIC_RELEASE);
}

bool
xdp_tables_gateway(struct xdp_tables *t, ip4_t addr, uint8_t *number)
{
	uint32_t *gateways = t->state->gateways, want = htonl(addr);

	for (uint8_t i = 0; i < XDP_GATEWAYS_MAX; i++) {
		if (gateways[i] == 0)
			__atomic_store_n(&gateways[i], want, __ATOMIC_RELEASE);
		if (gateways[i] != want)
			continue;
		*number = i;
		return true;
	}
	return false;
}

bool
xdp_tables_device(struct xdp_tables *t, unsigned ifindex, const uint8_t mac[6], unsigned roles, unsigned number)
{
	struct xdp_device device = { .roles = (uint8_t)roles, .egress = (uint8_t)number };
	struct xdp_egress egress = { .ifindex = ifindex };
	bool done;

	memcpy(device.mac, mac, sizeof(device.mac));
	memcpy(egress.mac, mac, sizeof(egress.mac));
	/* The way out first: the other leads to it. */
	done = (number == 0 || set(t, XDP_MAP_EGRESS, number, &egress)) && set(t, XDP_MAP_DEVICES, ifindex, &device);
	__atomic_fetch_add(&t->state->generation, 1, __ATOMIC_RELEASE);
	return done;
}

void
xdp_tables_no_device(struct xdp_tables *t, unsigned ifindex)
{
	const struct xdp_device none = { 0 };

	set(t, XDP_MAP_DEVICES, ifindex, &none);
}
