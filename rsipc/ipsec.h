/* The IPsec tunnels of this machine as rsipc sees to them: who carries them (the kernel, or this program itself), and
 * the rule by which they follow their ends (adoption/). */
#ifndef RSIPC_IPSEC_H
#define RSIPC_IPSEC_H

#include <stdbool.h>

struct adoption;
struct conf;
struct ipsec;
struct loop;
struct sa_backend;

/* Does the config ask for any of it? */
bool ipsec_wanted(const struct conf *conf);

/* Starts what the config asks for. conf is borrowed. NULL after a line in the log. */
struct ipsec *ipsec_open(struct loop *loop, const struct conf *conf);
void ipsec_close(struct ipsec *ipsec); /* accepts NULL */

/* The options of section adoption in the conf have changed: they count from now on. */
void ipsec_conf_changed(struct ipsec *ipsec);

/* Each carrier with its tunnels; NULL starts, NULL ends. *adoption: the rule above it, NULL where tunnels do not
 * move. */
struct sa_backend *ipsec_next(struct ipsec *ipsec, const struct sa_backend *after, struct adoption **adoption);

void ipsec_woken(struct ipsec *ipsec); /* adoption_woken, for all carriers; accepts NULL */

unsigned ipsec_tunnels(struct ipsec *ipsec); /* how many there are */

#endif
