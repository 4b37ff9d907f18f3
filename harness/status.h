/* What can go wrong in the harness itself: the first of the three channels of errors (the others
 * are the verdict on the driver, and FT_ASSERT for our own mistakes). Codes and texts stand in one
 * list. */
#ifndef FT_STATUS_H
#define FT_STATUS_H

#include <stdint.h>

/* FS(SYMBOL, exit status, "text") */
#define FT_STATUSES(FS)                                                                            \
    FS(OK, 0, "ok")                                                                                \
    FS(NO_FILE, 3, "cannot open the file")                                                         \
    FS(IO, 5, "cannot read or write")                                                              \
    FS(NO_MEMORY, 5, "out of memory")                                                              \
    FS(NOT_A_TRACE, 3, "not a flushtrace trace")                                                   \
    FS(BAD_VERSION, 3, "a format version from the future")                                         \
    FS(BAD_CHECKSUM, 3, "damaged: the checksum does not match")                                    \
    FS(TRUNCATED, 3, "cut off")                                                                    \
    FS(BAD_FIELD, 3, "a field has an impossible value")                                            \
    FS(TOO_LARGE, 3, "claims more than a trace may hold")                                          \
    FS(SYNTAX, 3, "cannot be understood")                                                          \
    FS(USAGE, 3, "bad usage")                                                                      \
    FS(NO_DRIVER, 3, "no such driver, mutant or flavour")                                          \
    FS(NOT_FOUND, 1, "the finding is not there")                                                   \
    FS(INTERNAL, 5, "our own failure")

enum ft_status {
#define FS(symbol, exit_status, text) FT_##symbol,
    FT_STATUSES(FS)
#undef FS
        FT_STATUS_COUNT
};

/* An error with its place: byte offset (or line, for text) and reason, ready to print. */
struct ft_error {
    enum ft_status status;
    uint64_t offset;
    char text[240];
};

/* Fills *error (when not NULL) and returns status; text is a printf format. */
enum ft_status ft_fail(struct ft_error *error, enum ft_status status, uint64_t offset,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

const char *ft_status_text(enum ft_status status);
int ft_status_exit(enum ft_status status);

#endif
