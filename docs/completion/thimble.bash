# bash completion of thimble, written by tools/completion.py: do not edit.

_thimble_values() {
    case $1 in
    -h | --host) COMPREPLY=($(compgen -A hostname -- "$2")) ;;
    --unix) COMPREPLY=($(compgen -f -- "$2")) ;;
    --password-file) COMPREPLY=($(compgen -f -- "$2")) ;;
    --auth) COMPREPLY=($(compgen -W "scram-sha-256" -- "$2")) ;;
    -x) COMPREPLY=($(compgen -W "-1" -- "$2")) ;;
    -V | --protocol-version) COMPREPLY=($(compgen -W "mqttv311 311 mqttv5 5 mqttv31 31" -- "$2")) ;;
    --cafile) COMPREPLY=($(compgen -f -- "$2")) ;;
    --capath) COMPREPLY=($(compgen -d -- "$2")) ;;
    --crlfile) COMPREPLY=($(compgen -f -- "$2")) ;;
    --ocsp) COMPREPLY=($(compgen -W "off staple must" -- "$2")) ;;
    --cert) COMPREPLY=($(compgen -f -- "$2")) ;;
    --key) COMPREPLY=($(compgen -f -- "$2")) ;;
    --identity-dir) COMPREPLY=($(compgen -d -- "$2")) ;;
    --keypass-file) COMPREPLY=($(compgen -f -- "$2")) ;;
    --keyform) COMPREPLY=($(compgen -W "pem" -- "$2")) ;;
    --tls-version) COMPREPLY=($(compgen -W "tlsv1.2 tlsv1.3 1.2 1.3 1.2+ 1.3+" -- "$2")) ;;
    --tls-keylog) COMPREPLY=($(compgen -f -- "$2")) ;;
    --session-file) COMPREPLY=($(compgen -f -- "$2")) ;;
    --hwrng) COMPREPLY=($(compgen -f -- "$2")) ;;
    --clock) COMPREPLY=($(compgen -W "wait sync fail ignore" -- "$2")) ;;
    --clock-file) COMPREPLY=($(compgen -f -- "$2")) ;;
    --will-qos) COMPREPLY=($(compgen -W "0 1 2" -- "$2")) ;;
    -q | --qos) COMPREPLY=($(compgen -W "0 1 2" -- "$2")) ;;
    -f | --file) COMPREPLY=($(compgen -f -- "$2")) ;;
    --retain-handling) COMPREPLY=($(compgen -W "always new never" -- "$2")) ;;
    --listen) COMPREPLY=($(compgen -f -- "$2")) ;;
    --listen-mode) COMPREPLY=($(compgen -W "0600 0660 0666" -- "$2")) ;;
    --spool) COMPREPLY=($(compgen -d -- "$2")) ;;
    --spool-full) COMPREPLY=($(compgen -W "oldest newest refuse" -- "$2")) ;;
    --inbox) COMPREPLY=($(compgen -f -- "$2")) ;;
    --inbox-mode) COMPREPLY=($(compgen -W "0600 0660 0666" -- "$2")) ;;
    --drop) COMPREPLY=($(compgen -d -- "$2")) ;;
    --agent) COMPREPLY=($(compgen -f -- "$2")) ;;
    --retry) COMPREPLY=($(compgen -W "inf" -- "$2")) ;;
    -o) COMPREPLY=($(compgen -f -- "$2")) ;;
    --config) COMPREPLY=($(compgen -f -- "$2")) ;;
    --status-socket) COMPREPLY=($(compgen -f -- "$2")) ;;
    --status-mode) COMPREPLY=($(compgen -W "0600 0660 0666" -- "$2")) ;;
    --prom-file) COMPREPLY=($(compgen -f -- "$2")) ;;
    --log-format) COMPREPLY=($(compgen -W "text json logfmt syslog" -- "$2")) ;;
    --memory-trace) COMPREPLY=($(compgen -f -- "$2")) ;;
    --sandbox) COMPREPLY=($(compgen -W "auto require off" -- "$2")) ;;
    --exit-codes) COMPREPLY=($(compgen -W "thimble mosquitto" -- "$2")) ;;
    --for) COMPREPLY=($(compgen -f -- "$2")) ;;
    --type) COMPREPLY=($(compgen -W "p256 p384" -- "$2")) ;;
    --out) COMPREPLY=($(compgen -f -- "$2")) ;;
    --own-ca) COMPREPLY=($(compgen -f -- "$2")) ;;
    *) COMPREPLY=() ;;
    esac
}

