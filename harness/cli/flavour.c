/* Flavours: one program each, side by side. */
#include "cli/cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 64 };

const char *ft_cli_own_flavour(void)
{
    return ft_module_count() != 0 ? ft_module_at(0)->flavour : "plain";
}

bool ft_cli_sibling(const char *name, char *path, size_t capacity)
{
    ssize_t length = readlink("/proc/self/exe", path, capacity - 1);
    char *slash;

    if (length <= 0) {
        return false;
    }
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash + 1 - path) + strlen(name) + 1 > capacity) {
        return false;
    }
    snprintf(slash + 1, capacity - (size_t)(slash + 1 - path), "%s", name);
    return true;
}

int ft_cli_enter_flavour(const struct ft_cli *cli)
{
    const char *wanted = cli->flavour;
    bool plain;
    char name[64];
    char path[4096];

    if (wanted == NULL || strcmp(wanted, ft_cli_own_flavour()) == 0) {
        return FT_EXIT_OK;
    }
    plain = strcmp(wanted, "plain") == 0;
    if (!plain && strcmp(wanted, "asan") != 0 && strcmp(wanted, "access") != 0 &&
        strcmp(wanted, "coverage") != 0) {
        return ft_cli_refuse(cli, FT_USAGE, "no flavour %.40s: plain, asan or access", wanted);
    }
    if (plain && strcmp(ft_cli_own_flavour(), "dev") == 0) {
        return ft_cli_refuse(cli, FT_NO_DRIVER, "this build has no flavour plain, only dev");
    }
    snprintf(name, sizeof(name), "flushtrace%s%s", plain ? "" : "-", plain ? "" : wanted);
    if (!ft_cli_sibling(name, path, sizeof(path)) || access(path, X_OK) != 0) {
        return ft_cli_refuse(
            cli, FT_NO_DRIVER,
            "flavour %s needs the program %s beside this one: %s (build the preset "
            "release)",
            wanted, name, strerror(errno));
    }
    fflush(NULL);
    execv(path, cli->typed);
    return ft_cli_refuse(cli, FT_IO, "cannot start %.200s: %s", path, strerror(errno));
}

int ft_cli_take_flavour(struct ft_cli *cli, const char *flavour)
{
    char *typed[ARGUMENTS_MAX + 3] = {cli->typed[0], cli->typed[1], "--flavour", (char *)flavour};

    for (unsigned i = 2; cli->typed[i] != NULL; i++) {
        if (i == ARGUMENTS_MAX) {
            return ft_cli_refuse(cli, FT_USAGE, "too many arguments");
        }
        typed[i + 2] = cli->typed[i];
    }
    cli->flavour = flavour;
    cli->typed = typed;
    ft_cli_note(cli, "flavour %s takes over: flavour %s does not see the finding", flavour,
                ft_cli_own_flavour());
    return ft_cli_enter_flavour(cli);
}
