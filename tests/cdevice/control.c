/* The control contract (firmware_sim/attacks/CONTROL.md) on standard input and output, and the
 * link to the server over TCP. */
#define _POSIX_C_SOURCE 200809L
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char server[128];
static int link_fd = -1, made;
static long links, received, sent;
static int64_t now;

/* Flat JSON: the value of "name" in the line, as text; 0 if it is not there. */
static const char *value(const char *line, const char *name) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"%s\":", name);
    const char *p = strstr(line, wanted);
    if (!p) return 0;
    for (p += strlen(wanted); *p == ' '; p++) {}
    return p;
}

static int text(const char *line, const char *name, char *out, size_t room) {
    const char *p = value(line, name), *end = p && *p == '"' ? strchr(p + 1, '"') : 0;
    if (!end || (size_t)(end - p) > room) return -1;
    memcpy(out, p + 1, (size_t)(end - p - 1));
    out[end - p - 1] = 0;
    return 0;
}

static long long number(const char *line, const char *name) {
    const char *p = value(line, name);
    return p && *p != 'n' ? atoll(p) : -1;
}

static long unhex(const char *p, uint8_t *out, size_t room) {
    size_t size = 0;
    for (; *p && *p != '"'; p += 2) {
        unsigned octet;
        if (size >= room || sscanf(p, "%2x", &octet) != 1) return -1;
        out[size++] = (uint8_t)octet;
    }
    return (long)size;
}

static long octets(const char *line, const char *name, uint8_t *out, size_t room) {
    const char *p = value(line, name);
    return p && *p == '"' ? unhex(p + 1, out, room) : -1;
}

static void hex(const uint8_t *p, size_t size) {
    while (size-- > 0) printf("%02x", *p++);
}

/* The link --------------------------------------------------------------------------------- */

static void hang_up(void) {
    if (link_fd < 0) return;
    close(link_fd);
    link_fd = -1;
}

static int call(void) {
    char host[128], *port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    if (strncmp(server, "tcp://", 6)) return -1;
    snprintf(host, sizeof host, "%s", server + 6);
    port = strrchr(host, ':');
    if (!port) return -1;
    *port++ = 0;
    if (getaddrinfo(host, port, &hints, &found)) return -1;
    int fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen)) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    if (fd >= 0) fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static int flush_out(void) {
    uint8_t p[8192];
    size_t size = device_outgoing(p, sizeof p);
    if (!size || link_fd < 0) return 0;
    for (size_t done = 0; done < size;) {
        ssize_t n = send(link_fd, p + done, size - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd ready = {link_fd, POLLOUT, 0};
            poll(&ready, 1, 1000);
            continue;
        }
        if (n < 0) return 0;
        done += (size_t)n;
        sent += n;
    }
    return 1;
}

/* Octets both ways, and the link as the device wants it, until nothing moves. */
static void serve(void) {
    for (int moved = 1; made && moved;) {
        moved = flush_out();
        if (link_fd < 0 && device_wants_link()) {
            link_fd = call();
            device_link(link_fd >= 0);
            if (link_fd >= 0) {
                links++;
                received = sent = 0;
            }
            moved = 1;
            continue;
        }
        if (link_fd >= 0 && !device_wants_link()) {
            hang_up();
            device_link(0);
            moved = 1;
            continue;
        }
        uint8_t p[8192];
        ssize_t n = link_fd >= 0 ? recv(link_fd, p, sizeof p, 0) : -1;
        if (n > 0) {
            received += n;
            device_receive(p, (size_t)n);
            moved = 1;
        } else if (link_fd >= 0 && (n == 0 || errno != EAGAIN)) {
            hang_up();
            device_link(0);
            moved = 1;
        }
    }
}

/* The words -------------------------------------------------------------------------------- */

static const char *reset(const char *line) {
    struct setup s = {0};
    char alg[16];
    hang_up();
    if (text(line, "server", s.server, sizeof s.server) || text(line, "imei", s.imei, sizeof s.imei) ||
        text(line, "serving", s.serving, sizeof s.serving) || text(line, "sim", s.sim, sizeof s.sim) ||
        text(line, "algorithm", alg, sizeof alg) || octets(line, "realm", s.realm, 16) != 16 ||
        octets(line, "device_key", s.secret, 32) != 32 || octets(line, "storage_key", s.storage, 32) != 32 ||
        octets(line, "seed", s.seed, 32) != 32)
        return "a member of reset is missing or malformed";
    long size = octets(line, "trust", s.trust, sizeof s.trust);
    if (size < 0) return "trust is no message";
    s.trust_len = (size_t)size;
    s.alg = !strcmp(alg, "ED25519") ? 2 : 1;
    s.rtc = (uint64_t)number(line, "rtc");
    snprintf(server, sizeof server, "%s", s.server);
    links = received = sent = 0;
    now = 0;
    device_reset(&s);
    made = 1;
    return 0;
}

