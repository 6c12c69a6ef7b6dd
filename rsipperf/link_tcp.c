#include <stdlib.h>
#include <sys/resource.h>

#include "link.h"
#include "loop.h"
#include "mem.h"
#include "plan.h"
#include "transport.h"

struct connection {
	struct link_tcp *link;
	uint32_t host;
	struct stream *stream; /* NULL: none yet, or it broke */
};

struct link_tcp {
	struct loop *loop;
	const struct plan *plan;
	link_received *received;
	link_broken *broken;
	void *arg;
	struct connection *connections; /* one for each host */
};

static void
on_message(void *arg, struct stream *stream, const uint8_t *bytes, size_t len)
{
	struct connection *c = arg;

	(void)stream;
	c->link->received(c->link->arg, c->host, bytes, len);
}

static void
on_ended(void *arg, struct stream *stream, enum stream_end why)
{
	struct connection *c = arg;

	(void)why;
	stream_free(stream);
	c->stream = NULL;
	c->link->broken(c->link->arg, c->host);
}

static const struct stream_events events = { .message = on_message, .ended = on_ended };

/* As many descriptors as the hard limit gives: a run has a connection for each host. */
static void
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

struct link_tcp *
link_tcp_open(struct loop *loop, const struct plan *plan, link_received *received, link_broken *broken, void *arg)
{
	struct link_tcp *link = mem_zero(1, sizeof(*link));

	raise_limit();
	*link = (struct link_tcp){ .loop = loop, .plan = plan, .received = received, .broken = broken, .arg = arg };
	link->connections = mem_zero(plan->hosts, sizeof(*link->connections));
	for (uint32_t i = 0; i < plan->hosts; i++)
		link->connections[i] = (struct connection){ .link = link, .host = i };
	return link;
}

void
link_tcp_send(struct link_tcp *link, uint32_t host, const void *bytes, size_t len)
{
	struct connection *c = &link->connections[host];

	if (c->stream == NULL)
		c->stream = stream_connect(link->loop, link->plan->first_host + host, link->plan->gateway, link->plan->port,
		    &events, c);
	if (c->stream == NULL)
		link->broken(link->arg, host);
	else
		stream_send(c->stream, bytes, len);
}

void
link_tcp_close(struct link_tcp *link)
{
	if (link == NULL)
		return;
	for (uint32_t i = 0; i < link->plan->hosts; i++)
		stream_free(link->connections[i].stream);
	free(link->connections);
	free(link);
}
