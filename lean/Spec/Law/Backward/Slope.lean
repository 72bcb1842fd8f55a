module
public import Spec.Law.Backward

/-!
# Paths of a backward pass stay in their slope

What the evaluation over dual numbers follows of a derivative holds the paths that a backward pass may compute, operation by operation.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std
open Rounding (Bounded size)
open Reach (unit under)
open Track

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K}

namespace Slope

/-- The paths' products are those that the slope follows, and no path has more roundings or numbers than it counts; of the derivative
nothing is said. -/
def Runs (s : Slope) (ts : List Track) : Prop :=
  (∃ I x, ({ s with exact := I } : Slope).Follows x (ts.map fun t => (t.product, t.wide))) ∧
    ∀ t ∈ ts, t.rounds ≤ s.roundings ∧ t.length ≤ s.length

theorem runs_seed : seed.Runs [Track.seed] := ⟨⟨_, _, follows_seed⟩, by simp [Track.seed, seed]⟩

theorem runs_zero : zero.Runs [] := by
  refine ⟨⟨Interval.int 0, 0, ?_⟩, by simp⟩
  have h0 : (dyadic (0 : Nat)).toRat = 0 := by rw [show ((0 : Nat) : Int) = Int.ofNat 0 from rfl, Reach.toRat_nat]; rfl
  have h : (Interval.int 0).Holds 0 := by
    have h := Interval.holds_point (dyadic (Int.ofNat 0))
    rwa [Reach.toRat_nat] at h
  exact ⟨h, h, Rat.le_refl, Rat.le_refl, Nat.le_refl _, by simp⟩

theorem runs_scale {s : Slope} {d : Local} {w : Rat} {k : Nat} {ts : List Track} (hs : s.Runs ts) (hw : d.run.Holds w)
    (hk : k ≤ d.roundings) : (s.scale d).Runs (ts.map (Track.times w k)) := by
  obtain ⟨⟨I, x, h⟩, hr⟩ := hs
  have h' := follows_scale (d := { d with exact := Interval.point Dyadic.zero }) h (Interval.holds_point _) hw
  refine ⟨⟨Interval.mul (Interval.point Dyadic.zero) I, Dyadic.zero.toRat * x, ?_⟩, ?_⟩
  · rw [List.map_map] at h' ⊢
    exact h'
  · intro t ht
    obtain ⟨u, hu, rfl⟩ := List.mem_map.mp ht
    have := hr u hu
    show u.rounds + k ≤ s.roundings + d.roundings ∧ u.length + 1 ≤ s.length + 1
    omega

theorem runs_onward {s : Slope} {ts : List Track} (h : s.Runs ts) : s.onward.Runs (ts.map Track.onward) := by
  obtain ⟨⟨I, x, a, b, c, d, e, f⟩, hr⟩ := h
  refine ⟨⟨I, x, ?_⟩, ?_⟩
  · rw [List.map_map]
    exact ⟨a, b, c, d, e, f⟩
  · intro t ht
    obtain ⟨u, hu, rfl⟩ := List.mem_map.mp ht
    exact ⟨(hr u hu).1, Nat.succ_le_succ (hr u hu).2⟩

theorem few_left {a b a' b' c d : Nat} (h : a ≤ b ∧ a' ≤ b') : a ≤ Nat.max b c ∧ a' ≤ Nat.max b' d :=
  ⟨Nat.le_trans h.1 (Nat.le_max_left _ _), Nat.le_trans h.2 (Nat.le_max_left _ _)⟩

theorem few_right {a b a' b' c d : Nat} (h : a ≤ b ∧ a' ≤ b') : a ≤ Nat.max c b ∧ a' ≤ Nat.max d b' :=
  ⟨Nat.le_trans h.1 (Nat.le_max_right _ _), Nat.le_trans h.2 (Nat.le_max_right _ _)⟩

