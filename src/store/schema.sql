-- The results store of harness, version 3. Comments inside the statements stay in the file: `.schema` shows them. A
-- store of an earlier version is brought up to date by the same text; see store/open.c.
-- Rows refer to each other by rowid inside one file. Across files the natural keys count: experiment.name,
-- problem.identity and run.identity (SHA-256 in hex), which is what makes two stores mergeable.

CREATE TABLE IF NOT EXISTS experiment (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    ini TEXT NOT NULL,              -- the whole text of the .ini
    primary_metric TEXT NOT NULL,   -- id of the metric that orders the leaderboard
    metrics TEXT NOT NULL,          -- ids of the columns of its table, separated by commas; '': all
    updated TEXT NOT NULL           -- UTC time when it was last run
) STRICT;

CREATE TABLE IF NOT EXISTS plot ( -- the [plot.NAME] sections of an experiment
    experiment INTEGER NOT NULL REFERENCES experiment ON DELETE CASCADE,
    position INTEGER NOT NULL,      -- from 0, as written
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    kind TEXT NOT NULL,             -- 'bars' or 'lines'
    x TEXT NOT NULL,                -- 'algorithm', or the key of a swept setting
    y TEXT NOT NULL,                -- metric id
    series TEXT NOT NULL,           -- 'algorithm', 'problem', or the key of a swept setting
    PRIMARY KEY (experiment, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS problem ( -- one fold of a split of one target domain; shared by experiments
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,  -- hash of data, settings, fold and seed
    target TEXT NOT NULL,           -- dataset of the target domain
    sources TEXT NOT NULL,          -- datasets of the source domains, separated by commas; '': none
    split TEXT NOT NULL,
    fold INTEGER NOT NULL,
    seed INTEGER NOT NULL,          -- 64 bits; printf('%llu', seed) shows it without a sign
    content TEXT,                   -- hash of what was built: train rows, queries, truths. NULL: not built yet, and
    users INTEGER,                  --   so are the columns from here on
    items INTEGER,
    train_rows INTEGER,             -- of the target
    source_rows INTEGER,            -- of all sources
    test_rows INTEGER,
    test_queries INTEGER,
    validation_queries INTEGER,
    cold_users INTEGER,             -- test queries of users without a target train row
    shared_users INTEGER,           -- users with rows in the target and in a source
    unused_rows INTEGER             -- target rows in no part
) STRICT;

CREATE TABLE IF NOT EXISTS problem_setting ( -- effective settings of datasets and split: 'split.k', 'data.shift'
    problem INTEGER NOT NULL REFERENCES problem ON DELETE CASCADE,
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (problem, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS problem_query ( -- whose query stands where; the order of the values in metric_user
    problem INTEGER NOT NULL REFERENCES problem ON DELETE CASCADE,
    position INTEGER NOT NULL,      -- from 0
    user TEXT NOT NULL,             -- the user's id as in the data
    PRIMARY KEY (problem, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS removed ( -- what each filter took away, in the order of the filters
    problem INTEGER NOT NULL REFERENCES problem ON DELETE CASCADE,
    position INTEGER NOT NULL,
    domain TEXT NOT NULL,
    step TEXT NOT NULL,             -- 'duplicates', 'value >= 4', '5-core', ...
    rows INTEGER NOT NULL,
    users INTEGER NOT NULL,
    items INTEGER NOT NULL,
    PRIMARY KEY (problem, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS leakage ( -- counts that should be zero
    problem INTEGER NOT NULL REFERENCES problem ON DELETE CASCADE,
    position INTEGER NOT NULL,
    what TEXT NOT NULL,
    count INTEGER NOT NULL,
    total INTEGER NOT NULL,         -- of how many looked at; 0: has no total
    PRIMARY KEY (problem, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS run ( -- one algorithm, with its parameters and seed, fitted and measured on one problem
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,  -- hash of problem, algorithm, revision, parameters, seed and evaluation
    problem INTEGER NOT NULL REFERENCES problem ON DELETE CASCADE,
    algorithm TEXT NOT NULL,
    label TEXT NOT NULL,            -- name in the experiment that ran it; see experiment_run.label
    revision INTEGER NOT NULL,      -- of the algorithm: other revision, other numbers
    seed INTEGER NOT NULL,          -- 64 bits: the problem's, and 2^32 more for each further initialisation
    status TEXT NOT NULL,           -- 'done'; 'stale': its problem was since built with other content; else it
                                    --   failed: 'invalid', 'data', 'io', 'memory', 'numeric', 'unsupported',
                                    --   'cancelled', 'bug'
    message TEXT NOT NULL,          -- why it failed; '' when done
    queries INTEGER NOT NULL,
    fit_seconds REAL,
    score_seconds REAL,
    wall_seconds REAL,
    cpu_seconds REAL,
    state_bytes INTEGER NOT NULL,   -- largest memory of the algorithm
    peak_bytes INTEGER NOT NULL,    -- largest memory of the process so far
    tied INTEGER NOT NULL,          -- relevant items whose score another candidate shares
    relevant INTEGER NOT NULL,      -- relevant items in all
    threads INTEGER NOT NULL,
    stored TEXT NOT NULL            -- UTC time
) STRICT;
CREATE INDEX IF NOT EXISTS run_of_problem ON run (problem);

CREATE TABLE IF NOT EXISTS run_param ( -- effective parameters, defaults included
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS run_odd ( -- queries that a metric was not made for, where there are any
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    position INTEGER NOT NULL,
    what TEXT NOT NULL,             -- with what became of them: 'queries without a history (kept)'
    count INTEGER NOT NULL,         -- of run.queries
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS epoch ( -- the learning curve
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    epoch INTEGER NOT NULL,         -- from 1
    loss REAL,                      -- NULL: the algorithm reports none
    validation REAL,                -- the metric that early stopping looks at; NULL: not measured
    seconds REAL,                   -- of this epoch
    best INTEGER NOT NULL,          -- 1: the epoch whose state was kept
    PRIMARY KEY (run, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS metric ( -- a run's values
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    position INTEGER NOT NULL,      -- as asked for
    id TEXT NOT NULL,               -- 'ndcg@10'
    definition TEXT NOT NULL,       -- the variant spelled out: 'ndcg@10/gain=bin/ideal=min'
    lower_is_better INTEGER NOT NULL,
    value REAL,                     -- NULL: undefined
    defined INTEGER NOT NULL,       -- queries where it is defined
    PRIMARY KEY (run, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS metric_user ( -- a run's values, one a query
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    metric TEXT NOT NULL,           -- metric.id
    value BLOB NOT NULL,            -- run.queries little-endian IEEE 754 doubles in the order of problem_query;
                                    --   NaN: undefined. The view user_value spreads them out.
    UNIQUE (run, metric)
) STRICT;

CREATE TABLE IF NOT EXISTS provenance ( -- what made the run: program version, commit, compiler, flags, BLAS, CPU, ...
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS experiment_problem ( -- the problems of an experiment, in its order
    experiment INTEGER NOT NULL REFERENCES experiment ON DELETE CASCADE,
    position INTEGER NOT NULL,
    problem INTEGER NOT NULL REFERENCES problem ON DELETE CASCADE,
    name TEXT NOT NULL,             -- of its section
    label TEXT NOT NULL,            -- with the swept settings: 'cold k=5'; folds and seeds share a label
    swept TEXT NOT NULL,            -- keys of the swept settings, separated by commas
    PRIMARY KEY (experiment, position),
    UNIQUE (experiment, problem)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS experiment_of_problem ON experiment_problem (problem);

CREATE TABLE IF NOT EXISTS experiment_run ( -- the runs of an experiment, in its order
    experiment INTEGER NOT NULL REFERENCES experiment ON DELETE CASCADE,
    position INTEGER NOT NULL,
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    label TEXT NOT NULL,            -- this experiment's name for it: 'itemknn neighbors=20'
    twin TEXT NOT NULL DEFAULT '',  -- label of the run without transfer that it is judged against; '': none
    PRIMARY KEY (experiment, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS experiment_of_run ON experiment_run (run);

-- What is known of the queries, items and held-out rows of a problem, so that values can be broken down and computed
-- anew without its data. Values are little-endian IEEE 754 doubles, NaN where unknown; of a fact with labels a value
-- is the number of its label, from 0.
--   subject 'query': one a query in the order of problem_query: 'history' (rows of the target that the model may look
--     at), 'train_rows' (of the user in the target), 'source_rows' (of the user in the sources), 'test_rows' (held-out
--     rows of the query), 'candidates' (items that are ranked), 'time' (unix seconds of its first held-out row), and
--     one for each user feature with one value a user: 'user.gender'
--   subject 'item': one a target item in the order of problem_item: 'train_rows' (its popularity), 'first_time' (of its
--     first train row)
--   subject 'test': one a held-out row, query by query, ascending by item: 'item' (position in problem_item), 'value'
--     (its rating), 'time'
CREATE TABLE IF NOT EXISTS problem_fact (
    problem INTEGER NOT NULL REFERENCES problem ON DELETE CASCADE,
    subject TEXT NOT NULL,
    key TEXT NOT NULL,
    labels TEXT,                    -- one a line; NULL: the values are numbers
    value BLOB NOT NULL,
    UNIQUE (problem, subject, key)
) STRICT;

CREATE TABLE IF NOT EXISTS problem_item ( -- the target's items; written for problems with kept rankings
    problem INTEGER NOT NULL REFERENCES problem ON DELETE CASCADE,
    position INTEGER NOT NULL,      -- from 0
    item TEXT NOT NULL,             -- the item's id as in the data
    title TEXT NOT NULL,            -- '' where unknown
    PRIMARY KEY (problem, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS run_test ( -- where the held-out rows came out, in the order of the facts of subject 'test'
    run INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
    above BLOB NOT NULL,           -- little-endian 32-bit: candidates with a larger score; -1: not a relevant candidate
    tied BLOB NOT NULL,             -- 32-bit: candidates with the same score, itself among them; 0 where above is -1
    predicted BLOB                  -- 32-bit floats: the score, clipped to the rating scale; NULL: it does not rate
) STRICT;

CREATE TABLE IF NOT EXISTS ranking ( -- the best items of every query; written by run --keep-rankings
    run INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
    depth INTEGER NOT NULL,        -- a query has min(depth, its candidates) of them, best first, ties ascending by item
    item BLOB NOT NULL,             -- little-endian 32-bit positions in problem_item, query by query
    score BLOB NOT NULL             -- 32-bit floats
) STRICT;

CREATE TABLE IF NOT EXISTS model ( -- where the fitted model of a run is; written by run --save-models
    run INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
    path TEXT NOT NULL,             -- of the file, from the folder of this store unless absolute
    hash TEXT NOT NULL,             -- SHA-256 of the file
    bytes INTEGER NOT NULL          -- its size
) STRICT;

-- Every experiment, problem by problem, best first. Folds and seeds of one label are averaged.
CREATE VIEW IF NOT EXISTS leaderboard AS
WITH line AS (
    SELECT er.experiment, ep.label AS problem, er.label AS algorithm, min(ep.position) AS problem_position,
           min(er.position) AS run_position, count(*) AS runs, sum(r.status = 'done') AS done,
           max(r.message) AS message, avg(r.wall_seconds) AS seconds
    FROM experiment_run er
    JOIN run r ON r.id = er.run
    JOIN experiment_problem ep ON ep.experiment = er.experiment AND ep.problem = r.problem
    GROUP BY er.experiment, ep.label, er.label
), cell AS (
    SELECT er.experiment, ep.label AS problem, er.label AS algorithm, m.id AS metric, min(m.position) AS position,
           max(m.lower_is_better) AS lower_is_better, avg(m.value) AS value
    FROM experiment_run er
    JOIN run r ON r.id = er.run AND r.status = 'done'
    JOIN experiment_problem ep ON ep.experiment = er.experiment AND ep.problem = r.problem
    JOIN metric m ON m.run = r.id
    GROUP BY er.experiment, ep.label, er.label, m.id
)
SELECT e.name AS experiment, l.problem, l.algorithm, e.primary_metric AS metric,
       iif(c.value IS NULL, '-', printf('%.4f', c.value)) AS value,
       coalesce((SELECT group_concat(o.text, ', ')
                 FROM (SELECT metric || ' ' || iif(value IS NULL, '-', printf('%.4f', value)) AS text
                       FROM cell
                       WHERE experiment = l.experiment AND problem = l.problem AND algorithm = l.algorithm
                             AND metric <> e.primary_metric
                       ORDER BY position LIMIT 4) o), '') AS others,
       CASE WHEN l.done = l.runs THEN 'done'
            WHEN l.done = 0 THEN 'failed: ' || l.message
            ELSE (l.runs - l.done) || ' of ' || l.runs || ' failed: ' || l.message END AS status,
       l.runs, printf('%.2f', l.seconds) AS seconds
FROM line l
JOIN experiment e ON e.id = l.experiment
LEFT JOIN cell c ON c.experiment = l.experiment AND c.problem = l.problem AND c.algorithm = l.algorithm
                    AND c.metric = e.primary_metric
ORDER BY e.name, l.problem_position, c.value IS NULL, CASE c.lower_is_better WHEN 1 THEN c.value ELSE -c.value END,
         l.run_position;

-- metric_user spread out: a row a query. Plain SQL, so it works in every SQLite: the 16 hex digits of a double are
-- taken apart into exponent and fraction. Exact; values below 2^-124 in size show as 0, infinities and NaN as NULL.
-- SQLite reads the whole blob for any part of it: so first pieces of 512 values are cut (DISTINCT keeps the planner
-- from undoing that), then the values from a piece.
CREATE VIEW IF NOT EXISTS user_value AS
WITH piece AS (
    SELECT DISTINCT mu.run, mu.metric, r.problem, q.position AS first,
           substr(mu.value, 8 * q.position + 1, 8 * 512) AS value
    FROM metric_user mu
    JOIN run r ON r.id = mu.run AND r.status <> 'stale'
    JOIN problem_query q ON q.problem = r.problem AND q.position % 512 = 0
), digits AS (
    SELECT p.run, p.metric, q.position, q.user, hex(substr(p.value, 8 * (q.position - p.first) + 1, 8)) AS h
    FROM piece p
    CROSS JOIN problem_query q ON q.problem = p.problem AND q.position BETWEEN p.first AND p.first + 511
), parts AS (
    SELECT run, metric, position, user, instr('123456789ABCDEF', substr(h, 15, 1)) AS high, -- sign and exponent
           ((instr('123456789ABCDEF', substr(h, 15, 1)) & 7) << 8) + (instr('123456789ABCDEF', substr(h, 16, 1)) << 4)
           + instr('123456789ABCDEF', substr(h, 13, 1)) - 1075 AS e,
           (instr('123456789ABCDEF', substr(h, 14, 1)) << 48)
           + (instr('123456789ABCDEF', substr(h, 11, 1)) << 44) + (instr('123456789ABCDEF', substr(h, 12, 1)) << 40)
           + (instr('123456789ABCDEF', substr(h, 9, 1)) << 36) + (instr('123456789ABCDEF', substr(h, 10, 1)) << 32)
           + (instr('123456789ABCDEF', substr(h, 7, 1)) << 28) + (instr('123456789ABCDEF', substr(h, 8, 1)) << 24)
           + (instr('123456789ABCDEF', substr(h, 5, 1)) << 20) + (instr('123456789ABCDEF', substr(h, 6, 1)) << 16)
           + (instr('123456789ABCDEF', substr(h, 3, 1)) << 12) + (instr('123456789ABCDEF', substr(h, 4, 1)) << 8)
           + (instr('123456789ABCDEF', substr(h, 1, 1)) << 4) + instr('123456789ABCDEF', substr(h, 2, 1)) AS fraction
    FROM digits
)
SELECT run, metric, position, user,
       CASE WHEN e = 972 THEN NULL -- all exponent bits set
            WHEN e < -176 THEN 0.0
            ELSE (CASE WHEN high >= 8 THEN -1.0 ELSE 1.0 END) * (fraction + (1 << 52))
                 * (CASE WHEN e >= 0 THEN 1 << min(e, 62) ELSE 1.0 / (1 << min(-e, 60)) END)
                 / (CASE WHEN e < -60 THEN 1 << min(-e - 60, 60) ELSE 1 END)
                 / (CASE WHEN e < -120 THEN 1 << (-e - 120) ELSE 1 END)
       END AS value
FROM parts;
