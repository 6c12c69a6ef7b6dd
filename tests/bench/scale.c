/* scale: what a gateway with 1,000 to 1,000,000 bindings weighs, and how long its work on one more takes.
 *
 *	scale measure DB [N]         tables of memory and times for 1,000, 10,000, ... up to N bindings (1,000,000)
 *	scale fill DB N [M SECONDS]  a database of N bindings, and M more that expire in so many seconds from now
 *	scale restart DB             how long it takes until the data plane has all of the database's bindings
 *	scale conf DB SOCKET         the config for it, to standard output */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "expire.h"
#include "lease.h"
#include "log.h"
#include "registration.h"
#include "scale_site.h"

#define PROBES 2048 /* of each operation, a multiple of SITE_TURN */
#define PROBE_LEASE_S 100

static double
seconds(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* --- memory --- */

/* Resident memory of a process: its own, and what it shares with others (the counters of bindings). */
struct weight { double own, shared; };

static struct weight
weigh(pid_t pid)
{
	struct weight w = { 0, 0 };
	char path[64], line[128];
	unsigned long kb;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((file = fopen(path, "r")) == NULL)
		log_fatal("scale", "cannot read %s", path);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "RssAnon: %lu", &kb) == 1)
			w.own = (double)kb * 1024;
		if (sscanf(line, "RssShmem: %lu", &kb) == 1)
			w.shared = (double)kb * 1024;
	}
	fclose(file);
	return w;
}

/* --- times, each with its share of the commit --- */

static double
us_each(double since)
{
	return (seconds() - since) * 1e6 / PROBES;
}

struct times { double grant, extend, free, expire; };

static double
grant_all(struct site *s, struct binding **granted, uint32_t lease_s)
{
	double since = seconds();

	for (size_t i = 0; i < PROBES; i++) {
		granted[i] = site_grant(s, i * 997 % (SITE_HOSTS_MAX * SITE_BINDINGS_A_HOST), lease_s);
		site_turn(s);
	}
	return us_each(since);
}

/* A second later: SQLite would see that nothing changes and write nothing. */
static double
extend_all(struct site *s, struct binding **granted)
{
	struct refusal why;
	double since;

	site_pass(s, 1000);
	since = seconds();
	for (size_t i = 0; i < PROBES; i++) {
		if (lease_extend(&s->ledger, granted[i], SITE_LEASE_S, &why) != RSIP_OK)
			log_fatal("scale", "not extended: %s", why.text);
		site_turn(s);
	}
	return us_each(since);
}

static double
free_all(struct site *s, struct binding **granted)
{
	double since = seconds();

	for (size_t i = 0; i < PROBES; i++) {
		lease_end(&s->ledger, granted[i], LEASE_FREED);
		s->n_bindings--;
		site_turn(s);
	}
	return us_each(since);
}

/* All are due at once; the daemon commits what one call of expire_due has ended. */
static double
expire_all(struct site *s)
{
	double since;

	site_pass(s, (PROBE_LEASE_S + 1) * 1000);
	since = seconds();
	while (expire_delay(&s->ledger) == 0) {
		expire_due(&s->ledger);
		site_commit(s);
	}
	s->n_bindings -= PROBES;
	return us_each(since);
}

static struct times
measure_times(struct site *s)
{
	static struct binding *granted[PROBES];
	struct times t;

	t.grant = grant_all(s, granted, SITE_LEASE_S);
	t.extend = extend_all(s, granted);
	t.free = free_all(s, granted);
	grant_all(s, granted, PROBE_LEASE_S);
	site_settle(s);
	t.expire = expire_all(s);
	return t;
}

/* --- commands --- */

static void
fill(struct site *s, size_t n, uint32_t lease_s)
{
	for (size_t i = s->n_bindings; s->n_bindings < n; i++) {
		site_grant(s, i, lease_s);
		site_turn(s);
	}
	site_settle(s);
}

