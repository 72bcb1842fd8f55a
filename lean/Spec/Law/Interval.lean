module
public import Spec.Num.Interval
public import Init.Data.Dyadic.Round
public import Init.Data.Dyadic.Inv

/-!
# Intervals hold what they should

An operation on intervals holds the operation's result on any numbers that the intervals hold.
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

end Dy

namespace Interval

/-- The number `x` lies in the interval. -/
def Holds (I : Interval) (x : Rat) : Prop := I.lo.toRat ≤ x ∧ x ≤ I.hi.toRat

theorem holds_point (x : Dyadic) : (point x).Holds x.toRat := ⟨Rat.le_refl, Rat.le_refl⟩

/-- Rounding outward loses nothing. -/
theorem holds_trim {I : Interval} {x : Rat} (h : I.Holds x) : I.trim.Holds x := by
  have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.down_le bits I.lo)
  have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up bits I.hi)
  unfold Holds trim at *
  grind

theorem holds_neg {I : Interval} {x : Rat} (h : I.Holds x) : (neg I).Holds (-x) := by
  unfold Holds neg at *
  simp only [Dyadic.toRat_neg]
  grind

/-- A sum of intervals holds every sum. -/
theorem holds_add {I J : Interval} {x y : Rat} (hx : I.Holds x) (hy : J.Holds y) : (add I J).Holds (x + y) := by
  apply holds_trim
  unfold Holds at *
  simp only [Dyadic.toRat_add]
  grind

theorem holds_sub {I J : Interval} {x y : Rat} (hx : I.Holds x) (hy : J.Holds y) : (sub I J).Holds (x - y) := by
  rw [Rat.sub_eq_add_neg]
  exact holds_add hx (holds_neg hy)

theorem holds_hull_left {I J : Interval} {x : Rat} (h : I.Holds x) : (hull I J).Holds x := by
  have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_left I.lo J.lo)
  have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_left I.hi J.hi)
  unfold Holds hull at *
  grind

theorem holds_hull_right {I J : Interval} {x : Rat} (h : J.Holds x) : (hull I J).Holds x := by
  have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_right I.lo J.lo)
  have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_right I.hi J.hi)
  unfold Holds hull at *
  grind

/-- A product with one factor fixed lies between the products with the other's bounds. -/
theorem mul_between {a b x c : Rat} (h1 : a ≤ x) (h2 : x ≤ b) :
    (a * c ≤ x * c ∧ x * c ≤ b * c) ∨ (b * c ≤ x * c ∧ x * c ≤ a * c) := by
  rcases Rat.le_total (a := 0) (b := c) with h | h
  · exact .inl ⟨Rat.mul_le_mul_of_nonneg_right h1 h, Rat.mul_le_mul_of_nonneg_right h2 h⟩
  · have h' : 0 ≤ -c := by grind
    have h3 := Rat.mul_le_mul_of_nonneg_right h1 h'
    have h4 := Rat.mul_le_mul_of_nonneg_right h2 h'
    exact .inr ⟨by grind, by grind⟩

/-- A product of intervals holds every product. -/
theorem holds_mul {I J : Interval} {x y : Rat} (hx : I.Holds x) (hy : J.Holds y) : (mul I J).Holds (x * y) := by
  unfold mul
  split
  · rename_i h
    apply holds_trim
    unfold Holds at *
    rw [← h.1] at hx
    rw [← h.2] at hy
    have h1 : x = I.lo.toRat := by grind
    have h2 : y = J.lo.toRat := by grind
    rw [h1, h2, ← Dyadic.toRat_mul]
    exact holds_point _
  apply holds_trim
  obtain ⟨hx1, hx2⟩ := hx
  obtain ⟨hy1, hy2⟩ := hy
  have lo (a b c d : Dyadic) : (Dy.min (Dy.min a b) (Dy.min c d)).toRat ≤ a.toRat ∧
      (Dy.min (Dy.min a b) (Dy.min c d)).toRat ≤ b.toRat ∧ (Dy.min (Dy.min a b) (Dy.min c d)).toRat ≤ c.toRat ∧
      (Dy.min (Dy.min a b) (Dy.min c d)).toRat ≤ d.toRat := by
    have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_left (Dy.min a b) (Dy.min c d))
    have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_right (Dy.min a b) (Dy.min c d))
    have h3 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_left a b)
    have h4 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_right a b)
    have h5 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_left c d)
    have h6 := Dyadic.toRat_le_toRat_iff.mpr (Dy.min_le_right c d)
    grind
  have hi (a b c d : Dyadic) : a.toRat ≤ (Dy.max (Dy.max a b) (Dy.max c d)).toRat ∧
      b.toRat ≤ (Dy.max (Dy.max a b) (Dy.max c d)).toRat ∧ c.toRat ≤ (Dy.max (Dy.max a b) (Dy.max c d)).toRat ∧
      d.toRat ≤ (Dy.max (Dy.max a b) (Dy.max c d)).toRat := by
    have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_left (Dy.max a b) (Dy.max c d))
    have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_right (Dy.max a b) (Dy.max c d))
    have h3 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_left a b)
    have h4 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_right a b)
    have h5 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_left c d)
    have h6 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_right c d)
    grind
  have l := lo (I.lo * J.lo) (I.lo * J.hi) (I.hi * J.lo) (I.hi * J.hi)
  have h := hi (I.lo * J.lo) (I.lo * J.hi) (I.hi * J.lo) (I.hi * J.hi)
  simp only [Dyadic.toRat_mul] at l h
  have p := mul_between (c := y) hx1 hx2
  have q := mul_between (c := I.lo.toRat) hy1 hy2
  have r := mul_between (c := I.hi.toRat) hy1 hy2
  simp only [Rat.mul_comm _ I.lo.toRat, Rat.mul_comm _ I.hi.toRat] at q r
  unfold Holds
  simp only
  rw [Rat.mul_comm I.lo.toRat y, Rat.mul_comm I.hi.toRat y] at *
  grind

end Interval
end Spec
