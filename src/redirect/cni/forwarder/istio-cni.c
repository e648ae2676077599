/*
 * The CNI executable on the host. It decides nothing that the agent can decide: it hands the call (variables,
 * standard input, process id) to the agent's socket and prints the reply. Without an agent it answers only what keeps
 * a node alive: VERSION, DEL, GC, and ADD of the agent's own pod and of namespaces that the configuration excludes.
 * Everything else is error 11 (try again later), so that no pod starts without redirection.
 *
 * Request:  "mesh-cni 1 <pid> <bytes of variables> <bytes of input>\n", "NAME=value\0" for each CNI_ variable, input
 * Reply:    "<exit status> <bytes of output> <bytes of error output>\n", output, error output
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef DEFAULT_RUN_DIR
#define DEFAULT_RUN_DIR "/var/run/istio-cni"
#endif
#ifndef TIME_LIMIT_MS
/* Longer than the agent's own limit: its answer tells more than ours. */
#define TIME_LIMIT_MS 60000
#endif
#define SOCKET_NAME "mesh-admission-cni.sock"
#define AGENT_POD_PREFIX "istio-cni-node-"
#define MAX_INPUT_BYTES (4u << 20)
#define MAX_REPLY_BYTES (8u << 20)
#define MAX_DEPTH 128

enum { CNI_BAD_CONFIG = 6, CNI_TRY_LATER = 11, CNI_NOT_AVAILABLE = 50 };

/* The installer tells ours from a foreign executable of the same name by this text. */
__attribute__((used)) static const char marker[] = "mesh-admission-cni-forwarder";

struct bytes {
  char *data;
  size_t length, room;
};

/* ---- memory, time, input and output ---- */

static void append(struct bytes *to, const void *data, size_t length) {
  if (to->length + length + 1 > to->room) {
    size_t room = (to->length + length + 1) * 2;
    char *grown = realloc(to->data, room);
    if (grown == NULL) _exit(1); /* no result, status 1: the runtime takes it for a failure */
    to->data = grown;
    to->room = room;
  }
  if (length > 0) memcpy(to->data + to->length, data, length);
  to->length += length;
  to->data[to->length] = '\0';
}

static void append_text(struct bytes *to, const char *text) {
  append(to, text, strlen(text));
}

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

static int write_all(int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t done = write(fd, data, length);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return -1;
    data += done;
    length -= (size_t)done;
  }
  return 0;
}

/* Waits until a descriptor is ready for `events`; -1 when the time is over. */
static int wait_for(int fd, short events, long until_ms) {
  for (;;) {
    long left = until_ms - now_ms();
    struct pollfd one = {.fd = fd, .events = events};
    int ready = left <= 0 ? 0 : poll(&one, 1, (int)left);
    if (ready > 0) return 0;
    if (ready == 0 || errno != EINTR) return -1;
  }
}

/* Reads to the end. -1: more than `limit`, too late, or broken. */
static int read_all(int fd, struct bytes *into, size_t limit, long until_ms) {
  char chunk[16384];
  for (;;) {
    if (wait_for(fd, POLLIN, until_ms) < 0) return -1;
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return -1;
    if (got == 0) return 0;
    if (into->length + (size_t)got > limit) return -1;
    append(into, chunk, (size_t)got);
  }
}

/* Prints a CNI error and gives the exit status. Its texts are ours: nothing in them needs escaping. */
static int fail(int code, const char *message) {
  struct bytes out = {0};
  char head[64];
  snprintf(head, sizeof head, "{\n    \"code\": %d,\n    \"msg\": \"", code);
  append_text(&out, head);
  append_text(&out, message);
  append_text(&out, "\"\n}");
  write_all(STDOUT_FILENO, out.data, out.length);
  return 1;
}

/* ---- JSON: finds members; every step checks the end ---- */

struct text {
  const char *at, *end;
};

static void skip_space(struct text *in) {
  while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' || *in->at == '\r')) in->at++;
}

static int take(struct text *in, char wanted) {
  skip_space(in);
  if (in->at >= in->end || *in->at != wanted) return 0;
  in->at++;
  return 1;
}

/* A string; `inside` gets what stands between the quotes, escapes as written. */
static int read_string(struct text *in, struct text *inside) {
  if (!take(in, '"')) return 0;
  inside->at = in->at;
  for (; in->at < in->end; in->at++) {
    unsigned char c = (unsigned char)*in->at;
    if (c < 0x20) return 0;
    if (c == '"') {
      inside->end = in->at++;
      return 1;
    }
    if (c == '\\' && ++in->at >= in->end) return 0;
  }
  return 0;
}

static int skip_value(struct text *in, int depth);

static int skip_word(struct text *in) {
  const char *start = in->at;
  while (in->at < in->end && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *in->at) != NULL && *in->at != '\0')
    in->at++;
  size_t length = (size_t)(in->at - start);
  if (length == 0) return 0;
  if (*start == '-' || (*start >= '0' && *start <= '9')) return 1;
  return (length == 4 && (memcmp(start, "true", 4) == 0 || memcmp(start, "null", 4) == 0)) ||
         (length == 5 && memcmp(start, "false", 5) == 0);
}

