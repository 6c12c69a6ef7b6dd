#include "kernel_reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "kernel_align.h"
#include "kernel_drain.h"
#include "kernel_heir.h"
#include "kernel_pairs.h"
#include "kernel_probe.h"
#include "kernel_shadow.h"
#include "kernel_source.h"
#include "kernel_tunnel.h"
#include "kernel_way.h"
#include "log.h"
#include "loop.h"
#include "mem.h"

#define SETTLE_MS 20     /* news come in crowds: an IKE daemon that moves or rekeys deletes and adds one by one */
#define GRACE_MS 300     /* an SA that is gone may only be on its way to another place */
#define ASTRAY_MS 100    /* and one that no policy leads to may be as far as the daemon has come */

static struct log_limit astray_limit, failed_limit;

/* ---- the records of tunnels ---- */

static struct tunnel *
by_spi(const struct kernel_group *group, const struct kernel_state *in)
{
	struct tunnel *tunnel;

	DL_FOREACH2(group->tunnels, tunnel, group_next) {
		if (tunnel->in.spi == in->spi)
			return tunnel;
	}
	return NULL;
}

static void
fill(struct tunnel *tunnel, const struct kernel_state *in, const struct kernel_state *out)
{
	struct sa *sa = &tunnel->sa;
	bool elsewhere = !sa_end_equal(sa->local, in->dst);

	tunnel->in = *in;
	tunnel->out = *out;
	if (out->spi != 0)
		tunnel->spi_out = out->spi;
	sa->spi_in = in->spi;
	sa->spi_out = out->spi;
	sa->local = in->dst;
	sa->remote = in->src;
	sa->encap = in->encap;
	sa->esn = in->esn;
	sa->newest = in->seq;
	sa->in = in->counts;
	sa->out = out->counts;
	if (elsewhere && tunnel->witness != NULL)
		kernel_source_end(tunnel); /* it looks at packets to the end that was */
}

static void
add(struct kernel_backend *backend, struct kernel_group *group, const struct kernel_state *in, const struct kernel_state *out)
{
	struct tunnel *tunnel = mem_zero(1, sizeof(*tunnel));

	tunnel->backend = backend;
	tunnel->group = group;
	tunnel->witnessed = loop_timer(backend->loop, kernel_source_end, tunnel);
	snprintf(tunnel->sa.name, sizeof(tunnel->sa.name), "reqid-%u/%08x", in->reqid, in->spi);
	fill(tunnel, in, out);
	kernel_heir_inherit(tunnel);
	tunnel->found = true;
	tunnel->way = kernel_way(backend, in->src.addr);
	DL_APPEND2(group->tunnels, tunnel, group_prev, group_next);
	DL_APPEND(backend->tunnels, tunnel);
	backend->events->added(&tunnel->sa, backend->arg);
}

void
kernel_reading_forget(struct tunnel *tunnel)
{
	kernel_shadow_end(tunnel);
	kernel_source_end(tunnel);
	kernel_way_not_due(tunnel);
	loop_event_free(tunnel->witnessed);
	kernel_probe_free(tunnel->probe);
	free(tunnel);
}

static void
set_timer(struct kernel_backend *backend, int64_t delay_ms)
{
	if (!backend->reread_soon)
		loop_timer_set(backend->reread, delay_ms);
	backend->reread_soon |= delay_ms == SETTLE_MS;
}

static void
read_again(struct kernel_backend *backend, struct kernel_group *group, int64_t delay_ms)
{
	kernel_group_raise(group);
	set_timer(backend, delay_ms);
}

void
kernel_reading_soon(struct kernel_backend *backend)
{
	set_timer(backend, SETTLE_MS);
}

void
kernel_reading_all(struct kernel_backend *backend)
{
	backend->reread_all = true;
	set_timer(backend, SETTLE_MS);
}

void
kernel_reading_group(struct kernel_backend *backend, struct kernel_group *group)
{
	read_again(backend, group, SETTLE_MS);
}

/* Does any tunnel send by this SA? */
static bool
sends(const struct kernel_group *group, const struct kernel_state *out)
{
	const struct tunnel *tunnel;

	DL_FOREACH2(group->tunnels, tunnel, group_next) {
		if (tunnel->out.spi == out->spi)
			return true;
	}
	return false;
}

/* Has it been gone for long enough? */
static bool
is_over(struct tunnel *tunnel)
{
	int64_t now = clock_now();

	if (tunnel->lost_at == 0)
		tunnel->lost_at = now;
	return now - tunnel->lost_at >= GRACE_MS;
}

