#include "left.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "lease.h"
#include "ledger.h"
#include "log.h"
#include "mem.h"

static bool
is_left(const struct ledger *l, ip4_t addr)
{
	return conf_pool_of(l->conf, addr) == NULL;
}

void
left_find(struct left *left, const struct ledger *l)
{
	size_t n, n_tuples;
	uint32_t n_ports;

	left_done(left);
	if (conf_has_upstream(l->conf))
		return;
	n = pool_addresses(l->pool, &left->addrs);
	for (size_t i = 0; i < n; i++) {
		pool_address_leased(l->pool, left->addrs[i], &n_tuples, &n_ports);
		if (n_tuples > 0 && is_left(l, left->addrs[i]))
			left->addrs[left->n++] = left->addrs[i];
	}
}

void
left_done(struct left *left)
{
	free(left->addrs);
	*left = (struct left){ 0 };
}

bool
left_next(struct left *left, char text[MON_TEXT_MAX])
{
	char addr[IP4_STRLEN];
	size_t len = 0;

	if (left->told == left->n)
		return false;
	while (left->told < left->n && len + IP4_STRLEN + 1 < MON_TEXT_MAX)
		len += (size_t)snprintf(text + len, MON_TEXT_MAX - len, "%s\n", ip4_str(left->addrs[left->told++], addr));
	return true;
}

static void
withdraw_all(struct ledger *l, ip4_t addr)
{
	struct binding_cursor cursor;
	struct binding *b;
	char str[IP4_STRLEN];

	log_warn("lease", "what is left of an address that no pool has ends, it cannot be carried any more address=%s",
	         ip4_str(addr, str));
	binding_cursor_start(&cursor, &l->bindings);
	while ((b = binding_cursor_next(&cursor)) != NULL) {
		if (b->local_addr != addr)
			continue;
		l->events.binding_ended(l->events.arg, b->session, b);
		lease_end(l, b, LEASE_WITHDRAWN);
	}
}

void
left_withdraw(struct ledger *l, const char *text)
{
	char str[IP4_STRLEN];
	ip4_t addr;
	int used;

	for (; sscanf(text, " %15[0-9.]%n", str, &used) == 1; text += used) {
		if (ip4_parse(str, &addr) && is_left(l, addr))
			withdraw_all(l, addr);
	}
}
