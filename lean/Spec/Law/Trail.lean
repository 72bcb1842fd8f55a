module
public import Spec.Num.Reach
public import Spec.Law.Reach
public import Spec.Law.ScanRounding

/-!
# A scan in any tree never leaves its reach

What `Trail` carries along a recurrence bounds the quantities of `Spec.Rounding.scan_error`, so the states of an implementation that
composes the steps in any tree of its class lie in the intervals that are evaluated.
-/

@[expose] public noncomputable section
namespace Spec.Trail
open Rounding (Bounded Sizes State States)
open Reach (unit under)
variable {m : Rounding}

/-- The trail's numbers bound those of the steps `ss`, of sizes `bs`. -/
structure Follows (m : Rounding) (s : Trail) (ss bs : List (AffineStep Rat)) : Prop where
  /-- The sizes bound the steps. -/
  sizes : Sizes ss bs
  /-- The steps are counted. -/
  terms : s.terms = ss.length
  /-- The state that nothing rounds is enclosed. -/
  plain : s.plain.Holds (scanFold 0 ss)
  /-- `S`. -/
  grown : Rounding.grown (1 + unit m) bs ≤ s.grown.toRat
  /-- `S - T`. -/
  excess : Rounding.grown (1 + unit m) bs - scanFold 0 bs ≤ s.excess.toRat
  /-- `B`. -/
  inputs : Rounding.inputs bs ≤ s.inputs.toRat
  /-- `W`. -/
  spread : Rounding.weight (1 + unit m) bs ≤ s.spread.toRat
  /-- No size is negative. -/
  nonneg : 0 ≤ Rounding.grown (1 + unit m) bs

theorem le_toRat_up (x : Dyadic) : x.toRat ≤ (Dy.up bits x).toRat := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up bits x)

theorem bounded_up {I : Interval} {x : Rat} (h : I.Holds x) : Bounded x (Dy.up bits I.mag).toRat := by
  have h1 := Reach.bounded_mag h
  have h2 := le_toRat_up I.mag
  unfold Bounded at *
  grind

theorem toRat_growth : (growth m).toRat = 1 + unit m := by
  unfold growth
  rw [Dyadic.toRat_add]
  rfl

theorem toRat_zero : Dyadic.zero.toRat = 0 := rfl

theorem max_one (a : Rat) : 1 ≤ max 1 a ∧ a ≤ max 1 a ∧ (max 1 a = 1 ∨ max 1 a = a) := by
  have : max 1 a = if 1 ≤ a then a else 1 := rfl
  rw [this]
  split <;> grind

/-- Before the first step, the initial state is a step that forgets what was before. -/
theorem follows_start {I : Interval} {h : Rat} (hI : I.Holds h) :
    Follows m (start m I) [⟨0, h⟩] [⟨0, (Dy.up bits I.mag).toRat⟩] := by
  have hb := bounded_up hI
  have hu : 0 ≤ unit m := Reach.unit_nonneg
  have h0 := hb.nonneg
  have h1 : max (1 : Rat) 0 = 1 := by have := max_one 0; grind
  refine ⟨.cons ⟨by grind, by grind⟩ hb .nil, rfl, ?_, ?_, ?_, ?_, ?_, ?_⟩
  · simp only [start, scanFold, List.foldl_cons, List.foldl_nil, AffineStep.apply]
    have : (0 : Rat) * 0 + h = h := by grind
    rw [this]
    exact hI
  · simp only [start, Rounding.grown, List.foldl_cons, List.foldl_nil]
    grind
  · simp only [start, Rounding.grown, scanFold, AffineStep.apply, List.foldl_cons, List.foldl_nil, toRat_zero]
    grind
  · simp only [start, Rounding.inputs, List.foldl_cons, List.foldl_nil]
    grind
  · simp only [start, Rounding.weight, List.foldl_cons, List.foldl_nil, toRat_growth, h1]
    grind
  · simp only [Rounding.grown, List.foldl_cons, List.foldl_nil]
    grind

