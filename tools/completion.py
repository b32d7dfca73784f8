#!/usr/bin/python3
"""Writes the completions of bash and zsh from the option table, src/cli/table.c.

    tools/completion.py            write docs/completion/thimble.bash and docs/completion/_thimble
    tools/completion.py --check    fail if they are not what would be written

Both complete thimble and, where these are links to it, mosquitto_pub, mosquitto_sub, mosquitto_rr.
"""
import pathlib
import re
import sys
from dataclasses import dataclass, replace

TOP = pathlib.Path(__file__).resolve().parents[1]
FOLDER = TOP / "docs" / "completion"
TABLE = TOP / "src" / "cli" / "table.c"
PROPERTIES = TOP / "src" / "cli" / "properties.c"
COMMANDS = TOP / "src" / "cli" / "commands.c"
VIEWS = TOP / "src" / "cli" / "mem.c"
SPOOL = TOP / "src" / "cli" / "spool.c"

PACKETS = ["connect", "publish", "subscribe", "unsubscribe", "disconnect", "will"]
OPTION_COMMANDS = ["pub", "sub", "rr", "tunnel", "bench", "agent", "cert", "key", "csr", "identity"]
STRING = r'"(?:[^"\\]|\\.)*"'
ROW = re.compile(r"\{TEXTS\((.*?)\),\s*(?:'(.)'|0),\s*([A-Z_ |]+),(.*?)\},\n", re.S)
LIST = re.compile(r"th_cli_word (\w+)\[\] = \{(.*?)\};", re.S)


@dataclass
class Option:
    name: str      # "" if it has only a letter
    letter: str    # None if it has only a name
    value: str     # "" if it takes none
    optional: bool
    help: str
    commands: list
    words: list

    @property
    def spellings(self):
        return ([f"-{self.letter}"] if self.letter else []) + \
            ([f"--{self.name}"] if self.name else [])


# ---- reading ------------------------------------------------------------------------------------

def strings(text):
    """The arguments of TEXTS; strings side by side are one."""
    found, pieces = [], re.split(rf"({STRING})", text)
    for between, piece in zip(pieces[::2], pieces[1::2]):
        content = piece[1:-1].replace('\\"', '"')
        if "," in between or not found:
            found.append(content)
        else:
            found[-1] += content
    return found


def word_lists(source):
    """What stands for a number, by the name of its list in the table."""
    lists = {name: re.findall(r'\{"([^"]*)"', body) for name, body in LIST.findall(source)}
    return {key: lists[name] for key, name in re.findall(r"\[(TH_CLI_\w+)\] = (\w+),", source)}


def commands_of(mask):
    known = {"TH_CLI_PUB": ["pub"], "TH_CLI_SUB": ["sub"], "TH_CLI_RR": ["rr"],
             "TH_CLI_ALL": ["pub", "sub", "rr", "agent"], "TH_CLI_AGENT": ["agent"],
             "TH_CLI_CLIENTS": ["pub", "sub", "rr"], "TH_CLI_PRINT": ["sub", "rr", "agent"],
             "TH_CLI_TUNNEL": ["tunnel"], "TH_CLI_BENCH": ["bench"],
             "TH_CLI_ROADS": ["pub", "sub", "rr", "agent", "tunnel", "bench"],
             "TH_CLI_CERT": ["cert"], "TH_CLI_KEY": ["key"],
             "TH_CLI_CSR": ["csr"], "TH_CLI_IDENTITY": ["identity"],
             "TH_CLI_FILES": ["cert", "key", "csr", "identity"]}
    return [name for each in re.split(r"\s*\|\s*", mask.strip()) for name in known[each]]


def words_of(rest, lists):
    rest = re.sub(r",\s*(LIVE|TRIED|COMMON|,|\s)+$", "", rest.strip())
    named = re.search(r"TH_CLI_\w+(?=\)?$)", rest)
    return [word for word in lists.get(named and named[0], []) if "\\" not in word]


