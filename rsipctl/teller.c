#include "config.h"

#include "teller.h"

#include "explain.h"
#include "filter.h"
#include "packet_line.h"
#include "writer.h"

static bool
print(struct teller *t, const struct captured *packet, const struct explained *x)
{
	json_t *document;

	if (t->out == NULL)
		return true;
	if (t->json) {
		document = packet_line_json(&packet->time, packet->interface, x);
		writer_json(t->out, document);
		json_decref(document);
	} else {
		packet_line_text(t->out, &packet->time, packet->interface, x);
	}
	return !ferror(t->out);
}

bool
teller_packet(struct teller *t, const struct captured *packet)
{
	const struct sighting s = {
		.ip = packet->ip,
		.captured = packet->captured,
		.len = packet->len,
		.link_mtu = packet->link_mtu,
		.now = (int64_t)packet->time.tv_sec * 1000 + packet->time.tv_usec / 1000,
	};
	struct explained x;

	explain(t->view, &s, &x);
	if ((x.seen == SEEN_ELSEWHERE && !t->elsewhere) || !filter_matches(t->filter, &x))
		return true;
	if (!print(t, packet, &x) || (t->file != NULL && !capture_file_put(t->file, packet)))
		return false;
	t->told++;
	return t->told != t->count;
}

bool
teller_flush(struct teller *t)
{
	return (t->out == NULL || fflush(t->out) == 0) && (t->file == NULL || capture_file_flush(t->file));
}
