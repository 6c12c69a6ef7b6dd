#include "adoption_conf.h"

#include <stdlib.h>

#include "cfile_get.h"
#include "mem.h"

#define PER_MINUTE_DEFAULT 60
#define DUMMIES_DEFAULT 8
#define KEEPALIVE_DEFAULT 20 /* RFC 3948 4 */

const struct cfile_option adoption_options[] = {
	{ "allow", true }, { "per-minute", false }, { "return-probe", false }, { "dummies", false },
	{ "keepalive", false }, { "migrate", false }, { 0 },
};

static void
read_allow(const struct cfile_section *s, struct adoption_conf *out)
{
	for (const struct cfile_value *v = cfile_values(s, "allow"); v != NULL; v = v->next) {
		out->allow = mem_grow(out->allow, out->n_allow + 1, sizeof(*out->allow));
		if (cfile_get_prefix(s, "allow", v, &out->allow[out->n_allow]))
			out->n_allow++;
	}
}

void
adoption_conf_read(const struct cfile *file, struct adoption_conf *out)
{
	const struct cfile_section *s = cfile_section_next(file, "adoption", NULL);

	*out = (struct adoption_conf){ .on = s != NULL, .per_minute = PER_MINUTE_DEFAULT, .dummies = DUMMIES_DEFAULT,
		.keepalive_s = KEEPALIVE_DEFAULT, .migrate = true };
	if (s == NULL)
		return;
	read_allow(s, out);
	out->per_minute = cfile_number(s, "per-minute", PER_MINUTE_DEFAULT, 0, 60000);
	out->return_probe = cfile_bool(s, "return-probe", false);
	out->migrate = cfile_bool(s, "migrate", true);
	out->keepalive_s = cfile_duration(s, "keepalive", KEEPALIVE_DEFAULT, 0, 3600);
	out->dummies = cfile_number(s, "dummies", DUMMIES_DEFAULT, 3, 100);
}

void
adoption_conf_exchange(struct adoption_conf *a, struct adoption_conf *b)
{
	struct adoption_conf before = *a;

	*a = *b;
	*b = before;
	b->migrate = a->migrate;
	a->migrate = before.migrate;
}

void
adoption_conf_clear(struct adoption_conf *conf)
{
	free(conf->allow);
	conf->allow = NULL;
	conf->n_allow = 0;
}
