/* The list of formats. */
#include "export/export.h"

const struct ft_export_format *const ft_export_formats[] = {
    &ft_export_html, &ft_export_perfetto, &ft_export_json, &ft_export_ctest, NULL};
