#include "identities.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

struct identity *
identities_get(struct identities *all, const char *name)
{
	struct identity *id;

	HASH_FIND_STR(all->by_name, name, id);
	if (id != NULL)
		return id;
	id = mem_zero(1, sizeof(*id));
	id->name = mem_strdup(name);
	HASH_ADD_KEYPTR(hh, all->by_name, id->name, strlen(id->name), id);
	return id;
}

void
identities_clear(struct identities *all)
{
	struct identity *id, *next;

	HASH_ITER(hh, all->by_name, id, next) {
		HASH_DELETE(hh, all->by_name, id);
		free(id->name);
		free(id);
	}
}