static void
print_level(const struct site *s, struct weight control, struct weight relay, struct times t)
{
	double n = (double)s->n_bindings;

	printf("%9zu %9.0f %9.0f %9.0f %9.0f %11.1f %9.1f %9.1f %9.1f\n", s->n_bindings, control.own / n, relay.own / n,
	       relay.shared / n, (control.own + relay.own + relay.shared) / n, t.grant, t.extend, t.free, t.expire);
	fflush(stdout);
}

static void
site_begin(struct site *s, const char *db, const struct scale_relay *process)
{
	site_open(s, db, process);
	site_load(s);
	site_connect(s);
}

static int
measure(const char *db, size_t max)
{
	struct weight control, relay, empty, relay_empty;
	struct scale_relay process;
	struct site s;

	scale_relay_start(&process, (uint32_t)max);
	site_begin(&s, db, &process);
	empty = weigh(getpid());
	relay_empty = weigh(process.pid);
	printf("%9s %39s %43s\n", "bindings", "bytes a binding, resident", "microseconds an operation, durable");
	printf("%9s %9s %9s %9s %9s %11s %9s %9s %9s\n", "held", "control", "relay", "counters", "all", "grant", "extend",
	       "free", "expire");
	for (size_t n = 1000; n <= max; n *= 10) {
		fill(&s, n, SITE_LEASE_S);
		control = weigh(getpid());
		relay = weigh(process.pid);
		control.own -= empty.own;
		relay.own -= relay_empty.own;
		relay.shared -= relay_empty.shared;
		print_level(&s, control, relay, measure_times(&s));
	}
	site_close(&s);
	scale_relay_end(&process);
	return 0;
}

static int
make_database(const char *db, size_t n, size_t n_short, uint32_t short_s)
{
	struct scale_relay process;
	struct site s;

	scale_relay_start(&process, (uint32_t)(n + n_short));
	site_begin(&s, db, &process);
	fill(&s, n, SITE_LEASE_S);
	site_pass(&s, 0);
	fill(&s, n + n_short, short_s);
	site_close(&s);
	scale_relay_end(&process);
	return 0;
}

static int
restart(const char *db)
{
	double began = seconds(), opened, loaded, connected;
	struct scale_relay process;
	struct site s;

	scale_relay_start(&process, SITE_HOSTS_MAX * SITE_BINDINGS_A_HOST);
	site_open(&s, db, &process);
	opened = seconds();
	site_load(&s);
	loaded = seconds();
	site_connect(&s);
	connected = seconds();
	printf("restart bindings=%zu seconds=%.2f: database opened %.2f, leases loaded %.2f, data plane told %.2f\n",
	       s.n_bindings, connected - began, opened - began, loaded - opened, connected - loaded);
	site_close(&s);
	scale_relay_end(&process);
	return 0;
}

int
main(int argc, char **argv)
{
	log_init("scale", LOG_TO_STDERR, LOG_LVL_WARN, false);
	if (argc >= 3 && strcmp(argv[1], "measure") == 0)
		return measure(argv[2], argc > 3 ? strtoul(argv[3], NULL, 10) : 1000000);
	if (argc >= 4 && strcmp(argv[1], "fill") == 0)
		return make_database(argv[2], strtoul(argv[3], NULL, 10), argc > 5 ? strtoul(argv[4], NULL, 10) : 0,
		                     argc > 5 ? (uint32_t)strtoul(argv[5], NULL, 10) : 0);
	if (argc == 3 && strcmp(argv[1], "restart") == 0)
		return restart(argv[2]);
	if (argc == 4 && strcmp(argv[1], "conf") == 0) {
		site_write_conf(STDOUT_FILENO, argv[2], argv[3]);
		return 0;
	}
	fprintf(stderr, "usage: scale measure DB [N] | scale fill DB N [M SECONDS] | scale restart DB | scale conf DB SOCKET\n");
	return 2;
}
