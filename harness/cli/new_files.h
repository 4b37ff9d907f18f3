/* The files that `flushtrace new` writes, made from a core of ours by new_files.cmake. */
#ifndef FT_CLI_NEW_FILES_H
#define FT_CLI_NEW_FILES_H

#include <stddef.h>

/* The core's name, and its own name in identifiers. */
#define FT_NEW_CORE  "wdm-packet"
#define FT_NEW_LOWER "packet"
#define FT_NEW_UPPER "PACKET"
#define FT_NEW_CAMEL "Packet"

struct ft_new_file {
    const char *name; /* below the project's folder */
    const unsigned char *bytes;
    size_t length; /* without the NUL behind it */
};

extern const struct ft_new_file ft_new_file[];     /* renamed as they are copied */
extern const struct ft_new_file ft_new_template[]; /* with @KEY@ to fill in */
extern const size_t ft_new_file_count, ft_new_template_count;

#endif
