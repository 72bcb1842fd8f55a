module
public import Spec.Law.Backward.Functions

/-!
# A correct backward pass never fails

Every operation keeps the paths of a backward pass those that the evaluator follows, so the verdict on its gradient is not FAIL.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std
open Rounding (Bounded size)
open Reach (unit under)
open Track

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K}

/-- The values are in reach, and the paths are those that the slope follows. -/
def Traced (x : Tangent m) (b : Backward m N) : Prop := Inside x.value b.value ∧ Tangent.Leads x.slope b.tracks

namespace Traced
open Tangent

theorem product {x y : Tangent m} {b c : Backward m N} (hx : Traced x b) (hy : Traced y c) :
    Leads (Tangent.product x y) (Backward.product b c) := by
  have h := leads_join (leads_through hx.2 (allows_factor hy.1)) (leads_through hy.2 (allows_factor hx.1))
  unfold Tangent.product
  split
  · rename_i h1 h2
    rw [h1, h2] at h
    exact h
  · exact h

theorem sumLoop {xs : List (Tangent m)} {bs : List (Backward m N)} (h : Each Traced xs bs) :
    ∀ {s : Option Slope} {T : List Track → Prop}, Leads s T → Leads (Tangent.sumLoop xs s) (Backward.sumLoop bs T) := by
  induction h with
  | nil => exact fun h => h
  | cons h _ ih => exact fun hs => ih (leads_join hs (leads_onward h.2))

theorem dotLoop {xs : List (Tangent m × Tangent m)} {bs : List (Backward m N × Backward m N)}
    (h : Each (fun p q => Traced p.1 q.1 ∧ Traced p.2 q.2) xs bs) :
    ∀ {s : Option Slope} {T : List Track → Prop}, Leads s T → Leads (Tangent.dotLoop xs s) (Backward.dotLoop bs T) := by
  induction h with
  | nil => exact fun h => h
  | cons h _ ih => exact fun hs => ih (leads_join hs (product h.1 h.2))

theorem apply {x : Tangent m} {b : Backward m N} {D : Rat → Prop} {value : Reach m}
    {f : Interval → Option (Interval × Interval)} {ulps : Nat} (hx : Traced x b)
    (hd : Allows (derivative m f ulps x.value) D 2) :
    Leads (Tangent.apply value f ulps x).slope (Through D 2 b.tracks) := by
  have h := leads_through hx.2 hd
  unfold Tangent.apply
  simp only
  split
  · rename_i h1; rw [h1] at h; exact h
  · rename_i h1; rw [h1] at h; exact h

end Traced