def read_options():
    source = TABLE.read_text()
    lists = word_lists(source)
    rows = source[source.index("th_cli_options[] = {"):]
    options = []
    for texts, letter, mask, rest in ROW.findall(rows):
        name, value, _, help_line = strings(texts)
        options.append(Option(name, letter or None, value, "OPTIONAL" in rest or "MAYBE" in rest,
                              help_line, commands_of(mask), words_of(rest, lists)))
    assert len(options) == rows.count("{TEXTS("), "a row of the table was not understood"
    return options


def read_commands():
    return re.findall(r'^    \{"(\w+)", (?:th_cli_\w+|NULL),\s+TH_EXPLAINED\("([^"]*)"',
                      COMMANDS.read_text(), re.M)


def read_views():
    """Of thimble mem."""
    return re.findall(r'^    \{"(\w+)", th_cli_mem_', VIEWS.read_text(), re.M)


def read_spool_views():
    return re.findall(r'^    \{"(\w+)\\0DIR', SPOOL.read_text(), re.M)


def property_names():
    return sorted(re.findall(r'^    \{"([a-z-]+)", \w+, \w+, OF', PROPERTIES.read_text(), re.M))


# ---- bash ---------------------------------------------------------------------------------------

BASH = """\
# bash completion of thimble, written by tools/completion.py: do not edit.

_thimble_values() {{
    case $1 in
{values}
    *) COMPREPLY=() ;;
    esac
}}

_thimble_options() {{
    case $1 in
{options}
    esac
}}

_thimble_takes_value() {{
    case $1 in
    {takers}) return 0 ;;
    *) return 1 ;;
    esac
}}

_thimble() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command
    local packets="{packets}"
    local properties="{properties}"
    case ${{COMP_WORDS[0]##*/}} in
    mosquitto_*) command=${{COMP_WORDS[0]##*_}} ;;
    *) command=${{COMP_WORDS[1]}} ;;
    esac
    if [[ $COMP_CWORD -eq 1 && ${{COMP_WORDS[0]##*/}} != mosquitto_* ]]; then
        COMPREPLY=($(compgen -W "{commands} --help --version" -- "$word"))
    elif [[ $command == help && $COMP_CWORD -eq 2 ]]; then
        COMPREPLY=($(compgen -W "{topics}" -- "$word"))
    elif [[ $command == mem ]]; then
        COMPREPLY=($(compgen -W "{views} --json" -- "$word"))
    elif [[ $command == status ]]; then
        COMPREPLY=($(compgen -W "--json --prom --connection -c" -f -- "$word"))
    elif [[ $command == spool && $COMP_CWORD -eq 2 ]]; then
        COMPREPLY=($(compgen -W "{spool_views}" -- "$word"))
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
}}

complete -o default -F _thimble thimble mosquitto_pub mosquitto_sub mosquitto_rr
"""


def is_file(option):
    return option.value in ("FILE", "PATH") and option.name != "ws-path"


def bash_action(option):
    if option.words:
        return f'COMPREPLY=($(compgen -W "{" ".join(option.words)}" -- "$2"))'
    if is_file(option):
        return 'COMPREPLY=($(compgen -f -- "$2"))'
    if option.value == "DIR":
        return 'COMPREPLY=($(compgen -d -- "$2"))'
    if option.value == "HOST":
        return 'COMPREPLY=($(compgen -A hostname -- "$2"))'
    if option.value == "QOS":
        return 'COMPREPLY=($(compgen -W "0 1 2" -- "$2"))'
    return None


def takes_value(option):
    return option.value and not option.optional


def bash(options):
    values = [f"    {' | '.join(each.spellings)}) {bash_action(each)} ;;"
              for each in options if takes_value(each) and bash_action(each)]
    lists = [f'    {command}) echo "{" ".join(spellings(options, command))}" ;;'
             for command in OPTION_COMMANDS]
    takers = [each for option in options if takes_value(option) for each in option.spellings]
    commands = [name for name, _ in read_commands()]
    return BASH.format(values="\n".join(values), options="\n".join(lists),
                       takers=" | ".join(takers), packets=" ".join(PACKETS),
                       properties=" ".join(property_names()), commands=" ".join(commands),
                       topics=" ".join(OPTION_COMMANDS), views=" ".join(read_views()),
                       spool_views=" ".join(read_spool_views()))


