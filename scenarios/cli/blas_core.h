/*
 * blas_core.h - the kernels that OpenBLAS chose for this processor, where it did not know it.
 *
 * Up to 0.3.24 OpenBLAS takes an Intel processor that is newer than itself for a Prescott of 2004
 * (OpenBLAS issue 4267): 30 instead of 140 GF/s on an Emerald Rapids. It chooses when it is loaded,
 * by OPENBLAS_CORETYPE where that is set; so the program sets it and starts itself again.
 */
#ifndef SCENARIOS_CLI_BLAS_CORE_H
#define SCENARIOS_CLI_BLAS_CORE_H

/*
 * Returns where the core is right, OPENBLAS_CORETYPE was set by the user, or nothing better is
 * known; else the program begins anew with `argv` (NULL at its end). Call it first of all.
 */
void gv_cli_mend_blas_core(char **argv);

#endif
