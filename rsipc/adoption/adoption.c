#include "adoption.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adoption_conf.h"
#include "clock.h"
#include "log.h"
#include "loop.h"
#include "mem.h"

#define MINUTE_MS 60000
#define RETRIES 5 /* of a move that found the tunnel half moved, by an IKE daemon at work on it */
#define RETRY_MS 100
#define PROBE_TRIES 3
#define PROBE_WAIT_MS 500
#define DUMMY_FIRST_MS 10 /* the gap behind the first dummy; each is twice the one before */
#define DUMMY_LAST_MS 5000
#define DUMMIES_LEAST 3 /* also to a peer that sends all the time: one may be lost, and a kernel judges by the second */
#define START_STEP_MS 5 /* between the calls of two tunnels that were there when we started */

static struct log_limit refused_limit, failed_limit;

struct adoption {
	struct loop *loop;
	const struct adoption_conf *conf;
	struct sa_backend *backend;
	bool started;
	unsigned n_found; /* tunnels that were there at the start */
	struct adoption_counts counts;
};

/* What the rule keeps of one tunnel. */
struct rule {
	struct adoption *adoption;
	struct sa *sa;
	uint64_t moved_by;      /* the sequence number that the last adoption went by */
	int64_t tokens_at;      /* adoptions left, as a bucket that fills over time: 1/1000ths at that moment */
	int64_t tokens;
	struct loop_event *probing, *calling, *retrying;
	struct sa_end again;    /* where to move once more */
	unsigned retries_left;
	struct loop_event *keeping;
	uint64_t kept;          /* packets sent when the keepalive was last looked at */
	unsigned probes_left, dummies_left, dummies_sent;
	bool unheard;           /* we have moved, and nothing that came since shows that the peer knows */
	int64_t gap_ms;
	uint64_t heard;         /* the newest sequence number when we moved: more than that is an answer */
	struct adoption_view view;
};

#define END "%s:%u"
#define END_ARGS(end, text) ip4_str((end).addr, (text)), (end).port

/* ---- guards ---- */

static bool
allowed(const struct adoption_conf *conf, ip4_t addr)
{
	for (size_t i = 0; i < conf->n_allow; i++) {
		if (ip4_prefix_has(conf->allow[i], addr))
			return true;
	}
	return conf->n_allow == 0;
}

/* A bucket of per_minute adoptions: a burst of so many, and one more each 60/per_minute seconds. */
static bool
within_rate(struct rule *rule)
{
	int64_t now = clock_now(), limit = rule->adoption->conf->per_minute, full = limit * MINUTE_MS;

	rule->tokens += (now - rule->tokens_at) * limit;
	rule->tokens_at = now;
	if (rule->tokens > full)
		rule->tokens = full;
	return limit == 0 || rule->tokens >= MINUTE_MS;
}

static void
fill_bucket(struct rule *rule)
{
	rule->tokens_at = clock_now();
	rule->tokens = (int64_t)rule->adoption->conf->per_minute * MINUTE_MS;
}

/* By a move, or by the return probe before it, not by each packet that asks for one. */
static void
spend(struct rule *rule)
{
	rule->tokens -= MINUTE_MS;
}

static void
refuse(struct rule *rule, struct sa_end from, uint64_t *count, const char *why)
{
	char text[IP4_STRLEN];

	++*count;
	rule->view.refused++;
	log_warn_limited(&refused_limit, "adoption", "refused sa=%s from=" END " reason=\"%s\"", rule->sa->name,
	    END_ARGS(from, text), why);
}

/* ---- adopting ---- */

static void begin_calling(struct rule *rule);

