/* The page of `export --format html`: what stands in page/, made into C at build time
 * (embed_page.cmake). */
#ifndef FT_PAGE_H
#define FT_PAGE_H

#include <stddef.h>

extern const char ft_page_html[]; /* with the marks <!--@style-->, <!--@data-->, <!--@script--> */
extern const char ft_page_css[];
extern const char *const ft_page_script[]; /* in the order in which they run */
extern const size_t ft_page_script_count;

#endif
