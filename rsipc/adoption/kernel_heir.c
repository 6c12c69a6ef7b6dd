#include "kernel_heir.h"

#include <utlist.h>

#include "kernel_pairs.h"

/* Is it, or was it, of a tunnel that there is? */
static bool
is_known(const struct kernel_group *group, const struct kernel_state *state)
{
	const struct tunnel *tunnel;

	DL_FOREACH2(group->tunnels, tunnel, group_next) {
		if (tunnel->in.spi == state->spi || tunnel->spi_out == state->spi)
			return true;
	}
	return false;
}

/* The one for which an inbound SA at this place would have been laid. */
static struct tunnel *
forerunner(const struct kernel_group *group, const struct kernel_table *table, const struct kernel_state *in)
{
	struct tunnel *tunnel;

	DL_FOREACH2(group->tunnels, tunnel, group_next) {
		if (tunnel->moved && tunnel->laid.local.addr == in->dst.addr && tunnel->laid.remote.addr == in->src.addr &&
		    kernel_led_to(table, &tunnel->in, false))
			return tunnel;
	}
	return NULL;
}

/* What is not encapsulated, nobody moves; and an SPI that the daemon has only reserved shows as an SA that is not. */
struct tunnel *
kernel_heir(const struct kernel_group *group, const struct kernel_table *table)
{
	for (size_t i = 0; i < table->n_states; i++) {
		const struct kernel_state *in = &table->states[i];
		struct tunnel *before;
		struct kernel_state out;

		if (!in->encap || is_known(group, in) || kernel_led_to(table, in, false) ||
		    (before = forerunner(group, table, in)) == NULL)
			continue;
		if ((out = kernel_partner(table, in)).spi == 0 || !out.encap || is_known(group, &out))
			continue;
		before->heir = (struct kernel_pair){ in->spi, out.spi };
		return before;
	}
	return NULL;
}

struct kernel_state
kernel_heir_partner(const struct kernel_group *group, const struct kernel_table *table, const struct kernel_state *in)
{
	const struct tunnel *tunnel;
	uint32_t spi = 0;

	DL_FOREACH2(group->tunnels, tunnel, group_next) {
		if (tunnel->heir.in == in->spi)
			spi = tunnel->heir.out;
		else if (tunnel->itself.in == in->spi)
			spi = tunnel->itself.out;
	}
	for (size_t i = 0; i < table->n_states && spi != 0; i++) {
		if (table->states[i].spi == spi)
			return table->states[i];
	}
	return (struct kernel_state){ 0 };
}

void
kernel_heir_inherit(struct tunnel *tunnel)
{
	const struct tunnel *other;

	tunnel->laid = (struct kernel_ends){ tunnel->sa.local, tunnel->sa.remote };
	DL_FOREACH2(tunnel->group->tunnels, other, group_next) {
		if (other->heir.in == tunnel->in.spi)
			tunnel->itself = other->heir;
		tunnel->sa.roamed |= other->sa.roamed;
		if (other->moved && sa_end_equal(other->sa.local, tunnel->sa.local) &&
		    sa_end_equal(other->sa.remote, tunnel->sa.remote)) {
			tunnel->moved = true;
			tunnel->laid = other->laid;
		}
	}
}
