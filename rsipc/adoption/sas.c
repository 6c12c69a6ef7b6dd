#include "sas.h"

#include <stdio.h>

#include "adoption.h"
#include "clock.h"
#include "ipsec.h"

static json_t *
end_text(struct sa_end end)
{
	char addr[IP4_STRLEN], text[IP4_STRLEN + 8];

	if (end.addr == 0)
		return json_null();
	ip4_str(end.addr, addr);
	snprintf(text, sizeof(text), end.port != 0 ? "%s:%u" : "%s", addr, end.port);
	return json_string(text);
}

static json_t *
spi_text(uint32_t spi)
{
	char text[16];

	if (spi == 0)
		return json_null();
	snprintf(text, sizeof(text), "0x%08x", spi);
	return json_string(text);
}

static json_t *
moved_ago(int64_t moved_at)
{
	return moved_at == 0 ? json_null() : json_integer((clock_now() - moved_at) / 1000);
}

static void
add_drop(const char *why, uint64_t packets, void *arg)
{
	json_object_set_new(arg, why, json_integer((json_int_t)packets));
}

static json_t *
drops_of(struct sa_backend *backend, const struct sa *sa)
{
	json_t *drops;

	if (backend->drops == NULL || (drops = json_object()) == NULL)
		return json_null();
	backend->drops(backend, sa, add_drop, drops);
	return drops;
}

/* Of one that follows nobody, nothing is kept. */
static json_t *
one(struct sa_backend *backend, struct sa *sa, const struct adoption *adoption)
{
	struct adoption_view view = { 0 };

	backend->refresh(backend, sa);
	if (adoption != NULL)
		adoption_view(sa, &view);
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}",
	    "name", sa->name, "backend", backend->name, "local", end_text(sa->local), "remote", end_text(sa->remote),
	    "spi_in", spi_text(sa->spi_in), "spi_out", spi_text(sa->spi_out), "udp", sa->encap, "esn", sa->esn,
	    "newest", (json_int_t)sa->newest, "in_packets", (json_int_t)sa->in.packets, "in_bytes", (json_int_t)sa->in.bytes,
	    "out_packets", (json_int_t)sa->out.packets, "out_bytes", (json_int_t)sa->out.bytes,
	    "adopted", (json_int_t)view.adopted, "moved", (json_int_t)view.moved, "refused", (json_int_t)view.refused,
	    "moved_s_ago", moved_ago(view.moved_at), "previous", end_text(view.previous),
	    "candidate", end_text(view.candidate), "drops", drops_of(backend, sa));
}

json_t *
sas_document(struct ipsec *ipsec)
{
	struct adoption *adoption = NULL;
	json_t *all = json_array();

	for (struct sa_backend *b = ipsec_next(ipsec, NULL, &adoption); b != NULL; b = ipsec_next(ipsec, b, &adoption)) {
		for (struct sa *sa = b->next(b, NULL); sa != NULL; sa = b->next(b, sa))
			json_array_append_new(all, one(b, sa, adoption));
	}
	return all;
}

static json_t *
counts(const struct adoption *adoption)
{
	const struct adoption_counts *c = adoption_counts(adoption);

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "adopted", (json_int_t)c->adopted,
	    "moved", (json_int_t)c->moved, "failed", (json_int_t)c->failed, "stale", (json_int_t)c->stale,
	    "not_allowed", (json_int_t)c->not_allowed, "too_often", (json_int_t)c->too_often, "probed", (json_int_t)c->probed,
	    "unanswered", (json_int_t)c->unanswered, "dummies", (json_int_t)c->dummies);
}

json_t *
sas_counts(struct ipsec *ipsec)
{
	struct adoption *adoption = NULL;
	json_t *all = json_object();

	for (struct sa_backend *b = ipsec_next(ipsec, NULL, &adoption); b != NULL; b = ipsec_next(ipsec, b, &adoption)) {
		if (adoption != NULL)
			json_object_set_new(all, b->name, counts(adoption));
	}
	return all;
}
