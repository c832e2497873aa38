/* The matrix product must be OpenBLAS's. GSL brings a reference BLAS with the same names; whichever library comes first
 * wins, without a word, and every number stays right while the program becomes thirty times slower. */
#define _GNU_SOURCE /* dladdr */
#include <cblas.h>

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void products_come_from_openblas(void **state)
{
    (void)state;
    static const char *const names[] = { "cblas_sgemm", "cblas_dgemm", "cblas_sgemv", "cblas_sdot" };
    void *openblas = dlsym(RTLD_DEFAULT, "openblas_get_config");
    Dl_info home, info;
    assert_non_null(openblas);
    assert_true(dladdr(openblas, &home));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *f = dlsym(RTLD_DEFAULT, names[i]);
        assert_non_null(f);
        assert_true(dladdr(f, &info));
        assert_string_equal(info.dli_fname, home.dli_fname);
    }
}

static void a_product_by_hand(void **state)
{
    (void)state;
    /* (2 3; 5 7) (1.5 0; 0.25 4) = (3.75 12; 9.25 28) */
    static const float a[] = { 2, 3, 5, 7 }, b[] = { 1.5f, 0, 0.25f, 4 };
    float c[4];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 2, 2, 2, 1, a, 2, b, 2, 0, c, 2);
    assert_true(c[0] == 3.75f && c[1] == 12 && c[2] == 9.25f && c[3] == 28);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_come_from_openblas),
        cmocka_unit_test(a_product_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
