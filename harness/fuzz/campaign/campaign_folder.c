/* The folder of a campaign: made, locked, tidied up after a campaign that was killed. */
#define _GNU_SOURCE 1
#include "atomic_file.h"
#include "fuzz/campaign/campaign_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void ft_path(char *path, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(path, FT_PATH_BYTES, format, args);
    va_end(args);
    if (length < 0 || length >= FT_PATH_BYTES) {
        fprintf(stderr, "flushtrace fuzz: a path is too long: %s...\n", path);
        exit(3);
    }
}

void ft_note(const struct ft_campaign *campaign, const char *format, ...)
{
    char text[2 * FT_PATH_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (campaign->note)
        campaign->note(text);
}

static int no_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int no_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

void ft_each_file(const char *folder, bool hidden, void (*visit)(void *context, const char *name),
                  void *context)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, hidden ? no_dots : no_hidden, alphasort);

    for (int i = 0; i < count; i++) {
        visit(context, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

bool ft_write_whole(const char *scratch, const char *path, const void *bytes, size_t length)
{
    char temporary[FT_PATH_BYTES];
    bool ok;
    int file;

    ft_path(temporary, "%s/.%d.new", scratch, (int)getpid());
    file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return false;
    ok = ft_write_all(file, bytes, length);
    ok = close(file) == 0 && ok;
    ok = ok && rename(temporary, path) == 0;
    if (!ok)
        unlink(temporary);
    return ok;
}

static enum ft_status make_folders(const struct ft_subject *subject, struct ft_error *error)
{
    static const char *const parts[] = {"",          "/corpus",   "/pending",
                                        "/findings", "/unshrunk", "/log"};
    char path[FT_PATH_BYTES];

    for (const char *slash = strchr(subject->folder + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        ft_path(path, "%.*s", (int)(slash - subject->folder), subject->folder);
        mkdir(path, 0777);
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        ft_path(path, "%s%s", subject->folder, parts[i]);
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return ft_fail(error, FT_IO, 0, "%.200s: %s", path, strerror(errno));
    }
    return FT_OK;
}

/* Two campaigns in one folder would take each other's findings away. The lock goes with its
 * process, however that ends; the number in it is for people. */
static enum ft_status take_lock(struct ft_subject *subject, struct ft_error *error)
{
    char path[FT_PATH_BYTES], text[32] = "";
    ssize_t length;

    ft_path(path, "%s/lock", subject->folder);
    subject->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (subject->lock < 0)
        return ft_fail(error, FT_IO, 0, "%.200s: %s", path, strerror(errno));
    if (flock(subject->lock, LOCK_EX | LOCK_NB) != 0) {
        length = read(subject->lock, text, sizeof text - 1);
        text[length > 0 ? strcspn(text, "\n") : 0] = '\0';
        close(subject->lock);
        subject->lock = -1;
        return ft_fail(error, FT_USAGE, 0, "another campaign (process %s) is at work in %.150s",
                       text, subject->folder);
    }
    length = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(subject->lock, 0) != 0 || !ft_write_all(subject->lock, text, (size_t)length))
        return ft_fail(error, FT_IO, 0, "%.200s: %s", path, strerror(errno));
    return FT_OK;
}

struct tidy {
    const struct ft_campaign *campaign;
    char folder[FT_PATH_BYTES];
};

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);

    return length >= tail && strcmp(name + length - tail, end) == 0;
}

/* What a process that was killed left unfinished: its temporary files. */
static void remove_temporary(void *context, const char *name)
{
    const struct tidy *tidy = context;
    char path[FT_PATH_BYTES];

    if (!ends_with(name, ".tmp") && !ends_with(name, ".new"))
        return;
    ft_path(path, "%s/%s", tidy->folder, name);
    if (unlink(path) == 0)
        ft_note(tidy->campaign, "removed %s, which an earlier campaign had not finished", path);
}

/* AFL++ wants one input to begin with: an empty scenario. */
static enum ft_status make_first_input(const struct ft_subject *subject, struct ft_error *error)
{
    char scratch[FT_PATH_BYTES], path[FT_PATH_BYTES];

    ft_path(scratch, "%s/log", subject->folder);
    ft_path(path, "%s/corpus/empty", subject->folder);
    if (access(path, F_OK) != 0 && !ft_write_whole(scratch, path, "", 1))
        return ft_fail(error, FT_IO, 0, "%.200s: %s", path, strerror(errno));
    return FT_OK;
}

enum ft_status ft_folder_open(const struct ft_campaign *campaign, struct ft_subject *subject,
                              struct ft_error *error)
{
    static const char *const parts[] = {"pending", "findings", "log"};
    struct tidy tidy = {.campaign = campaign};
    enum ft_status status;

    subject->lock = -1;
    status = make_folders(subject, error);
    if (status == FT_OK)
        status = take_lock(subject, error);
    if (status != FT_OK)
        return status;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        ft_path(tidy.folder, "%s/%s", subject->folder, parts[i]);
        ft_each_file(tidy.folder, true, remove_temporary, &tidy);
    }
    ft_folder_count(subject);
    subject->inputs_begun = subject->inputs;
    return campaign->engine[FT_ENGINE_AFL] ? make_first_input(subject, error) : FT_OK;
}

void ft_folder_close(struct ft_subject *subject)
{
    if (subject->lock >= 0)
        close(subject->lock);
    subject->lock = -1;
}

void ft_folder_count(struct ft_subject *subject)
{
    char path[FT_PATH_BYTES];
    struct dirent *entry;
    uint64_t count = 0;
    DIR *folder;

    ft_path(path, "%s/corpus", subject->folder);
    folder = opendir(path);
    while (folder && (entry = readdir(folder)))
        count += entry->d_name[0] != '.';
    if (folder)
        closedir(folder);
    subject->inputs = count;
}
