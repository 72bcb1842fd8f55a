module
public import Spec.Num.Interval
public import Init.Data.Dyadic.Round
public import Init.Data.Dyadic.Inv

/-!
# Bounds of dyadics are bounds

Roundings, quotients and roots of dyadics, from below and from above.
-/

@[expose] public noncomputable section
namespace Spec

namespace Dy

theorem down_le (bits : Nat) (x : Dyadic) : down bits x ≤ x := by
  unfold down
  split
  · exact Dyadic.le_refl x
  · exact Dyadic.roundDown_le

theorem le_up (bits : Nat) (x : Dyadic) : x ≤ up bits x := by
  have h := Dyadic.toRat_le_toRat_iff.mpr (down_le bits (-x))
  rw [Dyadic.toRat_neg] at h
  apply Dyadic.toRat_le_toRat_iff.mp
  unfold up
  rw [Dyadic.toRat_neg]
  grind

theorem le_max_left (x y : Dyadic) : x ≤ max x y := by
  unfold max
  split <;> grind

theorem le_max_right (x y : Dyadic) : y ≤ max x y := by
  unfold max
  split <;> grind

theorem min_le_left (x y : Dyadic) : min x y ≤ x := by
  unfold min
  split <;> grind

theorem min_le_right (x y : Dyadic) : min x y ≤ y := by
  unfold min
  split <;> grind

/-- The lower bound of a square root is one, whatever Newton's iteration gave. -/
theorem sqrtDown_sq_le (bits : Nat) {x : Dyadic} (hx : 0 ≤ x) : sqrtDown bits x * sqrtDown bits x ≤ x := by
  unfold sqrtDown
  simp only
  split
  · assumption
  · simpa using hx

/-- The upper bound of a square root is one, whatever Newton's iteration gave. -/
theorem le_sqrtUp_sq (bits : Nat) {x : Dyadic} (hx : 0 ≤ x) : x ≤ sqrtUp bits x * sqrtUp bits x := by
  unfold sqrtUp
  simp only
  split
  · assumption
  · split
    · assumption
    · have h1 : (dyadic (Int.ofNat 1)).toRat = 1 := rfl
      have h2 := Dyadic.toRat_le_toRat_iff.mpr hx
      rw [Dyadic.toRat_zero] at h2
      have h3 := Rat.mul_nonneg h2 h2
      apply Dyadic.toRat_le_toRat_iff.mp
      rw [Dyadic.toRat_mul, Dyadic.toRat_add, h1]
      grind

/-- A dyadic is its mantissa times a power of 2. -/
theorem toRat_eq (x : Dyadic) : x.toRat = mantissa x * (2 : Rat) ^ (-scale x) := by
  cases x with
  | zero =>
    show (0 : Rat) = ((0 : Int) : Rat) * _
    rw [Rat.intCast_zero, Rat.zero_mul]
  | ofOdd n k hn => exact Dyadic.toRat_ofOdd_eq_mul_two_pow

theorem two_zpow_pos (k : Int) : 0 < (2 : Rat) ^ k := Rat.zpow_pos (by decide)

theorem mantissa_pos {x : Dyadic} (h : 0 < x.toRat) : 0 < mantissa x := by
  rw [toRat_eq] at h
  have h1 := two_zpow_pos (-scale x)
  have h2 : ¬ (mantissa x : Rat) ≤ 0 := fun h' => by
    have := Rat.mul_nonneg (a := -(mantissa x : Rat)) (by grind) (Rat.le_of_lt h1)
    grind
  have h3 : ¬ mantissa x ≤ 0 := fun h' => h2 (by exact_mod_cast h')
  omega

