/* The rule of address adoption over a backend that only writes down what it is told. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adoption/adoption.h"
#include "adoption/adoption_conf.h"
#include "clock.h"
#include "log.h"
#include "loop.h"
#include "run_suite.h"

#define HOME ((struct sa_end){ 0xc0000201, 4500 })
#define LOCAL ((struct sa_end){ 0xc6336401, 4500 })
#define AWAY ((struct sa_end){ 0xcb007105, 1024 })
#define ELSEWHERE ((struct sa_end){ 0xcb007205, 4500 })

static struct world {
	struct sa_backend ops; /* first */
	const struct sa_events *events;
	void *arg;
	struct sa sa;
	unsigned moves, dummies, probes;
	struct sa_end probed;
	int move_error;
	unsigned dummies_refused; /* the next ones are not sent */
	bool peer_answers; /* each dummy */
} world;
static struct adoption_conf conf;
static struct adoption *adoption;
static struct loop *loop;

static bool
fake_start(struct sa_backend *backend, struct loop *on, const struct sa_events *events, void *arg)
{
	(void)backend;
	(void)on;
	world.events = events;
	world.arg = arg;
	events->added(&world.sa, arg);
	return true;
}

static void
fake_stop(struct sa_backend *backend)
{
	(void)backend;
}

static struct sa *
fake_next(struct sa_backend *backend, const struct sa *after)
{
	(void)backend;
	return after == NULL ? &world.sa : NULL;
}

static void
fake_refresh(struct sa_backend *backend, struct sa *sa)
{
	(void)backend;
	(void)sa;
}

static int
fake_move(struct sa_backend *backend, struct sa *sa, struct sa_end local, struct sa_end remote)
{
	(void)backend;
	if (world.move_error != 0)
		return world.move_error;
	sa->local = local;
	sa->remote = remote;
	world.moves++;
	return 0;
}

static int
fake_dummy(struct sa_backend *backend, struct sa *sa)
{
	(void)backend;
	if (world.dummies_refused > 0) {
		world.dummies_refused--;
		return ENOENT;
	}
	world.dummies++;
	sa->newest += world.peer_answers;
	return 0;
}

static int
fake_probe(struct sa_backend *backend, struct sa *sa, struct sa_end to)
{
	(void)backend;
	(void)sa;
	world.probes++;
	world.probed = to;
	return 0;
}

/* One tunnel between LOCAL and HOME that has received up to sequence number 100. */
static void
setup(void)
{
	log_init("check_adoption", LOG_TO_NONE, LOG_LVL_ERROR, false);
	clock_set(1000000, 1000);
	world = (struct world){
		.ops = { .name = "fake", .start = fake_start, .stop = fake_stop, .next = fake_next, .refresh = fake_refresh,
		    .move = fake_move, .send_dummy = fake_dummy, .probe = fake_probe },
		.sa = { .name = "t", .spi_in = 0x1000, .local = LOCAL, .remote = HOME, .encap = true, .newest = 100 },
	};
	conf = (struct adoption_conf){ .on = true, .per_minute = 60, .dummies = 8 };
	loop = loop_new();
}

static void
begin(void)
{
	adoption = adoption_new(loop, &conf, &world.ops);
	ck_assert(adoption_start(adoption));
}

static void
teardown(void)
{
	adoption_free(adoption);
	adoption = NULL;
	loop_free(loop);
	free(conf.allow);
}

/* What a backend does when that packet was authentic. */
static void
packet(struct sa_end from, uint64_t sequence)
{
	world.events->authentic(&world.sa, from, sequence, world.arg);
	if (sequence > world.sa.newest)
		world.sa.newest = sequence;
}

static void
assert_at(struct sa_end end)
{
	ck_assert_uint_eq(world.sa.remote.addr, end.addr);
	ck_assert_uint_eq(world.sa.remote.port, end.port);
}

START_TEST(newest_moves)
{
	begin();
	packet(AWAY, 101);
	assert_at(AWAY);
	ck_assert_uint_eq(adoption_counts(adoption)->adopted, 1);
	packet(HOME, 102);
	assert_at(HOME);
}
END_TEST

START_TEST(old_and_late_do_not)
{
	begin();
	packet(AWAY, 100);
	packet(AWAY, 99);
	packet(AWAY, 1);
	assert_at(HOME);
	world.sa.newest = 150; /* from HOME, of which a backend tells nothing */
	packet(AWAY, 150);
	assert_at(HOME);
	ck_assert_uint_eq(adoption_counts(adoption)->stale, 4);
	ck_assert_uint_eq(world.moves, 0);
}
END_TEST

/* A backend whose `newest` does not count a packet, as the kernel's does not count dummies. */
START_TEST(same_number_moves_once)
{
	begin();
	world.events->authentic(&world.sa, AWAY, 101, world.arg);
	world.events->authentic(&world.sa, ELSEWHERE, 101, world.arg);
	assert_at(AWAY);
}
END_TEST

