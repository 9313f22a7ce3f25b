/*
 * A slow cable: `delay INTERFACE INTERFACE MICROSECONDS` passes every Ethernet frame that arrives at one interface on to
 * the other, that much later, in both directions. It does for a lab what netem would do, on kernels without netem.
 * Ends when one of the interfaces is removed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Offloading hands over frames far above the MTU, with a header (PACKET_VNET_HDR) that says how to cut them later. */
enum { MAX_FRAME_BYTES = 65536 + 256, MAX_WAITING_FRAMES = 20000, BUFFER_BYTES = 8 << 20 };

struct frame {
  struct frame *next;
  int64_t due_ns;
  size_t length;
  char bytes[];
};

struct direction {
  int from;
  int to;
  struct frame *first;
  struct frame **end;
  int waiting;
};

static int open_interface(const char *name);
static void take_arrived(struct direction *direction, int64_t delay_ns);
static void pass_on_due(struct direction *direction);
static struct timespec until_next_due(const struct direction *directions);
static int64_t now_ns(void);

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: delay INTERFACE INTERFACE MICROSECONDS\n");
    return 2;
  }
  int64_t delay_ns = atoll(argv[3]) * 1000;
  int one = open_interface(argv[1]);
  int other = open_interface(argv[2]);
  if (one < 0 || other < 0) return 1;

  struct direction directions[] = {{.from = one, .to = other}, {.from = other, .to = one}};
  for (int i = 0; i < 2; i++) directions[i].end = &directions[i].first;
  struct pollfd wakes[] = {{.fd = one, .events = POLLIN}, {.fd = other, .events = POLLIN}};
  for (;;) {
    struct timespec wait = until_next_due(directions);
    if (ppoll(wakes, 2, &wait, NULL) < 0 && errno != EINTR) return 1;
    for (int i = 0; i < 2; i++) {
      take_arrived(&directions[i], delay_ns);
      pass_on_due(&directions[i]);
    }
    if (if_nametoindex(argv[1]) == 0 || if_nametoindex(argv[2]) == 0) return 0;
  }
}

static int open_interface(const char *name) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
  int yes = 1;
  int buffer_bytes = BUFFER_BYTES;
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
  if (fd < 0 || address.sll_ifindex == 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &yes, sizeof yes) < 0 ||
      /* Otherwise what we pass on would come back to us. */
      setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes) < 0 ||
      bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    fprintf(stderr, "delay: cannot open interface %s: %s\n", name, strerror(errno));
    return -1;
  }
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
  return fd;
}

static void take_arrived(struct direction *direction, int64_t delay_ns) {
  static char bytes[MAX_FRAME_BYTES];
  for (;;) {
    ssize_t length = recv(direction->from, bytes, sizeof bytes, 0);
    if (length < 0) return;
    struct frame *frame = malloc(sizeof *frame + (size_t)length);
    /* A cable that is full loses frames, as cables do. */
    if (frame == NULL || direction->waiting >= MAX_WAITING_FRAMES) {
      free(frame);
      continue;
    }
    frame->next = NULL;
    frame->due_ns = now_ns() + delay_ns;
    frame->length = (size_t)length;
    memcpy(frame->bytes, bytes, (size_t)length);
    *direction->end = frame;
    direction->end = &frame->next;
    direction->waiting++;
  }
}

static void pass_on_due(struct direction *direction) {
  int64_t now = now_ns();
  while (direction->first != NULL && direction->first->due_ns <= now) {
    struct frame *frame = direction->first;
    /* An interface that is down loses its frames. */
    if (send(direction->to, frame->bytes, frame->length, 0) < 0 && errno == EAGAIN) return;
    direction->first = frame->next;
    if (direction->first == NULL) direction->end = &direction->first;
    direction->waiting--;
    free(frame);
  }
}

/* At most a second, so that an interface that went is noticed. */
static struct timespec until_next_due(const struct direction *directions) {
  int64_t wait_ns = 1000000000;
  for (int i = 0; i < 2; i++) {
    if (directions[i].first == NULL) continue;
    int64_t left_ns = directions[i].first->due_ns - now_ns();
    if (left_ns < wait_ns) wait_ns = left_ns < 0 ? 0 : left_ns;
  }
  return (struct timespec){.tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000};
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
