/* https://www.sqlite.org/fileformat2.html#walformat: a header of 32 bytes, then frames of a header of 24 bytes and a
 * page. Each checksum goes on from the one before it, so a frame can be checked by what the frame before it says. */
#include "wal_check.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define HEADER 32
#define FRAME_HEADER 24
#define MAGIC 0x377f0682u /* the last bit: words of checksums are big-endian */
#define PAGE_MIN 512
#define PAGE_MAX 65536

struct sum {
	uint32_t a, b;
};

struct log {
	FILE *file;
	uint8_t header[HEADER];
	bool big_endian;
	uint32_t page;
	uint8_t *frame;
};

static uint32_t
be32_at(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return be32toh(value);
}

static struct sum
sum_at(const uint8_t *bytes)
{
	return (struct sum){ be32_at(bytes), be32_at(bytes + 4) };
}

static bool
sums_equal(struct sum x, struct sum y)
{
	return x.a == y.a && x.b == y.b;
}

static struct sum
sum_on(const struct log *log, struct sum sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint32_t words[2];

		memcpy(words, bytes + i, sizeof(words));
		sum.a += (log->big_endian ? be32toh(words[0]) : le32toh(words[0])) + sum.b;
		sum.b += (log->big_endian ? be32toh(words[1]) : le32toh(words[1])) + sum.a;
	}
	return sum;
}

static bool
read_header(struct log *log)
{
	const uint8_t *h = log->header;
	uint32_t magic = be32_at(h);

	log->big_endian = (magic & 1) != 0;
	log->page = be32_at(h + 8);
	if ((magic & ~1u) != MAGIC || log->page < PAGE_MIN || log->page > PAGE_MAX || (log->page & (log->page - 1)) != 0)
		return false;
	return sums_equal(sum_on(log, (struct sum){ 0, 0 }, h, 24), sum_at(h + 24));
}

/* Of this log, not left from an earlier one in the same file, and whole; given the checksum before it. */
static bool
frame_is_good(const struct log *log, struct sum before)
{
	const uint8_t *f = log->frame;

	return memcmp(f + 8, log->header + 16, 8) == 0 &&
	       sums_equal(sum_on(log, sum_on(log, before, f, 8), f + FRAME_HEADER, log->page), sum_at(f + 16));
}

/* Walks all frames. Behind the first that is not good only commits count: the frames of a transaction that was under
 * way when power failed may have reached the disk in any order, but there is one such transaction, with one commit. */
static void
walk(struct log *log, struct wal_state *state)
{
	struct sum before = sum_at(log->header + 24);
	bool ended = false;

	state->sound = HEADER;
	while (fread(log->frame, FRAME_HEADER + log->page, 1, log->file) == 1) {
		bool good = frame_is_good(log, before);

		if (!good)
			ended = true;
		else if (!ended)
			state->sound += FRAME_HEADER + log->page;
		else if (be32_at(log->frame + 4) != 0)
			state->lost++;
		before = sum_at(log->frame + 16);
	}
	state->damaged = state->lost > 1;
}

static void
check(struct log *log, struct wal_state *state)
{
	static const uint8_t nothing[HEADER];

	state->present = fread(log->header, HEADER, 1, log->file) == 1;
	if (!state->present || memcmp(log->header, nothing, HEADER) == 0)
		return; /* it was made, and power failed before anything was committed to it */
	if (!read_header(log)) {
		state->damaged = true;
		return;
	}
	log->frame = mem_zero(1, FRAME_HEADER + log->page);
	walk(log, state);
	free(log->frame);
}

bool
wal_check(const char *db_path, struct wal_state *state)
{
	size_t size = strlen(db_path) + sizeof("-wal");
	char *path = mem_zero(1, size);
	struct log log = { 0 };
	bool readable;

	*state = (struct wal_state){ 0 };
	snprintf(path, size, "%s-wal", db_path);
	log.file = fopen(path, "re");
	free(path);
	if (log.file == NULL)
		return errno == ENOENT;
	check(&log, state);
	readable = ferror(log.file) == 0;
	fclose(log.file);
	return readable;
}
