/* What SQLite alone commits a second: bench_store lease|row DATABASE BATCH SECONDS writes leases as rsipd's store does, or one
 * plain row each, in transactions of BATCH, each on disk when it ends. Prints rows or leases a second, twice, and the
 * p50 and p99 of a transaction in milliseconds. */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schema.h"

#define HOSTS 10000
#define TRANSACTIONS_MAX 1000000

/* The rows of a lease of one block of ports, as store.c writes them. */
static const char *const lease_statements[] = {
	("INSERT INTO binding (bind_id, client_id, method, tunnel, listen, local, remote, remote_port, expires, endpoint, gre_key, "
	 "granted) VALUES (?1, ?2, 'rsap-ip', 'ip-ip', 0, '100.64.0.1', NULL, NULL, 1800000000, '10.0.0.1', NULL, 1790000000)"),
	"INSERT INTO binding_tuple (bind_id, kind, first, last) VALUES (?1, 'port', ?1 % 60000, ?1 % 60000 + 7)",
	"INSERT INTO answer (seq, client_id, port, counter, response) VALUES (?1, ?2, 1024, ?1, zeroblob(60))",
};
static const char *const row_statements[] = {
	"INSERT INTO binding_tuple (bind_id, kind, first, last) VALUES (?1, 'port', ?1 % 60000, ?2)",
};

static void
die(sqlite3 *db, const char *what)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, sqlite3_errmsg(db));
	exit(1);
}

static void
run(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		die(db, text);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
write_one(sqlite3 *db, sqlite3_stmt **stmts, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++) {
		sqlite3_bind_int64(stmts[i], 1, id);
		if (sqlite3_bind_parameter_count(stmts[i]) > 1)
			sqlite3_bind_int64(stmts[i], 2, 1 + id * 7919 % HOSTS);
		if (sqlite3_step(stmts[i]) != SQLITE_DONE)
			die(db, sqlite3_sql(stmts[i]));
		sqlite3_reset(stmts[i]);
	}
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(sqlite3 *db, sqlite3_stmt **stmts, size_t n, int64_t batch, double seconds)
{
	double *took = calloc(TRANSACTIONS_MAX, sizeof(*took)), begun = now(), at = begun, before;
	size_t transactions = 0;
	int64_t id = 0;

	if (took == NULL)
		die(db, "out of memory");
	while (at - begun < seconds && transactions < TRANSACTIONS_MAX) {
		before = at;
		run(db, "BEGIN IMMEDIATE");
		for (int64_t i = 0; i < batch; i++)
			write_one(db, stmts, n, ++id);
		run(db, "COMMIT");
		at = now();
		took[transactions++] = at - before;
	}
	qsort(took, transactions, sizeof(*took), compare);
	printf("%.0f %.0f %.3f %.3f\n", (double)id / (at - begun), (double)id / (at - begun), took[transactions / 2] * 1e3,
	    took[transactions * 99 / 100] * 1e3);
	free(took);
}

int
main(int argc, char **argv)
{
	bool whole = argc == 5 && strcmp(argv[1], "lease") == 0;
	const char *const *texts = whole ? lease_statements : row_statements;
	size_t n = whole ? sizeof(lease_statements) / sizeof(lease_statements[0]) : 1;
	sqlite3_stmt *stmts[sizeof(lease_statements) / sizeof(lease_statements[0])];
	sqlite3 *db;

	if (argc != 5 || atoll(argv[3]) < 1 || atof(argv[4]) <= 0) {
		fputs("usage: bench_store lease|row DATABASE BATCH SECONDS\n", stderr);
		return 2;
	}
	if (sqlite3_open(argv[2], &db) != SQLITE_OK)
		die(db, argv[2]);
	run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; "
	        "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000");
	run(db, schema_sql);
	run(db, "PRAGMA ignore_check_constraints = ON");
	for (size_t i = 0; i < n; i++) {
		if (sqlite3_prepare_v2(db, texts[i], -1, &stmts[i], NULL) != SQLITE_OK)
			die(db, texts[i]);
	}
	measure(db, stmts, n, atoll(argv[3]), atof(argv[4]));
	for (size_t i = 0; i < n; i++)
		sqlite3_finalize(stmts[i]);
	sqlite3_close(db);
	return 0;
}
