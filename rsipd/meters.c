#include "config.h"

#include "meters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "log.h"
#include "mem.h"

#define PROBES_MAX 256 /* places from its own on; with a third of all free, hardly one binding needs more than 100 */

/* What the processes share. The relay writes it, so the others believe none of it. */
struct shared {
	uint32_t reach; /* no binding ever stood so far from its own place: a few, and PROBES_MAX at the most */
	struct meter at[];
};

/* Each process has its own of this. Open addressing: entries do not move, so that a pointer to one stays good. */
struct meters {
	uint64_t n;
	struct shared *shared;
};

static size_t
size_of(const struct meters *m)
{
	return sizeof(*m->shared) + m->n * sizeof(m->shared->at[0]);
}

struct meters *
meters_new(uint32_t n_bindings)
{
	const int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
	struct meters *m = mem_zero(1, sizeof(*m));

	m->n = (uint64_t)n_bindings + n_bindings / 2 + PROBES_MAX;
	m->shared = mmap(NULL, size_of(m), PROT_READ | PROT_WRITE, flags, -1, 0);
	if (m->shared != MAP_FAILED)
		return m;
	log_warn("monitor", "no memory to count what each binding carries error=\"%s\"", strerror(errno));
	free(m);
	return NULL;
}

void
meters_free(struct meters *m)
{
	if (m == NULL)
		return;
	munmap(m->shared, size_of(m));
	free(m);
}

void
meters_protect(struct meters *m)
{
	if (m != NULL)
		mprotect(m->shared, size_of(m), PROT_READ);
}

static uint64_t
place(const struct meters *m, uint32_t bind_id, unsigned i)
{
	return (((uint64_t)(bind_id * 0x9e3779b1u) * m->n >> 32) + i) % m->n;
}

const struct meter *
meters_find(const struct meters *m, uint32_t bind_id)
{
	unsigned reach = m != NULL ? __atomic_load_n(&m->shared->reach, __ATOMIC_ACQUIRE) : 0;

	for (unsigned i = 0; i < reach && i < PROBES_MAX; i++) {
		const struct meter *meter = &m->shared->at[place(m, bind_id, i)];

		if (meter->bind_id == bind_id)
			return meter;
	}
	return NULL;
}

static struct meter *
take_free(struct meters *m, uint32_t bind_id)
{
	for (unsigned i = 0; i < PROBES_MAX; i++) {
		struct meter *meter = &m->shared->at[place(m, bind_id, i)];

		if (meter->bind_id != 0)
			continue;
		if (i >= m->shared->reach)
			__atomic_store_n(&m->shared->reach, i + 1, __ATOMIC_RELEASE);
		memset(meter, 0, sizeof(*meter));
		meter->bind_id = bind_id;
		return meter;
	}
	return NULL;
}

struct meter *
meters_take(struct meters *m, uint32_t bind_id)
{
	const struct meter *known = meters_find(m, bind_id);

	if (m == NULL)
		return NULL;
	return known != NULL ? &m->shared->at[known - m->shared->at] : take_free(m, bind_id);
}

void
meters_leave(struct meter *meter)
{
	if (meter != NULL)
		meter->bind_id = 0;
}

void
meters_forget(struct meters *m, uint32_t bind_id)
{
	const struct meter *meter = meters_find(m, bind_id);

	if (meter != NULL)
		meters_leave(&m->shared->at[meter - m->shared->at]);
}

void
meters_sweep(struct meters *m, bool (*keeps)(uint32_t bind_id, void *arg), void *arg)
{
	if (m == NULL || m->shared->reach == 0) /* none was ever taken, and the memory is not even there */
		return;
	for (uint64_t i = 0; i < m->n; i++) {
		struct meter *meter = &m->shared->at[i];

		if (meter->bind_id != 0 && !keeps(meter->bind_id, arg))
			meters_leave(meter);
	}
}
