/* thimble identity: what is stored of who we are. */
#include "cli/cert.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit.h"
#include "cli/facts.h"
#include "cli/identity.h"
#include "cli/out.h"
#include "cli/output.h"
#include "cli/printed.h"
#include "cli/say.h"

#include "base/err.h"
#include "base/format.h"
#include "base/slice.h"
#include "json/flat.h"
#include <fcntl.h>
#include <string.h>
#include <thimble/identity.h>
#include <unistd.h>

#define FILE_MOST_BYTES 65536
#define AWS ".amazonaws.com"
#define AWS_LEAST_BYTES 500

static int fail(const char *name, const struct th_fault *fault)
{
    int status = th_cli_exit_of(fault);
    th_cli_say_status(status, "%s: %s", name, fault->text);
    return status;
}

static int judge(const struct th_context_config *config,
                 void (*on_leaf)(void *arg, const struct th_certificate *leaf),
                 struct th_fault *fault)
{
    size_t bytes;
    void *block = th_cli_desk_block(&bytes);
    return th_identity_judge(block, bytes, config, on_leaf, NULL, fault);
}

static int judge_stored(const struct th_cli_settings *s, const char *name,
                        const struct th_cli_identity *identity, struct th_fault *fault)
{
    struct th_context_config config;
    th_cli_identity_sources(&config, s, name, identity);
    return judge(&config, NULL, fault);
}

/* ---- import ---------------------------------------------------------------------------------- */

static struct {
    struct th_slice room; /* what is left of it */
    struct th_slice leaf; /* a copy of its DER, in the room */
    struct th_slice parts[TH_STORE_PARTS];
} in;

static struct th_slice keep(const void *data, size_t bytes)
{
    struct th_slice kept = th_slice_of(in.room.data, bytes);
    if (bytes > in.room.len_bytes)
        return th_slice_of(NULL, 0);
    memmove((void *)(uintptr_t)in.room.data, data, bytes);
    in.room = th_slice_after(in.room, bytes);
    return kept;
}

static int read_file(int part, const char *path, struct th_fault *fault)
{
    size_t room = in.room.len_bytes < FILE_MOST_BYTES ? in.room.len_bytes : FILE_MOST_BYTES;
    if (!path)
        return 0;
    int bytes = th_store_read(AT_FDCWD, path, true, (void *)(uintptr_t)in.room.data, room, fault);
    if (bytes >= 0)
        in.parts[part] = keep(in.room.data, (size_t)bytes);
    return bytes;
}

static int read_files(const struct th_cli_settings *s, struct th_fault *fault)
{
    int result = read_file(TH_STORE_CERTIFICATE, s->certificate, fault);
    if (result >= 0)
        result = read_file(TH_STORE_KEY, s->key, fault);
    return result < 0 ? result : read_file(TH_STORE_ROOTS, s->cafile, fault);
}

static void keep_leaf(void *arg, const struct th_certificate *leaf)
{
    (void)arg;
    in.leaf = keep(leaf->der.data, leaf->der.len_bytes);
}

static int judge_files(const struct th_cli_settings *s, struct th_fault *fault)
{
    const struct th_context_config config = {
        .roots = {s->cafile, in.parts[TH_STORE_ROOTS]},
        .certificate = {s->certificate, in.parts[TH_STORE_CERTIFICATE]},
        .key = {s->key, in.parts[TH_STORE_KEY]},
    };
    int result = judge(&config, keep_leaf, fault);
    return result == 0 && !in.leaf.data ? th_fault_set(fault, TH_E_MEMORY, "no room for the leaf")
                                        : result;
}

