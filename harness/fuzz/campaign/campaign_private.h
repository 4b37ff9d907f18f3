/* What the files of a campaign share. */
#ifndef FT_CAMPAIGN_PRIVATE_H
#define FT_CAMPAIGN_PRIVATE_H

#include "fuzz/campaign/campaign.h"

#include <stddef.h>

/* A path of at most FT_PATH_BYTES; a longer one ends the program with a reason. */
void ft_path(char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* campaign->note with a format. */
void ft_note(const struct ft_campaign *campaign, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Calls `visit` for the names in a folder, in the order of their names; dot files are left out
 * unless `hidden`. A folder that is not there is empty. */
void ft_each_file(const char *folder, bool hidden, void (*visit)(void *context, const char *name),
                  void *context);

/* Writes a file that appears whole or not at all: `scratch` is a folder on the same disk. */
bool ft_write_whole(const char *scratch, const char *path, const void *bytes, size_t length);

/* ---- campaign_folder.c ---- */

/* Makes the folder and takes its lock. */
enum ft_status ft_folder_open(const struct ft_campaign *campaign, struct ft_subject *subject,
                              struct ft_error *error);
void ft_folder_close(struct ft_subject *subject);

/* Counts the inputs of the shared corpus. */
void ft_folder_count(struct ft_subject *subject);

/* ---- campaign_findings.c ---- */

/* Findings of earlier campaigns; those of another build go back to pending/. */
void ft_findings_load(struct ft_campaign *campaign, struct ft_subject *subject);

/* Every file of pending/ becomes a trace in findings/, or is known already. */
enum ft_status ft_findings_convert(struct ft_campaign *campaign, struct ft_subject *subject,
                                   struct ft_error *error);

/* Findings of this campaign that count. */
unsigned ft_findings_fresh(const struct ft_campaign *campaign);

/* Reads what the trace of a finding says now. False: it cannot be read. */
bool ft_finding_read(struct ft_campaign_finding *finding);

/* ---- campaign_shrink.c ---- */

/* One step: takes the result of a process that has ended, starts the next. True while there is
 * something to do. */
bool ft_shrink_step(struct ft_campaign *campaign);

/* Ends the one that runs; what is not shrunk is so the next time. */
void ft_shrink_stop(void);

/* Marks a finding as not shrunk yet, on disk. */
void ft_shrink_mark(const struct ft_campaign_finding *finding);
bool ft_shrink_is_marked(const struct ft_campaign_finding *finding);

/* ---- campaign_exchange.c ---- */

/* New queue entries of an AFL++ job become inputs of the shared corpus. An input that took its
 * target down is said: findings come another way, so that is our own failure. */
void ft_exchange(struct ft_campaign *campaign, struct ft_job *job);

/* ---- engines.c ---- */

/* Starts a job as a process that dies with us. */
enum ft_status ft_engine_start(const struct ft_campaign *campaign, struct ft_job *job,
                               struct ft_error *error);

/* The program that an engine needs for a driver. */
void ft_engine_program(const struct ft_subject *subject, enum ft_engine engine, char *path);

/* ---- engine_figures.c ---- */

/* Runs since the campaign began, through restarts. */
uint64_t ft_job_executions(const struct ft_job *job);

/* Where a job's target counts its runs, and its log. */
void ft_job_counter_path(const struct ft_job *job, char *path);
void ft_job_log_path(const struct ft_job *job, char *path);

#endif
