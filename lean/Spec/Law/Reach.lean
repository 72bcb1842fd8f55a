module
public import Spec.Num.Reach
public import Spec.Law.Interval
public import Spec.Law.Overflow

/-!
# A rounded operation never leaves its reach

Roundings of numbers that an interval holds.
-/

@[expose] public noncomputable section
namespace Spec.Reach
open Rounding (Bounded Rounded Order Meets Given)
open Interval (Holds)
variable {m : Rounding}

/-- The unit roundoff. -/
def unit (m : Rounding) : Rat := (twoPowNeg (Int.ofNat m.precision)).toRat

/-- The absolute error that underflow may leave. -/
def under (m : Rounding) : Rat := m.tiny.toRat

/-- The unit roundoff of the format in which sums are accumulated. -/
def sumUnit (m : Rounding) : Rat := (twoPowNeg (Int.ofNat m.sumPrecision)).toRat

/-- The absolute error that underflow may leave there. -/
def sumUnder (m : Rounding) : Rat := m.tinySum.toRat

/-- `x` is the exact value that `r` stands for, and `y` a value that an implementation may have in its place. -/
structure Sound (r : Reach m) (x y : Rat) : Prop where
  /-- The exact value is enclosed. -/
  exact : r.exact.Holds x
  /-- The implementation's value is in reach. -/
  run : r.run.Holds y

theorem twoPowNeg_nonneg (k : Int) : 0 ≤ (twoPowNeg k).toRat := by
  unfold twoPowNeg
  rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
  exact Rat.mul_nonneg (by decide) (Rat.zpow_nonneg (by decide))

theorem unit_nonneg : 0 ≤ unit m := twoPowNeg_nonneg _

theorem under_nonneg : 0 ≤ under m := twoPowNeg_nonneg _

theorem sumUnit_nonneg : 0 ≤ sumUnit m := twoPowNeg_nonneg _

theorem sumUnder_nonneg : 0 ≤ sumUnder m := twoPowNeg_nonneg _

theorem holds_shorten {I : Interval} {x : Rat} (h : I.Holds x) : (shorten I).Holds x := by
  have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.down_le runBits I.lo)
  have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up runBits I.hi)
  unfold Holds shorten at *
  grind

/-- Widening by `r` holds everything within `r`. -/
theorem holds_widen {I : Interval} {x y : Rat} {r : Dyadic} (h : I.Holds x) (hr : Bounded (y - x) r.toRat) :
    (I.widen r).Holds y := by
  unfold Holds Interval.widen Bounded at *
  simp only [Dyadic.toRat_sub, Dyadic.toRat_add]
  grind

theorem toRat_abs (x : Dyadic) : (Dy.abs x).toRat = Rounding.size x.toRat := by
  unfold Dy.abs Rounding.size
  simp only [← Dyadic.toRat_le_toRat_iff, Dyadic.zero_eq, Dyadic.toRat_zero]
  split <;> split <;> (try rw [Dyadic.toRat_neg]) <;> grind

theorem le_abs (x : Dyadic) : x.toRat ≤ (Dy.abs x).toRat ∧ -x.toRat ≤ (Dy.abs x).toRat := by
  have h := Rounding.bounded_size x.toRat
  rw [toRat_abs]
  unfold Bounded at h
  constructor <;> grind

/-- The magnitude of an interval bounds every number in it. -/
theorem bounded_mag {I : Interval} {x : Rat} (h : I.Holds x) : Bounded x I.mag.toRat := by
  have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_left (Dy.abs I.lo) (Dy.abs I.hi))
  have h3 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_right (Dy.abs I.lo) (Dy.abs I.hi))
  have h4 := le_abs I.lo
  have h5 := le_abs I.hi
  unfold Interval.mag Holds Bounded at *
  grind

/-- What fits is not beyond the largest number. -/
theorem bounded_fits {I : Interval} {x : Rat} (hfits : m.fits I = true) (h : I.Holds x) : Bounded x m.largest.toRat := by
  unfold Rounding.fits at hfits
  exact (bounded_mag h).mono (Dyadic.toRat_le_toRat_iff.mpr (of_decide_eq_true hfits))

theorem toRat_nat (n : Nat) : (dyadic (Int.ofNat n)).toRat = n := by
  unfold dyadic
  rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
  show ((n : Int) : Rat) * 2 ^ (-0 : Int) = n
  rw [Int.neg_zero, Rat.zpow_zero, Rat.mul_one, Rat.intCast_natCast]

/-- The size by which an end of an interval may move with the relative error `r`. -/
theorem end_size (I : Interval) (e : Dyadic) (r : Dyadic) :
    r.toRat ≤ 1 ∧ Bounded e.toRat (Dy.up 32 (if r ≤ dyadic (Int.ofNat 1) then Dy.abs e else I.mag)).toRat ∨
      I.mag.toRat ≤ (Dy.up 32 (if r ≤ dyadic (Int.ofNat 1) then Dy.abs e else I.mag)).toRat := by
  split
  · rename_i h
    have h := Dyadic.toRat_le_toRat_iff.mpr h
    have h1 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up 32 (Dy.abs e))
    have h2 := Rounding.bounded_size e.toRat
    rw [toRat_nat] at h
    rw [toRat_abs] at h1
    exact .inl ⟨h, h2.mono h1⟩
  · exact .inr (Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up 32 I.mag))