/-- Every operation keeps the paths of a backward pass those that the evaluator follows; so does every layer. -/
theorem traced_preserved [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] (hN : N.Enclosing) (G : Normal N) :
    letI := Backward.scalar (m := m) G
    Preserved (Traced (m := m) (N := N)) :=
  letI := Backward.scalar (m := m) G
  have values := inside_preserved (m := m) hN
  open Tangent in
  { add := fun hx hy => ⟨values.add hx.1 hy.1, leads_join (leads_onward hx.2) (leads_onward hy.2)⟩
    sub := fun hx hy => ⟨values.sub hx.1 hy.1, leads_join (leads_onward hx.2) (leads_through hy.2 allows_minus)⟩
    mul := fun hx hy => ⟨values.mul hx.1 hy.1, hx.product hy⟩
    div := fun {x y _ _} hx hy => ⟨values.div hx.1 hy.1, by
      have h := leads_join (leads_through hx.2 (allows_quotient (r := x.value) hy.1))
        (leads_through hy.2 (allows_divisor hx.1 hy.1))
      show Leads (match x.slope, y.slope with | none, none => none | s, t => _) _
      split
      · rename_i h1 h2; rw [h1, h2] at h; exact h
      · exact h⟩
    neg := fun hx => ⟨values.neg hx.1, leads_through hx.2 allows_minus⟩
    max := fun {x y _ _} hx hy => ⟨values.max hx.1 hy.1, by
      have h := leads_join (leads_through hx.2 (allows_choice hx.1 hy.1)) (leads_through hy.2 (allows_choice hy.1 hx.1))
      show Leads (match x.slope, y.slope with | none, none => none | s, t => _) _
      split
      · rename_i h1 h2; rw [h1, h2] at h; exact h
      · exact h⟩
    const := fun n d => ⟨values.const n d, leads_none⟩
    sum := fun hs => ⟨values.sum (hs.map fun _ _ h => h.1), Traced.sumLoop hs leads_none⟩
    dot := fun hs => ⟨values.dot (hs.map fun _ _ h => ⟨h.1.1, h.2.1⟩), Traced.dotLoop hs leads_none⟩
    squares := fun hs => ⟨values.squares (hs.map fun _ _ h => h.1),
      Traced.dotLoop (hs.map fun _ _ h => ⟨h, h⟩) leads_none⟩
    step := fun ha hh hb => ⟨values.step ha.1 hh.1 hb.1, leads_join (ha.product hh) (leads_onward hb.2)⟩
    exp := fun hx => ⟨values.exp hx.1, leads_through hx.2 (allows_factor (values.exp hx.1))⟩
    sqrt := fun {x _} hx => ⟨values.sqrt hx.1, by
      have h := leads_through hx.2 (allows_quotient (r := Scalar.sqrt x.value)
        (values.mul (values.const (Int.ofNat 2) 1) (values.sqrt hx.1)))
      show Leads (match x.slope with | none => none | s => _) _
      split
      · rename_i h1; rw [h1] at h; exact h
      · exact h⟩
    sigmoid := fun hx => ⟨values.sigmoid hx.1, leads_through hx.2 fun l hl => by
      split at hl <;> cases hl
      rename_i hok
      refine ⟨Nat.le_refl _, ?_⟩
      rintro w ⟨s, hs, rfl⟩
      have hs := Has.holds (values.sigmoid hx.1) hok hs
      exact Interval.holds_mul hs (Interval.holds_sub holds_one hs)⟩
    tanh := fun hx => ⟨values.tanh hx.1, leads_through hx.2 fun l hl => by
      split at hl <;> cases hl
      rename_i hok
      refine ⟨Nat.le_refl _, ?_⟩
      rintro w ⟨t, ht, hw⟩
      have ht := Has.holds (values.tanh hx.1) hok ht
      exact Reach.holds_widen (Interval.holds_sub holds_one (Interval.holds_mul ht ht)) hw⟩
    softplus := fun hx => ⟨values.softplus hx.1, hx.apply (allows_derivative (parts_softplus hN) _ hx.1)⟩
    silu := fun hx => ⟨values.silu hx.1, hx.apply (allows_derivative (parts_silu hN) _ hx.1)⟩
    gelu := fun hx => ⟨values.gelu hx.1, hx.apply (allows_derivative (parts_gelu G) _ hx.1)⟩
    either := fun {x y _ _} hx hy => ⟨values.either hx.1 hy.1, by
      have hs := hx.2
      have ht := hy.2
      show Leads (match x.slope, y.slope with | none, none => none | s, t => _) fun ts => _ ∨ _
      split
      · rename_i h1 h2; rw [h1] at hs; rw [h2] at ht; exact leads_neither hs ht
      · exact leads_either hs ht⟩ }

/-! ### The verdict -/

namespace Slope

