/*
 * The program in the lab's test images: a small HTTP/1.1 server that can be told, by its environment, to be a bad
 * release. `app` serves; `app --check [PATH]` asks the running one, as a container's healthcheck does.
 *
 *   APP_PORT (8080)   APP_VERSION (the image's tag)
 *   APP_FAULT=crash      writes a few lines to stderr and exits 1 at start
 *   APP_FAULT=unhealthy  serves, but /health is 503 and --check exits 1
 *   APP_FAULT=error      500 on every path
 *   APP_FAULT=slow_boot  does not listen before APP_BOOT_MS have passed
 *   APP_ERROR_PERCENT=N  500 to N of every 100 requests to /, evenly spread; two decimals at most
 *   APP_ERROR_AFTER_MS=N ...but only when so long has passed since its start
 *   APP_PRINT_ENV=1      writes its environment to stderr and exits 1
 *
 *   /          {"version":…,"hostname":…,"pid":…}
 *   /slow?ms=N answers after N milliseconds (1000)
 *   /work?status=N&ms=N  answers with that status, after that time
 *   /ready /health       200 while all is well
 *
 * On SIGTERM it takes what has already connected, closes the listener, answers every open request with
 * `Connection: close`, and exits 0.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_HEAD_BYTES = 16 * 1024, STACK_BYTES = 128 * 1024, IDLE_TIMEOUT_MS = 60 * 1000 };

struct settings {
  int port;
  int boot_ms;
  unsigned long errors_in_10000;
  int error_after_ms;
  struct timespec started;
  char version[128];
  char fault[32];
  char hostname[64];
};

struct request {
  char method[16];
  char path[256];
  char query[1024];
  long content_length;
  bool chunked;
  bool keep_alive;
};

struct connection {
  int fd;
  size_t held; /* bytes of buffer that belong to requests not yet answered */
  char buffer[MAX_HEAD_BYTES];
};

static struct settings settings;
static atomic_bool stopping;
static int stopping_pipe[2]; /* readable for every connection once the program is stopping */
static atomic_ulong root_requests;
static int open_connections;
static pthread_mutex_t connections_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t connections_changed = PTHREAD_COND_INITIALIZER;

static void read_settings(void);
static int check(const char *path);
static int fail_at_start(char **environment);
static bool wait_for_boot(int signal_fd);
static int listen_on(int port);
static void serve_until_signal(int listener, int signal_fd);
static void finish_open_requests(void);
static void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

int main(int argc, char **argv, char **environment) {
  read_settings();
  if (argc > 1 && strcmp(argv[1], "--check") == 0) return check(argc > 2 ? argv[2] : "/health");
  if (argc > 1) {
    fprintf(stderr, "app: unknown argument %s; usage: app [--check [PATH]]\n", argv[1]);
    return 2;
  }
  if (strcmp(settings.fault, "crash") == 0 || getenv("APP_PRINT_ENV") != NULL) return fail_at_start(environment);

  /* As a container's first process it gets no default action for SIGTERM; every thread inherits this mask. */
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop_signals, NULL);
  signal(SIGPIPE, SIG_IGN);
  int signal_fd = signalfd(-1, &stop_signals, SFD_CLOEXEC);
  if (signal_fd < 0 || pipe2(stopping_pipe, O_CLOEXEC) < 0) {
    log_line("cannot start: %s", strerror(errno));
    return 1;
  }

  log_line("starting version %s", settings.version);
  if (!wait_for_boot(signal_fd)) return 0;
  int listener = listen_on(settings.port);
  if (listener < 0) return 1;
  log_line("listening on port %d", settings.port);
  serve_until_signal(listener, signal_fd);
  finish_open_requests();
  log_line("stopped");
  return 0;
}

static int number_from(const char *name, int fallback) {
  const char *value = getenv(name);
  return value == NULL || *value == '\0' ? fallback : atoi(value);
}

