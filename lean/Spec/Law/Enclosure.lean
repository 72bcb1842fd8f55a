module
public import Spec.Law.Dyadic
public import Init.Grind.Ordered.Field
public import Init.Grind.Ordered.Rat

/-!
# Intervals hold what they should

An operation on intervals holds the operation's result on any numbers that the intervals hold: rational numbers, or those of any
ordered field that holds the rational ones, such as the real numbers.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std

/-- The rational numbers in an ordered field. -/
structure Rationals (K : Type) [Field K] [LE K] where
  /-- A rational number in the field. -/
  ofRat : Rat → K
  /-- It is 1 for 1. -/
  ofRat_one : ofRat 1 = 1
  /-- Sums are kept. -/
  ofRat_add (x y : Rat) : ofRat (x + y) = ofRat x + ofRat y
  /-- Products are kept. -/
  ofRat_mul (x y : Rat) : ofRat (x * y) = ofRat x * ofRat y
  /-- The order is kept. -/
  ofRat_le {x y : Rat} : ofRat x ≤ ofRat y ↔ x ≤ y

namespace Rationals

/-- The rational numbers themselves. -/
def self : Rationals Rat := ⟨fun x => x, rfl, fun _ _ => rfl, fun _ _ => rfl, Iff.rfl⟩

variable {K : Type} [Field K] [LE K]

/-- The number `x` lies in the interval. -/
def Holds (N : Rationals K) (I : Interval) (x : K) : Prop := N.ofRat I.lo.toRat ≤ x ∧ x ≤ N.ofRat I.hi.toRat

variable (N : Rationals K)

omit [LE K] in
theorem eq_of_double {x : K} (h : x = x + x) : x = 0 := by grind

theorem ofRat_zero : N.ofRat 0 = 0 := by
  have h := N.ofRat_add 0 0
  rw [Rat.add_zero] at h
  exact eq_of_double h

theorem ofRat_neg (x : Rat) : N.ofRat (-x) = -N.ofRat x := by
  have h := N.ofRat_add x (-x)
  rw [Rat.add_neg_cancel, N.ofRat_zero] at h
  grind

theorem ofRat_nonneg {x : Rat} (h : 0 ≤ x) : 0 ≤ N.ofRat x := by
  rw [← N.ofRat_zero]
  exact N.ofRat_le.mpr h

variable {N} {I J : Interval} {x y : K}

theorem ofRat_dyadic_le {a b : Dyadic} (h : a ≤ b) : N.ofRat a.toRat ≤ N.ofRat b.toRat :=
  N.ofRat_le.mpr (Dyadic.toRat_le_toRat_iff.mpr h)

theorem ofRat_toRat_add (a b : Dyadic) : N.ofRat (a + b).toRat = N.ofRat a.toRat + N.ofRat b.toRat := by
  rw [Dyadic.toRat_add, N.ofRat_add]

theorem ofRat_toRat_mul (a b : Dyadic) : N.ofRat (a * b).toRat = N.ofRat a.toRat * N.ofRat b.toRat := by
  rw [Dyadic.toRat_mul, N.ofRat_mul]

theorem ofRat_toRat_neg (a : Dyadic) : N.ofRat (-a).toRat = -N.ofRat a.toRat := by
  rw [Dyadic.toRat_neg, N.ofRat_neg]

variable [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K]

omit [LT K] [LawfulOrderLT K] [OrderedRing K] in
theorem Holds.le {I : Interval} {x : K} (h : N.Holds I x) : I.lo.toRat ≤ I.hi.toRat :=
  N.ofRat_le.mp (IsPreorder.le_trans _ _ _ h.1 h.2)

theorem mul_bounded {x y r s : K} (hx : -r ≤ x ∧ x ≤ r) (hy : -s ≤ y ∧ y ≤ s) : -(r * s) ≤ x * y ∧ x * y ≤ r * s := by
  have a : 0 ≤ (r - x) * (s - y) := OrderedRing.mul_nonneg (by grind) (by grind)
  have b : 0 ≤ (r + x) * (s + y) := OrderedRing.mul_nonneg (by grind) (by grind)
  have c : 0 ≤ (r - x) * (s + y) := OrderedRing.mul_nonneg (by grind) (by grind)
  have d : 0 ≤ (r + x) * (s - y) := OrderedRing.mul_nonneg (by grind) (by grind)
  constructor <;> grind

theorem le_of_sq_le {a b : K} (hb : 0 ≤ b) (h : a * a ≤ b * b) : a ≤ b := by
  rcases Classical.em (a ≤ b) with h1 | h1
  · exact h1
  · have h2 : 0 < (a - b) * (a - b) := OrderedRing.mul_pos (by grind) (by grind)
    have h3 : 0 ≤ b * (a - b) := OrderedRing.mul_nonneg hb (by grind)
    grind

