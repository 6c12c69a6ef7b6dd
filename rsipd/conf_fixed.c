#include "conf_fixed.h"

#include <stdio.h>
#include <string.h>

static bool
same_interfaces(const struct conf *a, const struct conf *b)
{
	if (a->n_private_interfaces != b->n_private_interfaces)
		return false;
	for (size_t i = 0; i < a->n_private_interfaces; i++) {
		if (strcmp(a->private_interfaces[i], b->private_interfaces[i]) != 0)
			return false;
	}
	return true;
}

static bool
same_public_interface(const struct conf *a, const struct conf *b)
{
	return strcmp(a->public_interface, b->public_interface) == 0;
}

static bool
same_listen(const struct conf *a, const struct conf *b)
{
	return a->n_listen == b->n_listen && memcmp(a->listen, b->listen, a->n_listen * sizeof(*a->listen)) == 0;
}

static bool
same_transports(const struct conf *a, const struct conf *b)
{
	return a->tcp == b->tcp && a->udp == b->udp;
}

static bool
same_data_plane(const struct conf *a, const struct conf *b)
{
	return a->data_plane == b->data_plane;
}

static bool
same_relay_io(const struct conf *a, const struct conf *b)
{
	return a->relay_io == b->relay_io;
}

static bool
same_state(const struct conf *a, const struct conf *b)
{
	return strcmp(a->state, b->state) == 0;
}

static bool
same_control(const struct conf *a, const struct conf *b)
{
	return strcmp(a->control, b->control) == 0;
}

static bool
same_metrics(const struct conf *a, const struct conf *b)
{
	return a->metrics == b->metrics &&
	       (!a->metrics || (a->metrics_addr == b->metrics_addr && a->metrics_port == b->metrics_port));
}

static bool
same_log(const struct conf *a, const struct conf *b)
{
	return a->log_to == b->log_to;
}

static const struct {
	const char *name;
	bool (*same)(const struct conf *a, const struct conf *b);
} fixed[] = {
	{ "gateway.private-interface", same_interfaces }, { "gateway.public-interface", same_public_interface },
	{ "gateway.listen", same_listen },                { "gateway.transports", same_transports },
	{ "gateway.data-plane", same_data_plane },        { "gateway.state", same_state },
	{ "gateway.control", same_control },              { "metrics.listen", same_metrics },
	{ "log.to", same_log },                           { "gateway.relay-io", same_relay_io },
};

bool
conf_may_follow(const struct conf *old, const struct conf *new, char *why, size_t why_size)
{
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (!fixed[i].same(old, new)) {
			snprintf(why, why_size, "%s cannot change while rsipd runs: restart it", fixed[i].name);
			return false;
		}
	}
	return true;
}
