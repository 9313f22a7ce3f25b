/*
 * Reads the command line, and where it may the environment, of every process that it sees, every 5 ms until its stdin
 * ends. `processes INTERVAL_US [UID]`: as that user.
 *
 *   c HEX        a command line that was not seen before
 *   e HEX HEX    an environment that was not seen before, behind the command line of its process
 *   n SAMPLES PROCESSES LONGEST_US   the last line: how often it looked, at how many processes, and the longest time
 *                                    between two looks
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SLOTS (1 << 20)
static uint64_t seen[SLOTS];
static char words[1 << 18], variables[1 << 18];

static uint64_t hash(uint64_t from, const char *bytes, size_t length) {
  for (size_t at = 0; at < length; at++) from = (from ^ (unsigned char)bytes[at]) * 1099511628211u;
  return from == 0 ? 1 : from;
}

/* Whether it was not there before. */
static int add(uint64_t value) {
  for (size_t at = value % SLOTS;; at = (at + 1) % SLOTS) {
    if (seen[at] == value) return 0;
    if (seen[at] == 0) return seen[at] = value, 1;
  }
}

static size_t read_file(const char *pid, const char *name, char *into, size_t size) {
  char path[300];
  snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  size_t length = 0;
  for (ssize_t got; length < size && (got = read(file, into + length, size - length)) > 0;) length += got;
  close(file);
  return length;
}

static void print_hex(const char *bytes, size_t length) {
  static const char digits[] = "0123456789abcdef";
  putchar(' ');
  for (size_t at = 0; at < length; at++) {
    putchar(digits[(unsigned char)bytes[at] >> 4]);
    putchar(digits[(unsigned char)bytes[at] & 15]);
  }
}

static long look(void) {
  long count = 0;
  DIR *proc = opendir("/proc");
  if (proc == NULL) exit(1);
  for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
    if (!isdigit((unsigned char)entry->d_name[0])) continue;
    size_t length = read_file(entry->d_name, "cmdline", words, sizeof words);
    if (length == 0) continue;
    count++;
    uint64_t line = hash(14695981039346656037u, words, length);
    if (add(line)) {
      putchar('c');
      print_hex(words, length);
      putchar('\n');
    }
    size_t more = read_file(entry->d_name, "environ", variables, sizeof variables);
    if (more == 0 || !add(hash(line + 1, variables, more))) continue;
    putchar('e');
    print_hex(words, length);
    print_hex(variables, more);
    putchar('\n');
  }
  closedir(proc);
  return count;
}

static long long now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

int main(int count, char **given) {
  long interval = count > 1 ? atol(given[1]) : 5000;
  if (count > 2 && (setgid(atoi(given[2])) != 0 || setuid(atoi(given[2])) != 0)) return 1;
  long samples = 0, processes = 0;
  long long longest = 0, last = 0;
  for (struct pollfd input = {.fd = 0, .events = POLLIN};;) {
    long long began = now_us();
    if (last != 0 && began - last > longest) longest = began - last;
    last = began;
    processes += look();
    samples++;
    long long left = interval - (now_us() - began);
    struct timespec rest = {.tv_sec = 0, .tv_nsec = left > 0 ? left * 1000 : 0};
    if (ppoll(&input, 1, &rest, NULL) > 0) break;
  }
  printf("n %ld %ld %lld\n", samples, processes, longest);
  return 0;
}
