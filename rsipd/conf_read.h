/* rsipd.conf, its sections one by one: the text of a file into the fields of struct conf, with defaults for what the
 * file leaves out. What must hold between sections is conf_check's business. */
#ifndef RSIPD_CONF_READ_H
#define RSIPD_CONF_READ_H

#include "cfile.h"

struct conf;

extern const struct cfile_kind conf_kinds[]; /* what the file may hold */

/* Fills *conf, which starts zeroed; faults are reported through the file. Pools' and policies' references lead to NULL
 * or are left out where the file names something that is not there. */
void conf_read(const struct cfile *file, struct conf *conf);

/* Its part for one pool section. Adds the pool's ranges to conf's list too. */
struct conf_pool;
void conf_read_pool(const struct cfile_section *s, struct conf *conf, struct conf_pool *pool);

#endif
