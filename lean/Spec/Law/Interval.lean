module
public import Spec.Law.Enclosure

/-!
# Intervals of rational numbers

What is true of every ordered field that holds the rational numbers, said of these alone.
-/

@[expose] public noncomputable section
namespace Spec.Interval
open Rationals (self)

/-- The number `x` lies in the interval. -/
def Holds (I : Interval) (x : Rat) : Prop := I.lo.toRat ≤ x ∧ x ≤ I.hi.toRat

theorem holds_point (x : Dyadic) : (point x).Holds x.toRat := ⟨Rat.le_refl, Rat.le_refl⟩

theorem holds_neg {I : Interval} {x : Rat} (h : I.Holds x) : (neg I).Holds (-x) := Rationals.holds_neg (N := self) h

/-- A sum of intervals holds every sum. -/
theorem holds_add {I J : Interval} {x y : Rat} (hx : I.Holds x) (hy : J.Holds y) : (add I J).Holds (x + y) :=
  Rationals.holds_add (N := self) hx hy

theorem holds_sub {I J : Interval} {x y : Rat} (hx : I.Holds x) (hy : J.Holds y) : (sub I J).Holds (x - y) :=
  Rationals.holds_sub (N := self) hx hy

/-- A product of intervals holds every product. -/
theorem holds_mul {I J : Interval} {x y : Rat} (hx : I.Holds x) (hy : J.Holds y) : (mul I J).Holds (x * y) :=
  Rationals.holds_mul (N := self) hx hy

/-- A square of an interval holds every square. -/
theorem holds_square {I : Interval} {x : Rat} (hx : I.Holds x) : (square I).Holds (x * x) :=
  Rationals.holds_square (N := self) hx

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

/-- The larger of two intervals holds the larger of two numbers. -/
theorem holds_max {I J : Interval} {x y : Rat} (hx : I.Holds x) (hy : J.Holds y) :
    (max I J).Holds (Max.max x y) := by
  have h0 : Max.max x y = if x ≤ y then y else x := rfl
  rw [h0]
  unfold Holds max Dy.max at *
  simp only [← Dyadic.toRat_le_toRat_iff]
  grind

/-- A quotient that is defined holds every quotient, and no divisor is 0. -/
theorem holds_div {I J K : Interval} {x y : Rat} (h : div I J = some K) (hx : I.Holds x) (hy : J.Holds y) :
    y ≠ 0 ∧ K.Holds (x / y) :=
  Rationals.holds_div (N := self) h hx hy

/-- A square root that is defined has ends that are at least 0, and whose squares enclose every number of the
interval, so it holds the root even where that is irrational. -/
theorem sqrt_sq {I K : Interval} {x : Rat} (h : sqrt I = some K) (hx : I.Holds x) :
    0 ≤ K.lo.toRat ∧ 0 ≤ K.hi.toRat ∧ K.lo.toRat * K.lo.toRat ≤ x ∧ x ≤ K.hi.toRat * K.hi.toRat := by
  unfold sqrt at h
  split at h
  · rename_i h0
    cases h
    rw [Dyadic.zero_eq] at h0
    have h1 := Dyadic.toRat_le_toRat_iff.mpr h0
    rw [Dyadic.toRat_zero] at h1
    unfold Holds at hx
    have h2 : 0 ≤ I.hi.toRat := by grind
    have h3 : 0 ≤ I.hi := Dyadic.toRat_le_toRat_iff.mp (by rwa [Dyadic.toRat_zero])
    have h4 := Dyadic.toRat_le_toRat_iff.mpr (Dy.sqrtDown_sq_le bits h0)
    have h5 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_sqrtUp_sq bits h3)
    rw [Dyadic.toRat_mul] at h4 h5
    refine ⟨Dy.sqrtDown_nonneg bits I.lo, Dy.sqrtUp_nonneg bits h2, ?_, ?_⟩ <;> grind
  · cases h

/-- Intervals that don't overlap order all their numbers. -/
theorem lt_of_holds {I J : Interval} {x y : Rat} (h : I.hi < J.lo) (hx : I.Holds x) (hy : J.Holds y) : x < y := by
  have h := Dyadic.toRat_lt_toRat_iff.mpr h
  unfold Holds at *
  grind

end Spec.Interval