static void
adopt(struct rule *rule, struct sa_end from, uint64_t sequence)
{
	struct adoption *adoption = rule->adoption;
	struct sa_end before = rule->sa->remote;
	char old[IP4_STRLEN], new[IP4_STRLEN];
	int err = adoption->backend->move(adoption->backend, rule->sa, rule->sa->local, from);

	if (err != 0) {
		adoption->counts.failed++;
		log_warn_limited(&failed_limit, "adoption", "cannot move sa=%s to=" END " error=\"%s\"", rule->sa->name, END_ARGS(from, new),
		    strerror(err));
		rule->again = from;
		if ((err == ESRCH || err == EEXIST) && rule->retries_left-- > 0)
			loop_timer_set(rule->retrying, RETRY_MS);
		return;
	}
	if (!adoption->conf->return_probe)
		spend(rule);
	adoption->counts.adopted++;
	rule->view.adopted++;
	rule->view.moved_at = clock_now();
	rule->view.previous = before;
	log_info("adoption", "adopted sa=%s from=" END " to=" END " sequence=%llu", rule->sa->name, END_ARGS(before, old),
	    END_ARGS(from, new), (unsigned long long)sequence);
	if (rule->unheard)
		begin_calling(rule); /* both have moved: what was sent before went to where the peer was */
}

/* Only while its packet is still the newest: a later one speaks for itself. */
static void
retry_cb(void *arg)
{
	struct rule *rule = arg;

	rule->adoption->backend->refresh(rule->adoption->backend, rule->sa);
	if (rule->sa->newest <= rule->moved_by && !sa_end_equal(rule->sa->remote, rule->again))
		adopt(rule, rule->again, rule->moved_by);
}

static void
end_probe(struct rule *rule)
{
	rule->view.candidate = (struct sa_end){ 0 };
	loop_timer_cancel(rule->probing);
}

static void
probe_cb(void *arg)
{
	struct rule *rule = arg;
	struct sa_backend *backend = rule->adoption->backend;
	int err;

	if (rule->probes_left-- == 0) {
		refuse(rule, rule->view.candidate, &rule->adoption->counts.unanswered, "no answer to the return probe");
		end_probe(rule);
		return;
	}
	rule->adoption->counts.probed++;
	if ((err = backend->probe(backend, rule->sa, rule->view.candidate)) != 0)
		log_warn("adoption", "cannot probe sa=%s error=\"%s\"", rule->sa->name, strerror(err));
	loop_timer_set(rule->probing, PROBE_WAIT_MS);
}

static void
begin_probe(struct rule *rule, struct sa_end candidate)
{
	spend(rule);
	rule->view.candidate = candidate;
	rule->probes_left = PROBE_TRIES;
	probe_cb(rule);
}

static bool
is_probed(const struct rule *rule, struct sa_end from)
{
	return rule->view.candidate.addr != 0 && sa_end_equal(rule->view.candidate, from);
}

static void
authentic_cb(struct sa *sa, struct sa_end from, uint64_t sequence, void *arg)
{
	struct adoption *adoption = arg;
	struct rule *rule = sa->rule;

	if (!sa->encap || sa_end_equal(from, sa->remote))
		return;
	if (sequence <= sa->newest || sequence <= rule->moved_by) {
		refuse(rule, from, &adoption->counts.stale, "not the newest packet");
	} else if (!allowed(adoption->conf, from.addr)) {
		refuse(rule, from, &adoption->counts.not_allowed, "in none of the allowed prefixes");
	} else if (is_probed(rule, from)) {
		rule->moved_by = sequence;
	} else if (!within_rate(rule)) {
		refuse(rule, from, &adoption->counts.too_often, "moved too often");
	} else {
		rule->moved_by = sequence;
		rule->retries_left = RETRIES;
		loop_timer_cancel(rule->retrying);
		if (adoption->conf->return_probe)
			begin_probe(rule, from);
		else
			adopt(rule, from, sequence);
	}
}

/* An answer may have been held back, as any packet: where the candidate's packets are the newest no more, the peer has left
 * it again. */
static void
answered_cb(struct sa *sa, struct sa_end from, void *arg)
{
	struct adoption *adoption = arg;
	struct rule *rule = sa->rule;

	if (!is_probed(rule, from))
		return;
	end_probe(rule);
	if (sa->newest > rule->moved_by)
		refuse(rule, from, &adoption->counts.stale, "answered, but not the newest packet's any more");
	else
		adopt(rule, from, rule->moved_by);
}

/* ---- our own moves ---- */

