# Sourced by shell tests that judge differences between methods by the intervals of their means.
#   gains METRIC [STORE REFERENCE]   lines 'problem|method|mean|lower|upper' for each method and setting: of the
#       difference to REFERENCE, a label, over the users of all seeds of a dataset (`seed=N` is cut out of the problem's
#       label), with its 99 % t interval (t = 2.593 for the least of users, 288). By default $store and $reference.
gains() {
    sqlite3 -separator '|' "${2:-$store}" "
        SELECT ep.label, er.label, sum(b.value - a.value), sum((b.value - a.value) * (b.value - a.value)), count(*)
        FROM experiment_run ea JOIN run ra ON ra.id = ea.run
        JOIN user_value a ON a.run = ra.id AND a.metric = '$1'
        JOIN run rb ON rb.problem = ra.problem AND rb.id <> ra.id
        JOIN user_value b ON b.run = rb.id AND b.metric = '$1' AND b.position = a.position
        JOIN experiment_run er ON er.run = rb.id JOIN experiment_problem ep ON ep.problem = rb.problem
        WHERE ea.label = '${3:-$reference}' GROUP BY 1, 2 ORDER BY 1, 2" | awk -F'|' '
        {
            sub(/ ?seed=[0-9]+/, "", $1)
            key = $1 "|" $2
            sum[key] += $3
            squares[key] += $4
            n[key] += $5
        }
        END {
            for (key in n) {
                mean = sum[key] / n[key]
                half = 2.593 * sqrt((squares[key] - n[key] * mean * mean) / (n[key] - 1) / n[key])
                if (n[key] >= 288) printf "%s|%.4f|%.4f|%.4f\n", key, mean, mean - half, mean + half
            }
        }' | sort
}