START_TEST(port_alone_is_a_move)
{
	struct sa_end port = { HOME.addr, 60000 };

	begin();
	packet(port, 101);
	assert_at(port);
}
END_TEST

START_TEST(native_esp_stays)
{
	world.sa.encap = false;
	begin();
	packet(AWAY, 101);
	assert_at(HOME);
}
END_TEST

START_TEST(extended_numbers)
{
	world.sa.newest = UINT32_MAX;
	world.sa.esn = true;
	begin();
	packet(AWAY, UINT64_C(0x100000000));
	assert_at(AWAY);
	packet(HOME, UINT32_MAX);
	assert_at(AWAY);
}
END_TEST

START_TEST(allowed_prefixes)
{
	conf.allow = calloc(1, sizeof(*conf.allow));
	conf.allow[0] = (struct ip4_prefix){ AWAY.addr & ip4_mask(24), 24 };
	conf.n_allow = 1;
	begin();
	packet(ELSEWHERE, 101);
	assert_at(HOME);
	ck_assert_uint_eq(adoption_counts(adoption)->not_allowed, 1);
	packet(AWAY, 102);
	assert_at(AWAY);
}
END_TEST

START_TEST(rate_limit)
{
	conf.per_minute = 2;
	begin();
	packet(AWAY, 101);
	packet(HOME, 102);
	packet(AWAY, 103);
	assert_at(HOME);
	ck_assert_uint_eq(adoption_counts(adoption)->too_often, 1);
	clock_set(1000000 + 29999, 1030);
	packet(AWAY, 104);
	assert_at(HOME);
	clock_set(1000000 + 30000, 1030);
	packet(AWAY, 105);
	assert_at(AWAY);
}
END_TEST

/* Turns of the loop, which the test's clock does not slow down, until so many were sent. */
static void
until_dummies(unsigned n)
{
	while (world.dummies < n)
		loop_once(loop, true);
}

/* Who was here before may have been killed before the peer knew where this end is. */
START_TEST(tunnels_found_at_the_start_call_the_peer)
{
	begin();
	ck_assert_uint_eq(world.dummies, 0); /* not before the backend has started */
	until_dummies(3);
	ck_assert_uint_eq(adoption_counts(adoption)->moved, 0);
}
END_TEST

START_TEST(tunnels_that_come_later_do_not)
{
	struct loop_event *end = loop_timer(loop, (loop_cb *)loop_stop, loop);
	struct sa later = { .name = "later", .encap = true };

	world.sa.encap = false; /* native ESP is not adopted by anybody */
	begin();
	world.events->added(&later, world.arg);
	loop_timer_set(end, 100);
	loop_run(loop);
	ck_assert_uint_eq(world.dummies, 0);
	world.events->removed(&later, world.arg);
	loop_event_free(end);
}
END_TEST

/* SIGHUP: from no limit to one, which does not count the moves before. */
START_TEST(options_change)
{
	conf.per_minute = 0;
	begin();
	packet(AWAY, 101);
	packet(HOME, 102);
	conf.per_minute = 1;
	conf.keepalive_s = 20;
	adoption_conf_changed(adoption);
	packet(AWAY, 103);
	assert_at(AWAY);
	packet(HOME, 104);
	assert_at(AWAY);
	ck_assert_uint_eq(adoption_counts(adoption)->too_often, 1);
	conf.keepalive_s = 0;
	adoption_conf_changed(adoption); /* a timer of 0 seconds that were left would be called for ever */
	packet(HOME, 105);
	assert_at(HOME);
}
END_TEST

START_TEST(exchanged_options)
{
	struct adoption_conf live = { .on = true, .per_minute = 1, .migrate = true };
	struct adoption_conf fresh = { .on = true, .per_minute = 2, .return_probe = true, .migrate = false };

	adoption_conf_exchange(&live, &fresh);
	ck_assert_uint_eq(live.per_minute, 2);
	ck_assert(live.return_probe && live.migrate && !fresh.migrate);
	ck_assert_uint_eq(fresh.per_minute, 1);
}
END_TEST

START_TEST(return_probe)
{
	conf.return_probe = true;
	begin();
	packet(AWAY, 101);
	assert_at(HOME);
	ck_assert_uint_eq(world.probes, 1);
	ck_assert_uint_eq(world.probed.addr, AWAY.addr);
	world.events->answered(&world.sa, ELSEWHERE, world.arg);
	assert_at(HOME);
	world.events->answered(&world.sa, AWAY, world.arg);
	assert_at(AWAY);
}
END_TEST

