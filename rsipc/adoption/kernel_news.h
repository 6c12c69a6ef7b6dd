/* What the kernel tells by itself: that SAs and policies have changed, and where authentic packets came from. */
#ifndef RSIPC_KERNEL_NEWS_H
#define RSIPC_KERNEL_NEWS_H

#include <stdbool.h>

struct kernel_backend;

/* Begins and ends hearing. False after a line in the log. */
bool kernel_news_begin(struct kernel_backend *backend);
void kernel_news_end(struct kernel_backend *backend);

/* Reads what waits. What has changed is noted: names are up to date, groups are due. Mappings are kept for later. */
void kernel_news_note(struct kernel_backend *backend);
/* The same, and then looks at all mappings. They may end any tunnel's witness. */
void kernel_news_take(struct kernel_backend *backend);

#endif
