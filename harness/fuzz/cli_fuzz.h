/* The verb `fuzz`. Returns the exit status of design section 8. */
#ifndef FT_CLI_FUZZ_H
#define FT_CLI_FUZZ_H

#include "cli/cli.h"
#include "fuzz/campaign/campaign.h"

int ft_cli_fuzz(struct ft_cli *cli, int argc, char **argv);

/* ---- fuzz_report.c: what a campaign says ---- */

/* Who speaks; before the campaign runs. */
void ft_fuzz_report_begin(const struct ft_cli *cli, const struct ft_campaign *campaign);

/* For the campaign to call: one line that is rewritten on a terminal, one every ten seconds
 * elsewhere; nothing with --json. */
void ft_fuzz_progress(const struct ft_campaign *campaign);

/* A remark on standard error, above the progress line. */
void ft_fuzz_note(const char *text);

/* The end: for people on standard output, or one JSON object. The last line is the command that
 * replays the first finding, or else the one that goes on with the campaign. */
void ft_fuzz_summary(const struct ft_cli *cli, const struct ft_campaign *campaign);

/* ---- fuzz_json.c ---- */

/* The answer to --json. `next` is the command of the last line. */
void ft_fuzz_json(const struct ft_cli *cli, const struct ft_campaign *campaign, const char *next);

/* ---- both ---- */

/* "dma.flush-before-complete"; "crash" for a finding without a rule. */
const char *ft_fuzz_finding_name(const struct ft_campaign_finding *finding);

/* The driver's function, "" when it is not known. */
const char *ft_fuzz_finding_function(const struct ft_campaign_finding *finding);

/* The command that replays a finding. */
void ft_fuzz_replay_command(const struct ft_cli *cli, const struct ft_campaign_finding *finding,
                            struct ft_command *command);

/* The first finding that counts, NULL: none. */
const struct ft_campaign_finding *ft_fuzz_first(const struct ft_campaign *campaign);

#endif
