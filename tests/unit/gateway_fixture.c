#include "gateway_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "clock.h"
#include "lease_check.h"
#include "lease.h"
#include "log.h"
#include "policy.h"
#include "restore.h"

static int64_t now_ms, now_wall_ms;

static void
set_clock(void)
{
	clock_set(now_ms, now_wall_ms / 1000);
	clock_set_wall_ms(now_wall_ms);
}

void
fixture_pass_ms(int64_t ms)
{
	now_ms += ms;
	now_wall_ms += ms;
	set_clock();
}

void
fixture_set_wall(int64_t by_s)
{
	now_wall_ms += by_s * 1000;
	set_clock();
}

static void
conf_fault(const char *line, void *arg)
{
	(void)arg;
	ck_abort_msg("%s", line);
}

struct conf *
fixture_conf(const char *conf_text)
{
	FILE *file = tmpfile();
	struct conf *conf;

	fprintf(file,
	        "gateway { private-interface = \"lan0\" public-interface = \"wan0\" listen = { \"10.0.0.1\" }\n"
	        "state = \"/var/lib/rsip/rsipd.db\" control = \"/run/rsip/rsipd.sock\" }\n%s", conf_text);
	fflush(file);
	conf = conf_parse_fd(fileno(file), "test.conf", conf_fault, NULL);
	ck_assert_ptr_nonnull(conf);
	fclose(file);
	return conf;
}

static void
on_bind(void *arg, const struct binding *b)
{
	struct fixture *f = arg;
	struct fixture_bound *bound;

	HASH_FIND(hh, f->bound, &b->bind_id, sizeof(b->bind_id), bound);
	if (bound == NULL) {
		bound = calloc(1, sizeof(*bound));
		bound->bind_id = b->bind_id;
		HASH_ADD(hh, f->bound, bind_id, sizeof(bound->bind_id), bound);
	}
	bound->endpoint = b->endpoint;
	bound->gre_key = binding_terms(b)->gre_key;
	bound->n_peers = binding_remote(b) != NULL ? lease_peers(b, bound->peers) : 0;
}

static void
on_unbind(void *arg, uint32_t bind_id)
{
	struct fixture *f = arg;
	struct fixture_bound *bound;

	HASH_FIND(hh, f->bound, &bind_id, sizeof(bind_id), bound);
	ck_assert_ptr_nonnull(bound);
	HASH_DELETE(hh, f->bound, bound);
	free(bound);
}

static void
on_binding_ended(void *arg, const struct session *s, const struct binding *b)
{
	struct fixture *f = arg;

	ck_assert_ptr_eq(b->session, s);
	f->bindings_ended++;
}

static void
on_session_ended(void *arg, const struct session *s)
{
	struct fixture *f = arg;

	(void)s;
	f->sessions_ended++;
}

static void
look_up(void *arg, const char *name)
{
	struct fixture *f = arg;

	(void)name;
	f->lookups++;
}

static bool
may_talk_to(void *arg, ip4_t addr)
{
	const struct fixture *f = arg;

	return policy_is_peer(f->conf, addr);
}

static void
on_name_changed(void *arg, const struct remote_name *name)
{
	struct fixture *f = arg;

	lease_follow_name(&f->ledger, name);
}

static void
on_name_answered(void *arg)
{
	(void)arg;
}

bool
fixture_try_open(struct fixture *f, char *why, size_t why_size)
{
	struct binding_cursor cursor;
	const struct binding *b;
	const struct dp_ops dp = { on_bind, on_unbind, f };
	const struct ledger_events events = { on_binding_ended, on_session_ended, f };

	const struct remote_names_events names = { look_up, may_talk_to, on_name_changed, on_name_answered, f };

	f->store = store_open(f->db, why, why_size);
	ledger_init(&f->ledger, f->conf, f->store, &f->stats, &dp, &events);
	f->ledger.names = f->names = remote_names_new(&names);
	if (f->store == NULL || !restore_ledger(&f->ledger, why, why_size))
		return false;
	binding_cursor_start(&cursor, &f->ledger.bindings);
	while ((b = binding_cursor_next(&cursor)) != NULL)
		on_bind(f, b);
	return true;
}

void
fixture_open(struct fixture *f)
{
	char why[300];

	ck_assert_msg(fixture_try_open(f, why, sizeof(why)), "%s", why);
}