static void
remove_lost(struct kernel_backend *backend, struct kernel_group *group)
{
	struct tunnel *tunnel, *next;

	DL_FOREACH_SAFE2(group->tunnels, tunnel, next, group_next) {
		if (tunnel->found) {
			tunnel->lost_at = 0;
			kernel_drain_keep(backend->drain, &tunnel->out);
			continue;
		}
		if (!is_over(tunnel)) {
			read_again(backend, group, GRACE_MS);
			continue;
		}
		DL_DELETE2(group->tunnels, tunnel, group_prev, group_next);
		DL_DELETE(backend->tunnels, tunnel);
		backend->events->removed(&tunnel->sa, backend->arg);
		if (tunnel->moved && !sends(group, &tunnel->out))
			kernel_drain_orphan(backend->drain, &tunnel->out);
		kernel_reading_forget(tunnel);
	}
}

/* ---- tunnels in pieces ---- */

/* The reqid's latest, and no other of its tunnels is whole: the policies are for this one. */
static bool
has_policies(const struct tunnel *tunnel)
{
	const struct tunnel *other;

	DL_FOREACH2(tunnel->group->tunnels, other, group_next) {
		if (other == tunnel || !other->found)
			continue;
		if (!other->astray || other->in.add_time > tunnel->in.add_time)
			return false;
	}
	return true;
}

static void
align(struct tunnel *tunnel)
{
	struct kernel_backend *backend = tunnel->backend;
	struct kernel_pair pair = { tunnel->in.spi, tunnel->out.spi };
	struct kernel_ends ends = { tunnel->sa.local, tunnel->sa.remote };
	int err = kernel_align(backend->nl, tunnel->group, pair, ends);

	tunnel->astray_at = 0;
	if (err != 0)
		log_warn_limited(&astray_limit, "adoption", "cannot bring together sa=%s error=\"%s\"", tunnel->sa.name,
		    strerror(err));
	else
		log_info("adoption", "brought together sa=%s: an IKE daemon had left it in pieces", tunnel->sa.name);
}

static void
align_astray(struct kernel_backend *backend, struct kernel_group *group)
{
	struct tunnel *tunnel;
	int64_t now = clock_now();

	DL_FOREACH2(group->tunnels, tunnel, group_next) {
		if (!tunnel->found || !tunnel->astray || !has_policies(tunnel)) {
			tunnel->astray_at = 0;
			continue;
		}
		if (tunnel->astray_at == 0)
			tunnel->astray_at = now;
		if (now - tunnel->astray_at >= ASTRAY_MS)
			align(tunnel);
		read_again(backend, group, ASTRAY_MS);
	}
}

/* When it has been led to where the policies are, it is a tunnel as all others: in the next reading. */
static void
bring_heir(struct kernel_backend *backend, struct kernel_group *group, const struct kernel_table *table)
{
	struct tunnel *before = kernel_heir(group, table);
	int err;

	if (before == NULL)
		return;
	err = kernel_align(backend->nl, group, before->heir, (struct kernel_ends){ before->sa.local, before->sa.remote });
	if (err != 0)
		log_warn_limited(&astray_limit, "adoption", "cannot bring along sa=reqid-%u/%08x error=\"%s\"", group->reqid,
		    before->heir.in, strerror(err));
	else
		log_info("adoption", "brought along sa=reqid-%u/%08x: an IKE daemon had laid it where the tunnel was", group->reqid,
		    before->heir.in);
	read_again(backend, group, err == 0 ? SETTLE_MS : ASTRAY_MS);
}

/* ---- reading ---- */

/* The outbound SA of before, where it is in the table but not between the ends of the inbound one. */
static struct kernel_state
strayed_partner(const struct tunnel *tunnel, const struct kernel_table *table)
{
	for (size_t i = 0; i < table->n_states && tunnel->spi_out != 0; i++) {
		if (table->states[i].spi == tunnel->spi_out)
			return table->states[i];
	}
	return (struct kernel_state){ 0 };
}

/* An agent that was killed has not ended the inbound SA at the address that it had left. */
static void
drain_copies(struct kernel_backend *backend, const struct kernel_table *table, const struct kernel_state *in)
{
	for (size_t i = 0; i < table->n_states; i++) {
		const struct kernel_state *state = &table->states[i];

		if (state->spi == in->spi && state->reqid == in->reqid && state->dst.addr != in->dst.addr &&
		    state->dst.addr != in->src.addr && !kernel_led_to(table, state, false) && !kernel_led_to(table, state, true))
			kernel_drain_add(backend->drain, state);
	}
}

