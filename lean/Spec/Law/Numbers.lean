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

/-- A value that misses a number of the interval is in the interval, widened accordingly. -/
theorem holds_misses {I : Interval} {y : K} {r s : Rat} {v : Rat} {w : Dyadic} (hy : N.Holds I y)
    (hv : N.Misses r s y v) (hw : I.mag.toRat * r + s ≤ w.toRat) : (I.widen w).Holds v := by
  obtain ⟨e, d, he, hd, hv⟩ := hv
  have hlo := Reach.bounded_mag (I := I) (x := I.lo.toRat) ⟨Rat.le_refl, hy.le⟩
  have hhi := Reach.bounded_mag (I := I) (x := I.hi.toRat) ⟨hy.le, Rat.le_refl⟩
  have h1 := N.ofRat_le.mpr hlo.1
  have h2 := N.ofRat_le.mpr hhi.2
  have h3 := N.ofRat_le.mpr hw
  have h4 := N.ofRat_mul I.mag.toRat r
  have h5 := N.ofRat_add (I.mag.toRat * r) s
  rw [N.ofRat_neg] at he hd h1
  obtain ⟨hy1, hy2⟩ := hy
  have hp := mul_bounded (x := y) (y := e) (r := N.ofRat I.mag.toRat) (s := N.ofRat r) ⟨by grind, by grind⟩ he
  have h6 := N.ofRat_add I.hi.toRat w.toRat
  have h7 := N.ofRat_add I.lo.toRat (-w.toRat)
  rw [N.ofRat_neg] at h7
  unfold Interval.Holds Interval.widen
  simp only [Dyadic.toRat_sub, Dyadic.toRat_add]
  rw [Rat.sub_eq_add_neg]
  constructor <;> apply N.ofRat_le.mp
  · rw [h7]; grind
  · rw [h6]; grind

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