/* What AWS IoT gives out is longer, and its endpoints are called so. */
static void lint_for_aws(const struct th_cli_settings *s)
{
    size_t name_bytes = s->endpoint ? strcspn(s->endpoint, ":") : 0, aws_bytes = strlen(AWS);
    if (name_bytes < aws_bytes || memcmp(s->endpoint + name_bytes - aws_bytes, AWS, aws_bytes))
        return;
    if (!strstr(s->endpoint, ".iot."))
        th_cli_warn("warning: %s is no endpoint of AWS IoT: those have .iot. in their name",
                    s->endpoint);
    for (int part = TH_STORE_CERTIFICATE; part <= TH_STORE_KEY; part++)
        if (in.parts[part].len_bytes < AWS_LEAST_BYTES)
            th_cli_warn("warning: %s: less than 500 bytes; those of AWS IoT have more",
                        part == TH_STORE_KEY ? s->key : s->certificate);
}

/* What is not given stays as it was stored. */
static void inherit(int part, const struct th_cli_identity *before)
{
    const char *name = th_store_part_name(part);
    if (in.parts[part].data || before->fd < 0 || !th_store_is_there(before->fd, name))
        return;
    int bytes = th_store_read(before->fd, name, false, (void *)(uintptr_t)in.room.data,
                              in.room.len_bytes, NULL);
    if (bytes >= 0)
        in.parts[part] = keep(in.room.data, (size_t)bytes);
}

static void add_endpoint(const struct th_cli_settings *s, const struct th_cli_identity *before)
{
    char line[512];
    if (!s->endpoint)
        inherit(TH_STORE_ENDPOINT, before);
    if (in.parts[TH_STORE_ENDPOINT].data)
        return;
    int bytes = th_format(line, sizeof line, "%s\n", s->endpoint ? s->endpoint : "");
    in.parts[TH_STORE_ENDPOINT] = keep(line, (size_t)bytes);
}

static uint64_t number_in(struct th_slice meta)
{
    return th_json_flat_number(th_store_meta_value(meta, "generation"));
}

/* Whoever runs with the one that is about to be replaced must see another number. */
static uint64_t number_of_other(const struct th_store *store)
{
    void *room = (void *)(uintptr_t)in.room.data;
    int fd = th_store_directory(store->fd, (char[]){th_store_other(store), 0}, false, NULL);
    int bytes = fd < 0 ? fd : th_store_read(fd, th_store_part_name(TH_STORE_META), false, room,
                                            in.room.len_bytes, NULL);
    if (fd >= 0)
        close(fd);
    return number_in(th_slice_of(room, bytes > 0 ? (size_t)bytes : 0));
}

static void add_meta(const struct th_cli_settings *s, const char *name,
                     const struct th_cli_identity *before)
{
    uint64_t number = number_in(before->meta), other = number_of_other(&before->store);
    struct th_certificate leaf;
    struct th_slice endpoint = in.parts[TH_STORE_ENDPOINT];
    struct th_slice kept_id = th_store_meta_value(before->meta, "device_id");
    th_certificate_read(&leaf, in.leaf);
    const struct th_store_facts facts = {
        .leaf = &leaf,
        .device_id = s->device_id || kept_id.len_bytes ? s->device_id : name,
        .kept_id = kept_id,
        .endpoint = {endpoint.data, endpoint.len_bytes - 1}, /* its newline */
        .stored_at_s = (uint64_t)th_calendar_s(),
        .generation = (number > other ? number : other) + 1,
    };
    in.parts[TH_STORE_META] = th_store_meta_make(&facts);
}

static int put_files(const struct th_cli_settings *s, const char *name,
                     struct th_cli_identity *identity, struct th_fault *fault)
{
    inherit(TH_STORE_ROOTS, identity);
    add_endpoint(s, identity);
    if (in.parts[TH_STORE_ENDPOINT].data)
        add_meta(s, name, identity);
    if (!in.parts[TH_STORE_META].data)
        return th_fault_set(fault, TH_E_TOO_LARGE, "does not fit into cert_meta; shorten it");
    int result = th_store_put(&identity->store, in.parts, fault);
    return result < 0 ? result : th_store_promote(&identity->store,
                                                  th_store_other(&identity->store), fault);
}

