/* Where traces are: files, folders, corpora. */
#ifndef FT_TRACE_LIST_H
#define FT_TRACE_LIST_H

#include "status.h"
#include "trace/trace.h"

#include <stddef.h>

enum { FT_TRACE_LIST_MAX = 1 << 20 };

/* Paths, sorted: FILE.ftr, or FILE.ftc:NAME for a trace in a corpus. */
struct ft_trace_list {
    char **path;
    size_t count, capacity;
};

/* Adds every trace (*.ftr) and every trace of every corpus (*.ftc) below a folder, or that one file
 * whatever its name. FT_NO_FILE: not there. */
enum ft_status ft_trace_list_add(struct ft_trace_list *list, const char *path,
                                 struct ft_error *error);

/* Sorts by path and leaves out what is there twice. */
void ft_trace_list_sort(struct ft_trace_list *list);
void ft_trace_list_free(struct ft_trace_list *list);

/* Reads FILE, or NAME in FILE.ftc:NAME; `how` is of enum ft_decode_how without FT_DECODE_SECTIONS.
 * The corpus read last stays in memory, for the next of its traces (ft_trace_source_close). */
enum ft_status ft_trace_read_any(const char *path, unsigned how, struct ft_trace *ret,
                                 struct ft_error *error);
void ft_trace_source_close(void);

#endif
