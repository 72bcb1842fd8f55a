module
public import Spec.Law.Ssd
public import Spec.Layer.Fourier

/-!
# Laws of the discrete Fourier transform

Over any commutative ring with a root of unity; the complex numbers with `w = exp(-2πi/n)` are an example. What layers rely on
that keep the lowest modes of a spectrum alone (Li et al., arXiv 2010.08895).
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast
variable {α : Type} [CommRing α]

/-- A principal `n`-th root of unity `w` and its inverse `v`. -/
structure PrincipalRoot (n : Nat) (w v : α) : Prop where
  /-- `v` is the inverse. -/
  inv : w * v = 1
  /-- `w` is a root. -/
  root : w ^ n = 1
  /-- The powers of every other root that `w` gives cancel. -/
  cancel : ∀ m, 0 < m → m < n → sumTo n (fun j => w ^ (j * m)) = 0

theorem power_add (w : α) (m n : Nat) : w ^ (m + n) = w ^ m * w ^ n := by
  induction n with
  | zero => rw [Nat.add_zero, Semiring.pow_zero]; grind
  | succ n ih => rw [← Nat.add_assoc, Semiring.pow_succ, Semiring.pow_succ, ih]; grind

theorem power_inv {w v : α} (inv : w * v = 1) (n : Nat) : w ^ n * v ^ n = 1 := by
  induction n with
  | zero => rw [Semiring.pow_zero, Semiring.pow_zero]; grind
  | succ n ih => rw [Semiring.pow_succ, Semiring.pow_succ]; grind

theorem power_root {w : α} {n : Nat} (root : w ^ n = 1) (j : Nat) : w ^ (j * n) = 1 := by
  induction j with
  | zero => rw [Nat.zero_mul, Semiring.pow_zero]
  | succ j ih => rw [Nat.add_mul, Nat.one_mul, power_add, ih, root]; grind

theorem sumTo_one (n : Nat) : sumTo n (fun _ => (1 : α)) = (n : α) := by
  induction n with
  | zero => exact Semiring.natCast_zero.symm
  | succ n ih => rw [sumTo, ih, Semiring.natCast_succ]

theorem sumTo_single (f : Nat → α) (n i : Nat) (hi : i < n) (others : ∀ j, j < n → j ≠ i → f j = 0) :
    sumTo n f = f i := by
  induction n with
  | zero => omega
  | succ n ih =>
    rw [sumTo]
    by_cases e : i = n
    · subst e
      rw [sumTo_congr i (g := fun _ => 0) fun j hj => others j (by omega) (by omega), sumTo_zero]; grind
    · rw [ih (by omega) fun j hj => others j (by omega), others n (by omega) (by omega)]; grind

namespace PrincipalRoot
variable {n : Nat} {w v : α}

theorem inverse_power (R : PrincipalRoot n w v) (j m : Nat) (hm : m ≤ n) : v ^ (j * m) = w ^ (j * (n - m)) := by
  have h1 := power_inv R.inv (j * m)
  have h2 := power_root R.root j
  have h3 : w ^ (j * n) = w ^ (j * m) * w ^ (j * (n - m)) := by
    rw [← power_add, ← Nat.mul_add, show m + (n - m) = n by omega]
  grind

/-- The inverse of a principal root is one. -/
theorem symm (R : PrincipalRoot n w v) : PrincipalRoot n v w where
  inv := by have := R.inv; grind
  root := by have := power_inv R.inv n; have := R.root; grind
  cancel m h0 hm := by
    rw [sumTo_congr n fun j _ => R.inverse_power j m (by omega)]
    exact R.cancel (n - m) (by omega) (by omega)

/-- Different rows of the matrix are orthogonal. -/
theorem orthogonal (R : PrincipalRoot n w v) (i j : Nat) (hi : i < n) (hj : j < n) (ne : j ≠ i) :
    sumTo n (fun k => w ^ (j * k) * v ^ (i * k)) = 0 := by
  by_cases lt : i < j
  · rw [← R.cancel (j - i) (by omega) (by omega)]
    refine sumTo_congr n fun k _ => ?_
    have h1 := power_inv R.inv (i * k)
    have h2 : w ^ (j * k) = w ^ (k * (j - i)) * w ^ (i * k) := by
      rw [← power_add, Nat.mul_comm i k, ← Nat.mul_add, show j - i + i = j by omega, Nat.mul_comm]
    grind
  · rw [← R.symm.cancel (i - j) (by omega) (by omega)]
    refine sumTo_congr n fun k _ => ?_
    have h1 := power_inv R.inv (j * k)
    have h2 : v ^ (i * k) = v ^ (k * (i - j)) * v ^ (j * k) := by
      rw [← power_add, Nat.mul_comm j k, ← Nat.mul_add, show i - j + j = i by omega, Nat.mul_comm]
    grind

/-- The transform with the inverse root undoes the transform, but for the factor `n`. -/
theorem dft_dft (R : PrincipalRoot n w v) (x : Nat → α) (i : Nat) (hi : i < n) :
    dft n v (dft n w x) i = (n : α) * x i := by
  have h1 (k : Nat) : dft n w x k * v ^ (k * i) = sumTo n fun j => x j * (w ^ (j * k) * v ^ (i * k)) := by
    rw [dft, ← sumTo_mul, Nat.mul_comm k i]
    exact sumTo_congr n fun j _ => by grind
  rw [dft, sumTo_congr n fun k _ => h1 k, sumTo_swap, sumTo_single _ n i hi, mul_sumTo]
  · rw [sumTo_congr n (g := fun _ => 1) fun k _ => power_inv R.inv (i * k), sumTo_one]; grind
  · intro j hj ne
    rw [mul_sumTo, R.orthogonal i j hi hj ne]; grind

end PrincipalRoot

/-- The inverse transform of a spectrum that is zero beyond `K` modes is the product with `K` columns of the matrix. -/
theorem dft_lowest (n K : Nat) (v : α) (y : Nat → α) (i : Nat) (hK : K ≤ n) : dft n v (lowest K y) i = dft K v y i := by
  obtain ⟨m, rfl⟩ : ∃ m, n = K + m := ⟨n - K, by omega⟩
  induction m with
  | zero => exact sumTo_congr K fun k hk => by rw [lowest, if_pos hk]
  | succ m ih =>
    have h1 := ih (by omega)
    unfold dft at h1 ⊢
    rw [← Nat.add_assoc, sumTo, h1, lowest, if_neg (by omega)]
    grind

/-- A layer that keeps `K` modes loses nothing of them: the product with `K` columns has these modes and no others. -/
theorem dft_columns {n : Nat} {w v : α} (R : PrincipalRoot n w v) (K : Nat) (y : Nat → α) (hK : K ≤ n) (k : Nat)
    (hk : k < n) : dft n w (dft K v y) k = (n : α) * lowest K y k := by
  rw [← R.symm.dft_dft (lowest K y) k hk]
  exact sumTo_congr n fun i _ => by rw [dft_lowest n K v y i hK]

end Spec
