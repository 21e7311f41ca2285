/* A campaign between two days: its clock and events, users, sums, days and entries. */
#include <inttypes.h>

#include "sim/core/checkpoint.h"
#include "sim/market/winback_impl.h"

#define STATE_TAG   "winback state"
#define USERS_TAG   "winback users"
#define SUMS_TAG    "winback sums"
#define DAYS_TAG    "winback days"
#define ENTRIES_TAG "winback entries"

static size_t day_bytes(const gv_winback *winback)
{
    return (winback->config.days + (size_t)GV_WINBACK_TAIL) * sizeof *winback->days;
}

gv_status gv_winback_save(const gv_winback *winback, gv_writer *writer)
{
    const size_t users = winback->config.user_count;
    GV_TRY(gv_sim_save(winback->sim, writer));
    GV_TRY(gv_writer_put(writer, STATE_TAG, &winback->state, sizeof winback->state));
    GV_TRY(gv_writer_put(writer, USERS_TAG, winback->users, users * sizeof *winback->users));
    GV_TRY(gv_writer_put(writer, SUMS_TAG, winback->sums, users * sizeof *winback->sums));
    GV_TRY(gv_writer_put(writer, DAYS_TAG, winback->days, day_bytes(winback)));
    return gv_writer_put(writer, ENTRIES_TAG, winback->entries,
                         winback->state.entry_count * sizeof *winback->entries);
}

/* A stop is at a midnight, whose ads follow from the users as they were left. */
gv_status gv_winback_restore(gv_winback *winback, gv_reader *reader)
{
    const gv_winback_config *config = &winback->config;
    const size_t users = config->user_count;
    GV_TRY(gv_sim_restore(winback->sim, reader));
    GV_TRY(gv_reader_get(reader, STATE_TAG, &winback->state, sizeof winback->state));
    if (winback->state.entry_count > winback->entries_max ||
        winback->state.day >= config->days + (uint64_t)GV_WINBACK_TAIL) {
        return GV_FAIL(GV_ECORRUPT, "the checkpoint is of another campaign, or damaged");
    }
    GV_TRY(gv_reader_get(reader, USERS_TAG, winback->users, users * sizeof *winback->users));
    GV_TRY(gv_reader_get(reader, SUMS_TAG, winback->sums, users * sizeof *winback->sums));
    GV_TRY(gv_reader_get(reader, DAYS_TAG, winback->days, day_bytes(winback)));
    GV_TRY(gv_reader_get(reader, ENTRIES_TAG, winback->entries,
                         winback->state.entry_count * sizeof *winback->entries));
    for (size_t i = 0; i < users; i++) {
        if (winback->users[i].spell >= GV_POPULATION_SPELLS_MAX) {
            return GV_FAIL(GV_ECORRUPT, "the checkpoint holds a user in spell %" PRIu32,
                           winback->users[i].spell);
        }
        gv_population_spell(config->population, config->first_user + i, winback->users[i].spell,
                            &winback->spells[i]);
    }
    return gv_winback_open_day(winback);
}