/* It was held back, and the peer has been heard from where it was meanwhile. */
START_TEST(late_answer_moves_nothing)
{
	conf.return_probe = true;
	begin();
	packet(AWAY, 101);
	packet(AWAY, 102);
	packet(HOME, 103);
	world.events->answered(&world.sa, AWAY, world.arg);
	assert_at(HOME);
	ck_assert_uint_eq(adoption_counts(adoption)->stale, 1);
	packet(AWAY, 104);
	ck_assert_uint_eq(world.probes, 2);
	world.events->answered(&world.sa, AWAY, world.arg);
	assert_at(AWAY);
}
END_TEST

START_TEST(packets_that_wait_for_an_answer_are_no_moves)
{
	conf.return_probe = true;
	conf.per_minute = 2;
	begin();
	for (uint64_t n = 101; n <= 110; n++)
		packet(AWAY, n);
	ck_assert_uint_eq(world.probes, 1);
	world.events->answered(&world.sa, AWAY, world.arg);
	assert_at(AWAY);
	packet(HOME, 111);
	world.events->answered(&world.sa, HOME, world.arg);
	assert_at(HOME);
	ck_assert_uint_eq(adoption_counts(adoption)->too_often, 0);
	packet(AWAY, 112);
	ck_assert_uint_eq(world.probes, 2);
	ck_assert_uint_eq(adoption_counts(adoption)->too_often, 1);
}
END_TEST

/* As while an IKE daemon deletes and adds the tunnel's SAs, at a thousand packets a second. */
START_TEST(failed_moves_are_no_moves)
{
	conf.per_minute = 1;
	world.move_error = ESRCH;
	begin();
	packet(AWAY, 101);
	packet(AWAY, 102);
	world.move_error = 0;
	packet(AWAY, 103);
	assert_at(AWAY);
	ck_assert_uint_eq(adoption_counts(adoption)->too_often, 0);
}
END_TEST

START_TEST(failed_move_is_counted)
{
	world.move_error = ESRCH;
	begin();
	packet(AWAY, 101);
	assert_at(HOME);
	ck_assert_uint_eq(adoption_counts(adoption)->failed, 1);
	ck_assert_uint_eq(adoption_counts(adoption)->adopted, 0);
	world.move_error = 0;
	packet(AWAY, 102);
	assert_at(AWAY);
}
END_TEST

/* As while an IKE daemon deletes and adds the tunnel's SAs: no other packet needs to come. */
START_TEST(move_that_finds_nothing_is_tried_again)
{
	world.move_error = ESRCH;
	begin();
	packet(AWAY, 101);
	assert_at(HOME);
	world.move_error = 0;
	while (world.moves == 0)
		loop_once(loop, true);
	assert_at(AWAY);
}
END_TEST

START_TEST(our_move_calls_the_peer)
{
	conf.dummies = 4;
	begin();
	adoption_local(adoption, &world.sa, ELSEWHERE);
	ck_assert_uint_eq(world.sa.local.addr, ELSEWHERE.addr);
	ck_assert_uint_eq(world.dummies, 1);
	until_dummies(4);
	ck_assert_uint_eq(adoption_counts(adoption)->moved, 1);
	ck_assert_uint_eq(adoption_counts(adoption)->adopted, 0);
}
END_TEST

START_TEST(peer_that_answers_is_called_no_more)
{
	struct loop_event *end;

	world.peer_answers = true;
	begin();
	end = loop_timer(loop, (loop_cb *)loop_stop, loop);
	adoption_local(adoption, &world.sa, ELSEWHERE);
	until_dummies(3);
	loop_timer_set(end, 200); /* the fourth would come 40 ms after the third */
	loop_run(loop);
	ck_assert_uint_eq(world.dummies, 3);
	loop_event_free(end);
}
END_TEST

/* As while an IKE daemon has taken the tunnel's policies away: what was not sent tells nobody anything. */
START_TEST(refused_dummy_is_none)
{
	world.peer_answers = true;
	world.dummies_refused = 3;
	begin();
	world.sa.newest++;
	adoption_local(adoption, &world.sa, ELSEWHERE);
	until_dummies(3);
	ck_assert_uint_eq(adoption_counts(adoption)->dummies, 3);
}
END_TEST

/* A NAT may have forgotten the tunnel: what a peer can adopt is sent, whichever backend it is. */
START_TEST(idle_tunnel_is_heard_of)
{
	conf.keepalive_s = 1;
	begin();
	until_dummies(5); /* three of them because it was there at the start */
	ck_assert_uint_eq(adoption_counts(adoption)->dummies, 5);
}
END_TEST

/* It is told again and again until something comes back: the way may not be there yet. */
START_TEST(peer_is_called_when_the_machine_wakes)
{
	begin();
	adoption_woken(adoption);
	ck_assert_uint_eq(world.dummies, 1);
	until_dummies(5);
	ck_assert_uint_eq(world.moves, 0);
}
END_TEST

