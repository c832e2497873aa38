/* What the kinds of pictures share while a gnuplot script is written. */
#ifndef RH_REPORT_DRAWING_H
#define RH_REPORT_DRAWING_H

#include "report/script.h"

/* Lengths are pixels in pictures and characters in a terminal, counted from the top left corner. The margins are all
 * set here and not left to gnuplot, which guesses the width of texts and cuts long names. */
struct rh_drawing {
    const struct rh_chart *c;
    struct rh_text *t;
    bool terminal;
    double letter, line;             /* mean width of a letter, height of a line of text */
    double width, height;            /* of the whole */
    double left, right, top, bottom; /* of the panel at work */
};

/* Terminal, size and encoding; the titles above all; the height of these. */
void rh_drawing_open(struct rh_drawing *d, enum rh_picture picture, const char *output);
void rh_drawing_titles(struct rh_drawing *d);
double rh_drawing_head(const struct rh_chart *c);

/* A text as gnuplot's 'literal', in which nothing is expanded but the doubled quote. `doubled` is another letter to
 * double ('%' in labels of tics, which are formats), or 0. What is no text becomes '?': an SVG must be UTF-8. */
void rh_quoted(struct rh_text *t, const char *s, char doubled);

/* A diagram of mean ranks, for pictures. */
void rh_ranks_draw(struct rh_drawing *d, enum rh_picture picture, const char *output);

#endif
