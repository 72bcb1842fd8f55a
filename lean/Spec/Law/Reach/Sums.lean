module
public import Spec.Law.Overflow
public import Spec.Law.Reach.Partial

/-!
# A sum of products never leaves its reach

In whatever tree of its class an implementation adds the products, and without overflow.
-/

@[expose] public noncomputable section
namespace Spec.Reach
open Rounding (Bounded Rounded Order Meets Given)
open Interval (Holds)
variable {m : Rounding}

/-- `v` is the accumulated sum `s` in the format of the result: a last rounding, unless it is the format of the accumulator. -/
def Finished (m : Rounding) (s v : Rat) : Prop :=
  if m.accumulatesItself then v = s else Rounded (unit m) (under m) s v

/-- The sum `v` of the products can come out: in some tree of the order class, fused or not, with the accumulator's roundings and
a last one to the format of the result. -/
def Adds (m : Rounding) (ps : List (Rat × Rat)) (v : Rat) : Prop :=
  (ps = [] ∧ v = 0) ∨ ∃ o a, o.leaves.Perm ps ∧ o.depth ≤ m.order.depth ps.length ∧
    Order.Run (sumUnit m) (sumUnder m) o a ∧ Finished m a v

/-- As `Adds`, where any rounding may overflow. -/
def Sums (m : Rounding) (ps : List (Rat × Rat)) (v : Option Rat) : Prop :=
  (ps = [] ∧ v = some 0) ∨ ∃ o a, o.leaves.Perm ps ∧ o.depth ≤ m.order.depth ps.length ∧
    Order.Computes m.largest.toRat (sumUnit m) (sumUnder m) o a ∧
    Given a fun a => if m.accumulatesItself then v = some a else Meets m.largest.toRat (Finished m a) v

