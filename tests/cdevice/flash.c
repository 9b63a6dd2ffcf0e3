/* Two slots and a counter. A change is durable after the flush; the counter is a part of its own. */
#include "device.h"

#include <string.h>

void flash_new(struct flash *f) {
    memset(f, 0, sizeof *f);
    f->cut_in = f->fail_from = -1;
}

/* One changing operation begins: -1 it fails, 0 it runs, 1 the power goes after it, 2 in it. */
static int strike(struct flash *f) {
    if (f->off) return -1;
    if (f->fail_from == 0) {
        if (f->fail_count != 0) {
            if (f->fail_count > 0) f->fail_count--;
            return -1;
        }
        f->fail_from = -1;
    } else if (f->fail_from > 0) {
        f->fail_from--;
    }
    f->changes++;
    if (f->cut_in < 0) return 0;
    if (f->cut_in-- > 0) return 0;
    f->off = 1;
    return f->cut_torn ? 2 : 1;
}

int flash_bump(struct flash *f) {
    int how = strike(f);
    if (how < 0) return -1;
    if (how != 2) f->counter++;
    return how ? -1 : 0;
}

int flash_settle(struct flash *f) {
    int how = strike(f);
    if (how < 0) return -1;
    if (how != 2) {
        memcpy(f->durable, f->seen, sizeof f->seen);
        memcpy(f->dlen, f->len, sizeof f->len);
    }
    return how ? -1 : 0;
}

int flash_commit(struct flash *f, int slot, const uint8_t *octets, int size) {
#ifdef ODAP_BUG_ORDER
    if (flash_bump(f)) return -1;
#endif
    int how = strike(f); /* erase */
    if (how < 0) return -1;
    if (how == 2) f->dlen[slot] = f->len[slot] / 2;
    f->len[slot] = 0;
    if (how) return -1;
    how = strike(f); /* write */
    if (how < 0) return -1;
    memcpy(f->seen[slot], octets, (size_t)size);
    f->len[slot] = how == 2 ? size / 2 : size;
    if (how == 2) {
        memcpy(f->durable[slot], octets, (size_t)size);
        f->dlen[slot] = size / 2;
    }
    if (how) return -1;
    if (flash_settle(f)) return -1;
#ifdef ODAP_BUG_ORDER
    return 0;
#else
    return flash_bump(f);
#endif
}

void flash_power_cycle(struct flash *f) {
    memcpy(f->seen, f->durable, sizeof f->seen);
    memcpy(f->len, f->dlen, sizeof f->len);
    f->cut_in = f->fail_from = -1;
    f->off = 0;
}
