module
public import Spec.Law.Exact
public import Spec.Law.Reach

/-!
# Real numbers, as far as they are needed

There are no real numbers in core Lean. What is said of exponential functions and roots is said in any ordered field that holds
the rational numbers and these functions; the real numbers are the example that is meant.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std

/-- An ordered field that holds the rational numbers, and the functions of networks on it. Of the functions other than the root,
nothing is assumed here. -/
structure Numbers (K : Type) [Field K] [LE K] extends Functions K, Rationals K where
  /-- A root is not negative. -/
  sqrt_nonneg {x : K} : 0 ≤ x → 0 ≤ sqrt x
  /-- Its square is what it is the root of. -/
  sqrt_sq {x : K} : 0 ≤ x → sqrt x * sqrt x = x

namespace Numbers
open Rationals
open Rounding (Bounded)
variable {K : Type} [Field K] [LE K]

/-- `v` misses `y` by at most `r |y| + s`. -/
def Misses (N : Numbers K) (r s : Rat) (y : K) (v : Rat) : Prop :=
  ∃ e d : K, (N.ofRat (-r) ≤ e ∧ e ≤ N.ofRat r) ∧ (N.ofRat (-s) ≤ d ∧ d ≤ N.ofRat s) ∧ N.ofRat v = y + y * e + d

/-- The function `f` of intervals encloses the function `g` of numbers, wherever it has a value. -/
def Enclosed (N : Numbers K) (f : Interval → Option Interval) (g : K → K) : Prop :=
  ∀ {I J : Interval} {x : K}, f I = some J → N.Holds I x → N.Holds J (g x)

/-- The enclosures that `Spec.Num.Elementary` computes are right. It is what the tests compare with arbitrary-precision ball
arithmetic, and the one thing that is assumed of these functions. -/
structure Enclosing (N : Numbers K) : Prop where
  /-- Of the exponential function. -/
  exp : N.Enclosed Interval.exp N.exp
  /-- Of the logistic function. -/
  sigmoid : N.Enclosed Interval.sigmoid N.sigmoid
  /-- Of the hyperbolic tangent. -/
  tanh : N.Enclosed Interval.tanh N.tanh
  /-- Of softplus. -/
  softplus : N.Enclosed Interval.softplus N.softplus
  /-- Of SiLU. -/
  silu : N.Enclosed Interval.silu N.silu
  /-- Of GELU. -/
  gelu : N.Enclosed Interval.gelu N.gelu

variable [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] (N : Numbers K)

omit [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] in
/-- Of rational numbers, it is what it was. -/
theorem holds_ofRat {I : Interval} {x : Rat} : N.Holds I (N.ofRat x) ↔ I.Holds x := by
  unfold Rationals.Holds Interval.Holds
  rw [N.ofRat_le, N.ofRat_le]

/-- A value that misses a number of the interval is in the interval, each end of it moved accordingly. -/
theorem holds_misses {I : Interval} {y : K} {r s p q : Rat} {v : Rat} (hy : N.Holds I y) (hv : N.Misses r s y v)
    (hp : r ≤ 1 ∧ Bounded I.lo.toRat p ∨ I.mag.toRat ≤ p) (hq : r ≤ 1 ∧ Bounded I.hi.toRat q ∨ I.mag.toRat ≤ q) :
    I.lo.toRat - (p * r + s) ≤ v ∧ v ≤ I.hi.toRat + (q * r + s) := by
  obtain ⟨e, d, he, hd, hv⟩ := hv
  have hlo := Reach.bounded_mag (I := I) (x := I.lo.toRat) ⟨Rat.le_refl, hy.le⟩
  have hhi := Reach.bounded_mag (I := I) (x := I.hi.toRat) ⟨hy.le, Rat.le_refl⟩
  rw [N.ofRat_neg] at he hd
  obtain ⟨hy1, hy2⟩ := hy
  have bounds {x p : Rat} (h : Bounded x p) : -N.ofRat p ≤ N.ofRat x ∧ N.ofRat x ≤ N.ofRat p :=
    ⟨by rw [← N.ofRat_neg]; exact N.ofRat_le.mpr h.1, N.ofRat_le.mpr h.2⟩
  have whole (h : r ≤ 1) : 0 ≤ 1 + e := by
    have := N.ofRat_le.mpr h
    rw [N.ofRat_one] at this
    grind
  have mag {p : Rat} (h : I.mag.toRat ≤ p) : -(N.ofRat p * N.ofRat r) ≤ y * e ∧ y * e ≤ N.ofRat p * N.ofRat r := by
    have h1 := bounds (hlo.mono h)
    have h2 := bounds (hhi.mono h)
    exact mul_bounded ⟨by grind, by grind⟩ he
  constructor <;> apply N.ofRat_le.mp
  · rw [Rat.sub_eq_add_neg, N.ofRat_add, N.ofRat_neg, N.ofRat_add, N.ofRat_mul, hv]
    rcases hp with ⟨h, hp⟩ | hp
    · have a := OrderedRing.mul_nonneg (R := K) (a := y - N.ofRat I.lo.toRat) (b := 1 + e) (by grind) (whole h)
      have b := mul_bounded (bounds hp) he
      grind
    · have b := mag hp
      grind
  · rw [N.ofRat_add, N.ofRat_add, N.ofRat_mul, hv]
    rcases hq with ⟨h, hq⟩ | hq
    · have a := OrderedRing.mul_nonneg (R := K) (a := N.ofRat I.hi.toRat - y) (b := 1 + e) (by grind) (whole h)
      have b := mul_bounded (bounds hq) he
      grind
    · have b := mag hq
      grind

/-- The enclosure of the root is right. -/
theorem enclosed_sqrt : N.Enclosed Interval.sqrt N.sqrt := by
  intro I J x h hx
  obtain ⟨h1, _, h3, _⟩ := Interval.sqrt_sq h ⟨Rat.le_refl, hx.le⟩
  obtain ⟨_, h6, _, h8⟩ := Interval.sqrt_sq h ⟨hx.le, Rat.le_refl⟩
  have g0 := N.ofRat_nonneg (Rat.mul_nonneg h1 h1)
  have g3 := N.ofRat_le.mpr h3
  have g8 := N.ofRat_le.mpr h8
  have g6 := N.ofRat_nonneg h6
  rw [N.ofRat_mul] at g0 g3 g8
  obtain ⟨hx1, hx2⟩ := hx
  have h0 : 0 ≤ x := by grind
  have hs := N.sqrt_sq h0
  exact ⟨le_of_sq_le (N.sqrt_nonneg h0) (by grind), le_of_sq_le g6 (by grind)⟩

end Numbers
end Spec
