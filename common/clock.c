#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FAR_S INT64_C(9000000000) /* the year 2255 */

static bool fake;
static int64_t fake_now, fake_wall_ms;
static const char *fake_boot;

int64_t
clock_now(void)
{
	struct timespec ts;

	if (fake)
		return fake_now;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_wall(void)
{
	return fake ? fake_wall_ms / 1000 : (int64_t)time(NULL);
}

int64_t
clock_wall_ms(void)
{
	struct timespec ts;

	if (fake)
		return fake_wall_ms;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *
clock_boot(char id[CLOCK_BOOT_LEN])
{
	int fd = fake_boot == NULL ? open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC) : -1;

	id[0] = '\0';
	if (fake_boot != NULL)
		snprintf(id, CLOCK_BOOT_LEN, "%s", fake_boot);
	if (fd < 0)
		return id;
	ssize_t n = read(fd, id, CLOCK_BOOT_LEN - 1);
	id[n > 0 ? n : 0] = '\0';
	id[strcspn(id, "\n")] = '\0';
	close(fd);
	return id;
}

/* A timer that never ends, but is told of jumps: the kernel counts waking up as one. */
int
clock_watch(void)
{
	const struct itimerspec never = { .it_value.tv_sec = sizeof(time_t) > sizeof(int32_t) ? (time_t)FAR_S : INT32_MAX };
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC), error;

	if (fd < 0 || timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

void
clock_watch_read(int fd)
{
	uint64_t times;

	while (read(fd, &times, sizeof(times)) < 0 && errno == EINTR)
		;
}

void
clock_set(int64_t now_ms, int64_t wall_s)
{
	fake = true;
	fake_now = now_ms;
	fake_wall_ms = wall_s * 1000;
}

void
clock_set_wall_ms(int64_t wall_ms)
{
	fake_wall_ms = wall_ms;
}

void
clock_set_boot(const char *id)
{
	fake_boot = id;
}