omit [LT K] [LawfulOrderLT K] [OrderedRing K] in
theorem holds_point (N : Rationals K) (a : Dyadic) : N.Holds (Interval.point a) (N.ofRat a.toRat) :=
  ⟨IsPreorder.le_refl _, IsPreorder.le_refl _⟩

theorem holds_trim (h : N.Holds I x) : N.Holds I.trim x := by
  have h1 := N.ofRat_dyadic_le (Dy.down_le Interval.bits I.lo)
  have h2 := N.ofRat_dyadic_le (Dy.le_up Interval.bits I.hi)
  unfold Holds Interval.trim at *
  grind

theorem holds_neg (h : N.Holds I x) : N.Holds (Interval.neg I) (-x) := by
  unfold Holds Interval.neg at *
  simp only [ofRat_toRat_neg]
  grind

theorem holds_add (hx : N.Holds I x) (hy : N.Holds J y) : N.Holds (Interval.add I J) (x + y) := by
  apply holds_trim
  unfold Holds at *
  simp only [ofRat_toRat_add]
  grind

theorem holds_sub (hx : N.Holds I x) (hy : N.Holds J y) : N.Holds (Interval.sub I J) (x - y) := by
  have h := holds_add hx (holds_neg hy)
  have : x - y = x + -y := by grind
  rw [this]
  exact h

theorem mul_between {a b x c : K} (h1 : a ≤ x) (h2 : x ≤ b) :
    (a * c ≤ x * c ∧ x * c ≤ b * c) ∨ (b * c ≤ x * c ∧ x * c ≤ a * c) := by
  rcases IsLinearOrder.le_total 0 c with h | h
  · exact .inl ⟨OrderedRing.mul_le_mul_of_nonneg_right h1 h, OrderedRing.mul_le_mul_of_nonneg_right h2 h⟩
  · have h3 : 0 ≤ (x - a) * -c := OrderedRing.mul_nonneg (by grind) (by grind)
    have h4 : 0 ≤ (b - x) * -c := OrderedRing.mul_nonneg (by grind) (by grind)
    exact .inr ⟨by grind, by grind⟩

theorem holds_mul (hx : N.Holds I x) (hy : N.Holds J y) : N.Holds (Interval.mul I J) (x * y) := by
  unfold Interval.mul
  split
  · rename_i h
    apply holds_trim
    unfold Holds at *
    rw [← h.1] at hx
    rw [← h.2] at hy
    have h1 : x = N.ofRat I.lo.toRat := by grind
    have h2 : y = N.ofRat J.lo.toRat := by grind
    rw [h1, h2, ← ofRat_toRat_mul]
    exact holds_point N _
  apply holds_trim
  obtain ⟨hx1, hx2⟩ := hx
  obtain ⟨hy1, hy2⟩ := hy
  have lo (a b c d : Dyadic) : N.ofRat (Dy.min (Dy.min a b) (Dy.min c d)).toRat ≤ N.ofRat a.toRat ∧
      N.ofRat (Dy.min (Dy.min a b) (Dy.min c d)).toRat ≤ N.ofRat b.toRat ∧
      N.ofRat (Dy.min (Dy.min a b) (Dy.min c d)).toRat ≤ N.ofRat c.toRat ∧
      N.ofRat (Dy.min (Dy.min a b) (Dy.min c d)).toRat ≤ N.ofRat d.toRat := by
    have h1 := N.ofRat_dyadic_le (Dy.min_le_left (Dy.min a b) (Dy.min c d))
    have h2 := N.ofRat_dyadic_le (Dy.min_le_right (Dy.min a b) (Dy.min c d))
    have h3 := N.ofRat_dyadic_le (Dy.min_le_left a b)
    have h4 := N.ofRat_dyadic_le (Dy.min_le_right a b)
    have h5 := N.ofRat_dyadic_le (Dy.min_le_left c d)
    have h6 := N.ofRat_dyadic_le (Dy.min_le_right c d)
    grind
  have hi (a b c d : Dyadic) : N.ofRat a.toRat ≤ N.ofRat (Dy.max (Dy.max a b) (Dy.max c d)).toRat ∧
      N.ofRat b.toRat ≤ N.ofRat (Dy.max (Dy.max a b) (Dy.max c d)).toRat ∧
      N.ofRat c.toRat ≤ N.ofRat (Dy.max (Dy.max a b) (Dy.max c d)).toRat ∧
      N.ofRat d.toRat ≤ N.ofRat (Dy.max (Dy.max a b) (Dy.max c d)).toRat := by
    have h1 := N.ofRat_dyadic_le (Dy.le_max_left (Dy.max a b) (Dy.max c d))
    have h2 := N.ofRat_dyadic_le (Dy.le_max_right (Dy.max a b) (Dy.max c d))
    have h3 := N.ofRat_dyadic_le (Dy.le_max_left a b)
    have h4 := N.ofRat_dyadic_le (Dy.le_max_right a b)
    have h5 := N.ofRat_dyadic_le (Dy.le_max_left c d)
    have h6 := N.ofRat_dyadic_le (Dy.le_max_right c d)
    grind
  have l := lo (I.lo * J.lo) (I.lo * J.hi) (I.hi * J.lo) (I.hi * J.hi)
  have h := hi (I.lo * J.lo) (I.lo * J.hi) (I.hi * J.lo) (I.hi * J.hi)
  simp only [ofRat_toRat_mul] at l h
  have p := mul_between (c := y) hx1 hx2
  have q := mul_between (c := N.ofRat I.lo.toRat) hy1 hy2
  have r := mul_between (c := N.ofRat I.hi.toRat) hy1 hy2
  unfold Holds
  simp only
  generalize N.ofRat I.lo.toRat = a at *
  generalize N.ofRat I.hi.toRat = b at *
  generalize N.ofRat J.lo.toRat = c at *
  generalize N.ofRat J.hi.toRat = d at *
  have e1 : y * a = a * y := by grind
  have e2 : y * b = b * y := by grind
  have e3 : c * a = a * c := by grind
  have e4 : c * b = b * c := by grind
  have e5 : d * a = a * d := by grind
  have e6 : d * b = b * d := by grind
  rw [e1, e3, e5] at q
  rw [e2, e4, e6] at r
  generalize a * c = p1 at *
  generalize a * d = p2 at *
  generalize b * c = p3 at *
  generalize b * d = p4 at *
  generalize a * y = p5 at *
  generalize b * y = p6 at *
  generalize x * y = p7 at *
  grind

