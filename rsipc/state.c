#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"
#include "clock.h"
#include "conf.h"
#include "grant.h"
#include "lease.h"
#include "log.h"
#include "mem.h"
#include "textfile.h"

#define SCHEMA_VERSION 2
#define RANGES_TEXT 4096 /* 255 port ranges, or 64 SPI ranges */

struct state { sqlite3 *db; };

/* Times are seconds since 1970: the clock that leases are measured on does not survive a reboot. */
static const char schema[] =
    "CREATE TABLE registration (gateway TEXT NOT NULL, client_id INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " local_flow INTEGER NOT NULL, remote_flow INTEGER NOT NULL);"
    "CREATE TABLE binding (position INTEGER PRIMARY KEY, lease TEXT NOT NULL, bind_id INTEGER NOT NULL,"
    " method INTEGER NOT NULL, listen INTEGER NOT NULL, tunnel INTEGER NOT NULL, address TEXT NOT NULL,"
    " endpoint TEXT NOT NULL, ports TEXT NOT NULL, spis TEXT NOT NULL, cookie_value INTEGER NOT NULL,"
    " cookie_mask INTEGER NOT NULL, expires INTEGER NOT NULL, gre_key INTEGER NOT NULL);"
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "PRAGMA user_version = 2;";

/* Version 1 knew no GRE keys. */
static const char upgrade[] = "BEGIN; ALTER TABLE binding ADD COLUMN gre_key INTEGER NOT NULL DEFAULT 0;"
                              "PRAGMA user_version = 2; COMMIT;";

/* A state file that fails us while running is no reason to stop: leases go on, only the memory is lost. */
static bool
run(struct state *state, const char *sql)
{
	if (sqlite3_exec(state->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	log_error("state", "cannot be written error=\"%s\"", sqlite3_errmsg(state->db));
	return false;
}

static sqlite3_stmt *
prepare(struct state *state, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(state->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		log_error("state", "cannot be used error=\"%s\"", sqlite3_errmsg(state->db));
	return stmt;
}

static void
finish(struct state *state, sqlite3_stmt *stmt)
{
	if (stmt != NULL && sqlite3_step(stmt) != SQLITE_DONE)
		log_error("state", "cannot be written error=\"%s\"", sqlite3_errmsg(state->db));
	sqlite3_finalize(stmt);
}

/* ---- opening ---- */

static int
schema_version(struct state *state)
{
	sqlite3_stmt *stmt = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(state->db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return version;
}

/* An exclusive lock for as long as the file is open: it ends with the process, however that ends. */
static int
lock(struct state *state)
{
	int err = sqlite3_exec(state->db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; "
	                                  "PRAGMA synchronous = NORMAL; BEGIN EXCLUSIVE; COMMIT", NULL, NULL, NULL);

	return err & 0xff;
}

/* The client ID in it is all that a host without a key proves itself with, so nobody else reads it: the file of an earlier
 * rsipc, which everybody may read, neither. SQLite makes its write-ahead log with the same mode. */
static bool
make_private(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bool made = fd >= 0 && fchmod(fd, 0600) == 0;

	if (fd >= 0)
		close(fd);
	return made;
}

static bool
has_schema(struct state *state, int version)
{
	if (version == 0)
		return run(state, schema);
	return version == 1 ? run(state, upgrade) : version == SCHEMA_VERSION;
}

struct state *
state_open(const char *path, bool *busy)
{
	struct state *state = mem_zero(1, sizeof(*state));
	int err, version;

	textfile_make_directory(path);
	if (!make_private(path)) {
		log_error("state", "cannot be opened path=%s error=\"%s\"", path, strerror(errno));
		*busy = false;
		free(state);
		return NULL;
	}
	err = sqlite3_open(path, &state->db);
	if (err == SQLITE_OK)
		err = lock(state);
	*busy = err == SQLITE_BUSY || err == SQLITE_LOCKED;
	if (*busy) {
		log_error("state", "another rsipc runs with this state path=%s", path);
	} else if (err != SQLITE_OK) {
		log_error("state", "cannot be opened path=%s error=\"%s\"", path, sqlite3_errmsg(state->db));
	} else if (!has_schema(state, version = schema_version(state))) {
		log_error("state", "cannot be used path=%s version=%d: it is another program's, or a newer rsipc's", path, version);
		err = SQLITE_ERROR;
	}
	if (err == SQLITE_OK)
		return state;
	state_close(state);
	return NULL;
}

void
state_close(struct state *state)
{
	if (state == NULL)
		return;
	sqlite3_close(state->db);
	free(state);
}

/* ---- times and names ---- */

static int64_t
to_wall(int64_t when_ms)
{
	return clock_wall() + (when_ms - clock_now()) / 1000;
}

static int64_t
from_wall(int64_t wall_s)
{
	return clock_now() + (wall_s - clock_wall()) * 1000;
}

/* What a registration is with: it means nothing to another gateway, nor over the other transport (RFC 3103 5). */
static void
gateway_name(const struct conf *conf, char text[64])
{
	char addr[IP4_STRLEN];

	snprintf(text, 64, "%s:%u/%s", ip4_str(conf->gateway, addr), conf->gateway_port, conf->udp ? "udp" : "tcp");
}

/* ---- ranges as text: "2048-2111 3000-3000" ---- */

static void
ports_text(const struct grant *grant, char text[RANGES_TEXT])
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < grant->n_ports; i++)
		len += (size_t)snprintf(text + len, RANGES_TEXT - len, "%u-%u ", grant->ports[i].first, grant->ports[i].last);
}

static void
spis_text(const struct grant *grant, char text[RANGES_TEXT])
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < grant->n_spis; i++)
		len += (size_t)snprintf(text + len, RANGES_TEXT - len, "0x%08x-0x%08x ", grant->spis[i].first, grant->spis[i].last);
}