/-- The lower bound of a quotient is one: times the divisor it is at most the dividend. -/
theorem divDown_mul_le (bits : Nat) (x : Dyadic) {y : Dyadic} (hy : 0 < y.toRat) :
    (divDown bits x y).toRat * y.toRat ≤ x.toRat := by
  have hm := mantissa_pos hy
  unfold divDown
  simp only
  generalize bits + (mantissa y).natAbs.log2 + 1 - (mantissa x).natAbs.log2 = s
  rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow, toRat_eq x, toRat_eq y]
  generalize mantissa x = n at *
  generalize mantissa y = m at *
  generalize scale x = j
  generalize scale y = k
  have h1 : n <<< s / m * m ≤ n * 2 ^ s := by
    rw [← Int.shiftLeft_eq]
    exact Int.ediv_mul_le _ (by omega)
  have h2 : ((n <<< s / m : Int) : Rat) * m ≤ n * 2 ^ s := by exact_mod_cast h1
  have h3 : (2 : Rat) ^ (-(j - k + Int.ofNat s)) * 2 ^ (-k) = 2 ^ (-j - (s : Int)) := by
    rw [← Rat.zpow_add (by decide)]
    congr 1
    simp only [Int.ofNat_eq_natCast]
    omega
  have h4 : (2 : Rat) ^ s * 2 ^ (-j - (s : Int)) = 2 ^ (-j) := by
    rw [← Rat.zpow_natCast, ← Rat.zpow_add (by decide)]
    congr 1
    omega
  have h5 := Rat.mul_le_mul_of_nonneg_right h2 (Rat.le_of_lt (two_zpow_pos (-j - (s : Int))))
  rw [Rat.mul_assoc (n : Rat), h4, ← h3] at h5
  grind

/-- The upper bound of a quotient is one: times the divisor it is at least the dividend. -/
theorem le_divUp_mul (bits : Nat) (x : Dyadic) {y : Dyadic} (hy : 0 < y.toRat) :
    x.toRat ≤ (divUp bits x y).toRat * y.toRat := by
  have h := divDown_mul_le bits (-x) hy
  unfold divUp
  rw [Dyadic.toRat_neg] at *
  grind

/-- `divDown` is at most the quotient. -/
theorem divDown_le_div (bits : Nat) (x : Dyadic) {y : Dyadic} (hy : 0 < y.toRat) :
    (divDown bits x y).toRat ≤ x.toRat / y.toRat := by
  have h := divDown_mul_le bits x hy
  have h1 := Rat.div_lt_iff (a := x.toRat) (c := (divDown bits x y).toRat) hy
  grind

/-- `divUp` is at least the quotient. -/
theorem div_le_divUp (bits : Nat) (x : Dyadic) {y : Dyadic} (hy : 0 < y.toRat) :
    x.toRat / y.toRat ≤ (divUp bits x y).toRat := by
  have h := le_divUp_mul bits x hy
  have h1 := Rat.lt_div_iff (a := (divUp bits x y).toRat) (b := x.toRat) hy
  grind

theorem ofIntWithPrec_nonneg {n : Int} (hn : 0 ≤ n) (k : Int) : 0 ≤ (Dyadic.ofIntWithPrec n k).toRat := by
  rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
  exact Rat.mul_nonneg (by exact_mod_cast hn) (Rat.le_of_lt (two_zpow_pos _))

theorem sqrtDown_nonneg (bits : Nat) (x : Dyadic) : 0 ≤ (sqrtDown bits x).toRat := by
  unfold sqrtDown
  simp only
  split
  · exact ofIntWithPrec_nonneg (Int.natCast_nonneg _) _
  · exact Rat.le_refl

theorem sqrtUp_nonneg (bits : Nat) {x : Dyadic} (hx : 0 ≤ x.toRat) : 0 ≤ (sqrtUp bits x).toRat := by
  have h1 := sqrtDown_nonneg bits x
  have h2 : 0 ≤ (twoPowNeg (Int.ofNat bits)).toRat := ofIntWithPrec_nonneg (by decide) _
  have h3 := Rat.mul_nonneg h1 h2
  have h4 : (dyadic (Int.ofNat 1)).toRat = 1 := rfl
  unfold sqrtUp
  simp only
  split
  · exact h1
  · split
    · rw [Dyadic.toRat_add, Dyadic.toRat_mul]
      grind
    · rw [Dyadic.toRat_add, h4]
      grind

theorem lt_toRat {x : Dyadic} (h : Dyadic.zero < x) : 0 < x.toRat := by
  have h := Dyadic.toRat_lt_toRat_iff.mpr h
  rwa [Dyadic.zero_eq, Dyadic.toRat_zero] at h

end Dy

end Spec
