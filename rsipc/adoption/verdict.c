#include "verdict.h"

void
verdict_begin(struct verdict *verdict)
{
	verdict->n_headers = verdict->n_mapped = 0;
	verdict->gap = true;
}

bool
verdict_header(struct verdict *verdict, struct sa_end source, uint32_t sequence)
{
	if (verdict->n_headers == VERDICT_HEADERS)
		return false;
	verdict->headers[verdict->n_headers++] = (struct verdict_header){ source, sequence };
	return true;
}

static bool
ever_authentic(const struct verdict *verdict, struct sa_end source)
{
	for (size_t i = 0; i < VERDICT_SOURCES && i < verdict->n_mapped; i++) {
		if (sa_end_equal(verdict->mapped[i], source))
			return true;
	}
	return false;
}

void
verdict_mapping(struct verdict *verdict, struct sa_end source)
{
	if (!ever_authentic(verdict, source))
		verdict->mapped[verdict->n_mapped++ % VERDICT_SOURCES] = source;
}

void
verdict_highest(struct verdict *verdict, uint64_t h)
{
	if (verdict->gap)
		verdict->from = h;
	verdict->gap = false;
}

void
verdict_lost(struct verdict *verdict)
{
	verdict->n_headers = 0;
	verdict->gap = true;
}

/* Numbers are compared round the end of their 32 bits. */
static void
forget(struct verdict *verdict, uint64_t h)
{
	size_t kept = 0;

	for (size_t i = 0; i < verdict->n_headers; i++) {
		if ((int32_t)(verdict->headers[i].sequence - (uint32_t)h) > 0)
			verdict->headers[kept++] = verdict->headers[i];
	}
	verdict->n_headers = kept;
}

static bool
only_source(const struct verdict *verdict, uint64_t h, struct sa_end own, struct sa_end *source)
{
	bool found = false;

	for (size_t i = 0; i < verdict->n_headers; i++) {
		const struct verdict_header *header = &verdict->headers[i];

		if (header->sequence != (uint32_t)h ||
		    (!sa_end_equal(header->source, own) && !ever_authentic(verdict, header->source)))
			continue;
		if (found && !sa_end_equal(header->source, *source))
			return false;
		*source = header->source;
		found = true;
	}
	return found;
}

bool
verdict_judge(struct verdict *verdict, uint64_t h, struct sa_end own, struct sa_end *source)
{
	bool known = !verdict->gap && h > verdict->from && only_source(verdict, h, own, source);

	forget(verdict, h);
	if (!verdict->gap && h > verdict->from)
		verdict->from = h;
	return known;
}