theorem scanFold_snoc (h : Rat) (ss : List (AffineStep Rat)) (s : AffineStep Rat) :
    scanFold h (ss ++ [s]) = s.a * scanFold h ss + s.b := by
  simp only [scanFold, List.foldl_append, List.foldl_cons, List.foldl_nil, AffineStep.apply]

theorem sizes_snoc {ss bs : List (AffineStep Rat)} {s b : AffineStep Rat} (h : Sizes ss bs) (ha : Bounded s.a b.a)
    (hb : Bounded s.b b.b) : Sizes (ss ++ [s]) (bs ++ [b]) := by
  induction h with
  | nil => exact .cons ha hb .nil
  | cons ha' hb' _ ih => exact .cons ha' hb' ih

/-- One more step. -/
theorem follows_next {s : Trail} {ss bs : List (AffineStep Rat)} {A B : Interval} {a b : Rat} (hs : Follows m s ss bs)
    (ha : A.Holds a) (hb : B.Holds b) :
    Follows m (s.next m A B) (ss ++ [⟨a, b⟩]) (bs ++ [⟨(Dy.up bits A.mag).toRat, (Dy.up bits B.mag).toRat⟩]) := by
  have hu : 0 ≤ unit m := Reach.unit_nonneg
  have hx := (bounded_up ha).nonneg
  have hy := (bounded_up hb).nonneg
  obtain ⟨sizes, terms, plain, grown, excess, inputs, spread, nonneg⟩ := hs
  have hunit : (twoPowNeg (Int.ofNat m.precision)).toRat = unit m := rfl
  refine ⟨sizes_snoc sizes (bounded_up ha) (bounded_up hb), by simp [next, terms], ?_, ?_, ?_, ?_, ?_, ?_⟩
  · rw [scanFold_snoc]
    exact Interval.holds_add (Interval.holds_mul ha plain) hb
  · have h1 := le_toRat_up (Dy.up bits A.mag * s.grown + Dy.up bits A.mag * s.grown * twoPowNeg (Int.ofNat m.precision) +
      Dy.up bits B.mag)
    simp only [Dyadic.toRat_add, Dyadic.toRat_mul, hunit] at h1
    simp only [next, Rounding.grown, List.foldl_append, List.foldl_cons, List.foldl_nil] at *
    generalize (Dy.up bits A.mag).toRat = x at *
    have h2 := Rat.mul_nonneg (Rat.mul_nonneg (a := 1 + unit m) (b := x) (by grind) hx)
      (show 0 ≤ s.grown.toRat - bs.foldl (fun h s => (1 + unit m) * s.a * h + s.b) 0 by grind)
    grind
  · have h1 := le_toRat_up (Dy.up bits A.mag * s.excess + Dy.up bits A.mag * s.grown * twoPowNeg (Int.ofNat m.precision))
    simp only [Dyadic.toRat_add, Dyadic.toRat_mul, hunit] at h1
    rw [scanFold_snoc]
    simp only [next, Rounding.grown, List.foldl_append, List.foldl_cons, List.foldl_nil] at *
    generalize (Dy.up bits A.mag).toRat = x at *
    generalize bs.foldl (fun h s => (1 + unit m) * s.a * h + s.b) 0 = S at *
    have h2 := Rat.mul_nonneg hx (show 0 ≤ s.excess.toRat - (S - scanFold 0 bs) by grind)
    have h3 := Rat.mul_nonneg (Rat.mul_nonneg hx hu) (show 0 ≤ s.grown.toRat - S by grind)
    grind
  · have h1 := le_toRat_up (s.inputs + Dy.up bits B.mag)
    simp only [Dyadic.toRat_add] at h1
    simp only [next, Rounding.inputs, List.foldl_append, List.foldl_cons, List.foldl_nil] at *
    grind
  · have h1 := le_toRat_up (s.spread * growth m * Dy.max (dyadic (Int.ofNat 1)) (Dy.up bits A.mag))
    simp only [Dyadic.toRat_mul, toRat_growth] at h1
    have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_left (dyadic (Int.ofNat 1)) (Dy.up bits A.mag))
    have h3 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_max_right (dyadic (Int.ofNat 1)) (Dy.up bits A.mag))
    have h4 : (dyadic (Int.ofNat 1)).toRat = 1 := rfl
    have hw := Rounding.one_le_weight (q := 1 + unit m) (by grind) bs
    obtain ⟨k1, k2, k3⟩ := max_one (Dy.up bits A.mag).toRat
    have h5 : max 1 (Dy.up bits A.mag).toRat ≤ (Dy.max (dyadic (Int.ofNat 1)) (Dy.up bits A.mag)).toRat := by
      rcases k3 with k | k <;> rw [k] <;> grind
    simp only [next, Rounding.weight, List.foldl_append, List.foldl_cons, List.foldl_nil] at *
    generalize (Dy.max (dyadic (Int.ofNat 1)) (Dy.up bits A.mag)).toRat = k at *
    generalize max 1 (Dy.up bits A.mag).toRat = c at *
    generalize bs.foldl (fun w s => w * ((1 + unit m) * max 1 s.a)) 1 = W at *
    have h6 := Rat.mul_nonneg (Rat.mul_nonneg (show 0 ≤ s.spread.toRat - W by grind) (show 0 ≤ 1 + unit m by grind))
      (show 0 ≤ k by grind)
    have h7 := Rat.mul_nonneg (Rat.mul_nonneg (show 0 ≤ W by grind) (show 0 ≤ 1 + unit m by grind)) (show 0 ≤ k - c by grind)
    grind
  · simp only [Rounding.grown, List.foldl_append, List.foldl_cons, List.foldl_nil] at *
    have h1 := Rat.mul_nonneg (Rat.mul_nonneg (a := 1 + unit m) (by grind) hx) nonneg
    grind