static void
take(struct kernel_backend *backend, struct kernel_group *group, const struct kernel_table *table, const struct kernel_state *in)
{
	struct kernel_state out = kernel_heir_partner(group, table, in);
	struct tunnel *tunnel = by_spi(group, in);
	struct sa_end local, remote;

	if (out.spi == 0)
		out = kernel_partner(table, in);
	if (tunnel == NULL) {
		add(backend, group, in, &out);
		drain_copies(backend, table, in);
		return;
	}
	local = tunnel->sa.local;
	remote = tunnel->sa.remote;
	if (out.spi == 0)
		out = strayed_partner(tunnel, table);
	fill(tunnel, in, &out);
	tunnel->found = true;
	tunnel->astray = kernel_is_astray(table, in, &out);
	if (sa_end_equal(local, in->dst) && sa_end_equal(remote, in->src))
		return;
	tunnel->sa.roamed |= local.addr != in->dst.addr;
	tunnel->laid = (struct kernel_ends){ in->dst, in->src };
	backend->events->moved_by_other(&tunnel->sa, local, remote, backend->arg);
}

/* Tunnels that are known are first looked for where they were: whether policies lead there or not, an IKE daemon that moves
 * its policies by an older view than ours does not end them. */
static void
take_all(struct kernel_backend *backend, struct kernel_group *group, const struct kernel_table *table)
{
	struct tunnel *tunnel;

	DL_FOREACH2(group->tunnels, tunnel, group_next)
		tunnel->found = false;
	for (size_t i = 0; i < table->n_states; i++) {
		const struct kernel_state *state = &table->states[i];

		if ((tunnel = by_spi(group, state)) != NULL && tunnel->in.dst.addr == state->dst.addr)
			take(backend, group, table, state);
	}
	for (size_t i = 0; i < table->n_states; i++) {
		const struct kernel_state *state = &table->states[i];

		if (!kernel_is_inbound(table, state) || ((tunnel = by_spi(group, state)) != NULL && tunnel->found))
			continue;
		kernel_drain_keep(backend->drain, state); /* an IKE daemon has led its policies back to it */
		take(backend, group, table, state);
	}
}

/* table: what the group has. May end the group. */
static void
compare(struct kernel_backend *backend, struct kernel_group *group, const struct kernel_table *table)
{
	struct tunnel *tunnel;

	bring_heir(backend, group, table);
	take_all(backend, group, table);
	kernel_shadow_lay(group, table);
	remove_lost(backend, group);
	align_astray(backend, group);
	DL_FOREACH2(group->tunnels, tunnel, group_next)
		kernel_way_due(tunnel);
	kernel_names_tidy(group);
}

static int
read_all(struct kernel_backend *backend)
{
	struct kernel_group *group, *next;
	struct kernel_table table;
	int err = kernel_table_read(backend->nl, &table);

	if (err == 0)
		kernel_names_all(backend->names, &table);
	for (group = kernel_names_next(backend->names, NULL); err == 0 && group != NULL; group = next) {
		struct kernel_table part = kernel_table_part(&table, group->reqid);

		next = kernel_names_next(backend->names, group);
		compare(backend, group, &part);
	}
	kernel_table_clear(&table);
	return err;
}

static int
read_group(struct kernel_backend *backend, struct kernel_group *group)
{
	struct kernel_table table;
	int err = kernel_group_read(group, backend->nl, false, &table);

	if (err == 0)
		compare(backend, group, &table);
	kernel_table_clear(&table);
	return err;
}

static int
read_due(struct kernel_backend *backend)
{
	uint32_t *due;
	size_t n = kernel_names_due(backend->names, &due);
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++) {
		struct kernel_group *group = kernel_names_group(backend->names, due[i]);

		if (group != NULL)
			err = read_group(backend, group);
	}
	free(due);
	return err;
}

void
kernel_reading(void *arg)
{
	struct kernel_backend *backend = arg;
	bool all = backend->reread_all;
	int err;

	backend->reread_soon = backend->reread_all = false;
	if ((err = all ? read_all(backend) : read_due(backend)) != 0) {
		log_warn_limited(&failed_limit, "adoption", "SAs cannot be read error=\"%s\"", strerror(err));
		backend->reread_all = true;
		set_timer(backend, GRACE_MS);
	}
	loop_deferred_raise(backend->check_ways);
}