theorem runs_both {s t : Slope} {us vs : List Track} (hs : s.Runs us) (ht : t.Runs vs) : (s.both t).Runs (us ++ vs) := by
  obtain ⟨⟨I, x, h⟩, hr⟩ := hs
  obtain ⟨⟨J, y, h'⟩, hr'⟩ := ht
  have h'' := follows_both (s := { s with exact := I }) (t := { t with exact := J }) h h'
  refine ⟨⟨Interval.add I J, x + y, by rw [List.map_append]; exact h''⟩, fun t ht => ?_⟩
  show _ ≤ Nat.max _ _ ∧ _ ≤ Nat.max _ _
  rcases List.mem_append.mp ht with ht | ht
  · exact few_left (hr _ ht)
  · exact few_right (hr' _ ht)

theorem runs_either {s t : Slope} {ts : List Track} (h : s.Runs ts ∨ t.Runs ts) : (s.either t).Runs ts := by
  have m1 := toRat_max s.mags t.mags
  have m2 := toRat_max s.spread t.spread
  rcases h with ⟨⟨I, x, h⟩, hr⟩ | ⟨⟨I, x, h⟩, hr⟩
  · refine ⟨⟨I, x, h.exact, Interval.holds_hull_left h.run, Rat.le_trans h.mags m1.1, Rat.le_trans h.spread m2.1,
      Nat.le_trans h.paths (Nat.le_max_left _ _), h.wide⟩, fun t ht => few_left (hr t ht)⟩
  · refine ⟨⟨I, x, h.exact, Interval.holds_hull_right h.run, Rat.le_trans h.mags m1.2, Rat.le_trans h.spread m2.2,
      Nat.le_trans h.paths (Nat.le_max_right _ _), h.wide⟩, fun t ht => few_right (hr t ht)⟩

end Slope

namespace Tangent

/-- The paths are those that the slope follows, if it is defined. -/
def Leads (s : Option Slope) (T : List Track → Prop) : Prop :=
  ∀ ts, T ts → match s with
    | none => ts = []
    | some s => s.ok = true → s.Runs ts

theorem leads_none : Leads none (· = []) := fun _ h => h

theorem leads_join {s t : Option Slope} {S T : List Track → Prop} (hs : Leads s S) (ht : Leads t T) :
    Leads (join s t) (Both S T) := by
  rintro _ ⟨us, vs, hu, hv, rfl⟩
  have h1 := hs us hu
  have h2 := ht vs hv
  cases s <;> cases t <;> simp only [join] at *
  · subst h1 h2; rfl
  · subst h1; exact h2
  · subst h2; rw [List.append_nil]; exact h1
  · intro h
    simp only [Slope.both, Bool.and_eq_true] at h
    exact Slope.runs_both (h1 h.1) (h2 h.2)

theorem leads_through {d : Option Local} {s : Option Slope} {D : Rat → Prop} {k : Nat} {T : List Track → Prop}
    (hs : Leads s T) (hd : ∀ l, d = some l → k ≤ l.roundings ∧ ∀ w, D w → l.run.Holds w) :
    Leads (through d s) (Through D k T) := by
  rintro _ ⟨w, us, hw, hu, rfl⟩
  have h := hs us hu
  cases s with
  | none => subst h; rfl
  | some s =>
    cases d with
    | none => intro h; simp [Slope.undefined] at h
    | some l => exact fun hok => Slope.runs_scale (h hok) ((hd l rfl).2 w hw) (hd l rfl).1

theorem leads_onward {s : Option Slope} {T : List Track → Prop} (h : Leads s T) : Leads (onward s) (Onward T) := by
  rintro _ ⟨us, hu, rfl⟩
  have h := h us hu
  cases s with
  | none => subst h; rfl
  | some s => exact fun hok => Slope.runs_onward (h hok)

theorem leads_neither {S T : List Track → Prop} (hs : Leads none S) (ht : Leads none T) :
    Leads none fun ts => S ts ∨ T ts := fun ts h => h.elim (hs ts) (ht ts)

theorem leads_either {s t : Option Slope} {S T : List Track → Prop} (hs : Leads s S) (ht : Leads t T) :
    Leads (some ((s.getD Slope.zero).either (t.getD Slope.zero))) fun ts => S ts ∨ T ts := by
  have run {s : Option Slope} {T : List Track → Prop} (h : Leads s T) {ts : List Track} (hts : T ts)
      (hok : (s.getD Slope.zero).ok = true) : (s.getD Slope.zero).Runs ts := by
    have h := h ts hts
    cases s with
    | none => subst h; exact Slope.runs_zero
    | some s => exact h hok
  intro ts h hok
  simp only [Slope.either, Bool.and_eq_true] at hok
  exact Slope.runs_either (h.imp (fun h => run hs h hok.1) fun h => run ht h hok.2)

end Tangent

/-! ### Local derivatives -/

namespace Tangent
open Backward (Has Slopes Chosen)

theorem holds_one : (Interval.int 1).Holds 1 := Interval.holds_point (dyadic (Int.ofNat 1))

theorem holds_zero : (Interval.int 0).Holds 0 := by
  have h := Interval.holds_point (dyadic (Int.ofNat 0))
  rwa [Reach.toRat_nat] at h

theorem Has.holds {r : Reach m} {e : Execution m N} (h : Inside r e) (hok : r.ok = true) {w : Rat} (hw : Has e w) :
    r.run.Holds w := by
  obtain ⟨z, hz, hr⟩ := h.computes hok hw
  cases hz
  exact hr

/-- A local derivative: the roundings that it counts, and the interval that holds what is computed. -/
def Allows (d : Option Local) (D : Rat → Prop) (k : Nat) : Prop :=
  ∀ l, d = some l → k ≤ l.roundings ∧ ∀ w, D w → l.run.Holds w

theorem allows_minus : Allows minusOne (· = -1) 0 := by
  rintro l hl
  cases hl
  exact ⟨Nat.le_refl _, fun w hw => hw ▸ Interval.holds_neg holds_one⟩

theorem allows_factor {r : Reach m} {e : Execution m N} (h : Inside r e) : Allows (factor r) (Has e) 1 := by
  intro l hl
  unfold factor at hl
  split at hl <;> cases hl
  exact ⟨Nat.le_refl _, fun w hw => Has.holds h ‹_› hw⟩

theorem allows_quotient {r s : Reach m} {e : Execution m N} (hs : Inside s e) :
    Allows ((quotientLocals r s).map fun d => d.1) (fun w => ∃ b, Has e b ∧ w = 1 / b) 2 := by
  intro l hl
  unfold quotientLocals at hl
  split at hl
  · rename_i hok _ hR
    cases hl
    have hok := Bool.and_eq_true _ _ ▸ hok
    refine ⟨Nat.le_refl _, ?_⟩
    rintro w ⟨b, hb, rfl⟩
    exact (Interval.holds_div hR holds_one (Has.holds hs hok.2 hb)).2
  · cases hl

theorem allows_divisor {r s : Reach m} {d e : Execution m N} (hr : Inside r d) (hs : Inside s e) :
    Allows ((quotientLocals r s).map fun d => d.2)
      (fun w => ∃ a b, Has d a ∧ Has e b ∧ w = -(a * (1 / b) * (1 / b))) 4 := by
  intro l hl
  unfold quotientLocals at hl
  split at hl
  · rename_i hok _ hR
    cases hl
    have hok := Bool.and_eq_true _ _ ▸ hok
    refine ⟨Nat.le_refl _, ?_⟩
    rintro w ⟨a, b, ha, hb, rfl⟩
    have hi := (Interval.holds_div hR holds_one (Has.holds hs hok.2 hb)).2
    exact Interval.holds_neg (Interval.holds_mul (Interval.holds_mul (Has.holds hr hok.1 ha) hi) hi)
  · cases hl

theorem allows_choice {r s : Reach m} {d e : Execution m N} (hr : Inside r d) (hs : Inside s e) :
    Allows (choice r s) (Chosen d e) 0 := by
  intro l hl
  unfold choice at hl
  split at hl <;> cases hl
  rename_i hok
  have hok := Bool.and_eq_true _ _ ▸ hok
  refine ⟨Nat.le_refl _, ?_⟩
  rintro w ⟨a, b, ha, hb, h1, h0, hw⟩
  have ha := Has.holds hr hok.1 ha
  have hb := Has.holds hs hok.2 hb
  show (larger r.run s.run).Holds w
  unfold larger
  split
  · rename_i h; rw [h1 (Interval.lt_of_holds h hb ha)]; exact holds_one
  · split
    · rename_i h; rw [h0 (Interval.lt_of_holds h ha hb)]; exact holds_zero
    · exact ⟨hw.1, hw.2⟩

end Tangent
end Spec