theorem toRat_nat (n : Nat) : (dyadic (Int.ofNat n)).toRat = n := by
  unfold dyadic
  rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
  show ((n : Int) : Rat) * 2 ^ (-0 : Int) = n
  rw [Int.neg_zero, Rat.zpow_zero, Rat.mul_one, Rat.intCast_natCast]

/-- A scan in any tree: whatever tree of its class an implementation composes the steps in, from the initial state as the first of
them, its state is within the evaluated slack of the one that nothing rounds. -/
theorem holds_state {s : Trail} {bs : List (AffineStep Rat)} {tree : ScanTree Rat} {v : Rat} {r : Dyadic}
    (hs : Follows m s tree.toList bs) (hv : State (unit m) (under m) tree v) (hd : tree.depth ≤ m.order.depth s.terms)
    (hr : s.slack m = some r) : (s.plain.widen r).Holds v := by
  obtain ⟨sizes, terms, plain, grown, excess, inputs, spread, nonneg⟩ := hs
  have hu : 0 ≤ unit m := Reach.unit_nonneg
  have ht : 0 ≤ under m := Reach.under_nonneg
  unfold slack at hr
  simp only at hr
  cases hg : Rounding.gamma m.precision (m.order.depth s.terms) with
  | none => rw [hg] at hr; cases hr
  | some g =>
  rw [hg] at hr
  simp only at hr
  split at hr
  · rename_i hsmall
    cases hr
    obtain ⟨hg1, hg2⟩ := Reach.growth_le_gamma hg
    have hg1 : Rounding.growth (unit m) (m.order.depth s.terms) - 1 ≤ g.toRat := hg1
    have hG := Rounding.one_le_growth hu (m.order.depth s.terms)
    have hsmall := Dyadic.toRat_le_toRat_iff.mpr hsmall
    have h4 : (dyadic (Int.ofNat 4)).toRat = 4 := rfl
    have h1 : (dyadic (Int.ofNat 1)).toRat = 1 := rfl
    simp only [Dyadic.toRat_mul, toRat_growth, toRat_nat, h1, h4] at hsmall
    have herror := Rounding.scan_error hu ht hv sizes (n := s.terms) terms.symm hsmall hd
    have hB := sizes.inputs_nonneg
    have hW := Rounding.one_le_weight (q := 1 + unit m) (by grind) bs
    apply Reach.holds_widen plain
    simp only [Dyadic.toRat_add, Dyadic.toRat_mul, toRat_growth, toRat_nat, h4]
    show Bounded _ (_ + (under m * _ + _ * (under m * _)))
    have hn : (0 : Rat) ≤ s.terms := by exact_mod_cast Nat.zero_le _
    generalize (s.terms : Rat) = n at *
    generalize Rounding.growth (unit m) (m.order.depth s.terms) = G at *
    generalize Rounding.grown (1 + unit m) bs = S at *
    generalize Rounding.inputs bs = B at *
    generalize Rounding.weight (1 + unit m) bs = W at *
    generalize scanFold 0 bs = T at *
    have k : n * (4 * (1 + unit m) * n * B + 4) ≤ n * (4 * (1 + unit m) * n * s.inputs.toRat + 4) := by
      have := Rat.mul_nonneg (Rat.mul_nonneg (Rat.mul_nonneg hn hn) (show 0 ≤ 1 + unit m by grind))
        (show 0 ≤ s.inputs.toRat - B by grind)
      grind
    have k0 : 0 ≤ n * (4 * (1 + unit m) * n * B + 4) := by
      have := Rat.mul_nonneg (Rat.mul_nonneg (Rat.mul_nonneg hn hn) (show 0 ≤ 1 + unit m by grind)) hB
      grind
    generalize n * (4 * (1 + unit m) * n * B + 4) = L at *
    generalize n * (4 * (1 + unit m) * n * s.inputs.toRat + 4) = L' at *
    have p1 := Rat.mul_nonneg (show 0 ≤ g.toRat - (G - 1) by grind) nonneg
    have p2 := Rat.mul_nonneg (show 0 ≤ g.toRat by grind) (show 0 ≤ s.grown.toRat - S by grind)
    have p3 := Rat.mul_nonneg ht (Rat.mul_nonneg (show 0 ≤ s.spread.toRat - W by grind) (show 0 ≤ L' by grind))
    have p4 := Rat.mul_nonneg ht (Rat.mul_nonneg (show 0 ≤ W by grind) (show 0 ≤ L' - L by grind))
    have p5 : under m * (W * L) ≤ under m * (s.spread.toRat * L') := by grind
    have p6 := Rat.mul_nonneg ht (Rat.mul_nonneg (show 0 ≤ W by grind) k0)
    generalize under m * (W * L) = U at *
    generalize under m * (s.spread.toRat * L') = U' at *
    have p7 := Rat.mul_nonneg (show 0 ≤ 1 + g.toRat - G by grind) p6
    have p8 := Rat.mul_nonneg (show 0 ≤ 1 + g.toRat by grind) (show 0 ≤ U' - U by grind)
    unfold Bounded at *
    constructor <;> grind
  · cases hr

/-- A recurrence whose ceiling is no larger than the largest number does not overflow, in whatever tree it is composed. -/
theorem finite_state {s : Trail} {bs : List (AffineStep Rat)} {tree : ScanTree Rat} {v : Option Rat} {r : Dyadic}
    (hs : Follows m s tree.toList bs) (hv : States m.largest.toRat (unit m) (under m) tree v)
    (hd : tree.depth ≤ m.order.depth s.terms) (hr : s.slack m = some r)
    (hfits : m.fits (Interval.point s.ceiling) = true) : ∃ z, v = some z ∧ State (unit m) (under m) tree z := by
  obtain ⟨sizes, terms, _, _, _, inputs, spread, _⟩ := hs
  have hu : 0 ≤ unit m := Reach.unit_nonneg
  unfold slack at hr
  simp only at hr
  cases hg : Rounding.gamma m.precision (m.order.depth s.terms) with
  | none => rw [hg] at hr; cases hr
  | some g =>
  rw [hg] at hr
  simp only at hr
  split at hr
  · rename_i hsmall
    obtain ⟨hg1, hg2⟩ := Reach.growth_le_gamma hg
    have hg1 : Rounding.growth (unit m) (m.order.depth s.terms) - 1 ≤ g.toRat := hg1
    have hsmall := Dyadic.toRat_le_toRat_iff.mpr hsmall
    have h4 : (dyadic (Int.ofNat 4)).toRat = 4 := rfl
    have h1 : (dyadic (Int.ofNat 1)).toRat = 1 := rfl
    simp only [Dyadic.toRat_mul, toRat_growth, toRat_nat, h1, h4] at hsmall
    have hL := (Reach.bounded_fits hfits (Interval.holds_point _)).2
    unfold ceiling at hL
    simp only [Dyadic.toRat_mul, Dyadic.toRat_add, h1, h4] at hL
    refine Rounding.states_finite hu Reach.under_nonneg hsmall (by grind) hv sizes (by rw [terms]; exact Rat.le_refl) hd ?_
    refine Rat.le_trans ?_ hL
    unfold Rounding.ceiling
    have hB := sizes.inputs_nonneg
    have hW := Rounding.one_le_weight (q := 1 + unit m) (by grind) bs
    generalize Rounding.inputs bs = B at *
    generalize Rounding.weight (1 + unit m) bs = W at *
    have p1 := Rat.mul_nonneg (a := W) (b := s.inputs.toRat - B) (by grind) (by grind)
    have p2 := Rat.mul_nonneg (a := s.spread.toRat - W) (b := s.inputs.toRat + 1) (by grind) (by grind)
    grind
  · cases hr

/-- A step of a recurrence that may be composed in any tree stays in its reach: after the steps `ss`, whatever tree over them and
the new one an implementation takes, as deep as its class allows, the new state does not overflow and is held. -/
theorem holds_step {a h b : Reach m} {x y : Rat} {v : Option Rat} {ss bs : List (AffineStep Rat)} {tree : ScanTree Rat}
    (horder : m.order ≠ .sequential) (hh : Follows m h.trail ss bs) (ha : a.run.Holds x) (hb : b.run.Holds y)
    (htree : tree.toList = ss ++ [⟨x, y⟩]) (hv : States m.largest.toRat (unit m) (under m) tree v)
    (hd : tree.depth ≤ m.order.depth tree.toList.length) (hok : (Scalar.step a h b).ok = true) :
    ∃ z, v = some z ∧ (Scalar.step a h b).run.Holds z ∧
      ∃ bs', Follows m (Scalar.step a h b).trail (ss ++ [⟨x, y⟩]) bs' := by
  have next := follows_next hh ha hb
  have hok : (Reach.step a h b).ok = true := hok
  show ∃ z, v = some z ∧ (Reach.step a h b).run.Holds z ∧ ∃ bs', Follows m (Reach.step a h b).trail _ bs'
  unfold Reach.step at hok ⊢
  rw [if_neg horder] at hok ⊢
  simp only at hok ⊢
  cases hr : (h.trail.next m a.run b.run).slack m with
  | none => rw [hr] at hok; simp [Reach.undefined, Reach.ok] at hok
  | some r =>
    rw [hr] at hok
    simp only [Reach.ok, Bool.and_eq_true] at hok
    have here := next
    rw [← htree] at here
    obtain ⟨z, rfl, hz⟩ := finite_state here hv (here.terms ▸ hd) hr hok.2
    exact ⟨z, rfl, Reach.holds_shorten (holds_state here hz (here.terms ▸ hd) hr), _, next⟩

end Spec.Trail
