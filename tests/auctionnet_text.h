/*
 * auctionnet_text.h - small logs in AuctionNet's columns, for tests of what reads them.
 */
#ifndef TESTS_AUCTIONNET_TEXT_H
#define TESTS_AUCTIONNET_TEXT_H

#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "test_folder.h"

#define AUCTIONNET_HEADER                                                                    \
    "deliveryPeriodIndex,advertiserNumber,advertiserCategoryIndex,budget,CPAConstraint,"     \
    "timeStepIndex,remainingBudget,pvIndex,pValue,pValueSigma,bid,xi,adSlot,cost,isExposed," \
    "conversionAction,leastWinningCost,isEnd\n"

/* Two advertisers, two ticks of two opportunities and one; advertiser 7 wins all. */
#define AUCTIONNET_SMALL                                                                \
    AUCTIONNET_HEADER                                                                   \
    "5.0,7.0,1.0,100.0,8.0,0.0,100.0,0.0,0.5,0.25,4.0,1.0,1.0,1.5,1.0,1.0,1.5,0.0\n"    \
    "5.0,3.0,0.0,50.0,9.0,0.0,50.0,0.0,0.25,0.0,1.5,0.0,0.0,0.0,0.0,0.0,1.5,0.0\n"      \
    "5.0,7.0,1.0,100.0,8.0,0.0,100.0,1.0,0.125,0.0,1.0,1.0,2.0,0.5,0.0,0.0,0.5,0.0\n"   \
    "5.0,3.0,0.0,50.0,9.0,0.0,50.0,1.0,0.75,6.25e-02,0.5,0.0,0.0,0.0,0.0,0.0,0.5,0.0\n" \
    "5.0,7.0,1.0,100.0,8.0,1.0,98.5,2.0,0.5,0.0,2.0,1.0,3.0,0.25,1.0,0.0,0.25,1.0\n"    \
    "5.0,3.0,0.0,50.0,9.0,1.0,50.0,2.0,0.5,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.25,1.0\n"

/* Writes `text` as `name` in the folder; `path`: [TEST_PATH_SIZE]. */
static inline void auctionnet_write_text(void **state, const char *name, const char *text,
                                         char *path)
{
    test_folder_path(*state, name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* The sample of the real log, or the test is skipped saying so. `path`: [TEST_PATH_SIZE]. */
static inline void auctionnet_sample(const char *name, char *path)
{
    const char *data = getenv("GAVEL_DATA");
    (void)snprintf(path, TEST_PATH_SIZE, "%s/auctionnet/%s", data != NULL ? data : "../shared/data",
                   name);
    if (access(path, R_OK) != 0) {
        (void)printf("skipped: there is no %s; GAVEL_DATA names the folder of real data\n", path);
        skip();
    }
}

#endif