/* An object or a list, whose opening bracket was taken. */
static int skip_members(struct text *in, char close, int depth) {
  struct text name;
  if (take(in, close)) return 1;
  do {
    if (close == '}' && !(read_string(in, &name) && take(in, ':'))) return 0;
    if (!skip_value(in, depth + 1)) return 0;
  } while (take(in, ','));
  return take(in, close);
}

static int skip_value(struct text *in, int depth) {
  struct text ignored;
  if (depth > MAX_DEPTH) return 0;
  skip_space(in);
  if (in->at >= in->end) return 0;
  if (*in->at == '"') return read_string(in, &ignored);
  if (take(in, '{')) return skip_members(in, '}', depth);
  if (take(in, '[')) return skip_members(in, ']', depth);
  return skip_word(in);
}

static int equals(struct text one, const char *other) {
  size_t length = strlen(other);
  return (size_t)(one.end - one.at) == length && memcmp(one.at, other, length) == 0;
}

/*
 * Finds a member of an object: 1 and its text (the last one of that name), 0 when there is none, -1 when the text is
 * no object. The whole object is read in any case.
 */
static int find_member(struct text object, const char *name, struct text *value) {
  struct text in = object, key;
  int found = 0;
  if (!take(&in, '{')) return -1;
  if (!take(&in, '}')) {
    do {
      if (!read_string(&in, &key) || !take(&in, ':')) return -1;
      skip_space(&in);
      const char *start = in.at;
      if (!skip_value(&in, 1)) return -1;
      if (equals(key, name)) {
        *value = (struct text){start, in.at};
        found = 1;
      }
    } while (take(&in, ','));
    if (!take(&in, '}')) return -1;
  }
  skip_space(&in);
  return in.at == in.end ? found : -1;
}

/* Text of a string member: 1 and what is between the quotes, else 0. */
static int find_string(struct text object, const char *name, struct text *inside) {
  struct text value;
  return find_member(object, name, &value) == 1 && read_string(&value, inside);
}

/* Whether a member is a list that holds this string. A string with escapes equals nothing: then we refuse. */
static int list_holds(struct text object, const char *name, const char *wanted) {
  struct text list, one;
  if (find_member(object, name, &list) != 1 || !take(&list, '[')) return 0;
  do {
    if (!read_string(&list, &one)) return 0;
    if (equals(one, wanted)) return 1;
  } while (take(&list, ','));
  return 0;
}

/* ---- the agent ---- */

/* The socket's address; -1 when the configured folder does not fit into one. */
static int agent_address(struct text config, struct sockaddr_un *address) {
  struct text folder = {DEFAULT_RUN_DIR, DEFAULT_RUN_DIR + sizeof DEFAULT_RUN_DIR - 1}, given;
  if (find_string(config, "cni_agent_run_dir", &given) && given.end > given.at) folder = given;
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  int length = snprintf(address->sun_path, sizeof address->sun_path, "%.*s/%s", (int)(folder.end - folder.at),
                        folder.at, SOCKET_NAME);
  return length > 0 && (size_t)length < sizeof address->sun_path ? 0 : -1;
}

static int connect_agent(struct text config, long until_ms) {
  struct sockaddr_un address;
  if (agent_address(config, &address) < 0) return -1;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  while (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    /* EAGAIN: more callers are waiting than the kernel queues. */
    if ((errno != EAGAIN && errno != EINTR) || now_ms() >= until_ms) {
      close(fd);
      return -1;
    }
    poll(NULL, 0, 10);
  }
  return fd;
}

static void append_variables(struct bytes *to) {
  extern char **environ;
  for (char **one = environ; one != NULL && *one != NULL; one++)
    if (strncmp(*one, "CNI_", 4) == 0) append(to, *one, strlen(*one) + 1);
}

static int send_all(int fd, const struct bytes *data, long until_ms) {
  size_t sent = 0;
  while (sent < data->length) {
    if (wait_for(fd, POLLOUT, until_ms) < 0) return -1;
    ssize_t done = write(fd, data->data + sent, data->length - sent);
    if (done < 0 && errno != EINTR && errno != EAGAIN) return -1;
    if (done > 0) sent += (size_t)done;
  }
  return 0;
}

/* Prints a complete reply and gives its exit status; -1 when it is not complete or not a reply. */
static int print_reply(const struct bytes *reply) {
  int status = 0, head = 0;
  size_t out = 0, err = 0;
  if (reply->data == NULL || sscanf(reply->data, "%1d %9zu %9zu%n", &status, &out, &err, &head) != 3) return -1;
  if (reply->data[head] != '\n' || status < 0 || status > 1) return -1;
  if (out + err != reply->length - (size_t)head - 1) return -1;
  const char *body = reply->data + head + 1;
  write_all(STDERR_FILENO, body + out, err);
  return write_all(STDOUT_FILENO, body, out) < 0 ? 1 : status;
}