static int store_files(const struct th_cli_settings *s, const char *name, struct th_fault *fault)
{
    struct th_cli_identity identity;
    int result = th_cli_identity_open(&identity, s, name, 0, TH_STORE_CREATE, fault);
    if (result == 0)
        result = put_files(s, name, &identity, fault);
    th_cli_identity_close(&identity);
    return result;
}

static int import_files(const struct th_cli_settings *s, const char *name, struct th_fault *fault)
{
    int result = read_files(s, fault);
    if (result >= 0)
        result = judge_files(s, fault);
    if (result == 0)
        result = store_files(s, name, fault);
    return result;
}

static int refuse(const char *words)
{
    return th_cli_complain("%s; see thimble identity --help", words);
}

/* The roots that come with an identity are the broker's: our authority may be another one. Neither
 * this nor what follows is inlined: it takes much of the stack. */
__attribute__((noinline)) static int verify_issuer(const struct th_cli_settings *s)
{
    size_t bytes;
    void *block = th_cli_desk_block(&bytes);
    struct th_fault fault = {0};
    const struct th_context_config config = {
        .roots.path = s->own_ca, .certificate.path = s->certificate, .log = th_cli_voice_log()};
    int result = th_chain_verify(block, bytes, &config, NULL, &fault);
    return result < 0 ? th_cli_say_fault(&fault) : TH_CLI_OK;
}

__attribute__((noinline)) static int import_all(const struct th_cli_settings *s, const char *name)
{
    struct th_fault fault = {0};
    struct th_slice whole;
    whole.data = th_cli_desk_room(&whole.len_bytes);
    memset(&in, 0, sizeof in);
    in.room = whole;
    int result = import_files(s, name, &fault);
    if (result == 0)
        lint_for_aws(s);
    explicit_bzero((void *)(uintptr_t)whole.data, (size_t)(in.room.data - whole.data));
    return result < 0 ? fail(name, &fault) : TH_CLI_OK;
}

/* ---- showing --------------------------------------------------------------------------------- */

static bool is_time(struct th_slice name)
{
    static const char times[] = "stored_at last_used not_before not_after";
    char text[32];
    th_format(text, sizeof text, "%.*s", (int)name.len_bytes, (const char *)name.data);
    return strstr(times, text) != NULL;
}

static struct th_slice without_quotes(struct th_slice value)
{
    bool is_text = value.len_bytes > 1 && *value.data == '"';
    return is_text ? th_slice_of(value.data + 1, value.len_bytes - 2) : value;
}

static void put_for_people(const struct th_json_member *member)
{
    char text[TH_CLI_TIME_TEXT_BYTES];
    uint64_t number = th_json_flat_number(member->value);
    struct th_slice value = without_quotes(member->value);
    th_cli_out_format("%-24.*s", (int)member->name.len_bytes, (const char *)member->name.data);
    if (is_time(member->name))
        value = th_slice_text(number ? th_cli_time_text((int64_t)number, text) : "never");
    th_cli_out(value.data, value.len_bytes);
    th_cli_out_text("\n");
}

static void put_members(struct th_slice meta, bool as_json)
{
    struct th_json_member member;
    while (th_json_flat_next(&meta, &member))
        if (!as_json) {
            put_for_people(&member);
        } else {
            th_cli_out_text(", ");
            th_cli_out(member.name.data - 1, member.name.len_bytes + 2);
            th_cli_out_text(": ");
            th_cli_out(member.value.data, member.value.len_bytes);
        }
}

struct view {
    struct th_cli_identity identity; /* closed */
    struct th_fault fault;           /* what is wrong with it */
    int status;
};

