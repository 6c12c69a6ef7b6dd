#include "config.h"

#include "meters.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "log.h"

#define PROBES_MAX 256 /* places from its own on; with a third of all free, hardly one binding needs more than 100 */

/* Open addressing: entries do not move, so that a pointer to one stays good. */
struct meters {
	uint64_t n;
	uint32_t reach; /* no binding ever stood so far from its own place: a few, and PROBES_MAX at the most */
	struct meter at[];
};

static size_t
size_of(uint64_t n)
{
	return sizeof(struct meters) + n * sizeof(struct meter);
}

struct meters *
meters_new(uint32_t n_bindings)
{
	uint64_t n = n_bindings + n_bindings / 2 + PROBES_MAX;
	const int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
	struct meters *m = mmap(NULL, size_of(n), PROT_READ | PROT_WRITE, flags, -1, 0);

	if (m == MAP_FAILED) {
		log_warn("monitor", "no memory to count what each binding carries error=\"%s\"", strerror(errno));
		return NULL;
	}
	m->n = n;
	return m;
}

void
meters_free(struct meters *m)
{
	if (m != NULL)
		munmap(m, size_of(m->n));
}

void
meters_protect(struct meters *m)
{
	if (m != NULL)
		mprotect(m, size_of(m->n), PROT_READ);
}

static uint64_t
place(const struct meters *m, uint32_t bind_id, unsigned i)
{
	return (((uint64_t)(bind_id * 0x9e3779b1u) * m->n >> 32) + i) % m->n;
}

const struct meter *
meters_find(const struct meters *m, uint32_t bind_id)
{
	unsigned reach = m != NULL ? __atomic_load_n(&m->reach, __ATOMIC_ACQUIRE) : 0;

	for (unsigned i = 0; i < reach; i++) {
		const struct meter *meter = &m->at[place(m, bind_id, i)];

		if (meter->bind_id == bind_id)
			return meter;
	}
	return NULL;
}

static struct meter *
take_free(struct meters *m, uint32_t bind_id)
{
	for (unsigned i = 0; i < PROBES_MAX; i++) {
		struct meter *meter = &m->at[place(m, bind_id, i)];

		if (meter->bind_id != 0)
			continue;
		if (i >= m->reach)
			__atomic_store_n(&m->reach, i + 1, __ATOMIC_RELEASE);
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
	return known != NULL ? &m->at[known - m->at] : take_free(m, bind_id);
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
		meters_leave(&m->at[meter - m->at]);
}

void
meters_sweep(struct meters *m, bool (*keeps)(uint32_t bind_id, void *arg), void *arg)
{
	if (m == NULL || m->reach == 0) /* none was ever taken, and the memory is not even there */
		return;
	for (uint64_t i = 0; i < m->n; i++) {
		if (m->at[i].bind_id != 0 && !keeps(m->at[i].bind_id, arg))
			meters_leave(&m->at[i]);
	}
}