void
fixture_close(struct fixture *f)
{
	struct fixture_bound *bound, *tmp;

	ledger_done(&f->ledger);
	remote_names_free(f->names);
	store_close(f->store);
	HASH_ITER(hh, f->bound, bound, tmp) {
		HASH_DELETE(hh, f->bound, bound);
		free(bound);
	}
}

void
fixture_start(struct fixture *f, const char *conf_text)
{
	log_init("test", getenv("RSIP_TEST_LOG") != NULL ? LOG_TO_STDERR : LOG_TO_NONE,
	         LOG_LVL_DEBUG, false);
	now_ms = FIXTURE_START_MS;
	now_wall_ms = (int64_t)FIXTURE_START_WALL * 1000;
	set_clock();
	*f = (struct fixture){ .conf = fixture_conf(conf_text) };
	strcpy(f->dir, "/tmp/rsip-check-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	snprintf(f->db, sizeof(f->db), "%s/rsipd.db", f->dir);
	fixture_open(f);
}

void
fixture_end(struct fixture *f)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char path[112];

	fixture_close(f);
	conf_free(f->conf);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", f->db, suffixes[i]);
		unlink(path);
	}
	rmdir(f->dir);
}

void
fixture_restart(struct fixture *f)
{
	fixture_close(f);
	fixture_open(f);
}

void
fixture_restart_machine(struct fixture *f, int64_t away_ms)
{
	fixture_close(f);
	now_ms = 1000;
	now_wall_ms += away_ms;
	set_clock();
	fixture_open(f);
}

/* --- dump --- */

static void
dump_binding(FILE *out, const struct binding *b)
{
	fprintf(out, "binding %u of %08x: %u/%u%s %08x remote %s%08x:%u expires %lld;", b->bind_id, b->session->client_id,
	        b->method, b->tunnel, b->listen ? " listen" : "", b->local_addr,
	        binding_remote_name(b) != NULL ? binding_remote_name(b) : "", binding_terms(b)->remote_addr,
	        b->n_remote_ports > 0 ? binding_remote_ports(b)[0].first : 0u, (long long)b->expires);
	for (size_t i = 0; i < binding_n_tuples(b); i++) {
		struct tuple t = binding_tuple(b, i);
		fprintf(out, " %s %llx-%llx", tuple_kind_name(t.kind), (unsigned long long)t.first,
		        (unsigned long long)t.last);
	}
	fprintf(out, " key %u\n", binding_terms(b)->gre_key);
}

static void
dump_hold(struct hold *hold, void *arg)
{
	fprintf(arg, "hold %08x %s %llx-%llx for %08x until %lld\n", hold->addr, tuple_kind_name(hold->kind),
	        (unsigned long long)hold->node.first, (unsigned long long)hold->node.last, hold->host,
	        (long long)hold->until);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order of the tables is their own business. */
static char *
sort_lines(char *text, size_t size)
{
	size_t n = 0, len = 0;
	char **lines = calloc(size + 1, sizeof(*lines)), *sorted = calloc(1, size + 1), *save;

	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		lines[n++] = line;
	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(sorted + len, "%s\n", lines[i]);
	free(lines);
	free(text);
	return sorted;
}

char *
fixture_dump(const struct fixture *f)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct id_cursor walk = { 0 };
	const struct session *s;
	const struct binding *b;

	while ((s = session_next(&f->ledger.sessions, &walk)) != NULL) {
		fprintf(out, "session %08x of %08x at %08x %s \"%s\" expires %lld last %u/%u %zu\n", s->client_id, s->host_addr,
		        s->gateway_addr, rsip_transport_name(s->transport), s->name != NULL ? s->name : "", (long long)s->expires,
		        s->replay.seen[0].port, s->replay.seen[0].counter, s->replay.response_len);
		LL_FOREACH(s->bindings, b)
			dump_binding(out, b);
	}
	pool_each_hold(f->ledger.pool, dump_hold, out);
	fclose(out);
	return sort_lines(text, size);
}

void
fixture_check(struct fixture *f)
{
	struct binding_cursor cursor;
	const struct binding *b;
	struct fixture_bound *bound;
	char why[300];

	ck_assert_msg(lease_check(&f->ledger, why, sizeof(why)), "%s", why);
	ck_assert_uint_eq(HASH_COUNT(f->bound), binding_count(&f->ledger.bindings));
	binding_cursor_start(&cursor, &f->ledger.bindings);
	while ((b = binding_cursor_next(&cursor)) != NULL) {
		HASH_FIND(hh, f->bound, &b->bind_id, sizeof(b->bind_id), bound);
		ck_assert_ptr_nonnull(bound);
	}
}
