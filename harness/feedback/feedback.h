/* State feedback: the cells that an input reaches, told to the engine beside the driver's edges, so
 * that an input is kept because it struck at a new moment and not only because of a new line.
 *
 * Order of calls: ft_feedback_open after ft_session_open and before the first run; for each input
 * ft_feedback_begin, then its run. Whatever else runs (a warm-up, a comparison) stands between
 * ft_feedback_pause and ft_feedback_resume, and leaves no trace in the input's coverage: neither
 * cells nor edges.
 */
#ifndef FT_FEEDBACK_H
#define FT_FEEDBACK_H

#include "replay/session.h"

/* Taps the session. Without this call the pause still works. */
void ft_feedback_open(struct ft_session *session);
void ft_feedback_begin(void);
void ft_feedback_pause(void);
void ft_feedback_resume(void);

#endif
