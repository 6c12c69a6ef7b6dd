#include "document.h"

#include "conf.h"
#include "dp_pools.h"
#include "gateway.h"
#include "ledger.h"
#include "value.h"

static json_t *
of_pool(const struct dp_pool *m)
{
	json_t *ike_ports = value_made(json_array());

	for (unsigned i = 0; i < m->n_ike_ports; i++)
		json_array_append_new(ike_ports, value_count(m->ike_ports[i]));
	return value_made(json_pack("{s:o, s:o, s:o, s:b, s:b, s:b}", "first", value_address(m->addresses.first), "last",
	    value_address(m->addresses.last), "ike_ports", ike_ports, "own", m->own, "shared", m->shared,
	    "upstream", m->upstream));
}

static json_t *
of_pools(const struct gateway *gw)
{
	struct dp_pools walk = { .conf = gw->ledger->conf, .own = gw->own, .n_own = gw->n_own };
	json_t *array = value_made(json_array());
	struct dp_pool m;

	while (dp_pools_next(&walk, &m))
		json_array_append_new(array, of_pool(&m));
	return array;
}

static json_t *
of_private_interfaces(const struct conf *conf)
{
	json_t *array = value_made(json_array());

	for (size_t i = 0; i < conf->n_private_interfaces; i++)
		json_array_append_new(array, value_text(conf->private_interfaces[i]));
	return array;
}

/* By the words of the config file. */
static const char *
relay_io_name(enum conf_relay_io io)
{
	return io == CONF_IO_TUN ? "tun" : io == CONF_IO_RINGS ? "rings" : "auto";
}

json_t *
document_data_plane(const struct gateway *gw)
{
	const struct conf *conf = gw->ledger->conf;
	json_t *listen = value_made(json_array());

	for (size_t i = 0; i < conf->n_listen; i++)
		json_array_append_new(listen, value_address(conf->listen[i]));
	return value_made(json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:b}", "data_plane", gw->data_plane, "relay_io",
	    relay_io_name(conf->relay_io), "private_interfaces",
	    of_private_interfaces(conf), "public_interface", value_text(conf->public_interface), "listen", listen, "pools",
	    of_pools(gw), "mss_clamp", conf->mss_clamp));
}