static void
call_cb(void *arg)
{
	struct rule *rule = arg;
	struct sa_backend *backend = rule->adoption->backend;
	int err;

	backend->refresh(backend, rule->sa);
	rule->unheard &= rule->sa->newest <= rule->heard;
	if ((!rule->unheard && rule->dummies_sent >= DUMMIES_LEAST) || rule->dummies_left == 0)
		return;
	if ((err = backend->send_dummy(backend, rule->sa)) != 0)
		log_debug("adoption", "no dummy sa=%s error=\"%s\"", rule->sa->name, strerror(err));
	else
		rule->dummies_sent++;
	rule->adoption->counts.dummies += err == 0;
	rule->dummies_left--;
	loop_timer_set(rule->calling, rule->gap_ms);
	rule->gap_ms = 2 * rule->gap_ms < DUMMY_LAST_MS ? 2 * rule->gap_ms : DUMMY_LAST_MS;
}

static void
prepare_calling(struct rule *rule)
{
	rule->dummies_sent = 0;
	rule->dummies_left = rule->adoption->conf->dummies;
	rule->gap_ms = DUMMY_FIRST_MS;
}

static void
begin_calling(struct rule *rule)
{
	prepare_calling(rule);
	call_cb(rule);
}

/* A tunnel that is there when we start: who was here before may have been killed before the peer knew that this end had
 * moved, and in user space nobody has followed the routes meanwhile. */
static void
call_at_start(struct rule *rule)
{
	if (!rule->sa->encap)
		return;
	rule->dummies_left = DUMMIES_LEAST;
	rule->gap_ms = DUMMY_FIRST_MS;
	loop_timer_set(rule->calling, ++rule->adoption->n_found * START_STEP_MS);
}

/* RFC 3948 2.3, but by a packet that the peer can adopt: a NAT that has forgotten us gives another port at once. */
static void
keep_cb(void *arg)
{
	struct rule *rule = arg;
	struct sa_backend *backend = rule->adoption->backend;

	backend->refresh(backend, rule->sa);
	if (rule->sa->out.packets == rule->kept && backend->send_dummy(backend, rule->sa) == 0)
		rule->adoption->counts.dummies++;
	rule->kept = rule->sa->out.packets;
	loop_timer_at(rule->keeping, clock_now() + rule->adoption->conf->keepalive_s * 1000);
}

static void
begin_keeping(struct rule *rule)
{
	const struct adoption_conf *conf = rule->adoption->conf;

	if (rule->sa->encap && conf->keepalive_s > 0)
		loop_timer_at(rule->keeping, clock_now() + conf->keepalive_s * 1000);
	else
		loop_timer_cancel(rule->keeping);
}

/* That this end is at a new address. */
static void
tell_peer(struct rule *rule)
{
	rule->heard = rule->sa->newest;
	rule->unheard = true;
	begin_calling(rule);
}

/* The same for a tunnel that has only come: its outbound SA, or the peer's inbound one, may still be on its way. */
static void
tell_peer_soon(struct rule *rule)
{
	rule->heard = rule->sa->newest;
	rule->unheard = true;
	prepare_calling(rule);
	loop_timer_set(rule->calling, DUMMY_FIRST_MS);
}

void
adoption_local(struct adoption *adoption, struct sa *sa, struct sa_end local)
{
	struct rule *rule = sa->rule;
	struct sa_end before = sa->local;
	char old[IP4_STRLEN], new[IP4_STRLEN];
	int err;

	if (sa_end_equal(before, local))
		return;
	if ((err = adoption->backend->move(adoption->backend, sa, local, sa->remote)) != 0) {
		adoption->counts.failed++;
		log_warn_limited(&failed_limit, "adoption", "cannot move sa=%s to local=" END " error=\"%s\"", sa->name,
		    END_ARGS(local, new), strerror(err));
		return;
	}
	adoption->counts.moved++;
	rule->view.moved++;
	rule->view.moved_at = clock_now();
	log_info("adoption", "moved sa=%s local=" END " before=" END, sa->name, END_ARGS(local, new), END_ARGS(before, old));
	adoption->backend->refresh(adoption->backend, sa);
	tell_peer(rule);
}