static bool
ports_parse(struct grant *grant, const char *text)
{
	char copy[RANGES_TEXT], *rest = NULL;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		if (grant->n_ports == GRANT_PORT_RANGES || !port_range_parse(word, &grant->ports[grant->n_ports++]))
			return false;
	}
	return true;
}

static bool
spis_parse(struct grant *grant, const char *text)
{
	char copy[RANGES_TEXT], *rest = NULL;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		if (grant->n_spis == GRANT_SPI_RANGES || !spi_range_parse(word, &grant->spis[grant->n_spis++]))
			return false;
	}
	return true;
}

/* ---- saving ---- */

static void
save_registration(struct state *state, const struct conf *conf, const struct agent_registration *reg)
{
	sqlite3_stmt *stmt = prepare(state, "INSERT INTO registration VALUES (?, ?, ?, ?, ?)");
	char gateway[64];

	if (stmt == NULL)
		return;
	gateway_name(conf, gateway);
	sqlite3_bind_text(stmt, 1, gateway, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 2, reg != NULL ? reg->client_id : 0);
	sqlite3_bind_int64(stmt, 3, reg != NULL ? to_wall(reg->expires) : 0);
	sqlite3_bind_int(stmt, 4, reg != NULL ? reg->local_flow : 0);
	sqlite3_bind_int(stmt, 5, reg != NULL ? reg->remote_flow : 0);
	finish(state, stmt);
}

static void
bind_address(sqlite3_stmt *stmt, int column, ip4_t addr)
{
	char text[IP4_STRLEN];

	sqlite3_bind_text(stmt, column, ip4_str(addr, text), -1, SQLITE_TRANSIENT);
}

