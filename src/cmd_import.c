/* harness import. */
#include "cmd_stored.h"

#include "run/import.h"

static void tell(const struct rh_import_options *o, const struct rh_import_summary *s, struct rh_text *t)
{
    rh_text_printf(t, "%s on %s: %s %.4f\n", o->name, o->problem->tag, s->first.id, s->first.value);
    rh_text_printf(t, "%lld lines; %.1f %% of the candidates are listed, the others count as tied below them\n",
                   (long long)s->lines, 100.0 * (double)s->listed / (double)(s->candidates ? s->candidates : 1));
    if (s->absent)
        rh_text_printf(t, "%d of %d users are not in the file: all their candidates count as tied\n", s->absent,
                       s->queries);
    if (s->not_asked)
        rh_text_printf(t, "%d users of the file are not asked about and were passed over\n", s->not_asked);
    if (s->not_candidates)
        rh_text_printf(t, "%lld lines name items that are no candidates of their user and were passed over\n",
                       (long long)s->not_candidates);
}

int rh_cmd_import(const struct rh_cmd *c, int argc, char **argv)
{
    struct rh_stored_options o = { 0 };
    struct rh_import_options import = { .cancel = c->cancel };
    const char *experiment = NULL, *problem = NULL;
    const struct rh_option option[] = {
        { "experiment", "NAME", "the stored experiment that the run belongs to", .value = &experiment },
        { "problem", "LABEL", "which of its problems the run answers (the only one)", .value = &problem },
        { "name", "WORD", "what the run is called in tables", .value = &import.name },
        { "ignore-ranks", NULL, "let the scores alone decide", .flag = &import.ignore_ranks },
        { "store", "FILE", "where results are (" RH_STORE_DEFAULT ")", .value = &o.store },
        { "data", "DIR", "folder with the raw files", .value = &o.data },
        { "cache", "DIR", "folder for loaded domains, or 'none'", .value = &o.cache },
        { "threads", "N", "processors to use (all)", .value = &o.threads },
        { "quiet", NULL, "warnings only", .flag = &o.quiet },
        RH_OPTIONS_END,
    };
    char **file;
    int n, status;
    if (!rh_options(argc, argv, "import FILE --experiment E --name WORD [OPTION]...",
                    "Judges a run that another program made, TREC or CSV, like the runs of a stored experiment.",
                    option, &file, &n, &status))
        return status;
    if (n != 1 || !experiment || !import.name)
        return rh_usage_error("import takes one file, --experiment NAME and --name WORD");
    struct rh_error err = { 0 };
    struct rh_stored s = { 0 };
    struct rh_import_summary summary;
    struct rh_text text = { 0 };
    import.file = file[0];
    status = rh_stored_open(c, &o, RH_STORE_WRITE, experiment, &s, &err);
    if (status >= 0 && !problem && s.recalled.n_problems == 1)
        import.problem = &s.recalled.problem[0];
    else if (status >= 0)
        status = rh_recall_find(&s.recalled, problem ? problem : "", &import.problem, &err);
    if (status >= 0) {
        import.threads = s.env.threads;
        status = rh_import(&s.recalled, &import, &summary, &err);
    }
    if (status >= 0)
        tell(&import, &summary, &text);
    rh_stored_close(&s);
    return rh_finish_report(NULL, &text, status, &err);
}
