#include "tally.h"

#include "mem.h"

struct tally *
tally_new(const char *name, int64_t now_us)
{
	struct tally *t = mem_zero(1, sizeof(*t));

	t->name = name;
	t->began_us = now_us;
	return t;
}

uint64_t
tally_answered(const struct tally *t)
{
	uint64_t n = 0;

	for (int i = 0; i < OPS; i++)
		n += t->op[i].granted + t->op[i].refused;
	return n;
}

uint64_t
tally_refused(const struct tally *t)
{
	uint64_t n = 0;

	for (int i = 0; i < OPS; i++)
		n += t->op[i].refused;
	return n;
}

uint64_t
tally_lost(const struct tally *t)
{
	uint64_t n = 0;

	for (int i = 0; i < OPS; i++)
		n += t->op[i].lost;
	return n;
}