void
adoption_woken(struct adoption *adoption)
{
	struct sa_backend *backend = adoption->backend;

	for (struct sa *sa = backend->next(backend, NULL); sa != NULL; sa = backend->next(backend, sa)) {
		if (!sa->encap)
			continue;
		backend->refresh(backend, sa);
		tell_peer(sa->rule);
	}
}

static void
local_changed_cb(struct sa *sa, struct sa_end local, void *arg)
{
	adoption_local(arg, sa, local);
}

static void
moved_by_other_cb(struct sa *sa, struct sa_end local, struct sa_end remote, void *arg)
{
	struct rule *rule = sa->rule;
	char old[2][IP4_STRLEN], new[2][IP4_STRLEN];

	(void)arg;
	log_info("adoption", "moved by an IKE daemon sa=%s local=" END " before=" END " remote=" END " before=" END, sa->name,
	    END_ARGS(sa->local, new[0]), END_ARGS(local, old[0]), END_ARGS(sa->remote, new[1]), END_ARGS(remote, old[1]));
	if (!sa_end_equal(local, sa->local))
		tell_peer(rule);
	else if (rule->unheard)
		begin_calling(rule); /* what was sent before went to where the peer was */
}

/* ---- tunnels come and go ---- */

static void
added_cb(struct sa *sa, void *arg)
{
	struct adoption *adoption = arg;
	struct rule *rule = mem_zero(1, sizeof(*rule));

	*rule = (struct rule){ .adoption = adoption, .sa = sa, .moved_by = sa->newest };
	fill_bucket(rule);
	rule->probing = loop_timer(adoption->loop, probe_cb, rule);
	rule->calling = loop_timer(adoption->loop, call_cb, rule);
	rule->retrying = loop_timer(adoption->loop, retry_cb, rule);
	rule->keeping = loop_timer(adoption->loop, keep_cb, rule);
	begin_keeping(rule);
	if (!adoption->started)
		call_at_start(rule);
	else if (sa->roamed && sa->encap)
		tell_peer_soon(rule);
	sa->rule = rule;
}

static void
removed_cb(struct sa *sa, void *arg)
{
	struct rule *rule = sa->rule;

	(void)arg;
	loop_event_free(rule->probing);
	loop_event_free(rule->calling);
	loop_event_free(rule->retrying);
	loop_event_free(rule->keeping);
	free(rule);
	sa->rule = NULL;
}

static const struct sa_events events = {
	.added = added_cb, .removed = removed_cb, .authentic = authentic_cb, .answered = answered_cb,
	.local_changed = local_changed_cb, .moved_by_other = moved_by_other_cb,
};

struct adoption *
adoption_new(struct loop *loop, const struct adoption_conf *conf, struct sa_backend *backend)
{
	struct adoption *adoption = mem_zero(1, sizeof(*adoption));

	adoption->loop = loop;
	adoption->conf = conf;
	adoption->backend = backend;
	return adoption;
}

bool
adoption_start(struct adoption *adoption)
{
	adoption->started = adoption->backend->start(adoption->backend, adoption->loop, &events, adoption);
	return adoption->started;
}

void
adoption_conf_changed(struct adoption *adoption)
{
	struct sa_backend *backend = adoption->backend;

	for (struct sa *sa = backend->next(backend, NULL); sa != NULL; sa = backend->next(backend, sa)) {
		fill_bucket(sa->rule);
		begin_keeping(sa->rule);
	}
}

void
adoption_free(struct adoption *adoption)
{
	if (adoption == NULL)
		return;
	for (struct sa *sa = adoption->started ? adoption->backend->next(adoption->backend, NULL) : NULL; sa != NULL;
	     sa = adoption->backend->next(adoption->backend, sa))
		removed_cb(sa, adoption);
	adoption->backend->stop(adoption->backend);
	free(adoption);
}

const struct adoption_counts *
adoption_counts(const struct adoption *adoption)
{
	return &adoption->counts;
}

struct sa_backend *
adoption_backend(const struct adoption *adoption)
{
	return adoption->backend;
}

void
adoption_view(const struct sa *sa, struct adoption_view *out)
{
	*out = ((const struct rule *)sa->rule)->view;
}
