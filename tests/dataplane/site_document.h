/* The gateway of site.h as the documents that its control socket would tell, and as rsipctl's view of it. */
#ifndef TESTS_SITE_DOCUMENT_H
#define TESTS_SITE_DOCUMENT_H

#include <jansson.h>

struct lease_view;

json_t *site_document(void);        /* what "rsipctl leases" prints: a new reference */
struct lease_view *site_view(void); /* made out of it; the caller ends it with lease_view_free */

#endif
