/* The user-space ESP as a backend of address adoption. */
#ifndef RSIPC_USER_BACKEND_H
#define RSIPC_USER_BACKEND_H

#include "../adoption/sa_backend.h"

struct esp_conf;

/* Its tunnels are those of conf, which is borrowed; they begin to work with start(), and end with stop(). Never
 * NULL. */
struct sa_backend *user_backend_new(const struct esp_conf *conf);

#endif