/* Asks the agent. Exit status, or -1 when there is no agent or no complete reply. */
static int ask_agent(struct text config, const struct bytes *input, long until_ms) {
  int fd = connect_agent(config, until_ms);
  if (fd < 0) return -1;
  struct bytes variables = {0}, request = {0}, reply = {0};
  char head[96];
  append_variables(&variables);
  snprintf(head, sizeof head, "mesh-cni 1 %ld %zu %zu\n", (long)getpid(), variables.length, input->length);
  append_text(&request, head);
  append(&request, variables.data, variables.length);
  append(&request, input->data, input->length);
  int status = -1;
  if (send_all(fd, &request, until_ms) == 0 && read_all(fd, &reply, MAX_REPLY_BYTES, until_ms) == 0)
    status = print_reply(&reply);
  close(fd);
  return status;
}

/* ---- without an agent ---- */

static int print_versions(void) {
  static const char versions[] =
      "{\n    \"cniVersion\": \"1.1.0\",\n    \"supportedVersions\": [\n        \"0.1.0\",\n        \"0.2.0\",\n"
      "        \"0.3.0\",\n        \"0.3.1\",\n        \"0.4.0\",\n        \"1.0.0\",\n        \"1.1.0\"\n    ]\n}";
  return write_all(STDOUT_FILENO, versions, sizeof versions - 1) < 0;
}

/* Copies the value of `name` out of CNI_ARGS; empty when it is absent or does not fit. */
static void pod_argument(const char *name, char *into, size_t room) {
  const char *args = getenv("CNI_ARGS");
  size_t length = strlen(name);
  into[0] = '\0';
  while (args != NULL && *args != '\0') {
    const char *end = strchrnul(args, ';');
    if ((size_t)(end - args) > length && strncmp(args, name, length) == 0 && args[length] == '=') {
      size_t size = (size_t)(end - args) - length - 1;
      memcpy(into, args + length + 1, size < room ? size : 0);
      into[size < room ? size : 0] = '\0';
    }
    args = *end == ';' ? end + 1 : end;
  }
}

static int needs_no_agent(struct text config) {
  char pod[256], space[256];
  struct text own;
  pod_argument("K8S_POD_NAME", pod, sizeof pod);
  pod_argument("K8S_POD_NAMESPACE", space, sizeof space);
  if (pod[0] == '\0' || space[0] == '\0') return 0;
  if (strncmp(pod, AGENT_POD_PREFIX, sizeof AGENT_POD_PREFIX - 1) == 0 && find_string(config, "pod_namespace", &own) &&
      equals(own, space))
    return 1;
  return list_holds(config, "exclude_namespaces", space);
}

static int is_known_version(struct text version) {
  static const char *const known[] = {"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (equals(version, known[i])) return 1;
  return 0;
}

/* Prints the result of the plugin before us, or an empty one. Oldest versions need a conversion: the agent's work. */
static int print_previous(struct text config) {
  struct text version, previous, stated;
  struct bytes out = {0};
  if (!find_string(config, "cniVersion", &version) || !is_known_version(version))
    return fail(CNI_TRY_LATER, "the agent of istio-cni is not running, and this configuration's version needs it");
  int found = find_member(config, "prevResult", &previous);
  if (found == 1 && !equals(previous, "null")) {
    size_t length = (size_t)(version.end - version.at);
    if (!find_string(previous, "cniVersion", &stated) || (size_t)(stated.end - stated.at) != length ||
        memcmp(stated.at, version.at, length) != 0)
      return fail(CNI_BAD_CONFIG, "prevResult: expected an object of the same cniVersion as the configuration");
    append(&out, previous.at, (size_t)(previous.end - previous.at));
  } else {
    append_text(&out, "{\n    \"cniVersion\": \"");
    append(&out, version.at, (size_t)(version.end - version.at));
    append_text(&out, *version.at == '0' ? "\",\n    \"dns\": {}\n}" : "\"\n}");
  }
  return write_all(STDOUT_FILENO, out.data, out.length) < 0;
}

static int answer_alone(const char *command, struct text config) {
  if (strcmp(command, "VERSION") == 0) return print_versions();
  if (strcmp(command, "DEL") == 0 || strcmp(command, "GC") == 0) return 0;
  if (strcmp(command, "ADD") == 0 && needs_no_agent(config)) return print_previous(config);
  if (strcmp(command, "STATUS") == 0)
    return fail(CNI_NOT_AVAILABLE, "istio-cni is not ready: its agent (DaemonSet istio-cni-node) does not answer");
  return fail(CNI_TRY_LATER,
              "the agent of istio-cni (DaemonSet istio-cni-node) does not answer on this node; try again later");
}

int main(void) {
  long until_ms = now_ms() + TIME_LIMIT_MS;
  const char *command = getenv("CNI_COMMAND");
  struct bytes input = {0};
  signal(SIGPIPE, SIG_IGN);
  append(&input, "", 0);
  /* VERSION and DEL must work with whatever stands on standard input. */
  int readable = read_all(STDIN_FILENO, &input, MAX_INPUT_BYTES, until_ms) == 0;
  struct text config = {input.data, input.data + input.length};
  if (!readable) config.end = config.at;
  int status = readable ? ask_agent(config, &input, until_ms) : -1;
  if (status >= 0) return status;
  return answer_alone(command == NULL ? "" : command, config);
}
