#include "ipsec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "adoption/adoption.h"
#include "adoption/kernel_backend.h"
#include "conf.h"
#include "esp/user_backend.h"
#include "log.h"
#include "mem.h"

#define CARRIERS 2     /* the kernel and ourselves */
#define NICENESS (-10) /* of the process */

struct carrier {
	struct sa_backend *backend;
	struct adoption *adoption; /* NULL: its tunnels stay where the config has put them */
};

struct ipsec {
	struct carrier carriers[CARRIERS];
	unsigned n;
};

/* ---- tunnels that do not follow their peers; our own address is ours to follow all the same ---- */

static void
ignore(struct sa *sa, void *arg)
{
	(void)sa;
	(void)arg;
}

static void
ignore_authentic(struct sa *sa, struct sa_end from, uint64_t sequence, void *arg)
{
	(void)sa;
	(void)from;
	(void)sequence;
	(void)arg;
}

static void
ignore_answered(struct sa *sa, struct sa_end from, void *arg)
{
	(void)sa;
	(void)from;
	(void)arg;
}

static void
follow_local(struct sa *sa, struct sa_end local, void *arg)
{
	struct sa_backend *backend = ((struct carrier *)arg)->backend;

	backend->move(backend, sa, local, sa->remote);
}

static const struct sa_events fixed_events = {
	.added = ignore, .removed = ignore, .authentic = ignore_authentic, .answered = ignore_answered,
	.local_changed = follow_local,
};

/* ---- life ---- */

bool
ipsec_wanted(const struct conf *conf)
{
	return conf->adoption.on || esp_conf_on(&conf->esp);
}

static bool
carry(struct ipsec *ipsec, struct loop *loop, const struct adoption_conf *conf, struct sa_backend *backend)
{
	struct carrier *carrier = &ipsec->carriers[ipsec->n++];

	carrier->backend = backend;
	if (!conf->on)
		return backend->start(backend, loop, &fixed_events, carrier);
	carrier->adoption = adoption_new(loop, conf, backend);
	return adoption_start(carrier->adoption);
}

/* Of the last carrier. */
static void
drop(struct ipsec *ipsec)
{
	struct carrier *carrier = &ipsec->carriers[--ipsec->n];

	if (carrier->adoption != NULL)
		adoption_free(carrier->adoption); /* stops the backend */
	else
		carrier->backend->stop(carrier->backend);
	*carrier = (struct carrier){ 0 };
}

/* With tunnels of our own, a kernel without IPsec is no fault. */
static bool
carry_kernel(struct ipsec *ipsec, struct loop *loop, const struct conf *conf)
{
	if (!conf->adoption.on || carry(ipsec, loop, &conf->adoption, kernel_backend_new(conf->adoption.migrate)))
		return true;
	if (!esp_conf_on(&conf->esp))
		return false;
	log_info("adoption", "the kernel's SAs are left alone");
	drop(ipsec);
	return true;
}

/* The agent works for some milliseconds when a tunnel moves, and the tunnel waits for it. That is just when the kernel tells
 * an IKE daemon of each packet that comes from the new address, which keeps its threads busy until the agent is done. */
static void
come_first(void)
{
	int now = getpriority(PRIO_PROCESS, 0);

	if (now > NICENESS && setpriority(PRIO_PROCESS, 0, NICENESS) != 0)
		log_debug("adoption", "niceness stays %d error=\"%s\"", now, strerror(errno));
}

struct ipsec *
ipsec_open(struct loop *loop, const struct conf *conf)
{
	struct ipsec *ipsec = mem_zero(1, sizeof(*ipsec));

	if (conf->adoption.on && !esp_conf_on(&conf->esp))
		come_first();
	if (carry_kernel(ipsec, loop, conf) &&
	    (!esp_conf_on(&conf->esp) || carry(ipsec, loop, &conf->adoption, user_backend_new(&conf->esp))))
		return ipsec;
	ipsec_close(ipsec);
	return NULL;
}

void
ipsec_close(struct ipsec *ipsec)
{
	if (ipsec == NULL)
		return;
	while (ipsec->n > 0)
		drop(ipsec);
	free(ipsec);
}

void
ipsec_conf_changed(struct ipsec *ipsec)
{
	for (unsigned i = 0; i < ipsec->n; i++) {
		if (ipsec->carriers[i].adoption != NULL)
			adoption_conf_changed(ipsec->carriers[i].adoption);
	}
}

struct sa_backend *
ipsec_next(struct ipsec *ipsec, const struct sa_backend *after, struct adoption **adoption)
{
	unsigned i = 0;

	while (after != NULL && i < ipsec->n && ipsec->carriers[i++].backend != after)
		;
	if (i >= ipsec->n)
		return NULL;
	*adoption = ipsec->carriers[i].adoption;
	return ipsec->carriers[i].backend;
}

unsigned
ipsec_tunnels(struct ipsec *ipsec)
{
	struct adoption *adoption;
	unsigned n = 0;

	for (struct sa_backend *b = ipsec_next(ipsec, NULL, &adoption); b != NULL; b = ipsec_next(ipsec, b, &adoption)) {
		for (const struct sa *sa = b->next(b, NULL); sa != NULL; sa = b->next(b, sa))
			n++;
	}
	return n;
}

void
ipsec_woken(struct ipsec *ipsec)
{
	for (unsigned i = 0; ipsec != NULL && i < ipsec->n; i++) {
		if (ipsec->carriers[i].adoption != NULL)
			adoption_woken(ipsec->carriers[i].adoption);
	}
}
