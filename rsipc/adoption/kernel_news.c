#include "kernel_news.h"

#include <errno.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_reading.h"
#include "kernel_shadow.h"
#include "kernel_source.h"
#include "kernel_tunnel.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "netlink_xfrm.h"

struct kernel_mappings { struct xfrm_user_mapping *all; size_t n, room; };

static void
keep_mapping(struct kernel_mappings *mappings, const struct nlmsghdr *header)
{
	if (!nlmsg_valid_hdr(header, sizeof(*mappings->all)))
		return;
	if (mappings->n == mappings->room) {
		mappings->room = mappings->room == 0 ? 64 : 2 * mappings->room;
		mappings->all = mem_grow(mappings->all, mappings->room, sizeof(*mappings->all));
	}
	memcpy(&mappings->all[mappings->n++], nlmsg_data(header), sizeof(*mappings->all));
}

static void
news_cb(const struct nlmsghdr *header, void *arg)
{
	struct kernel_backend *backend = arg;

	if (header->nlmsg_type == XFRM_MSG_MAPPING) {
		keep_mapping(backend->mappings, header);
		return;
	}
	kernel_shadow_told(backend, header);
	if (kernel_names_told(backend->names, header))
		kernel_reading_soon(backend);
	else
		kernel_reading_all(backend);
}

void
kernel_news_note(struct kernel_backend *backend)
{
	int err = xfrm_nl_news(backend->news, news_cb, backend);

	if (err == ENOBUFS) {
		kernel_shadow_told(backend, NULL);
		kernel_reading_all(backend);
	} else if (err != 0) {
		log_warn("adoption", "news of SAs cannot be read error=\"%s\"", strerror(err));
	}
	kernel_shadow_settle(backend);
	if (backend->mappings->n > 0)
		loop_deferred_raise(backend->told);
}

/* A mapping may lead to a move, before which news are read: there may be more of them by then. */
void
kernel_news_take(struct kernel_backend *backend)
{
	struct kernel_mappings *mappings = backend->mappings;

	kernel_news_note(backend);
	for (size_t i = 0; i < mappings->n; i++) {
		struct xfrm_user_mapping mapping = mappings->all[i];

		kernel_source_mapping(backend, &mapping);
	}
	mappings->n = 0;
}

static void
told_cb(void *arg)
{
	kernel_news_take(arg);
	kernel_source_judge(arg);
}

static void
readable_cb(int fd, void *arg)
{
	(void)fd;
	told_cb(arg);
}

bool
kernel_news_begin(struct kernel_backend *backend)
{
	if ((backend->news = xfrm_nl_open_news()) == NULL)
		return false;
	backend->mappings = mem_zero(1, sizeof(*backend->mappings));
	backend->told = loop_deferred(backend->loop, told_cb, backend);
	backend->readable = loop_readable(backend->loop, xfrm_nl_fd(backend->news), readable_cb, backend);
	return true;
}

void
kernel_news_end(struct kernel_backend *backend)
{
	loop_event_free(backend->readable);
	loop_event_free(backend->told);
	xfrm_nl_close(backend->news);
	if (backend->mappings != NULL)
		free(backend->mappings->all);
	free(backend->mappings);
}
