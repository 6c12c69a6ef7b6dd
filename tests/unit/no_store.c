/* In place of the database where a test makes more history than SQLite could write in its time: everything is durable at
 * once and forgotten at the end. */
#include "store.h"

static char nothing;

struct store *
store_open(const char *path, char *why, size_t why_size)
{
	(void)path;
	(void)why;
	(void)why_size;
	return (struct store *)(void *)&nothing;
}

void
store_close(struct store *st)
{
	(void)st;
}

bool
store_commit(struct store *st)
{
	return st != NULL;
}

void
store_put_session(struct store *st, struct session *s)
{
	(void)st;
	(void)s;
}

void
store_put_answer(struct store *st, struct session *s)
{
	(void)st;
	(void)s;
}

void
store_remove_session(struct store *st, struct session *s)
{
	(void)st;
	(void)s;
}

void
store_move_session(struct store *st, struct session *s)
{
	(void)st;
	(void)s;
}

void
store_put_identity(struct store *st, const struct identity *id)
{
	(void)st;
	(void)id;
}

void
store_add_binding(struct store *st, const struct binding *b)
{
	(void)st;
	(void)b;
}

void
store_extend_binding(struct store *st, const struct binding *b)
{
	(void)st;
	(void)b;
}

void
store_end_binding(struct store *st, const struct binding *b, const char *how)
{
	(void)st;
	(void)b;
	(void)how;
}

void
store_put_name(struct store *st, const struct remote_name *name)
{
	(void)st;
	(void)name;
}

void
store_remove_name(struct store *st, const char *name)
{
	(void)st;
	(void)name;
}

void
store_add_hold(struct store *st, const struct hold *hold)
{
	(void)st;
	(void)hold;
}

void
store_remove_hold(struct store *st, const struct hold *hold)
{
	(void)st;
	(void)hold;
}

bool
store_load(struct store *st, const struct store_loader *loader, char *why, size_t why_size)
{
	(void)st;
	(void)loader;
	(void)why;
	(void)why_size;
	return true;
}

uint32_t
store_last_bind_id(struct store *st)
{
	(void)st;
	return 0;
}