static void look(struct view *view, const struct th_cli_settings *s, const char *name)
{
    view->fault = (struct th_fault){0};
    int result = th_cli_identity_open(&view->identity, s, name, 0, TH_STORE_READ, &view->fault);
    if (result == 0)
        judge_stored(s, name, &view->identity, &view->fault);
    th_cli_identity_close(&view->identity);
    view->status = th_cli_exit_of(&view->fault);
}

static char current_of(const struct view *view)
{
    return view->identity.generation ? view->identity.generation : '-';
}

static void put_view(const struct view *view, const char *name, bool as_json)
{
    th_cli_out_format(as_json ? "{\"name\": \"%s\", \"state\": \"%s\", \"current\": \"%c\""
                              : "name                    %s\nstate                   %s\n"
                                "current                 %c\n",
                      name, th_cli_exit_state(view->status), current_of(view));
    put_members(view->identity.meta, as_json);
    th_cli_out_text(as_json ? "}" : "");
}

static int show(const struct th_cli_settings *s)
{
    struct view view;
    const char *name = s->words.items[0];
    look(&view, s, name);
    if (view.identity.meta.len_bytes > 0) {
        put_view(&view, name, s->json);
        th_cli_out_text(s->json ? "\n" : "");
    }
    int printed = th_cli_printed();
    return view.status ? fail(name, &view.fault) : printed;
}

/* ---- ls -------------------------------------------------------------------------------------- */

struct listing {
    const struct th_cli_settings *settings;
    unsigned count;
};

static void put_row(const struct view *view, const char *name)
{
    char text[TH_CLI_TIME_TEXT_BYTES];
    struct th_slice end = th_store_meta_value(view->identity.meta, "not_after");
    struct th_slice host = without_quotes(th_store_meta_value(view->identity.meta, "iot_endpoint"));
    th_cli_out_format("%-24s %c %-20s  %-24s %.*s\n", name, current_of(view),
                      th_cli_time_text((int64_t)th_json_flat_number(end), text),
                      th_cli_exit_state(view->status), (int)host.len_bytes,
                      (const char *)host.data);
}

static void list_one(void *arg, const char *name)
{
    struct listing *listing = arg;
    struct view view;
    look(&view, listing->settings, name);
    if (view.status == TH_CLI_FILE && !view.identity.generation)
        return; /* nothing was ever stored there to the end */
    if (listing->settings->json)
        th_cli_out_text(listing->count ? ",\n " : "[");
    listing->count++;
    if (listing->settings->json)
        put_view(&view, name, true);
    else
        put_row(&view, name);
}

static int list(const struct th_cli_settings *s)
{
    struct th_fault fault = {0};
    struct listing listing = {.settings = s};
    int base = th_store_base(th_cli_identity_dir(s), TH_STORE_LIST, &fault);
    int result = base < 0 ? base : th_store_list(base, list_one, &listing, &fault);
    if (base >= 0)
        close(base);
    if (result < 0 && fault.reason != TH_MISSING)
        return fail(th_cli_identity_dir(s), &fault);
    if (s->json)
        th_cli_out_text(listing.count ? "]\n" : "[]\n");
    return th_cli_printed();
}

/* ---- import, whole --------------------------------------------------------------------------- */

static int import(const struct th_cli_settings *s)
{
    struct th_slice host;
    uint16_t port;
    if (!s->certificate || !s->key)
        return refuse("import needs --cert and --key");
    if (s->endpoint && !th_cli_identity_endpoint(s->endpoint, &host, &port))
        return refuse("--endpoint is HOST or HOST:PORT");
    int status = s->own_ca ? verify_issuer(s) : TH_CLI_OK;
    if (status == TH_CLI_OK)
        status = import_all(s, s->words.items[0]);
    return status || !s->json ? status : show(s);
}

/* ---- which generation counts ----------------------------------------------------------------- */