_thimble_options() {
    case $1 in
    pub) echo "-h --host -p --port -L --url --unix -S --addr -A --bind --bind-interface --fwmark --proxy --ws --ws-path --nodelay -i --id -I --id-prefix -u --username -P --pw --password-file --auth -c --disable-clean-session -x -k --keepalive -V --protocol-version -D --property --topic-alias-maximum -M --no-tls --cafile --capath --tls-use-os-certs --pin --pin-ca --crlfile --ocsp --cert --key --identity --identity-dir --keypass-file --keypass-credential --keyform --psk --psk-identity --tls-version --ciphers --ciphersuites --tls-alpn --servername --tls-keylog --insecure --insecure-no-verify --session-file --hwrng --clock --clock-timeout --sntp --clock-file --tls-engine --tls-engine-kpass-sha1 --will-topic --will-payload --will-qos --will-retain -t --topic -q --qos -m --message -f --file -l --stdin-line -s --stdin-file -n --null-message -r --retain --repeat --repeat-delay --agent --message-id --retry --backoff --wait-broker --timeout --timeout-lookup --timeout-tcp --timeout-tls --timeout-connack --timeout-ack -o --config --events --mem-report --status-socket --status-mode --memory-trace --heap-budget --window-budget --outbox-budget --sandbox --exit-codes -d --debug --quiet --help --version" ;;
    sub) echo "-h --host -p --port -L --url --unix -S --addr -A --bind --bind-interface --fwmark --proxy --ws --ws-path --nodelay -i --id -I --id-prefix -u --username -P --pw --password-file --auth -c --disable-clean-session -x -k --keepalive -V --protocol-version -D --property --topic-alias-maximum -M --no-tls --cafile --capath --tls-use-os-certs --pin --pin-ca --crlfile --ocsp --cert --key --identity --identity-dir --keypass-file --keypass-credential --keyform --psk --psk-identity --tls-version --ciphers --ciphersuites --tls-alpn --servername --tls-keylog --insecure --insecure-no-verify --session-file --hwrng --clock --clock-timeout --sntp --clock-file --tls-engine --tls-engine-kpass-sha1 --will-topic --will-payload --will-qos --will-retain -t --topic -q --qos -v --verbose -F --pretty --jsonl -N -w --watch --message-rate -C -W -E -R --retained-only --remove-retained --retain-as-published --retain-handling --random-filter -T --filter-out -U --unsubscribe --retry --backoff --wait-broker --timeout --timeout-lookup --timeout-tcp --timeout-tls --timeout-connack --timeout-ack -o --config --events --mem-report --status-socket --status-mode --memory-trace --heap-budget --window-budget --outbox-budget --sandbox --exit-codes -d --debug --quiet --help --version" ;;
    rr) echo "-h --host -p --port -L --url --unix -S --addr -A --bind --bind-interface --fwmark --proxy --ws --ws-path --nodelay -i --id -I --id-prefix -u --username -P --pw --password-file --auth -c --disable-clean-session -x -k --keepalive -V --protocol-version -D --property --topic-alias-maximum -M --no-tls --cafile --capath --tls-use-os-certs --pin --pin-ca --crlfile --ocsp --cert --key --identity --identity-dir --keypass-file --keypass-credential --keyform --psk --psk-identity --tls-version --ciphers --ciphersuites --tls-alpn --servername --tls-keylog --insecure --insecure-no-verify --session-file --hwrng --clock --clock-timeout --sntp --clock-file --tls-engine --tls-engine-kpass-sha1 --will-topic --will-payload --will-qos --will-retain -t --topic -q --qos -m --message -f --file -s --stdin-file -n --null-message -e --latency -v --verbose -F --pretty --jsonl -N -W -R --retain-as-published --retain-handling --retry --backoff --wait-broker --timeout --timeout-lookup --timeout-tcp --timeout-tls --timeout-connack --timeout-ack -o --config --events --mem-report --status-socket --status-mode --memory-trace --heap-budget --window-budget --outbox-budget --sandbox --exit-codes -d --debug --quiet --help --version" ;;
    tunnel) echo "-h --host -p --port -S --addr -A --bind --bind-interface --fwmark --proxy --cafile --capath --tls-use-os-certs --pin --pin-ca --crlfile --ocsp --cert --key --identity --identity-dir --keypass-file --keypass-credential --tls-version --ciphers --ciphersuites --tls-alpn --servername --insecure --insecure-no-verify --hwrng --clock --clock-timeout --sntp --clock-file --listen --listen-mode --listen-port --timeout --timeout-lookup --timeout-tcp --timeout-tls --heap-budget --sandbox -d --debug --quiet --help --version" ;;
    bench) echo "-h --host -p --port -S --addr -A --bind --bind-interface --fwmark --proxy -k --keepalive -V --protocol-version --cafile --capath --tls-use-os-certs --pin --pin-ca --crlfile --ocsp --cert --key --identity --identity-dir --keypass-file --keypass-credential --tls-version --ciphers --ciphersuites --tls-alpn --servername --insecure --insecure-no-verify --hwrng --clock --clock-timeout --sntp --clock-file --connections --hold --timeout --timeout-lookup --timeout-tcp --timeout-tls --heap-budget --sandbox -d --debug --quiet --json --help --version" ;;
    agent) echo "-h --host -p --port -L --url --unix -S --addr --brokers --failback --fallback-addr -A --bind --bind-interface --fwmark --proxy --ws --ws-path --nodelay -i --id -I --id-prefix -u --username -P --pw --password-file --auth -x -k --keepalive -V --protocol-version -D --property --topic-alias-maximum -M --no-tls --cafile --capath --tls-use-os-certs --pin --pin-ca --crlfile --ocsp --cert --key --identity --identity-dir --keypass-file --keypass-credential --keyform --psk --psk-identity --tls-version --ciphers --ciphersuites --tls-alpn --servername --tls-keylog --insecure --insecure-no-verify --session-file --hwrng --clock --clock-timeout --sntp --clock-file --tls-engine --tls-engine-kpass-sha1 --will-topic --will-payload --will-qos --will-retain -t --topic -q --qos -v --verbose -F --pretty --jsonl -N --status-topic --firmware-version --spool --spool-bytes --spool-messages --spool-age --spool-daily-bytes --spool-full --spool-conflate --spool-attempts --insecure-plain --insecure-plain-topic --inbox --inbox-mode --stdin --drop --drop-topic --retry --backoff --first-delay --wait-broker --timeout --timeout-lookup --timeout-tcp --timeout-tls --timeout-connack --timeout-ack -o -c --config --events --mem-report --status-socket --status-mode --prom-file --log-format --memory-trace --heap-budget --window-budget --outbox-budget --sandbox --exit-codes -d --debug --quiet --device-id --help --version" ;;
    cert) echo "-h --host --addr -A --bind --bind-interface --fwmark --proxy --cafile --capath --tls-use-os-certs --pin --pin-ca --crlfile --ocsp --cert --key --keypass-file --keypass-credential --tls-version --ciphers --ciphersuites --tls-alpn --servername --insecure --clock --clock-timeout --sntp --clock-file --timeout --timeout-lookup --timeout-tcp --timeout-tls --sandbox -d --debug --quiet --json --warn --critical --ca --for --out --help" ;;
    key) echo "--cert --keypass-file --keypass-credential -d --debug --quiet --json --type --out --help" ;;
    csr) echo "--key --keypass-file --keypass-credential -d --debug --quiet --json --out --subject --san --help" ;;
    identity) echo "--cafile --cert --key --identity-dir -d --debug --quiet --json --out --endpoint --device-id --own-ca --with-key --help" ;;
    esac
}

