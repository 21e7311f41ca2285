#include "sim/estimate/kernel.h"

#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/estimate/summary.h"

#define PI         3.14159265358979323846
#define NORMAL_TOP 0.39894228040143267794 /* 1 / sqrt(2 pi) */

static double gaussian(double u)
{
    return NORMAL_TOP * exp(-0.5 * u * u);
}

static double epanechnikov(double u)
{
    return fabs(u) < 1 ? 0.75 * (1 - u * u) : 0;
}

static double triangular(double u)
{
    return fabs(u) < 1 ? 1 - fabs(u) : 0;
}

static double cosine(double u)
{
    return fabs(u) < 1 ? PI / 4 * cos(u * PI / 2) : 0;
}

static const gv_kernel_type kernel_gaussian = {
    .info = {.name = "gaussian", .summary = "normal density"},
    .density = gaussian,
    .roughness = 0.28209479177387814347, /* 1 / (2 sqrt(pi)) */
    .variance = 1,
};

static const gv_kernel_type kernel_epanechnikov = {
    .info = {.name = "epanechnikov", .summary = "parabola on (-1, 1)"},
    .density = epanechnikov,
    .roughness = 0.6,
    .variance = 0.2,
};

static const gv_kernel_type kernel_triangular = {
    .info = {.name = "triangular", .summary = "tent on (-1, 1)"},
    .density = triangular,
    .roughness = 2.0 / 3,
    .variance = 1.0 / 6,
};

static const gv_kernel_type kernel_cosine = {
    .info = {.name = "cosine", .summary = "half a wave on (-1, 1)"},
    .density = cosine,
    .roughness = PI * PI / 16,
    .variance = 1 - 8 / (PI * PI),
};

const gv_kernel_type *const gv_kernel_types[] = {
    &kernel_gaussian, &kernel_epanechnikov, &kernel_triangular, &kernel_cosine, NULL,
};

const gv_kernel_type *gv_kernel_find(const char *name)
{
    for (size_t i = 0; gv_kernel_types[i] != NULL; i++) {
        if (strcmp(gv_kernel_types[i]->info.name, name) == 0) {
            return gv_kernel_types[i];
        }
    }
    return NULL;
}

void gv_kernel_weights(const gv_doses *doses, const double *densities, size_t count, double *out)
{
    const double h = doses->bandwidth;
    for (size_t i = 0; i < count; i++) {
        const double u = (doses->target[i] - doses->logged[i]) / h;
        out[i] = doses->kernel->density(u) / (h * densities[i]);
    }
}

/* Kernels are brought to scale by (roughness / variance^2)^(1/5), the canonical bandwidth. */
double gv_kernel_bandwidth(const gv_kernel_type *kernel, const double *logged, size_t count)
{
    const gv_kernel_type *normal = &kernel_gaussian;
    const double own = pow(kernel->roughness / (kernel->variance * kernel->variance), 0.2);
    const double of_normal = pow(normal->roughness, 0.2);
    const gv_summary summary = gv_summary_of(logged, count);
    const double spread = summary.deviation > 0 ? summary.deviation : 1;
    return own / of_normal * 1.06 * spread * pow((double)count, -0.2);
}

static uint32_t bin_of(const double *edges, double dose)
{
    uint32_t bin = 0;
    while (bin < GV_DOSE_BINS - 1 && dose > edges[bin]) {
        bin++;
    }
    return bin;
}

gv_status gv_dose_bins(const gv_doses *doses, size_t count, uint32_t *logged_codes,
                       uint32_t *target_codes)
{
    double edges[GV_DOSE_BINS - 1];
    double *sorted = gv_mem_alloc(0, count, sizeof *sorted);
    if (sorted == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the bins of %zu doses", count);
    }
    memcpy(sorted, doses->logged, count * sizeof *sorted);
    for (size_t i = 0; i + 1 < GV_DOSE_BINS; i++) {
        edges[i] = gv_quantile(sorted, count, (double)(i + 1) / GV_DOSE_BINS);
    }
    gv_mem_free(sorted);
    for (size_t i = 0; i < count; i++) {
        logged_codes[i] = bin_of(edges, doses->logged[i]);
        target_codes[i] = bin_of(edges, doses->target[i]);
    }
    return GV_OK;
}
