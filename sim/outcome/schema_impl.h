/*
 * schema_impl.h - what the steps of the schema write alike.
 */
#ifndef SIM_OUTCOME_SCHEMA_IMPL_H
#define SIM_OUTCOME_SCHEMA_IMPL_H

/* Microseconds as ISO text, UTC or local; floor division, so that it holds before 1970 too. */
#define ISO(us, suffix)                                                                   \
    "strftime('%Y-%m-%dT%H:%M:%S', ((" us ") - ((" us ") % 1000000 + 1000000) % 1000000)" \
    " / 1000000, 'unixepoch') || printf('.%06d', ((" us ") % 1000000 + 1000000) % 1000000)" suffix
#define ISO_UTC(us) ISO(us, " || 'Z'")

#endif
