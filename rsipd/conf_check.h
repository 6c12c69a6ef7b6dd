/* rsipd.conf, what must hold between its sections; and the sorted lists that the lookups in conf.h need. */
#ifndef RSIPD_CONF_CHECK_H
#define RSIPD_CONF_CHECK_H

struct cfile;
struct conf;

/* Sorts conf's lists and reports every contradiction through the file. */
void conf_check(const struct cfile *file, struct conf *conf);

#endif
