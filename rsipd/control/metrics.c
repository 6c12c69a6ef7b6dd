#include "config.h"

#include "metrics.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "mem.h"
#include "metrics_text.h"

#define TIMEOUT_S 10
#define HEADERS_MAX 8192
#define ACCEPT_PAUSE_MS 1000

/* evhttp puts no bound on its connections and does not tell when one ends that never sent a request. So those accepted
 * since the server was last made anew are counted, less those known to have ended, and at the bound it is made anew,
 * which closes all of them: a stranger who holds connections open costs a scrape, not the process its descriptors. */
struct metrics {
	struct loop *loop;
	int listen_fd;
	const struct gateway *gw;
	struct evhttp *http;
	struct evconnlistener *listener; /* belongs to http */
	struct loop_event *renew, *pause;
	int n_open;
};

static struct log_limit limit;

static void serve(struct metrics *metrics);

static void
connection_ended(struct evhttp_connection *connection, void *arg)
{
	struct metrics *metrics = arg;

	(void)connection;
	metrics->n_open--;
}

/* Called by evhttp for every connection that it accepts; NULL makes it take its usual stream. */
static struct bufferevent *
connection_began(struct event_base *base, void *arg)
{
	struct metrics *metrics = arg;

	(void)base;
	if (++metrics->n_open >= METRICS_CONNECTIONS_MAX)
		loop_deferred_raise(metrics->renew);
	return NULL;
}

static void
renew_cb(void *arg)
{
	struct metrics *metrics = arg;

	log_warn_limited(&limit, "metrics", "all connections closed reason=\"%d are open\"", metrics->n_open);
	evhttp_free(metrics->http);
	serve(metrics);
}

/* Out of descriptors: the client stays in the queue, so without a pause this would be called again and again. */
static void
accept_failed(struct evconnlistener *listener, void *arg)
{
	struct metrics *metrics = arg;

	log_warn_limited(&limit, "metrics", "cannot accept a connection");
	evconnlistener_disable(listener);
	loop_timer_set(metrics->pause, ACCEPT_PAUSE_MS);
}

static void
pause_over(void *arg)
{
	struct metrics *metrics = arg;

	evconnlistener_enable(metrics->listener);
}

static void
answer(struct evhttp_request *request, void *arg)
{
	struct metrics *metrics = arg;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evbuffer_new();
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (body == NULL || out == NULL)
		log_fatal("metrics", "out of memory");
	metrics_write(out, metrics->gw);
	if (fclose(out) != 0 || evbuffer_add(body, text, len) != 0)
		log_fatal("metrics", "out of memory");
	free(text);
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), connection_ended, metrics);
	evhttp_add_header(headers, "Content-Type", METRICS_CONTENT_TYPE);
	evhttp_add_header(headers, "Connection", "close");
	evhttp_send_reply(request, HTTP_OK, NULL, body);
	evbuffer_free(body);
}

static void
not_found(struct evhttp_request *request, void *arg)
{
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), connection_ended, arg);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
	evhttp_send_error(request, HTTP_NOTFOUND, NULL);
}

static void
serve(struct metrics *metrics)
{
	struct event_base *base = loop_base(metrics->loop);

	metrics->n_open = 0;
	metrics->http = evhttp_new(base);
	metrics->listener = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, metrics->listen_fd);
	if (metrics->http == NULL || metrics->listener == NULL ||
	    evhttp_bind_listener(metrics->http, metrics->listener) == NULL)
		log_fatal("metrics", "cannot make an HTTP server: out of memory");
	evconnlistener_set_error_cb(metrics->listener, accept_failed);
	evhttp_set_allowed_methods(metrics->http, EVHTTP_REQ_GET);
	evhttp_set_timeout(metrics->http, TIMEOUT_S);
	evhttp_set_max_headers_size(metrics->http, HEADERS_MAX);
	evhttp_set_max_body_size(metrics->http, 0);
	evhttp_set_bevcb(metrics->http, connection_began, metrics);
	evhttp_set_cb(metrics->http, "/metrics", answer, metrics);
	evhttp_set_gencb(metrics->http, not_found, metrics);
}

struct metrics *
metrics_new(struct loop *loop, int listen_fd, const struct gateway *gw)
{
	struct metrics *metrics = mem_zero(1, sizeof(*metrics));

	metrics->loop = loop;
	metrics->listen_fd = listen_fd;
	metrics->gw = gw;
	metrics->renew = loop_deferred(loop, renew_cb, metrics);
	metrics->pause = loop_timer(loop, pause_over, metrics);
	serve(metrics);
	return metrics;
}

void
metrics_free(struct metrics *metrics)
{
	if (metrics == NULL)
		return;
	evhttp_free(metrics->http);
	loop_event_free(metrics->renew);
	loop_event_free(metrics->pause);
	free(metrics);
}