static void read_settings(void) {
  const char *version = getenv("APP_VERSION");
  const char *fault = getenv("APP_FAULT");
  settings.port = number_from("APP_PORT", 8080);
  settings.boot_ms = number_from("APP_BOOT_MS", 10000);
  const char *percent = getenv("APP_ERROR_PERCENT");
  settings.errors_in_10000 = percent == NULL ? 0 : (unsigned long)(atof(percent) * 100 + 0.5);
  settings.error_after_ms = number_from("APP_ERROR_AFTER_MS", 0);
  clock_gettime(CLOCK_MONOTONIC, &settings.started);
  snprintf(settings.version, sizeof settings.version, "%s", version == NULL ? "unknown" : version);
  snprintf(settings.fault, sizeof settings.fault, "%s", fault == NULL ? "" : fault);
  gethostname(settings.hostname, sizeof settings.hostname - 1);
}

static int fail_at_start(char **environment) {
  if (getenv("APP_PRINT_ENV") != NULL) {
    for (char **entry = environment; *entry != NULL; entry++) fprintf(stderr, "%s\n", *entry);
    return 1;
  }
  log_line("starting version %s", settings.version);
  log_line("loading configuration");
  log_line("fatal: cannot open the database: no such host db.internal");
  return 1;
}

/* False when the program was told to stop while it was still booting. */
static bool wait_for_boot(int signal_fd) {
  if (strcmp(settings.fault, "slow_boot") != 0) return true;
  log_line("booting for %d ms", settings.boot_ms);
  struct pollfd wake = {.fd = signal_fd, .events = POLLIN};
  return poll(&wake, 1, settings.boot_ms) == 0;
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1024) < 0) {
    log_line("cannot listen on port %d: %s", port, strerror(errno));
    close(fd);
    return -1;
  }
  return fd;
}

/* ---- connections ---- */

static void accept_waiting(int listener);
static void *serve_connection(void *argument);
static bool serve_request(struct connection *connection);

static void serve_until_signal(int listener, int signal_fd) {
  struct pollfd wakes[] = {{.fd = listener, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
  for (;;) {
    if (poll(wakes, 2, -1) < 0 && errno != EINTR) break;
    if (wakes[0].revents & POLLIN) accept_waiting(listener);
    if (wakes[1].revents & POLLIN) break;
  }
  log_line("stopping: finishing open requests");
  /* Peers in the accept queue believe that they are connected: serve them too. */
  accept_waiting(listener);
  close(listener);
  stopping = true;
  close(stopping_pipe[1]);
}

static void accept_waiting(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    struct connection *connection = malloc(sizeof *connection);
    pthread_attr_t attributes;
    pthread_t thread;
    if (connection == NULL) {
      close(fd);
      continue;
    }
    connection->fd = fd;
    connection->held = 0;
    pthread_mutex_lock(&connections_lock);
    open_connections++;
    pthread_mutex_unlock(&connections_lock);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, serve_connection, connection) != 0) {
      close(fd);
      free(connection);
      pthread_mutex_lock(&connections_lock);
      open_connections--;
      pthread_mutex_unlock(&connections_lock);
    }
    pthread_attr_destroy(&attributes);
  }
}

static void finish_open_requests(void) {
  pthread_mutex_lock(&connections_lock);
  while (open_connections > 0) pthread_cond_wait(&connections_changed, &connections_lock);
  pthread_mutex_unlock(&connections_lock);
}

static void *serve_connection(void *argument) {
  struct connection *connection = argument;
  int yes = 1;
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  while (serve_request(connection)) {
  }
  /* The peer reads our last answer before it sees a reset from bytes that we did not read. */
  shutdown(connection->fd, SHUT_WR);
  close(connection->fd);
  free(connection);
  pthread_mutex_lock(&connections_lock);
  open_connections--;
  pthread_cond_signal(&connections_changed);
  pthread_mutex_unlock(&connections_lock);
  return NULL;
}

/* ---- one request ---- */

static size_t read_head(struct connection *connection);
static bool parse_head(const char *head, struct request *request);
static bool skip_body(struct connection *connection, long length);
static bool answer(int fd, const struct request *request);
static bool respond(int fd, const struct request *request, int status, const char *type, const char *body);

