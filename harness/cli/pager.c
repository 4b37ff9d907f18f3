/* The pager: a terminal's reader wants to read from the top. */
#define _GNU_SOURCE
#include "cli/cli.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHELL_CANNOT_RUN = 126, SHELL_NOT_FOUND = 127 };

/* less with colours, which leaves at once what fits on the screen. Without less there is still the
 * text. */
static const char usual[] = "if command -v less >/dev/null 2>&1; then exec less -R -F -X; else "
                            "exec cat; fi";

FILE *ft_cli_page_begin(const struct ft_cli *cli)
{
    const char *pager = getenv("PAGER");
    FILE *out;

    if (cli->no_pager || isatty(STDOUT_FILENO) == 0 || (pager != NULL && pager[0] == '\0')) {
        return stdout;
    }
    setenv("LESS", "FRX", 0);
    fflush(stdout);
    out = popen(pager != NULL ? pager : usual, "we");
    if (out == NULL) {
        return stdout;
    }
    /* A reader who has seen enough is no failure, and an interrupt is for the pager alone, which
     * must not inherit this. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    return out;
}

void ft_cli_page_end(const struct ft_cli *cli, FILE *out)
{
    int status;

    if (out == stdout) {
        return;
    }
    status = pclose(out);
    if (status != -1 && WIFEXITED(status) &&
        (WEXITSTATUS(status) == SHELL_CANNOT_RUN || WEXITSTATUS(status) == SHELL_NOT_FOUND)) {
        ft_cli_note(cli, "the pager cannot be run: %s (see --no-pager)", getenv("PAGER"));
    }
}