def options_of(options, command):
    """-c is the configuration where no other option has that letter."""
    return [replace(each, letter="c") if (each.name, command) == ("config", "agent") else each
            for each in options if command in each.commands]


def spellings(options, command):
    return [each for option in options_of(options, command) for each in option.spellings]


# ---- zsh ----------------------------------------------------------------------------------------

ZSH = """\
#compdef thimble mosquitto_pub mosquitto_sub mosquitto_rr
# zsh completion of thimble, written by tools/completion.py: do not edit.

{functions}

_thimble_commands() {{
    local -a commands
    commands=(
{commands}
    )
    _describe command commands
}}

_thimble() {{
    local command
    case $service in
    mosquitto_*) _thimble_${{service#mosquitto_}} ;;
    *)
        if (( CURRENT == 2 )); then
            _thimble_commands
            return
        fi
        command=$words[2]
        shift words
        (( CURRENT-- ))
        case $command in
        {with_options}) _thimble_$command ;;
        help) _values topic {topics} ;;
        spool) _arguments '1:view:({spool_views})' '2:directory:_files -/' '--json[as JSON]' ;;
        config) _arguments '1:verb:(check show)' '--effective[each value and its origin]' '*:file:_files' ;;
        status) _arguments '*:socket:_files' '-c[configuration of the agent]' '--json[as JSON]' '--prom[for Prometheus]' '--connection[only this one]:name' ;;
        mem) _arguments '1:view:({views})' '2:socket:_files' '--json[as JSON]' ;;
        esac
        ;;
    esac
}}

_thimble "$@"
"""


def zsh_text(text):
    return re.sub(r"([\[\]:\\])", r"\\\1", text).replace("'", "'\\''")


def zsh_action(option):
    if option.words:
        return f"({' '.join(option.words)})"
    if is_file(option):
        return "_files"
    return {"DIR": "_files -/", "HOST": "_hosts", "QOS": "(0 1 2)"}.get(option.value, "")


def zsh_value(option):
    if not option.value:
        return ""
    if option.value == "COMMAND NAME VALUE":
        return (f":packet:({' '.join(PACKETS)}):property:({' '.join(property_names())})"
                ":value:")
    separator = "::" if option.optional else ":"
    return f"{separator}{zsh_text(option.value.lower())}:{zsh_action(option)}"


def zsh_rows(option):
    many = "*" if "repeatable" in option.help or option.name == "property" else ""
    others = "" if many or len(option.spellings) < 2 else f"({' '.join(option.spellings)})"
    for each in option.spellings:
        equals = "=-" if option.optional else "=" if option.value and each.startswith("--") else ""
        if option.name == "property":
            equals = ""
        yield f"        '{many}{others}{each}{equals}[{zsh_text(option.help)}]{zsh_value(option)}'"


def zsh_function(options, command):
    rows = [row for option in options_of(options, command) for row in zsh_rows(option)]
    return f"_thimble_{command}() {{\n    _arguments \\\n" + " \\\n".join(rows) + "\n}"


def zsh(options):
    return ZSH.format(
        functions="\n\n".join(zsh_function(options, command) for command in OPTION_COMMANDS),
        commands="\n".join(f"        '{name}:{zsh_text(what)}'" for name, what in read_commands()),
        with_options=" | ".join(OPTION_COMMANDS), topics=" ".join(OPTION_COMMANDS),
        views=" ".join(read_views()), spool_views=" ".join(read_spool_views()))


# ---- the whole ----------------------------------------------------------------------------------

def write_or_check(files, arguments, writer):
    """What a tool of ours writes into the tree; with --check only whether it is there."""
    stale = [path for path, text in files.items()
             if not path.exists() or path.read_text() != text]
    if arguments == ["--check"]:
        for path in stale:
            print(f"{path.relative_to(TOP)} is not up to date: {writer} writes it",
                  file=sys.stderr)
        return len(stale) > 0
    for path in stale:
        path.write_text(files[path])
    return 0


def main(arguments):
    options = read_options()
    files = {FOLDER / "thimble.bash": bash(options), FOLDER / "_thimble": zsh(options)}
    return write_or_check(files, arguments, "tools/completion.py")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