_thimble_takes_value() {
    case $1 in
    -h | --host | -p | --port | -L | --url | --unix | --addr | --brokers | --failback | --fallback-addr | -A | --bind | --bind-interface | --fwmark | --proxy | --ws-path | -i | --id | -I | --id-prefix | -u | --username | -P | --pw | --password-file | --auth | -x | -k | --keepalive | -V | --protocol-version | -D | --property | --topic-alias-maximum | -M | --cafile | --capath | --pin | --pin-ca | --crlfile | --ocsp | --cert | --key | --identity | --identity-dir | --keypass-file | --keypass-credential | --keyform | --psk | --psk-identity | --tls-version | --ciphers | --ciphersuites | --tls-alpn | --servername | --tls-keylog | --session-file | --hwrng | --clock | --clock-timeout | --sntp | --clock-file | --tls-engine | --tls-engine-kpass-sha1 | --will-topic | --will-payload | --will-qos | -t | --topic | -q | --qos | -m | --message | -f | --file | --repeat | --repeat-delay | -e | -F | -C | -W | --retain-handling | --random-filter | -T | --filter-out | -U | --unsubscribe | --listen | --listen-mode | --listen-port | --connections | --hold | --status-topic | --firmware-version | --spool | --spool-bytes | --spool-messages | --spool-age | --spool-daily-bytes | --spool-full | --spool-conflate | --spool-attempts | --insecure-plain | --insecure-plain-topic | --inbox | --inbox-mode | --drop | --drop-topic | --agent | --message-id | --retry | --backoff | --first-delay | --timeout | --timeout-lookup | --timeout-tcp | --timeout-tls | --timeout-connack | --timeout-ack | -o | --config | --mem-report | --status-socket | --status-mode | --prom-file | --log-format | --memory-trace | --heap-budget | --window-budget | --outbox-budget | --sandbox | --exit-codes | --warn | --critical | --for | --type | --out | --subject | --san | --endpoint | --device-id | --own-ca) return 0 ;;
    *) return 1 ;;
    esac
}

