/* The inside of struct store, for store.c and store_read.c only. */
#ifndef RSIPD_STORE_STATE_H
#define RSIPD_STORE_STATE_H

#include "sql.h"

struct store { struct sql *sql; };

#endif
