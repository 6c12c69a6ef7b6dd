#include "kernel_pairs.h"

bool
kernel_led_to(const struct kernel_table *table, const struct kernel_state *state, bool out)
{
	for (size_t i = 0; i < table->n_policies; i++) {
		const struct kernel_policy *policy = &table->policies[i];

		if (policy->reqid == state->reqid && (policy->dir == XFRM_POLICY_OUT) == out &&
		    (policy->dst == state->dst.addr || policy->dst == 0) && (policy->src == state->src.addr || policy->src == 0))
			return true;
	}
	return false;
}

bool
kernel_is_inbound(const struct kernel_table *table, const struct kernel_state *state)
{
	return kernel_led_to(table, state, false) && !kernel_led_to(table, state, true);
}

/* How many of the same reqid and place are older: the n-th inbound SA goes with the n-th outbound one. */
static size_t
generation(const struct kernel_table *table, const struct kernel_state *of)
{
	size_t n = 0;

	for (size_t i = 0; i < table->n_states; i++) {
		const struct kernel_state *state = &table->states[i];

		n += state->reqid == of->reqid && sa_end_equal(state->src, of->src) && sa_end_equal(state->dst, of->dst) &&
		    (state->add_time < of->add_time || (state->add_time == of->add_time && state->spi < of->spi));
	}
	return n;
}

struct kernel_state
kernel_partner(const struct kernel_table *table, const struct kernel_state *in)
{
	size_t wanted = generation(table, in), best_generation = 0;
	const struct kernel_state *best = NULL;

	for (size_t i = 0; i < table->n_states; i++) {
		const struct kernel_state *state = &table->states[i];
		size_t n;

		if (state->reqid != in->reqid || !sa_end_equal(state->src, in->dst) || !sa_end_equal(state->dst, in->src))
			continue;
		n = generation(table, state);
		if (n <= wanted && (best == NULL || n > best_generation)) {
			best = state;
			best_generation = n;
		}
	}
	return best != NULL ? *best : (struct kernel_state){ 0 };
}

static bool
has_other(const struct kernel_table *table, const struct kernel_state *out)
{
	for (size_t i = 0; i < table->n_states; i++) {
		const struct kernel_state *state = &table->states[i];

		if (state->spi != out->spi && state->reqid == out->reqid && state->dst.addr == out->dst.addr)
			return true;
	}
	return false;
}

bool
kernel_is_sent_by(const struct kernel_table *table, const struct kernel_state *out)
{
	for (size_t i = 0; i < table->n_policies; i++) {
		const struct kernel_policy *policy = &table->policies[i];

		if (policy->dir != XFRM_POLICY_OUT || policy->reqid != out->reqid || policy->dst != out->dst.addr)
			continue;
		if (policy->spi == out->spi || (policy->spi == 0 && !has_other(table, out)))
			return true;
	}
	return false;
}