/-- A square is not negative. -/
theorem holds_square (hx : N.Holds I x) : N.Holds (Interval.square I) (x * x) := by
  have h := holds_mul hx hx
  have h0 : 0 ≤ x * x := by
    rcases Classical.em (0 ≤ x) with h1 | h1
    · exact OrderedRing.mul_nonneg h1 h1
    · have := OrderedRing.mul_nonneg (R := K) (a := -x) (b := -x) (by grind) (by grind)
      grind
  refine ⟨?_, h.2⟩
  unfold Interval.square Dy.max
  simp only
  split
  · exact h.1
  · have hz : N.ofRat Dyadic.zero.toRat = 0 := N.ofRat_zero
    rw [hz]
    exact h0


theorem holds_max [Max K] [LawfulOrderMax K] (hx : N.Holds I x) (hy : N.Holds J y) :
    N.Holds (Interval.max I J) (Max.max x y) := by
  have h1 : x ≤ Max.max x y := Std.left_le_max
  have h2 : y ≤ Max.max x y := Std.right_le_max
  have h3 := MaxEqOr.max_eq_or x y
  have h4 := N.ofRat_dyadic_le (Dy.le_max_left I.hi J.hi)
  have h5 := N.ofRat_dyadic_le (Dy.le_max_right I.hi J.hi)
  unfold Holds Interval.max at *
  have h6 : Dy.max I.lo J.lo = I.lo ∨ Dy.max I.lo J.lo = J.lo := by unfold Dy.max; split <;> simp
  constructor
  · simp only
    rcases h6 with h6 | h6 <;> rw [h6] <;> grind
  · simp only
    grind

theorem pos_of_lt {a : Dyadic} (h : Dyadic.zero < a) : 0 < N.ofRat a.toRat := by
  have h0 := Dy.lt_toRat h
  have h1 := N.ofRat_nonneg (Rat.le_of_lt h0)
  have h2 : ¬ N.ofRat a.toRat ≤ N.ofRat 0 := fun h' => by have := N.ofRat_le.mp h'; grind
  rw [N.ofRat_zero] at h2
  grind