/* False when the connection is over. */
static bool serve_request(struct connection *connection) {
  size_t head_bytes = read_head(connection);
  if (head_bytes == 0) return false;

  char head[MAX_HEAD_BYTES + 1];
  memcpy(head, connection->buffer, head_bytes);
  head[head_bytes] = '\0';
  connection->held -= head_bytes;
  memmove(connection->buffer, connection->buffer + head_bytes, connection->held);

  struct request request;
  if (!parse_head(head, &request)) {
    request.keep_alive = false;
    respond(connection->fd, &request, 400, "text/plain", "not an HTTP/1.1 request\n");
    return false;
  }
  if (request.chunked) {
    request.keep_alive = false;
    respond(connection->fd, &request, 411, "text/plain", "send a Content-Length\n");
    return false;
  }
  if (!skip_body(connection, request.content_length)) return false;
  return answer(connection->fd, &request);
}

/* Length of the next request's head; 0 when the peer is gone, idles too long, or is idle while the program stops. */
static size_t read_head(struct connection *connection) {
  for (;;) {
    char *end = memmem(connection->buffer, connection->held, "\r\n\r\n", 4);
    if (end != NULL) return (size_t)(end - connection->buffer) + 4;
    if (connection->held == MAX_HEAD_BYTES) return 0;

    struct pollfd wakes[] = {{.fd = connection->fd, .events = POLLIN}, {.fd = stopping_pipe[0], .events = POLLIN}};
    /* A request that has begun to arrive is waited for even while stopping. */
    nfds_t watched = connection->held > 0 ? 1 : 2;
    int ready = poll(wakes, watched, IDLE_TIMEOUT_MS);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return 0;
    if (wakes[0].revents == 0) return 0;
    ssize_t got = read(connection->fd, connection->buffer + connection->held, MAX_HEAD_BYTES - connection->held);
    if (got <= 0) return 0;
    connection->held += (size_t)got;
  }
}

static bool parse_head(const char *head, struct request *request) {
  char target[1280];
  int minor;
  memset(request, 0, sizeof *request);
  if (sscanf(head, "%15s %1279s HTTP/1.%d", request->method, target, &minor) != 3) return false;
  char *question = strchr(target, '?');
  if (question != NULL) {
    *question = '\0';
    snprintf(request->query, sizeof request->query, "%.1023s", question + 1);
  }
  if (strlen(target) >= sizeof request->path) return false;
  strcpy(request->path, target);
  request->keep_alive = minor >= 1;

  for (const char *line = strstr(head, "\r\n"); line != NULL && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
    const char *field = line + 2;
    if (strncasecmp(field, "content-length:", 15) == 0) {
      request->content_length = atol(field + 15);
    } else if (strncasecmp(field, "transfer-encoding:", 18) == 0) {
      request->chunked = true;
    } else if (strncasecmp(field, "connection:", 11) == 0) {
      const char *value = field + 11;
      while (*value == ' ') value++;
      if (strncasecmp(value, "close", 5) == 0) request->keep_alive = false;
      if (strncasecmp(value, "keep-alive", 10) == 0) request->keep_alive = true;
    }
  }
  return request->content_length >= 0;
}

static bool skip_body(struct connection *connection, long length) {
  long buffered = length < (long)connection->held ? length : (long)connection->held;
  connection->held -= (size_t)buffered;
  memmove(connection->buffer, connection->buffer + buffered, connection->held);
  char sink[4096];
  for (long left = length - buffered; left > 0;) {
    ssize_t got = read(connection->fd, sink, left < (long)sizeof sink ? (size_t)left : sizeof sink);
    if (got <= 0) return false;
    left -= got;
  }
  return true;
}

/* ---- answers ---- */

static long query_number(const char *query, const char *name, long fallback);
static void sleep_ms(long duration_ms);
static bool is_among_the_failing(unsigned long nth);