START_TEST(native_tunnel_has_no_nat_to_wake)
{
	world.sa.encap = false;
	begin();
	adoption_woken(adoption);
	ck_assert_uint_eq(world.dummies, 0);
}
END_TEST

/* The time until the keepalive is that of the NAT, which does not sleep. */
START_TEST(keepalive_is_due_in_sleep)
{
	conf.keepalive_s = 20;
	begin();
	clock_set(1000000 + 20000, 1000);
	loop_wake(loop);
	until_dummies(1);
}
END_TEST

/* It sends nothing by itself, so the peer of an idle tunnel would not know. */
START_TEST(move_by_an_ike_daemon_calls_the_peer)
{
	begin();
	world.sa.local = ELSEWHERE;
	world.events->moved_by_other(&world.sa, LOCAL, HOME, world.arg);
	ck_assert_uint_eq(world.dummies, 1);
	ck_assert_uint_eq(world.moves, 0);
	until_dummies(3);
}
END_TEST

/* A tunnel that comes when the one that was there at the start has called: how many dummies it sends in 100 ms at the least. */
static unsigned
calls_of_new(bool roamed, unsigned wanted)
{
	struct sa young = world.sa;
	struct loop_event *end = loop_timer(loop, (loop_cb *)loop_stop, loop);

	begin();
	until_dummies(3);
	young.rule = NULL;
	young.roamed = roamed;
	world.events->added(&young, world.arg);
	until_dummies(3 + wanted);
	loop_timer_set(end, 100); /* the first comes after 10 ms */
	loop_run(loop);
	loop_event_free(end);
	world.events->removed(&young, world.arg);
	return world.dummies - 3;
}

/* A rekey after a move: the peer's IKE daemon may have laid the new SA to where we were. */
START_TEST(rekey_after_a_move_calls_the_peer)
{
	conf.dummies = 4;
	ck_assert_uint_eq(calls_of_new(true, 4), 4);
	ck_assert_uint_eq(world.moves, 0);
}
END_TEST

START_TEST(rekey_without_a_move_calls_nobody)
{
	ck_assert_uint_eq(calls_of_new(false, 0), 0);
}
END_TEST

/* The peer's new end: only where the peer does not know ours is there something to say. */
START_TEST(move_by_an_ike_daemon_to_the_peer)
{
	begin();
	world.sa.remote = AWAY;
	world.events->moved_by_other(&world.sa, LOCAL, HOME, world.arg);
	ck_assert_uint_eq(world.dummies, 0);
	adoption_local(adoption, &world.sa, ELSEWHERE);
	ck_assert_uint_eq(world.dummies, 1);
	world.sa.remote = HOME;
	world.events->moved_by_other(&world.sa, ELSEWHERE, AWAY, world.arg);
	ck_assert_uint_eq(world.dummies, 2);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("adoption");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, newest_moves);
	tcase_add_test(all, old_and_late_do_not);
	tcase_add_test(all, same_number_moves_once);
	tcase_add_test(all, port_alone_is_a_move);
	tcase_add_test(all, native_esp_stays);
	tcase_add_test(all, extended_numbers);
	tcase_add_test(all, allowed_prefixes);
	tcase_add_test(all, rate_limit);
	tcase_add_test(all, tunnels_found_at_the_start_call_the_peer);
	tcase_add_test(all, tunnels_that_come_later_do_not);
	tcase_add_test(all, options_change);
	tcase_add_test(all, exchanged_options);
	tcase_add_test(all, return_probe);
	tcase_add_test(all, late_answer_moves_nothing);
	tcase_add_test(all, packets_that_wait_for_an_answer_are_no_moves);
	tcase_add_test(all, failed_moves_are_no_moves);
	tcase_add_test(all, failed_move_is_counted);
	tcase_add_test(all, move_that_finds_nothing_is_tried_again);
	tcase_add_test(all, our_move_calls_the_peer);
	tcase_add_test(all, peer_that_answers_is_called_no_more);
	tcase_add_test(all, refused_dummy_is_none);
	tcase_add_test(all, idle_tunnel_is_heard_of);
	tcase_add_test(all, peer_is_called_when_the_machine_wakes);
	tcase_add_test(all, native_tunnel_has_no_nat_to_wake);
	tcase_add_test(all, keepalive_is_due_in_sleep);
	tcase_add_test(all, move_by_an_ike_daemon_calls_the_peer);
	tcase_add_test(all, rekey_after_a_move_calls_the_peer);
	tcase_add_test(all, rekey_without_a_move_calls_nobody);
	tcase_add_test(all, move_by_an_ike_daemon_to_the_peer);
	suite_add_tcase(s, all);
	return s;
}

int
main(void)
{

	return run_suite(suite());
}
