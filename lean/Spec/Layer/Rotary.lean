module
public import Spec.Num.Scalar

/-!
# Rotary positions

Su et al., arXiv 2104.09864. Entry `i` of the first half and entry `i` of the second half are a pair, as in the LLaMA
models; the paper's pairs are neighbours, a permutation of these. Sizes: `d` pairs.
-/

@[expose] public noncomputable section
namespace Spec
variable {α : Type} [Scalar α] {d : Nat}

/-- Every pair of `x` rotated by its angle, of which `c` has the cosines and `s` the sines (equation 34). -/
def rotate (c s : Vector α d) (x : Vector α (d + d)) : Vector α (d + d) :=
  build (d + d) fun i =>
    if h : i.1 < d then x[i.1] * c[i.1] - x[d + i.1] * s[i.1] else x[i.1] * c[i.1 - d] + x[i.1 - d] * s[i.1 - d]

end Spec