/-- A sum of products: whatever tree of its class an implementation adds them in, fused or not, accumulated in a format of its own
or not, its result is in reach. -/
theorem holds_finish {s : Partial} {ps : List (Rat × Rat)} (hs : s.Sums ps) {v : Rat} (hv : Adds m ps v)
    (hok : (Partial.finish m s).ok = true) : (Partial.finish m s).run.Holds v := by
  obtain ⟨h5, hb⟩ := hs
  unfold Partial.finish at hok ⊢
  rw [h5] at hok ⊢
  cases hg : Rounding.gamma m.sumPrecision (m.order.depth ps.length + 1) with
  | none => rw [hg] at hok; simp [undefined, ok] at hok
  | some g =>
  obtain ⟨hg1, hg2⟩ := growth_le_gamma hg
  have ht : 0 ≤ sumUnder m := sumUnder_nonneg
  have hG := Rounding.one_le_growth (sumUnit_nonneg (m := m)) (m.order.depth ps.length + 1)
  have hg1 : Rounding.growth (sumUnit m) (m.order.depth ps.length + 1) - 1 ≤ g.toRat := hg1
  obtain ⟨low, high, _⟩ := hb g.toRat (by grind) hg2
  have h6 : ((4 * ps.length : Nat) : Rat) = 4 * ps.length := by rw [Rat.natCast_mul]; rfl
  have sum {a : Rat} (ha : Bounded (a - Rounding.total (fun p => p.1 * p.2) ps)
      (g.toRat * Rounding.total (fun p : Rat × Rat => Rounding.size (p.1 * p.2)) ps + sumUnder m * (4 * ps.length))) :
      (shorten ((Interval.add (Interval.point s.known) s.run).stretch
        (g * (s.size + s.lows) + m.tinySum * dyadic (Int.ofNat (4 * ps.length)))
        (g * (s.size + s.highs) + m.tinySum * dyadic (Int.ofNat (4 * ps.length))))).Holds a := by
    apply holds_shorten
    have d := Dyadic.toRat_le_toRat_iff.mpr (Dy.down_le Interval.bits (s.known + s.run.lo))
    have e := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up Interval.bits (s.known + s.run.hi))
    rw [Dyadic.toRat_add] at d e
    unfold Holds Interval.stretch Interval.add Interval.trim Interval.point Bounded at *
    simp only [Dyadic.toRat_sub, Dyadic.toRat_add, Dyadic.toRat_mul, toRat_nat, h6]
    have tiny : m.tinySum.toRat = sumUnder m := rfl
    rw [tiny]
    constructor <;> grind
  have finished {a v : Rat} {I : Interval} (ha : I.Holds a) (hv : Finished m a v) :
      Interval.Holds (if m.accumulatesItself then I else round m 1 I) v := by
    unfold Finished at hv
    split at hv
    · rename_i h; subst hv; rw [if_pos h]; exact ha
    · rename_i h; rw [if_neg h]; exact holds_round ha hv
  rcases hv with ⟨rfl, rfl⟩ | ⟨o, a, horder, hdepth, hrun, hv⟩
  · refine finished (a := 0) (sum ?_) ?_
    · simp only [Rounding.total, List.length_nil]
      unfold Bounded
      constructor <;> grind
    · unfold Finished
      split
      · rfl
      · have hu : 0 ≤ unit m := unit_nonneg
        have ht : 0 ≤ under m := under_nonneg
        exact ⟨0, 0, ⟨by grind, by grind⟩, ⟨by grind, by grind⟩, by grind⟩
  have hterms : o.terms = ps.length := by rw [o.terms_eq, horder.length_eq]
  have hexact : o.exact = Rounding.total (fun p => p.1 * p.2) ps := by rw [o.exact_eq, Rounding.total_perm _ horder]
  have hsize := o.size_leaves
  rw [Rounding.total_perm _ horder] at hsize
  have herror := Order.run_error_depth sumUnit_nonneg sumUnder_nonneg hrun hsize hdepth
  have hmags := hsize.nonneg
  have hn := o.one_le_terms
  rw [hterms] at herror hn
  rw [hexact] at herror
  have hn' : (1 : Rat) ≤ ps.length := by exact_mod_cast hn
  refine finished (sum ?_) hv
  clear sum finished low high hb
  generalize Rounding.growth (sumUnit m) (m.order.depth ps.length + 1) = G at *
  generalize Rounding.total (fun p : Rat × Rat => Rounding.size (p.1 * p.2)) ps = M at *
  generalize (ps.length : Rat) = n at *
  have p1 := Rat.mul_nonneg (a := g.toRat - (G - 1)) (b := M) (by grind) hmags
  have p3 := Rat.mul_nonneg (a := 2 * n - 1) (b := (2 - G) * sumUnder m) (by grind)
    (Rat.mul_nonneg (by grind) ht)
  unfold Bounded at *
  constructor <;> grind