/-- Whatever a backward pass computes along the paths of a slope is in reach. -/
theorem Runs.holds {s : Slope} {uses : Nat} {ts : List Track} (h : s.Runs ts) {vs : List Rat}
    (hv : Each (fun t z => ∃ n, n ≤ t.rounds + Nat.min ts.length (uses * t.length) ∧
      Chain (unit m) (under m) n t.product t.wide z) ts vs)
    (hok : (s.finish m uses).ok = true) : (s.finish m uses).run.Holds (Rounding.total (fun z => z) vs) := by
  obtain ⟨⟨I, x, h⟩, hr⟩ := h
  have few : ts.length ≤ s.paths := by have := h.paths; simpa using this
  have least {t : Track} (ht : t.rounds ≤ s.roundings ∧ t.length ≤ s.length) {k n : Nat} (hk : k ≤ s.paths)
      (hn : n ≤ t.rounds + Nat.min k (uses * t.length)) : n ≤ s.rounds uses := by
    have h1 := Nat.min_le_left k (uses * t.length)
    have h2 := Nat.min_le_right k (uses * t.length)
    have h3 := Nat.mul_le_mul_left uses ht.2
    have h4 : Nat.min k (uses * t.length) ≤ Nat.min s.paths (uses * s.length) :=
      Nat.le_min.mpr ⟨Nat.le_trans h1 hk, Nat.le_trans h2 h3⟩
    have := ht.1
    unfold rounds
    omega
  obtain ⟨qs, hq, hz⟩ : ∃ qs : List (Path (unit m) (under m) (({ s with exact := I } : Slope).rounds uses)),
      qs.map (fun q => (q.product, q.wide)) = ts.map (fun t => (t.product, t.wide)) ∧ qs.map (fun q => q.value) = vs := by
    clear h
    generalize ts.length = k at hv few
    induction hv with
    | nil => exact ⟨[], rfl, rfl⟩
    | @cons t z ts vs hc _ ih =>
      obtain ⟨qs, h1, h2⟩ := ih fun t ht => hr t (by simp [ht])
      obtain ⟨n, hn, hc⟩ := hc
      exact ⟨⟨t.product, t.wide, z, n, least (hr t (by simp)) few hn, hc⟩ :: qs, by simp [h1], by simp [h2]⟩
  have parts : (({ s with exact := I } : Slope).finish m uses).ok = (s.finish m uses).ok ∧
      (({ s with exact := I } : Slope).finish m uses).run = (s.finish m uses).run := by
    unfold finish
    simp only [rounds]
    split <;> exact ⟨rfl, rfl⟩
  have hs := sound_gradient (s := { s with exact := I }) qs (by rw [hq]; exact h) (by rw [parts.1]; exact hok)
  rw [← parts.2, ← hz, Rounding.total_map]
  exact hs.run

end Slope

namespace Gradient
open Tangent

theorem leads_block {g : Tensor} {b : Array (Tangent m)} {c : Array (Backward m N)} (h : Each Traced b.toList c.toList)
    (first i fuel : Nat) {s : Option Slope} {T : List Track → Prop} (hs : Leads s T) :
    Leads (blockLoop g b first i fuel s) (Backward.blockLoop g c first i fuel T) := by
  induction fuel generalizing i s T with
  | zero => exact hs
  | succ fuel ih =>
    refine ih (i + 1) ?_
    have hentry : Leads (b.getD i ⟨Reach.undefined, some Slope.undefined⟩).slope (c.getD i Backward.nothing).tracks := by
      have hi := h.getElem? i
      simp only [Array.getElem?_toList] at hi
      rw [Array.getD_eq_getD_getElem?, Array.getD_eq_getD_getElem?]
      rcases hi with ⟨h1, h2⟩ | ⟨x, y, h1, h2, hxy⟩
      · rw [h1, h2]
        exact fun ts hts => hts.elim
      · rw [h1, h2]
        exact hxy.2
    generalize b.getD i ⟨Reach.undefined, some Slope.undefined⟩ = y at *
    have weight : Allows (some ⟨Interval.point (g.format.decode (g.bits.getD (first + i) 0)),
        Interval.point (g.format.decode (g.bits.getD (first + i) 0)), 1⟩)
        (· = (g.format.decode (g.bits.getD (first + i) 0)).toRat) 1 := by
      intro l hl
      cases hl
      exact ⟨Nat.le_refl _, fun w hw => hw ▸ Interval.holds_point _⟩
    have hj := leads_join hs (leads_through hentry weight)
    show Leads (weigh g (first + i) y s) (Backward.weigh g (first + i) (c.getD i Backward.nothing) T)
    unfold weigh
    split
    · rename_i h1
      rw [h1] at hj
      cases s <;> exact hj
    · rename_i t h1
      rw [h1] at hj
      exact hj

theorem leads_loop {p : Prediction (Tangent m)} {q : Prediction (Backward m N)} (h : p.Alike Traced q) (g : Tensor)
    (b fuel : Nat) {s : Option Slope} {T : List Track → Prop} (hs : Leads s T) :
    Leads (loop p g b fuel s) (Backward.loop q g b fuel T) := by
  induction fuel generalizing b s T with
  | zero => exact hs
  | succ fuel ih =>
    refine ih (b + 1) ?_
    rw [h.size]
    exact leads_block (h.block b) _ _ _ hs

