/* A fast path under test: the programs that run before the kernel, one frame at a time. */
#ifndef TESTS_FAST_PATH_H
#define TESTS_FAST_PATH_H

#include "frame.h"

enum fast_verdict {
	FAST_PASSED,  /* up to the kernel, unchanged */
	FAST_DROPPED, /* for reason */
	FAST_SENT,    /* as the frame that it has become */
	FAST_FAILED,  /* the test machinery, or a verdict that no fast path may give: see why */
};

struct fast_result {
	enum fast_verdict verdict;
	enum dp_drop reason;
	const char *why; /* FAST_PASSED: the reason by its name */
	struct frame frame;
};

struct fast_path;

/* Loads the programs and tells them the site, in a network namespace of their own with links and neighbours as frame.h
 * has them: this process moves into it. NULL where this machine cannot; *why says so then. */
struct fast_path *fast_path_up(const char **why);
void fast_path_down(struct fast_path *fp);

/* Its tables follow the relay's, which are empty now; NULL ends that. */
struct demux;
void fast_path_follow(struct fast_path *fp, struct demux *d);

void fast_path_run(struct fast_path *fp, const struct frame *f, struct fast_result *result);

#endif