static void tell_state(void) {
    int64_t wake = device_wake();
    char *code = strtok((char *)device_refusals(), " ");
    printf(", \"page\": \"%s\", \"lock_state\": \"%s\", \"floor\": %llu, \"writes\": %u, \"off\": %s",
           device_page(), device_state(), (unsigned long long)device_floor(), device_flash()->changes,
           device_flash()->off ? "true" : "false");
    printf(", \"links\": %ld, \"linked\": %s, \"received\": %ld, \"sent\": %ld, \"wake_ms\": ", links,
           link_fd >= 0 ? "true" : "false", received, sent);
    if (wake == INT64_MAX) printf("null");
    else printf("%lld", (long long)(wake - now));
    printf(", \"refusals\": [");
    for (const char *comma = ""; code; code = strtok(0, " "), comma = ", ") printf("%s\"%s\"", comma, code);
    printf("]");
}

static const char *store(const char *line) {
    struct flash *f = device_flash();
    char action[16];
    if (text(line, "action", action, sizeof action)) return "no action";
    if (!strcmp(action, "dump")) {
        printf(", \"slots\": [\"");
        hex(f->seen[0], (size_t)f->len[0]);
        printf("\", \"");
        hex(f->seen[1], (size_t)f->len[1]);
        printf("\"], \"counter\": %u", f->counter);
        return 0;
    }
    const char *p = value(line, "slots");
    if (!p || *p != '[') return "no slots";
    for (int i = 0; i < 2; i++) {
        p = strchr(p, '"');
        long size = p ? unhex(p + 1, f->seen[i], SLOT) : -1;
        if (size < 0) return "a slot is too long or no hexadecimal";
        f->len[i] = (int)size;
        p = strchr(p + 1, '"') + 1;
    }
    f->counter = (uint32_t)number(line, "counter");
    flash_settle(f);
    hang_up();
    device_reboot();
    return 0;
}

static const char *ticket(const char *line) {
    uint8_t p[MAX_MESSAGE];
    char action[16];
    if (text(line, "action", action, sizeof action)) return "no action";
    if (!strcmp(action, "ask")) {
        size_t size = device_ask(p);
        if (!size) return "no lock that a ticket could open";
        printf(", \"challenge\": \"");
        hex(p, size);
        printf("\"");
        return 0;
    }
    long size = octets(line, "message", p, sizeof p);
    if (size < 0) return "no message";
    device_type(p, (size_t)size);
    return 0;
}

static void advance(int64_t ms) {
    int64_t until = now + ms;
    while (now < until) {
        int64_t wake = device_wake();
        now = wake < until ? wake : until;
        device_tick(now);
        serve();
    }
}

static const char *word(const char *what, const char *line) {
    char imei[16], serving[8];
    struct flash *f = device_flash();
    if (!strcmp(what, "hello")) {
        printf(", \"name\": \"C device\", \"framing\": \"length\", \"can\": [\"reset\", \"state\", "
               "\"advance\", \"clock\", \"reboot\", \"cut\", \"fail\", \"store\", \"modem\", \"wipe\", "
               "\"ticket\"]");
        return 0;
    }
    if (!strcmp(what, "reset")) return reset(line);
    if (!made) return "reset comes first";
    if (!strcmp(what, "state")) tell_state();
    else if (!strcmp(what, "advance")) advance(number(line, "ms"));
    else if (!strcmp(what, "clock")) return 0; /* the wall clock decides nothing here */
    else if (!strcmp(what, "reboot")) { hang_up(); device_reboot(); }
    else if (!strcmp(what, "cut")) {
        const char *torn = value(line, "torn");
        f->cut_in = (int)number(line, "operation");
        f->cut_torn = torn && *torn == 't';
    } else if (!strcmp(what, "fail")) {
        f->fail_from = (int)number(line, "first");
        f->fail_count = (int)number(line, "count");
    } else if (!strcmp(what, "store")) return store(line);
    else if (!strcmp(what, "modem")) {
        int has_imei = !text(line, "imei", imei, sizeof imei);
        int has_serving = !text(line, "serving", serving, sizeof serving);
        device_modem(has_imei ? imei : 0, has_serving ? serving : 0);
    } else if (!strcmp(what, "wipe")) device_wipe();
    else if (!strcmp(what, "ticket")) return ticket(line);
    else return "no such word";
    return 0;
}

int main(void) {
    char *line = 0;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        char what[32] = "";
        text(line, "do", what, sizeof what);
        serve();
        printf("{\"id\": %lld", number(line, "id"));
        const char *error = word(what, line);
        serve();
        if (error) printf(", \"ok\": false, \"error\": \"%s\"}\n", error);
        else printf(", \"ok\": true}\n");
        fflush(stdout);
    }
    free(line);
    return 0;
}