/-- What a backward pass computes for an entry of a gradient is in its reach. -/
theorem entry_holds {uses : Nat} {p : Prediction (Tangent m)} {q : Prediction (Backward m N)} (h : p.Alike Traced q) {g : Tensor} {v : Rat}
    (hv : Backward.Computes q g uses v) (hok : (entry p g uses).ok = true) : (entry p g uses).run.Holds v := by
  obtain ⟨ts, hts, vs, hvs, rfl⟩ := hv
  unfold Backward.paths at hts
  rw [← h.size] at hts
  have hl := leads_loop h g 0 (if p.size = 0 then 0 else g.bits.size / p.size) leads_none ts hts
  unfold entry at hok ⊢
  simp only at hok ⊢
  generalize loop p g 0 (if p.size = 0 then 0 else g.bits.size / p.size) none = s at *
  cases s with
  | none =>
    subst hl
    cases hvs
    exact Interval.holds_point Dyadic.zero
  | some s =>
    have hs : s.ok = true := by
      unfold Slope.finish at hok
      simp only at hok
      split at hok
      · cases hok
      · simp only [Reach.rounded, Reach.ok, Bool.and_eq_true] at hok
        exact hok.1.1
    exact (hl hs).holds hvs hok

end Gradient

/-- A correct backward pass never fails: if a recorded gradient has the shape of its input, and each judged entry of it is a value that a
backward pass of the specification's text may compute from the recorded inputs and weights, then the verdict is not FAIL. -/
theorem gradient_ne_fail [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] (hN : N.Enclosing) (G : Normal N)
    {point : Point} (hpoint : Parametric point) {r : Request} {wrt : String} {p : Prediction (Reach m)}
    (hp : Gradient.predict point m r wrt = .ok p) {out : Tensor} (hshape : p.shape = out.shape) {g : Tensor}
    (hg : r.tensor Gradient.cotangent = .ok g) {indices : List Nat}
    (hout : ∀ i ∈ indices, ∀ q, @point (Backward m N) (Backward.scalar G) (Backward.seeded wrt i) r = .ok q →
      ∃ v, out.number? i = some v ∧ Backward.Computes q g (Gradient.uses r) v.toRat) :
    ("verdict", Lean.Json.str "FAIL") ∉ judge p out indices := by
  have failed : (tally p out indices).failed = 0 := by
    unfold tally
    rw [judgeLoop_failed]
    · rfl
    intro i hi _ hok
    unfold Gradient.predict at hp
    cases hx : r.tensor wrt with
    | error e => rw [hx] at hp; cases hp
    | ok x =>
      rw [hx, hg] at hp
      cases hy : point (Reach m) r with
      | error e => rw [hy] at hp; cases hp
      | ok y =>
        rw [hy] at hp
        have hp : (if y.shape == g.shape then _ else _) = _ := hp
        split at hp
        · cases hp
          simp only [Nat.div_one, Nat.mod_one] at hok ⊢
          letI := Backward.scalar (m := m) G
          have agree := @hpoint (Tangent m) (Backward m N) _ _ (Gradient.seeded wrt i) (Backward.seeded wrt i) Traced
            (traced_preserved hN G) (fun name j x => ⟨Inside.recorded x, by
              show Tangent.Leads (if j = i && name == wrt then some Slope.seed else none)
                (if j = i && name == wrt then (· = [Track.seed]) else (· = []))
              split
              · exact fun ts hts _ => hts ▸ Slope.runs_seed
              · exact Tangent.leads_none⟩) r
          have hout := hout i hi
          generalize @point (Backward m N) (Backward.scalar G) (Backward.seeded wrt i) r = b at agree hout
          generalize @point (Tangent m) _ (Gradient.seeded wrt i) r = a at agree hok ⊢
          cases agree with
          | error e => cases hok
          | ok h =>
            obtain ⟨v, hv, hc⟩ := hout _ rfl
            exact ⟨v, hv, Gradient.entry_holds h hc hok⟩
        · cases hp
  unfold judge
  rw [hshape]
  simp only [beq_self_eq_true, if_true]
  intro h
  simp only [List.mem_cons, Prod.mk.injEq, List.not_mem_nil, or_false] at h
  rcases h with h | h | h | h | h | h | h | h | h
  · have h := Tally.word_eq_fail (Lean.Json.str.inj h.2).symm
    rw [failed] at h
    exact absurd h (by decide)
  all_goals exact absurd h.1 (by decide)

end Spec
