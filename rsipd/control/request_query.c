/* QUERY, RFC 3103 9.14 and 9.15: what is local, to be reached without us. */
#include "exchange.h"

/* What we say of something: RFC 3103 9.15.1; 0 when we cannot tell. */
typedef uint16_t locality;

static bool
is_own(const struct conf *conf, ip4_t addr)
{
	for (size_t i = 0; i < conf->n_listen; i++) {
		if (conf->listen[i] == addr)
			return true;
	}
	return false;
}

static bool
is_in_local_network(const struct conf *conf, ip4_t addr)
{
	for (size_t i = 0; i < conf->n_local_networks; i++) {
		if (ip4_prefix_has(conf->local_networks[i], addr))
			return true;
	}
	return false;
}

static locality
locality_of_address(const struct conf *conf, const struct rsip_address *addr)
{
	if (addr->type != RSIP_ADDR_IPV4 || addr->any) /* a name, or IPv6: not ours to know */
		return 0;
	return is_own(conf, addr->ip4) || is_in_local_network(conf, addr->ip4) ? RSIP_LOCAL_ADDRESS : RSIP_REMOTE_ADDRESS;
}

/* A network is local when it lies inside a local one, remote when it meets none and none of our addresses; of one that holds
 * a local network and more besides neither can be said. */
static locality
locality_of_network(const struct conf *conf, ip4_t network, ip4_t mask)
{
	ip4_t first = network & mask, last = first | ~mask;

	for (size_t i = 0; i < conf->n_local_networks; i++) {
		struct ip4_prefix local = conf->local_networks[i];
		if (ip4_prefix_has(local, first) && ip4_prefix_has(local, last))
			return RSIP_LOCAL_NETWORK;
		if (local.addr >= first && local.addr <= last)
			return 0;
	}
	for (size_t i = 0; i < conf->n_listen; i++) {
		if (conf->listen[i] >= first && conf->listen[i] <= last)
			return first == last ? RSIP_LOCAL_NETWORK : 0;
	}
	return RSIP_REMOTE_NETWORK;
}

static locality
locality_of(const struct conf *conf, const struct rsip_tuple *tuple)
{
	if (tuple->indicator == RSIP_QUERY_ADDRESS)
		return locality_of_address(conf, &tuple->addr);
	return locality_of_network(conf, tuple->addr.ip4, tuple->netmask.ip4); /* IPv4 only: tuple.c */
}

static struct rsip_tuple *
add_tuple(struct rsip_message *reply, locality where)
{
	struct rsip_tuple *tuple = &reply->tuples[reply->n_tuples++];

	*tuple = (struct rsip_tuple){ .indicator = where };
	return tuple;
}

/* Without a tuple the host asks for all that we are willing to tell (9.14.3): the local networks, and our own addresses
 * outside of them. */
static void
tell_all(const struct conf *conf, struct rsip_message *reply)
{
	for (size_t i = 0; i < conf->n_listen && reply->n_tuples < RSIP_TUPLE_MAX; i++) {
		if (!is_in_local_network(conf, conf->listen[i]))
			add_tuple(reply, RSIP_LOCAL_ADDRESS)->addr =
			    (struct rsip_address){ .type = RSIP_ADDR_IPV4, .ip4 = conf->listen[i] };
	}
	for (size_t i = 0; i < conf->n_local_networks && reply->n_tuples < RSIP_TUPLE_MAX; i++) {
		struct rsip_tuple *tuple = add_tuple(reply, RSIP_LOCAL_NETWORK);
		ip4_t mask = ip4_mask(conf->local_networks[i].len);
		tuple->addr = (struct rsip_address){ .type = RSIP_ADDR_IPV4, .ip4 = conf->local_networks[i].addr };
		tuple->netmask = (struct rsip_address){ .type = RSIP_ADDR_IPV4_NETMASK, .ip4 = mask };
	}
}

/* The tuples of one kind, in the order of the request: the response has them kind by kind (9.15.2). */
static void
tell_kind(const struct conf *conf, const struct rsip_message *request, locality kind, struct rsip_message *reply)
{
	for (size_t i = 0; i < request->n_tuples; i++) {
		const struct rsip_tuple *asked = &request->tuples[i];
		if (locality_of(conf, asked) == kind) {
			struct rsip_tuple *tuple = add_tuple(reply, kind);
			tuple->addr = asked->addr;
			tuple->netmask = asked->netmask;
		}
	}
}

enum rsip_error
request_query(struct exchange *x)
{
	const struct conf *conf = x->ledger->conf;

	if (x->request->n_tuples == 0) {
		tell_all(conf, x->reply);
		return RSIP_OK;
	}
	for (locality kind = RSIP_LOCAL_ADDRESS; kind <= RSIP_REMOTE_NETWORK; kind++)
		tell_kind(conf, x->request, kind, x->reply);
	return RSIP_OK;
}
