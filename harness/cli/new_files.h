/* The files that `flushtrace new` writes, made from cores of ours by new_files.cmake. */
#ifndef FT_CLI_NEW_FILES_H
#define FT_CLI_NEW_FILES_H

#include <stddef.h>

struct ft_new_file {
    const char *name; /* below the project's folder */
    const unsigned char *bytes;
    size_t length; /* without the NUL behind it */
};

/* A core that a project begins as. */
struct ft_new_core {
    const char *model;                 /* wdm, kmdf, scsi */
    const char *name;                  /* the core's name: wdm-packet */
    const char *lower, *upper, *camel; /* its own name in identifiers */
    const char *what;                  /* a sentence about the driver */
    const struct ft_new_file *file;    /* renamed as they are copied */
    size_t file_count;
};

extern const struct ft_new_core ft_new_core[]; /* the first is the default */
extern const size_t ft_new_core_count;
extern const struct ft_new_file ft_new_template[]; /* with @KEY@ to fill in */
extern const size_t ft_new_template_count;

#endif
