#include "sql_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mem.h"

struct sql_thread {
	pthread_t thread;
	pthread_mutex_t lock; /* of the two that follow */
	pthread_cond_t changed;
	bool busy, stop;
	int fd;
	void (*work)(void *arg);
	void *arg;
};

static bool
next_work(struct sql_thread *t)
{
	bool stop;

	pthread_mutex_lock(&t->lock);
	while (!t->busy && !t->stop)
		pthread_cond_wait(&t->changed, &t->lock);
	stop = !t->busy;
	pthread_mutex_unlock(&t->lock);
	return !stop;
}

/* The count is there before the work is done: whoever has waited can read it, and the next work begins without. */
static void
end_work(struct sql_thread *t)
{
	const uint64_t one = 1;

	while (write(t->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&t->lock);
	t->busy = false;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

static void *
run(void *arg)
{
	struct sql_thread *t = arg;

	while (next_work(t)) {
		t->work(t->arg);
		end_work(t);
	}
	return NULL;
}

static int
create(struct sql_thread *t)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&t->thread, NULL, run, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

struct sql_thread *
sql_thread_start(void (*work)(void *arg), void *arg)
{
	struct sql_thread *t = mem_zero(1, sizeof(*t));
	int error;

	t->work = work;
	t->arg = arg;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, NULL);
	t->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	error = t->fd < 0 ? errno : create(t);
	if (error == 0)
		return t;
	if (t->fd >= 0)
		close(t->fd);
	free(t);
	errno = error;
	return NULL;
}

void
sql_thread_stop(struct sql_thread *t)
{
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	close(t->fd);
	free(t);
}

void
sql_thread_give(struct sql_thread *t)
{
	pthread_mutex_lock(&t->lock);
	t->busy = true;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

bool
sql_thread_idle(struct sql_thread *t)
{
	bool idle;

	pthread_mutex_lock(&t->lock);
	idle = !t->busy;
	pthread_mutex_unlock(&t->lock);
	return idle;
}

void
sql_thread_wait(struct sql_thread *t)
{
	pthread_mutex_lock(&t->lock);
	while (t->busy)
		pthread_cond_wait(&t->changed, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

void
sql_thread_collect(struct sql_thread *t)
{
	uint64_t count;

	sql_thread_wait(t);
	while (read(t->fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

int
sql_thread_fd(const struct sql_thread *t)
{
	return t->fd;
}
