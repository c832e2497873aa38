# bash completion of harness(1): commands, options, and the names that the program itself lists. `make install` puts it
# where bash looks; in a clone: . docs/harness.bash

_harness_names() { "$1" list "$2" --names 2>/dev/null; }

_harness() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' second='' i
    COMPREPLY=()
    # A leading ~ is the shell's to expand, and the program has to be found.
    program=${program/#\~\//$HOME/}
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -*) ;;
        *)
            if [[ ! $command ]]; then
                command=${COMP_WORDS[i]}
            else
                second=${COMP_WORDS[i]}
                break
            fi
            ;;
        esac
    done

    case $before in
    --data | --cache | --trec)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --store | --output | --run | --qrels | --users)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --format)
        mapfile -t COMPREPLY < <(compgen -W 'text md latex csv json' -- "$word")
        return
        ;;
    --metric | --metrics | @) # a list with commas, ndcg@10,auc: completes its last part; bash cuts words at an @
        local done=''
        [[ $word == *,* ]] && done=${word%,*},
        compopt -o nospace
        mapfile -t COMPREPLY < <(compgen -P "$done" -W "$(_harness_names "$program" metrics)" -- "${word##*,}")
        return
        ;;
    --test)
        mapfile -t COMPREPLY < <(compgen -W 't permutation wilcoxon' -- "$word")
        return
        ;;
    --correction)
        mapfile -t COMPREPLY < <(compgen -W 'holm bh tukey none' -- "$word")
        return
        ;;
    --ties)
        mapfile -t COMPREPLY < <(compgen -W 'expected trec_eval' -- "$word")
        return
        ;;
    --cutoff | --cutoffs | --set | --threads | --plot | --baseline | --threshold | --by | --bins | --checkpoint | --user | --item | --top | --reasons) return ;;
    esac

    local words=''
    case $command in
    '') words='run reproduce check list describe data table compare breakdown plot explain evaluate import rosetta export help --help --version' ;;
    run | reproduce | check)
        if [[ $word == -* ]]; then
            words='--set --data --store --help'
            [[ $command == reproduce ]] && words+=' --cache --force --threads --format --quiet --verbose'
            [[ $command == run ]] && words+=' --cache --force --keep-rankings --save-models --checkpoint --threads --metric --format --quiet --verbose'
        else
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -X '!*.ini' -- "$word"; compgen -d -- "$word")
            return
        fi
        ;;
    explain)
        if [[ $word == -* ]]; then
            words='--algorithm --problem --user --item --top --reasons --format --set --data --cache --store'
            words+=' --threads --quiet --help'
        else
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -X '!*.ini' -- "$word"; compgen -d -- "$word")
            return
        fi
        ;;
    list) words='algorithms datasets metrics splits --names --help' ;;
    describe)
        for i in algorithms metrics splits datasets; do
            words+=" $(_harness_names "$program" "$i")"
        done
        ;;
    data)
        case $second in
        '') words='list info verify add fetch --data --help' ;;
        add)
            if [[ $word == -* ]]; then
                words='--data --link --replace --help'
            elif [[ $before == add ]]; then
                words=$(_harness_names "$program" datasets)
            else
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -f -- "$word")
                return
            fi
            ;;
        list) words='--data --help' ;;
        *) words="$(_harness_names "$program" datasets) --data --set --cache --threads --quiet --help" ;;
        esac
        ;;
    rosetta)
        if [[ $word == -* ]]; then
            words='--run --qrels --cutoff --ignore-ranks --format --store --data --cache --threads --help'
        fi
        ;;
    import)
        if [[ $word == -* ]]; then
            words='--experiment --problem --name --ignore-ranks --store --data --cache --threads --quiet --help'
        fi
        ;;
    export)
        if [[ $word == -* ]]; then
            words='--trec --users --force --store --data --cache --quiet --help'
        fi
        ;;
    evaluate)
        if [[ $word == -* ]]; then
            words='--metrics --cutoffs --run --qrels --ties --ignore-ranks --users --format --store --data'
            words+=' --cache --threads --quiet --help'
        fi
        ;;
    table | compare | breakdown | plot)
        if [[ $word == -* ]]; then
            words='--store --help --metric --format'
            [[ $command == compare ]] && words+=' --baseline --pairs --variance --test --correction --threshold'
            [[ $command == breakdown ]] && words+=' --by --bins'
            [[ $command == plot ]] && words='--store --help --output --plot --metric --terminal --script'
        else # an experiment is most often called like its file
            for i in experiments/*.ini; do
                i=${i##*/}
                words+=" ${i%.ini}"
            done
            words=${words/ \*/}
        fi
        ;;
    help) words='run reproduce check list describe data table compare breakdown plot' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _harness harness ./harness