theorem holds_roundTo {p q : Nat} {I : Interval} {y z : Rat} (h : I.Holds y)
    (hz : Rounded (twoPowNeg (Int.ofNat p)).toRat (twoPowNeg (Int.ofNat q)).toRat y z) : (roundTo p q 1 I).Holds z := by
  apply holds_shorten
  have hm := bounded_mag h
  have one : (dyadic (Int.ofNat 1) * twoPowNeg (Int.ofNat p)).toRat = (twoPowNeg (Int.ofNat p)).toRat := by
    rw [Dyadic.toRat_mul, toRat_nat]; exact Rat.one_mul _
  have lo := end_size I I.lo (dyadic (Int.ofNat 1) * twoPowNeg (Int.ofNat p))
  have hi := end_size I I.hi (dyadic (Int.ofNat 1) * twoPowNeg (Int.ofNat p))
  have h1 := hz.above h.1 (r := _) (lo.imp (fun h => ⟨one ▸ h.1, h.2⟩) hm.mono)
  have h2 := hz.below h.2 (r := _) (hi.imp (fun h => ⟨one ▸ h.1, h.2⟩) hm.mono)
  unfold Holds Interval.stretch
  simp only [Dyadic.toRat_sub, Dyadic.toRat_add, Dyadic.toRat_mul (Dy.up _ _), one]
  exact ⟨h1, h2⟩

/-- Every rounding of a number in reach is in reach. -/
theorem holds_round {I : Interval} {y z : Rat} (h : I.Holds y) (hz : Rounded (unit m) (under m) y z) :
    (round m 1 I).Holds z := holds_roundTo h hz

/-- `z` is `y` as a sum of products reads it. -/
def Cast (m : Rounding) (y z : Rat) : Prop :=
  if m.castPrecision = 0 then z = y else Rounded (twoPowNeg (Int.ofNat m.castPrecision)).toRat (sumUnder m) y z

/-- What a sum of products reads of a number in reach, rounded to TF32 for example, is in reach. -/
theorem holds_cast {r : Reach m} {x y : Rat} (h : r.run.Holds x) (hy : Cast m x y) : (cast r).run.Holds y := by
  unfold cast
  unfold Cast at hy
  split at hy
  · rename_i h0; rw [if_pos h0, hy]; exact h
  · rename_i h0; rw [if_neg h0]; exact holds_roundTo h hy

/-- What a sum of products reads in the place of `y`: a number, where none of those that it may read overflows. -/
def Casts (m : Rounding) (y : Rat) (v : Option Rat) : Prop :=
  if m.castPrecision = 0 then v = some y else Meets m.largest.toRat (Cast m y) v

theorem casts_finite {r : Reach m} {x : Rat} {v : Option Rat} (h : r.run.Holds x) (hok : (cast r).ok = true)
    (hv : Casts m x v) : ∃ z, v = some z ∧ (cast r).run.Holds z := by
  unfold Casts at hv
  split at hv
  · rename_i h0
    exact ⟨x, hv, holds_cast h (by unfold Cast; rw [if_pos h0])⟩
  · rename_i h0
    have fits : m.fits (cast r).run = true := by
      unfold cast at hok ⊢
      rw [if_neg h0] at hok ⊢
      simp only [rounded, ok, Bool.and_eq_true] at hok
      exact hok.2
    obtain ⟨z, rfl, hz⟩ := hv fun z hz => bounded_fits fits (holds_cast h hz)
    exact ⟨z, rfl, holds_cast h hz⟩

theorem bounded_abs (x : Dyadic) : Bounded x.toRat (Dy.abs x).toRat := by
  have h := le_abs x
  unfold Bounded
  grind

theorem holds_recorded {x : Dyadic} {y : Rat} (h : (Interval.point x).Holds y) : y = x.toRat := by
  unfold Holds Interval.point at h
  grind

theorem growth_le_gamma {p n : Nat} {g : Dyadic} (h : Rounding.gamma p n = some g) :
    Rounding.growth (twoPowNeg (Int.ofNat p)).toRat n - 1 ≤ g.toRat ∧ g.toRat ≤ 1 := by
  have hp := twoPowNeg_nonneg (Int.ofNat p)
  unfold Rounding.gamma at h
  simp only at h
  split at h
  · rename_i hn
    cases h
    have hn := Dyadic.toRat_le_toRat_iff.mpr hn
    have h1 : (dyadic (Int.ofNat n)).toRat = n := by
      unfold dyadic
      rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
      show ((n : Int) : Rat) * 2 ^ (-0 : Int) = n
      rw [Int.neg_zero, Rat.zpow_zero, Rat.mul_one, Rat.intCast_natCast]
    have h2 : (twoPowNeg (Int.ofNat 1)).toRat = 1 / 2 := by decide +kernel
    have h3 : (dyadic (Int.ofNat 2)).toRat = 2 := rfl
    rw [Dyadic.toRat_mul, h1, h2] at hn
    simp only [Dyadic.toRat_add, Dyadic.toRat_mul, h1, h3]
    have h5 := Rounding.growth_le hp n hn
    have h6 : (0 : Rat) ≤ n * (twoPowNeg (Int.ofNat p)).toRat := Rat.mul_nonneg (by exact_mod_cast Nat.zero_le n) hp
    generalize (n : Rat) * (twoPowNeg (Int.ofNat p)).toRat = w at *
    have h7 := Rat.mul_nonneg (a := 1 / 2 - w) (b := w) (by grind) h6
    constructor <;> grind
  · cases h

end Spec.Reach
