/* What the header promises of a decision after a failure: forward, no permission, no header. */
#ifndef SAYS_NOTHING_H
#define SAYS_NOTHING_H

#include "crossgate.h"

#include <stddef.h>

static inline int says_nothing(const crossgate_decision *decision) {
    return decision->action == CROSSGATE_ACTION_FORWARD && decision->allowed == -1
           && decision->status == 0 && decision->flags == 0 && decision->header_count == 0
           && decision->remove_count == 0 && decision->origin.data == NULL;
}

#endif
