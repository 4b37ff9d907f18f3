/* Commands that run it again, quoted for a shell. */
#include "cli/cli.h"

#include <string.h>

static void put(struct ft_command *command, const char *text, size_t length)
{
    size_t room = sizeof(command->text) - 1 - command->length;

    length = length < room ? length : room;
    memcpy(command->text + command->length, text, length);
    command->length += length;
    command->text[command->length] = '\0';
}

static bool needs_quotes(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=./,:@%";

    return word[0] == '\0' || word[strspn(word, plain)] != '\0';
}

void ft_command_word(struct ft_command *command, const char *word)
{
    if (command->length != 0) {
        put(command, " ", 1);
    }
    if (!needs_quotes(word)) {
        put(command, word, strlen(word));
        return;
    }
    put(command, "'", 1);
    for (; *word != '\0'; word++) {
        put(command, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
    }
    put(command, "'", 1);
}

void ft_command_option(struct ft_command *command, const char *option, const char *value)
{
    if (value != NULL) {
        ft_command_word(command, option);
        ft_command_word(command, value);
    }
}

void ft_command_begin(struct ft_command *command, const struct ft_cli *cli, const char *verb)
{
    command->length = 0;
    command->text[0] = '\0';
    ft_command_word(command, cli->program);
    ft_command_word(command, verb);
    ft_command_option(command, "--flavour", cli->flavour);
}

void ft_command_replay(struct ft_command *command, const struct ft_cli *cli, const char *path)
{
    ft_command_begin(command, cli, "replay");
    ft_command_option(command, "--driver", cli->driver);
    ft_command_word(command, path);
}

void ft_command_replay_of(struct ft_command *command, const struct ft_cli *cli,
                          const struct ft_trace *trace)
{
    ft_command_replay(command, cli, cli->argument[0]);
    if (ft_module_find(trace->core, "") == NULL && strchr(trace->core, '/') == NULL) {
        char module[sizeof(trace->core) + 8];

        /* A module of its own: where it is the trace does not say. */
        snprintf(module, sizeof(module), "./%s.so", trace->core);
        ft_command_option(command, "--driver", module);
    }
    if (strcmp(trace->flavour, "plain") != 0 && cli->flavour == NULL &&
        strcmp(trace->flavour, ft_cli_own_flavour()) != 0) {
        ft_command_option(command, "--flavour", trace->flavour);
    }
}