theorem holds_invPos (hJ : Dyadic.zero < J.lo) (hy : N.Holds J y) : y ≠ 0 ∧ N.Holds (Interval.invPos J) (1 / y) := by
  have h0 := pos_of_lt (N := N) hJ
  obtain ⟨hy1, hy2⟩ := hy
  have hy0 : 0 < y := by grind
  have hlo := Dy.lt_toRat hJ
  have hle := N.ofRat_le.mp (IsPreorder.le_trans _ _ _ hy1 hy2)
  have one : (dyadic (Int.ofNat 1)).toRat = 1 := rfl
  have h2 := N.ofRat_le.mpr (Dy.divDown_mul_le Interval.bits (dyadic (Int.ofNat 1)) (y := J.hi) (by grind))
  have h3 := N.ofRat_le.mpr (Dy.le_divUp_mul Interval.bits (dyadic (Int.ofNat 1)) (y := J.lo) hlo)
  rw [one, N.ofRat_one, N.ofRat_mul] at h2 h3
  have hne : y ≠ 0 := by grind
  have hm : y * (1 / y) = 1 := by grind
  refine ⟨hne, ?_⟩
  unfold Holds Interval.invPos
  simp only
  generalize N.ofRat (Dy.divDown Interval.bits (dyadic (Int.ofNat 1)) J.hi).toRat = d at *
  generalize N.ofRat (Dy.divUp Interval.bits (dyadic (Int.ofNat 1)) J.lo).toRat = e at *
  generalize N.ofRat J.lo.toRat = a at *
  generalize N.ofRat J.hi.toRat = b at *
  generalize 1 / y = z at *
  have cancel {u v : K} (h : ¬ u ≤ v) : v * y < u * y := by
    have : 0 < (u - v) * y := OrderedRing.mul_pos (by grind) hy0
    grind
  constructor
  · rcases Classical.em (d ≤ z) with h | h
    · exact h
    · have h4 := cancel h
      rcases IsLinearOrder.le_total 0 d with h5 | h5
      · have : 0 ≤ d * (b - y) := OrderedRing.mul_nonneg h5 (by grind)
        grind
      · have : 0 ≤ -d * y := OrderedRing.mul_nonneg (by grind) (by grind)
        grind
  · rcases Classical.em (z ≤ e) with h | h
    · exact h
    · have h4 := cancel h
      rcases IsLinearOrder.le_total 0 e with h5 | h5
      · have : 0 ≤ e * (y - a) := OrderedRing.mul_nonneg h5 (by grind)
        grind
      · have : 0 ≤ -e * a := OrderedRing.mul_nonneg (by grind) (by grind)
        grind

/-- A quotient that is defined holds every quotient, and no divisor is 0. -/
theorem holds_div {Q : Interval} (h : Interval.div I J = some Q) (hx : N.Holds I x) (hy : N.Holds J y) :
    y ≠ 0 ∧ N.Holds Q (x / y) := by
  unfold Interval.div at h
  split at h
  · rename_i h0
    obtain ⟨hy0, hinv⟩ := holds_invPos h0 hy
    have hlo := Dy.lt_toRat h0
    refine ⟨hy0, ?_⟩
    split at h
    · rename_i hp
      cases h
      have hx1 : x = N.ofRat I.lo.toRat := by unfold Holds at hx; rw [← hp.1] at hx; grind
      have hy1 : y = N.ofRat J.lo.toRat := by unfold Holds at hy; rw [← hp.2] at hy; grind
      have hpos := pos_of_lt (N := N) h0
      rw [← hy1] at hpos
      have h2 := N.ofRat_le.mpr (Dy.divDown_mul_le Interval.bits I.lo hlo)
      have h3 := N.ofRat_le.mpr (Dy.le_divUp_mul Interval.bits I.lo hlo)
      rw [N.ofRat_mul, ← hx1, ← hy1] at h2 h3
      have hq : x / y * y = x := by grind
      unfold Holds
      simp only
      have cancel {u v : K} (h : ¬ u ≤ v) : v * y < u * y := by
        have : 0 < (u - v) * y := OrderedRing.mul_pos (by grind) hpos
        grind
      generalize x / y = z at *
      constructor
      · rcases Classical.em (N.ofRat (Dy.divDown Interval.bits I.lo J.lo).toRat ≤ z) with h | h
        · exact h
        · have := cancel h; grind
      · rcases Classical.em (z ≤ N.ofRat (Dy.divUp Interval.bits I.lo J.lo).toRat) with h | h
        · exact h
        · have := cancel h; grind
    · cases h
      have hq : x / y = x * (1 / y) := by grind
      rw [hq]
      exact holds_mul hx hinv
  · split at h
    · rename_i h0
      cases h
      have h0 : Dyadic.zero < (Interval.neg J).lo := by
        have h0 := Dyadic.toRat_lt_toRat_iff.mpr h0
        apply Dyadic.toRat_lt_toRat_iff.mp
        show _ < (-J.hi).toRat
        rw [Dyadic.zero_eq, Dyadic.toRat_zero] at *
        rw [Dyadic.toRat_neg]
        grind
      obtain ⟨hy0, hinv⟩ := holds_invPos h0 (holds_neg hy)
      have hy1 : y ≠ 0 := by grind
      refine ⟨hy1, ?_⟩
      have hq : x / y = -x * (1 / -y) := by grind
      rw [hq]
      exact holds_mul (holds_neg hx) hinv
    · cases h

end Rationals
end Spec
