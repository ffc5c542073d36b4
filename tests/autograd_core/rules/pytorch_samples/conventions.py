"""List where the library and PyTorch differ by design, and which operations have no NumPy spelling."""

from __future__ import annotations

_EMPTY = "a row without any element: PyTorch's second derivative is 0 times infinity"
#: PyTorch gives nan; here the same entries are finite (or, for singular vectors, refused), and all
#: others agree.
NAN = {
    "linalg.norm": "PyTorch's second derivative of the norm of no numbers is nan",
    "linalg.norm|subgradients_at_zero": "PyTorch's second derivative at the origin is nan",
    **dict.fromkeys(("masked.mean", "masked.softmax", "masked.log_softmax"), _EMPTY),
    **dict.fromkeys(("masked.softmin", "masked.logaddexp", "masked.logsumexp"), _EMPTY),
}
#: PyTorch does not record its own gradient, and gives 0 for the second derivative.
FIRST_ORDER = {"nn.functional.linear_cross_entropy|chunked": "computed in the forward pass"}
#: PyTorch's own values are off by up to 3e-7 (SciPy's by 3e-16, both against mpmath).
ROUGH = {f"special.bessel_{f}": 1e-6 for f in ("j0", "j1", "y0", "y1")}
#: Differences that are errors of the library, until they are mended.
OPEN: dict[str, str] = {}
#: Operations on Hermitian matrices: which triangle gets the gradient is a convention, so both
#: sides are given (x + x^H) / 2.
HERMITIAN = (
    *("cholesky", "linalg.cholesky", "linalg.cholesky_ex", "linalg.eigh", "linalg.eigvalsh"),
    "linalg.pinv|hermitian",
)

# fmt: off
#: One word for the reason, and the operations.
UNMAPPED = {
    "random": "cauchy exponential geometric log_normal normal normal|in_place normal|number_mean uniform bernoulli multinomial"
              " randn randn_like rand_like randint randint_like nn.functional.dropout nn.functional.dropout2d nn.functional.dropout3d"
              " nn.functional.alpha_dropout nn.functional.feature_alpha_dropout|with_train nn.functional.feature_alpha_dropout|without_train"
              " nn.functional.multi_head_attention_forward svd_lowrank pca_lowrank"
              " nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d",
    "missing": "istft lu lu_unpack lu_solve linalg.lu linalg.lu_factor linalg.lu_factor_ex linalg.lu_solve linalg.ldl_factor linalg.ldl_factor_ex"
               " linalg.ldl_solve matrix_exp ormqr geqrf linalg.householder_product mode unique_consecutive nn.functional.ctc_loss"
               " nn.functional.grid_sample grid_sampler_2d grid_sampler_3d nn.functional.interpolate|bicubic _upsample_bilinear2d_aa"
               " index_reduce|mean index_reduce|prod index_reduce|amin index_reduce|amax scatter_reduce|prod scatter_reduce|mean"
               " scatter_reduce|amin scatter_reduce|amax _segment_reduce|lengths _segment_reduce|offsets nn.functional.embedding_bag"
               " nn.functional.adaptive_avg_pool3d nn.functional.adaptive_max_pool1d nn.functional.adaptive_max_pool2d"
               " nn.functional.adaptive_max_pool3d nn.functional.multilabel_margin_loss",
    "ambiguous": "nn.functional.max_unpool1d nn.functional.max_unpool2d nn.functional.max_unpool3d",  # two values at one place
    "ruleless": "special.airy_ai special.chebyshev_polynomial_t special.chebyshev_polynomial_u special.chebyshev_polynomial_v"
                " special.chebyshev_polynomial_w special.shifted_chebyshev_polynomial_t special.shifted_chebyshev_polynomial_u"
                " special.shifted_chebyshev_polynomial_v special.shifted_chebyshev_polynomial_w special.hermite_polynomial_h"
                " special.hermite_polynomial_he special.laguerre_polynomial_l special.legendre_polynomial_p"
                " special.scaled_modified_bessel_k0 special.scaled_modified_bessel_k1 special.spherical_bessel_j0",
    "sparse": "sparse.sampled_addmm sparse.mm|reduce to_sparse",
    "memory": "as_strided as_strided|partial_views as_strided_copy as_strided_scatter empty empty_like empty_strided empty_permuted"
              " new_empty new_empty_strided resize_ resize_as_",
    "integer": "bitwise_not bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift __rand__ __ror__ __rxor__ gcd lcm"
               " unravel_index bincount broadcast_shapes triu_indices tril_indices nn.functional.one_hot",
    "creation": "arange linspace linspace|tensor_overload logspace logspace|tensor_overload ones zeros full eye scalar_tensor"
                " signal.windows.hamming signal.windows.hann signal.windows.bartlett signal.windows.blackman signal.windows.cosine"
                " signal.windows.exponential signal.windows.gaussian signal.windows.kaiser signal.windows.general_cosine"
                " signal.windows.general_hamming signal.windows.nuttall",
    "counts": "histogram histogramdd histc",
    "format": "bfloat16 chalf torch._scaled_mm torch._scaled_mm_v2",
    "device": "nn.functional.batch_norm|without_cudnn torch.ops.aten._flash_attention_forward torch.ops.aten._efficient_attention_forward"
              " bmm|triton_optimized jiterator_unary jiterator_binary jiterator_4inputs_with_extra_args jiterator_binary_return_by_ref"
              " jiterator_2inputs_2outputs",
    "internal": "max_pool2d_with_indices_backward _chunk_cat nonzero_static hash_tensor",
}
# fmt: on
REASONS = {name: reason for reason, names in UNMAPPED.items() for name in names.split()}
