/* What an IKE daemon and scripts need to know of the leases, as text. Pure: textfile.h writes it. */
#ifndef RSIPC_IKE_H
#define RSIPC_IKE_H

struct agent;
struct conf;

/* The file for strongSwan, by the first RSIPSEC lease that is held: SPIs between spi_min and spi_max, and IKE SPIs
 * (cookies) with the bits of spi_mask replaced by spi_label (strongswan.conf(5)). There the numbers are written as the
 * bytes go over the wire, most significant first, which is how we write cookies, too. NULL when no such lease is held.
 * The caller frees. */
char *ike_strongswan(const struct agent *agent);

/* Shell variables, one a line, of everything that is held; NULL when nothing is. The caller frees. */
char *ike_environment(const struct conf *conf, const struct agent *agent);

#endif