/-- A sum of products for which the evaluator has a budget does not overflow, in whatever tree of its class it is added. -/
theorem finite_finish {s : Partial} {ps : List (Rat × Rat)} (hs : s.Sums ps) {v : Option Rat} (hv : Sums m ps v)
    (hok : (Partial.finish m s).ok = true) : ∃ z, v = some z ∧ Adds m ps z := by
  have holds (z : Rat) (hz : Adds m ps z) := holds_finish hs hz hok
  obtain ⟨h5, hb⟩ := hs
  have h3 := (hb 0 Rat.le_refl (by decide)).mags
  rcases hv with ⟨rfl, rfl⟩ | ⟨o, a, horder, hdepth, ha, hv⟩
  · exact ⟨0, rfl, .inl ⟨rfl, rfl⟩⟩
  unfold Partial.finish at hok holds
  rw [h5] at hok holds
  cases hg : Rounding.gamma m.sumPrecision (m.order.depth ps.length + 1) with
  | none => rw [hg] at hok; simp [undefined, ok] at hok
  | some g =>
  rw [hg] at hok holds
  simp only [rounded, ok, Bool.and_eq_true] at hok holds
  obtain ⟨⟨_, hsum⟩, hrun⟩ := hok
  obtain ⟨hg1, hg2⟩ := growth_le_gamma hg
  have hg1 : Rounding.growth (sumUnit m) (m.order.depth ps.length + 1) - 1 ≤ g.toRat := hg1
  have hG := Rounding.one_le_growth (sumUnit_nonneg (m := m)) (m.order.depth ps.length + 1)
  have hL := (bounded_fits hsum (Interval.holds_point _)).2
  have h6 : ((4 * ps.length : Nat) : Rat) = 4 * ps.length := by rw [Rat.natCast_mul]; rfl
  simp only [Dyadic.toRat_add, Dyadic.toRat_mul, toRat_nat, h6] at hL
  have hL : s.size.toRat + s.mags.toRat + (g.toRat * (s.size.toRat + s.mags.toRat) + sumUnder m * (4 * ps.length))
    ≤ m.largest.toRat := hL
  have hterms : o.terms = ps.length := by rw [o.terms_eq, horder.length_eq]
  have hsize := o.size_leaves
  rw [Rounding.total_perm _ horder] at hsize
  have hmags := hsize.nonneg
  have ht : 0 ≤ sumUnder m := sumUnder_nonneg
  have hn : (0 : Rat) ≤ ps.length := by exact_mod_cast Nat.zero_le _
  have hnt := Rat.mul_nonneg hn ht
  obtain ⟨z, rfl, hz⟩ := Order.finite sumUnit_nonneg ht ha hsize hdepth (by
    rw [hterms]
    clear hb
    generalize Rounding.growth (sumUnit m) (m.order.depth ps.length + 1) = G at *
    generalize Rounding.total (fun p : Rat × Rat => Rounding.size (p.1 * p.2)) ps = M at *
    generalize s.size.toRat + s.mags.toRat = S at *
    have p1 := Rat.mul_nonneg (a := 1 + g.toRat - G) (b := M) (by grind) hmags
    have p2 := Rat.mul_nonneg (a := 1 + g.toRat) (b := S - M) (by grind) (by grind)
    have p3 := Rat.mul_nonneg (a := 2 - G) (b := ps.length * sumUnder m) (by grind) hnt
    grind)
  have adds {v : Rat} (hv : Finished m z v) : Adds m ps v := .inr ⟨o, z, horder, hdepth, hz, hv⟩
  have hv := hv.some
  split at hv
  · rename_i h; exact ⟨z, hv, adds (by unfold Finished; rw [if_pos h])⟩
  · obtain ⟨v, rfl, hv'⟩ := hv fun v hv => bounded_fits hrun (holds v (adds hv))
    exact ⟨v, rfl, adds hv'⟩

/-- So it is of the products that the evaluator has followed. -/
theorem holds_adds (ts : List (Factors m)) {v : Rat} (hv : Adds m (ts.map fun t => (t.x, t.y)) v)
    (hok : (Partial.finish m ((ts.map fun t => (t.r, t.s)).foldl (init := Partial.empty)
      fun s p => s.push p.1 p.2)).ok = true) :
    (Partial.finish m ((ts.map fun t => (t.r, t.s)).foldl (init := Partial.empty)
      fun s p => s.push p.1 p.2)).run.Holds v := holds_finish (sums_push ts) hv hok

/-- None of them overflows. -/
theorem sums_finite (ts : List (Factors m)) {v : Option Rat} (hv : Sums m (ts.map fun t => (t.x, t.y)) v)
    (hok : (Partial.finish m ((ts.map fun t => (t.r, t.s)).foldl (init := Partial.empty)
      fun s p => s.push p.1 p.2)).ok = true) : ∃ z, v = some z ∧ Adds m (ts.map fun t => (t.x, t.y)) z :=
  finite_finish (sums_push ts) hv hok

end Spec.Reach
