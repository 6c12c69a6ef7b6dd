/* The fast path of an rsipd that was built without XDP: there is none. */
#include "config.h"

#include "fast_path.h"

#include <stdlib.h>

#include "log.h"
#include "mem.h"

struct fast_path { char unused; };

struct fast_path *
fast_path_new(const struct conf *conf)
{
	struct fast_path *fp = mem_zero(1, sizeof(*fp));

	(void)conf;
	log_info("xdp", "no fast path, the relay forwards all packets reason=\"%s\"", fast_path_detail(fp));
	return fp;
}

struct xdp_tables *
fast_path_tables(struct fast_path *fp)
{
	(void)fp;
	return NULL;
}

void
fast_path_begin(struct fast_path *fp, struct loop *loop, void (*changed)(void *arg), void *arg)
{
	(void)fp;
	(void)loop;
	(void)changed;
	(void)arg;
}

const char *
fast_path_name(const struct fast_path *fp)
{
	(void)fp;
	return "relay";
}

const char *
fast_path_detail(const struct fast_path *fp)
{
	(void)fp;
	return "this rsipd was built without XDP";
}

void
fast_path_free(struct fast_path *fp, bool leave)
{
	(void)leave;
	free(fp);
}

bool
fast_path_detach(void)
{
	log_error("xdp", "this rsipd was built without XDP and cannot take a fast path away; an rsipd built with it can");
	return false;
}