/* A command's lease has no name: a restarted agent frees it, as its command is gone. */
static void
save_binding(struct state *state, const struct lease *lease)
{
	sqlite3_stmt *stmt = prepare(state, "INSERT INTO binding VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	const struct grant *g = &lease->grant;
	char ports[RANGES_TEXT], spis[RANGES_TEXT];
	bool named = lease->want != NULL && lease->owner == NULL;

	if (stmt == NULL)
		return;
	ports_text(g, ports);
	spis_text(g, spis);
	sqlite3_bind_text(stmt, 1, named ? lease->want->name : "", -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 2, g->bind_id);
	sqlite3_bind_int(stmt, 3, g->method);
	sqlite3_bind_int(stmt, 4, g->listen);
	sqlite3_bind_int(stmt, 5, g->tunnel);
	bind_address(stmt, 6, g->address);
	bind_address(stmt, 7, g->endpoint);
	sqlite3_bind_text(stmt, 8, ports, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(stmt, 9, spis, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 10, (sqlite3_int64)g->cookie_value);
	sqlite3_bind_int64(stmt, 11, (sqlite3_int64)g->cookie_mask);
	sqlite3_bind_int64(stmt, 12, lease->state != LEASE_WANTED ? to_wall(lease->expires) : 0);
	sqlite3_bind_int64(stmt, 13, g->gre_key);
	finish(state, stmt);
}

void
state_save(struct state *state, const struct conf *conf, const struct agent *agent)
{
	if (!run(state, "BEGIN; DELETE FROM registration; DELETE FROM binding"))
		return;
	save_registration(state, conf, agent_registration(agent));
	for (const struct lease *lease = agent_leases(agent); lease != NULL; lease = lease->next) {
		if (lease->had && (lease->state != LEASE_WANTED || lease->owner == NULL))
			save_binding(state, lease);
	}
	if (!run(state, "COMMIT"))
		run(state, "ROLLBACK");
}

/* ---- loading: the file may have been written by anyone, so everything is checked ---- */

static bool
load_registration(struct state *state, const struct conf *conf, struct agent_registration *reg)
{
	sqlite3_stmt *stmt = prepare(state, "SELECT client_id, expires, local_flow, remote_flow FROM registration"
	                                    " WHERE gateway = ?");
	char gateway[64];
	bool found;

	if (stmt == NULL)
		return false;
	gateway_name(conf, gateway);
	sqlite3_bind_text(stmt, 1, gateway, -1, SQLITE_TRANSIENT);
	if ((found = sqlite3_step(stmt) == SQLITE_ROW)) {
		reg->client_id = (uint32_t)sqlite3_column_int64(stmt, 0);
		reg->expires = from_wall(sqlite3_column_int64(stmt, 1));
		reg->local_flow = (uint8_t)sqlite3_column_int(stmt, 2);
		reg->remote_flow = (uint8_t)sqlite3_column_int(stmt, 3);
	}
	sqlite3_finalize(stmt);
	return found;
}

static const char *
text_of(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text != NULL ? text : "";
}

static bool
row_grant(sqlite3_stmt *stmt, struct grant *grant)
{
	memset(grant, 0, sizeof(*grant));
	grant->bind_id = (uint32_t)sqlite3_column_int64(stmt, 1);
	grant->method = (uint8_t)sqlite3_column_int(stmt, 2);
	grant->listen = sqlite3_column_int(stmt, 3) != 0;
	grant->tunnel = (uint8_t)sqlite3_column_int(stmt, 4);
	grant->cookie_value = (uint64_t)sqlite3_column_int64(stmt, 9);
	grant->cookie_mask = (uint64_t)sqlite3_column_int64(stmt, 10);
	grant->gre_key = (uint32_t)sqlite3_column_int64(stmt, 12);
	return ip4_parse(text_of(stmt, 5), &grant->address) && ip4_parse(text_of(stmt, 6), &grant->endpoint) &&
	       ports_parse(grant, text_of(stmt, 7)) && spis_parse(grant, text_of(stmt, 8));
}

void
state_load(struct state *state, const struct conf *conf, struct agent *agent)
{
	struct agent_registration reg;
	struct grant grant;
	sqlite3_stmt *stmt;

	if (!load_registration(state, conf, &reg))
		return;
	if (reg.expires > clock_now())
		agent_resume(agent, &reg);
	if ((stmt = prepare(state, "SELECT lease, bind_id, method, listen, tunnel, address, endpoint, ports, spis,"
	                           " cookie_value, cookie_mask, expires, gre_key FROM binding ORDER BY position")) == NULL)
		return;
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		if (row_grant(stmt, &grant))
			agent_resume_binding(agent, text_of(stmt, 0), &grant, from_wall(sqlite3_column_int64(stmt, 11)));
	}
	sqlite3_finalize(stmt);
}

/* ---- settings ---- */

void
state_keep_setting(struct state *state, const char *key, const char *value)
{
	sqlite3_stmt *stmt = prepare(state, "INSERT INTO setting VALUES (?, ?) ON CONFLICT DO NOTHING");

	if (stmt == NULL)
		return;
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(stmt, 2, value, -1, SQLITE_TRANSIENT);
	finish(state, stmt);
}

void
state_each_setting(struct state *state, state_setting_cb *cb, void *arg)
{
	sqlite3_stmt *stmt = prepare(state, "SELECT key, value FROM setting");

	while (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW)
		cb(text_of(stmt, 0), text_of(stmt, 1), arg);
	sqlite3_finalize(stmt);
}

void
state_forget_settings(struct state *state)
{
	run(state, "DELETE FROM setting");
}