_thimble() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command
    local packets="connect publish subscribe unsubscribe disconnect will"
    local properties="authentication-data authentication-method content-type correlation-data maximum-packet-size message-expiry-interval payload-format-indicator reason-string receive-maximum request-problem-information request-response-information response-topic session-expiry-interval subscription-identifier topic-alias topic-alias-maximum user-property will-delay-interval"
    case ${COMP_WORDS[0]##*/} in
    mosquitto_*) command=${COMP_WORDS[0]##*_} ;;
    *) command=${COMP_WORDS[1]} ;;
    esac
    if [[ $COMP_CWORD -eq 1 && ${COMP_WORDS[0]##*/} != mosquitto_* ]]; then
        COMPREPLY=($(compgen -W "pub sub rr tunnel bench agent config cert key csr identity spool status mem explain version help --help --version" -- "$word"))
    elif [[ $command == help && $COMP_CWORD -eq 2 ]]; then
        COMPREPLY=($(compgen -W "pub sub rr tunnel bench agent cert key csr identity" -- "$word"))
    elif [[ $command == mem ]]; then
        COMPREPLY=($(compgen -W "static report plan --json" -- "$word"))
    elif [[ $command == status ]]; then
        COMPREPLY=($(compgen -W "--json --prom --connection -c" -f -- "$word"))
    elif [[ $command == spool && $COMP_CWORD -eq 2 ]]; then
        COMPREPLY=($(compgen -W "stat ls cat drop" -- "$word"))
    elif [[ $command == config && $COMP_CWORD -eq 2 ]]; then
        COMPREPLY=($(compgen -W "check show" -- "$word"))
    elif [[ $command == config && $before == show ]]; then
        COMPREPLY=($(compgen -W "--effective" -- "$word"))
    elif [[ $command == config && $word != -* ]]; then
        COMPREPLY=($(compgen -f -- "$word"))
    elif [[ $before == -D || $before == --property ]]; then
        COMPREPLY=($(compgen -W "$packets" -- "$word"))
    elif [[ " $packets " == *" $before "* ]]; then
        COMPREPLY=($(compgen -W "$properties" -- "$word"))
    elif _thimble_takes_value "$before"; then
        _thimble_values "$before" "$word"
    else
        COMPREPLY=($(compgen -W "$(_thimble_options "$command")" -- "$word"))
    fi
}

complete -o default -F _thimble thimble mosquitto_pub mosquitto_sub mosquitto_rr