static bool answer(int fd, const struct request *request) {
  if (strcmp(settings.fault, "error") == 0) {
    return respond(fd, request, 500, "text/plain", "fault: error\n");
  }
  if (strcmp(request->path, "/") == 0) {
    if (is_among_the_failing(atomic_fetch_add(&root_requests, 1) + 1)) {
      return respond(fd, request, 500, "text/plain", "fault: error percent\n");
    }
    char body[512];
    snprintf(body, sizeof body, "{\"version\":\"%s\",\"hostname\":\"%s\",\"pid\":%d}\n", settings.version,
             settings.hostname, getpid());
    return respond(fd, request, 200, "application/json", body);
  }
  if (strcmp(request->path, "/slow") == 0) {
    sleep_ms(query_number(request->query, "ms", 1000));
    return respond(fd, request, 200, "text/plain", "slow\n");
  }
  if (strcmp(request->path, "/work") == 0) {
    sleep_ms(query_number(request->query, "ms", 0));
    return respond(fd, request, (int)query_number(request->query, "status", 200), "text/plain", "work\n");
  }
  if (strcmp(request->path, "/ready") == 0) return respond(fd, request, 200, "text/plain", "ready\n");
  if (strcmp(request->path, "/health") == 0) {
    bool unhealthy = strcmp(settings.fault, "unhealthy") == 0;
    return respond(fd, request, unhealthy ? 503 : 200, "text/plain", unhealthy ? "fault: unhealthy\n" : "healthy\n");
  }
  return respond(fd, request, 404, "text/plain", "no such path\n");
}

/* Spreads the failures evenly and repeatably: of any 10,000 requests in a row exactly errors_in_10000 fail. */
static bool is_among_the_failing(unsigned long nth) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long since_ms = (now.tv_sec - settings.started.tv_sec) * 1000 + (now.tv_nsec - settings.started.tv_nsec) / 1000000;
  if (since_ms < settings.error_after_ms) return false;
  unsigned long errors = settings.errors_in_10000;
  return nth * errors / 10000 != (nth - 1) * errors / 10000;
}

static long query_number(const char *query, const char *name, long fallback) {
  size_t length = strlen(name);
  for (const char *pair = query; pair != NULL && *pair != '\0';) {
    if (strncmp(pair, name, length) == 0 && pair[length] == '=') return atol(pair + length + 1);
    pair = strchr(pair, '&');
    if (pair != NULL) pair++;
  }
  return fallback;
}

static void sleep_ms(long duration_ms) {
  struct timespec left = {.tv_sec = duration_ms / 1000, .tv_nsec = duration_ms % 1000 * 1000000};
  while (duration_ms > 0 && nanosleep(&left, &left) < 0 && errno == EINTR) {
  }
}

static const char *reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 411: return "Length Required";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "Status";
  }
}

/* True when the connection may carry another request. */
static bool respond(int fd, const struct request *request, int status, const char *type, const char *body) {
  bool keep_alive = request->keep_alive && !stopping;
  if (status < 200 || status > 599) status = 400;
  char text[1536];
  int length = snprintf(text, sizeof text,
                        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: %s\r\n"
                        "X-App-Version: %s\r\n\r\n%s",
                        status, reason_of(status), type, strlen(body), keep_alive ? "keep-alive" : "close",
                        settings.version, strcmp(request->method, "HEAD") == 0 ? "" : body);
  for (int sent = 0; sent < length;) {
    ssize_t wrote = write(fd, text + sent, (size_t)(length - sent));
    if (wrote <= 0) return false;
    sent += (int)wrote;
  }
  return keep_alive;
}

/* ---- the healthcheck's side ---- */

static int check(const char *path) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct timeval limit = {.tv_sec = 5};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)settings.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    printf("cannot connect to port %d: %s\n", settings.port, strerror(errno));
    return 1;
  }
  char text[1024];
  int length = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
  if (write(fd, text, (size_t)length) != length) return 1;
  ssize_t got = read(fd, text, sizeof text - 1);
  int status = 0;
  text[got < 0 ? 0 : got] = '\0';
  sscanf(text, "HTTP/1.%*d %d", &status);
  printf("%s answered %d\n", path, status);
  return status >= 200 && status < 300 ? 0 : 1;
}

static void log_line(const char *format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  struct timespec now;
  struct tm utc;
  char stamp[32];
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
  fprintf(stderr, "%s.%03ldZ app: %s\n", stamp, now.tv_nsec / 1000000, message);
}