/* Which one it is, if it can be used. */
static int promote(const struct th_cli_settings *s, const char *name, char wanted,
                   struct th_fault *fault)
{
    struct th_cli_identity identity;
    int result = th_cli_identity_open(&identity, s, name, wanted, TH_STORE_CHANGE, fault);
    if (result < 0)
        return result;
    result = judge_stored(s, name, &identity, fault);
    if (result == 0)
        result = th_store_promote(&identity.store, identity.generation, fault);
    th_cli_identity_close(&identity);
    return result < 0 ? result : identity.generation;
}

static int use_generation(const struct th_cli_settings *s, char wanted)
{
    struct th_fault fault = {0};
    const char *name = s->words.items[0];
    int generation = promote(s, name, wanted, &fault);
    if (generation < 0)
        return fail(name, &fault);
    if (s->json)
        return show(s);
    th_cli_out_format("%s: generation %c counts now\n", name, generation);
    return th_cli_printed();
}

static int use(const struct th_cli_settings *s)
{
    const char *generation = s->words.items[1];
    if (strcmp(generation, "a") && strcmp(generation, "b"))
        return refuse("a generation is a or b");
    return use_generation(s, *generation);
}

static int rollback(const struct th_cli_settings *s)
{
    return use_generation(s, TH_CLI_OTHER_GENERATION);
}

/* ---- export ---------------------------------------------------------------------------------- */

/* The certificate, with the key if that is asked for, goes to standard output, the rest only into
 * files. */
static bool is_wanted(const struct th_cli_settings *s, int part)
{
    if (part == TH_STORE_KEY)
        return s->with_key;
    return part == TH_STORE_CERTIFICATE || s->out;
}

/* What lies there may be the only copy of something else. */
static int export_part(int from, int to, int part, struct th_cli_output *output)
{
    size_t room_bytes;
    const char *name = th_store_part_name(part);
    if (to >= 0 && th_store_is_there(to, name))
        return th_fault_set(output->fault, TH_E_FILE, "%s is there already; nothing is "
                            "overwritten: name another directory", name);
    void *room = th_cli_desk_room(&room_bytes);
    int bytes = th_store_read(from, name, false, room, room_bytes, output->fault);
    if (bytes < 0)
        return bytes;
    int result = to >= 0 ? th_store_write(to, name, th_slice_of(room, (size_t)bytes), output->fault)
                         : th_cli_output_write(output, room, (size_t)bytes);
    explicit_bzero(room, (size_t)bytes);
    return result;
}

static int export_parts(const struct th_cli_settings *s, const struct th_cli_identity *identity,
                        struct th_cli_output *output)
{
    int to = s->out ? th_store_base(s->out, TH_STORE_MAKE, output->fault) : -1;
    int result = s->out && to < 0 ? to : 0;
    for (int part = 0; result == 0 && part < TH_STORE_PARTS; part++)
        if (is_wanted(s, part) && th_store_is_there(identity->fd, th_store_part_name(part)))
            result = export_part(identity->fd, to, part, output);
    if (to >= 0)
        close(to);
    return result;
}

static int export(const struct th_cli_settings *s)
{
    struct th_cli_identity identity;
    struct th_fault fault = {0};
    struct th_cli_output output = {s->out, 0, -1, &fault, NULL, s->json, false};
    const char *name = s->words.items[0];
    int result = th_cli_identity_open(&identity, s, name, 0, TH_STORE_READ, &fault);
    if (result == 0)
        result = export_parts(s, &identity, &output);
    th_cli_identity_close(&identity);
    return result < 0 ? fail(name, &fault) : th_cli_output_finish(&output, 0);
}

/* ---------------------------------------------------------------------------------------------- */

static const struct th_cli_verb verbs[] = {
    {"import", import, 1, 1}, {"export", export, 1, 1}, {"ls", list, 0, 0},
    {"show", show, 1, 1},     {"use", use, 2, 2},       {"rollback", rollback, 1, 1},
};

int th_cli_identity(int argc, char *argv[])
{
    return th_cli_desk(TH_CLI_IDENTITY, verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
