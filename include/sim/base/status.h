/*
 * status.h - how Gavel reports failure.
 *
 * A function that can fail returns gv_status and writes its outputs only on
 * GV_OK. GV_FAIL() also leaves one sentence for people, per thread, which
 * gv_status_detail() reads: what was found, where (file, line, column), what
 * was expected, how to mend it. A broken contract is no status: it is an
 * assert(), which is never compiled out.
 */
#ifndef SIM_BASE_STATUS_H
#define SIM_BASE_STATUS_H

#define GV_STATUS_LIST(X)                    \
    X(GV_OK, "success")                      \
    X(GV_EINVAL, "invalid argument")         \
    X(GV_ENOMEM, "out of memory")            \
    X(GV_EPARSE, "malformed input")          \
    X(GV_EIO, "input or output failed")      \
    X(GV_ECORRUPT, "corrupt file")           \
    X(GV_ENOTFOUND, "not found")             \
    X(GV_EREJECTS, "too many rejected rows") \
    X(GV_EUSAGE, "wrong usage")              \
    X(GV_ESTOPPED, "stopped by request")

typedef enum gv_status {
#define X(name, text) name,
    GV_STATUS_LIST(X)
#undef X
} gv_status;

#define GV_MUST_CHECK                    __attribute__((warn_unused_result))
#define GV_PRINTF(text_index, first_arg) __attribute__((format(printf, text_index, first_arg)))

const char *gv_status_text(gv_status status);

/* The sentence of this thread's latest GV_FAIL, "" before any; valid until the next. */
const char *gv_status_detail(void);

/* "file:line" in Gavel's own source of this thread's latest GV_FAIL, for those who mend Gavel. */
const char *gv_status_origin(void);

/*
 * Not to be called directly: use GV_FAIL. Returns `status`. A sentence longer than 1,023
 * bytes is cut and ends in "...".
 */
gv_status gv_status_fail(gv_status status, const char *file, int line, const char *format, ...)
    GV_PRINTF(4, 5);

/* return GV_FAIL(GV_EPARSE, "%s:%zu: %d fields, expected %d", path, line, found, expected); */
#define GV_FAIL(status, ...) gv_status_fail((status), __FILE__, __LINE__, __VA_ARGS__)

/* Passes a failure up. Only where nothing is owned yet; elsewhere GV_TRY_GOTO. */
#define GV_TRY(call)                \
    do {                            \
        gv_status gv_try_ = (call); \
        if (gv_try_ != GV_OK) {     \
            return gv_try_;         \
        }                           \
    } while (0)

/* Passes a failure to the one label that releases what the function owns. */
#define GV_TRY_GOTO(status, call, label) \
    do {                                 \
        (status) = (call);               \
        if ((status) != GV_OK) {         \
            goto label;                  \
        }                                \
    } while (0)

#endif
