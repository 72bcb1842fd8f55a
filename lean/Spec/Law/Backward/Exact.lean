module
public import Spec.Law.Backward.Functions

/-!
# A gradient that is called exact

Dual numbers over a field carry the exact derivative through a specification's text, by the rules of the calculus. What the evaluator
encloses is that derivative, so a gradient whose verdict is EXACT is the derivative, entry by entry.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std
open Rationals
attribute [local instance] Semiring.natCast Ring.intCast

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K}

/-- A number and its derivative with respect to one entry of an input. -/
structure Dual (K : Type) where
  /-- The value. -/
  value : K
  /-- The derivative. -/
  slope : K

namespace Dual

open Classical in
/-- The derivative of `max x y` with respect to `x`: 1 if `x` is larger, 0 if it is smaller, and `tie` if both are equal. -/
def share (tie x y : K) : K := if x ≤ y then (if y ≤ x then tie else 0) else 1

/-- The derivative of a product. -/
def product (x y : Dual K) : K := y.value * x.slope + x.value * y.slope

/-- Each function of a network and its derivative. Where both numbers of a maximum are equal, the one's share of the derivative is `tie`
and the other's `1 - tie`. -/
@[reducible] def scalar [Max K] (G : Normal N) (tie : K) : Scalar (Dual K) where
  add x y := ⟨x.value + y.value, x.slope + y.slope⟩
  sub x y := ⟨x.value - y.value, x.slope + -1 * y.slope⟩
  mul x y := ⟨x.value * y.value, product x y⟩
  div x y := ⟨x.value / y.value, 1 / y.value * x.slope + -(x.value * (1 / y.value) * (1 / y.value)) * y.slope⟩
  neg x := ⟨-x.value, -1 * x.slope⟩
  max x y := ⟨Max.max x.value y.value, share tie x.value y.value * x.slope + share (1 - tie) y.value x.value * y.slope⟩
  const n d := ⟨(n : K) / (d : K), 0⟩
  sum xs := ⟨total (xs.map fun x => x.value), total (xs.map fun x => x.slope)⟩
  dot ps := ⟨total ((ps.map fun p => (p.1.value, p.2.value)).map fun p => p.1 * p.2), total (ps.map fun p => product p.1 p.2)⟩
  squares xs := ⟨total ((xs.map fun x => x.value).map fun x => x * x), total (xs.map fun x => product x x)⟩
  step a h b := ⟨a.value * h.value + b.value, product a h + b.slope⟩
  exp x := ⟨N.exp x.value, N.exp x.value * x.slope⟩
  sqrt x := ⟨N.sqrt x.value, 1 / (((Int.ofNat 2 : Int) : K) / ((1 : Nat) : K) * N.sqrt x.value) * x.slope⟩
  sigmoid x := ⟨N.sigmoid x.value, N.sigmoid x.value * (1 - N.sigmoid x.value) * x.slope⟩
  tanh x := ⟨N.tanh x.value, (1 - N.tanh x.value * N.tanh x.value) * x.slope⟩
  softplus x := ⟨N.softplus x.value, N.sigmoid x.value * x.slope⟩
  silu x := ⟨N.silu x.value, Backward.siluSlope N x.value * x.slope⟩
  gelu x := ⟨N.gelu x.value, Backward.geluSlope G x.value * x.slope⟩
  either x _ := x

/-- Recorded numbers; their derivative with respect to entry `i` of the input called `name`. -/
@[reducible] def seeded (N : Numbers K) (name : String) (i : Nat) : Recorded (Dual K) :=
  ⟨fun n j x => ⟨N.ofRat x.toRat, if j = i && n == name then 1 else 0⟩⟩

/-- The loop over the entries of a block whose first one has the flat index `first`. -/
def blockLoop (N : Numbers K) (g : Tensor) (block : Array (Dual K)) (first i fuel : Nat) (s : K) : K :=
  match fuel with
  | 0 => s
  | fuel + 1 => blockLoop N g block first (i + 1) fuel
      (s + N.ofRat (g.format.decode (g.bits.getD (first + i) 0)).toRat * (block.getD i ⟨0, 0⟩).slope)

/-- The loop over the blocks of a prediction. -/
def loop (N : Numbers K) (p : Prediction (Dual K)) (g : Tensor) (b fuel : Nat) (s : K) : K :=
  match fuel with
  | 0 => s
  | fuel + 1 => loop N p g (b + 1) fuel (blockLoop N g (p.block b) (b * p.size) 0 p.size s)

/-- The derivative of `Σⱼ gⱼ yⱼ`, for the outputs `y` and recorded weights `g`. -/
def derivative (N : Numbers K) (p : Prediction (Dual K)) (g : Tensor) : K :=
  loop N p g 0 (if p.size = 0 then 0 else g.bits.size / p.size) 0

end Dual

namespace Tangent

/-- The derivative is enclosed, if every local one is defined; there is none without paths. -/
def Tells (N : Numbers K) (s : Option Slope) (d : K) : Prop :=
  match s with
  | none => d = 0
  | some s => s.ok = true → N.Holds s.exact d

/-- The value and the derivative are enclosed. -/
def Told (N : Numbers K) (x : Tangent m) (d : Dual K) : Prop := Contains N x.value d.value ∧ Tells N x.slope d.slope

variable [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] {s t : Option Slope} {a b e : K}

theorem tells_join (hs : Tells N s a) (ht : Tells N t b) : Tells N (join s t) (a + b) := by
  cases s <;> cases t <;> simp only [Tells, join] at *
  · subst hs ht; grind
  · subst hs; intro h; rw [show (0 : K) + b = b by grind]; exact ht h
  · subst ht; intro h; rw [show a + (0 : K) = a by grind]; exact hs h
  · intro h
    simp only [Slope.both, Bool.and_eq_true] at h
    exact holds_add (hs h.1) (ht h.2)

omit [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] in
theorem tells_onward (hs : Tells N s a) : Tells N (onward s) a := by
  cases s with
  | none => exact hs
  | some s => exact hs

theorem tells_through {d : Option Local} (hs : Tells N s a) (hd : ∀ l, d = some l → N.Holds l.exact e) :
    Tells N (through d s) (e * a) := by
  cases s with
  | none => simp only [Tells, through] at *; subst hs; grind
  | some s =>
    cases d with
    | none => intro h; simp [Slope.undefined] at h
    | some l => exact fun h => holds_mul (hd l rfl) (hs h)

omit [LT K] [LawfulOrderLT K] [OrderedRing K] in
theorem holds_unit : N.Holds (Interval.int 1) (1 : K) := by
  have h := N.holds_point (dyadic (Int.ofNat 1))
  rwa [show (dyadic (Int.ofNat 1)).toRat = 1 from rfl, N.ofRat_one] at h

omit [LT K] [LawfulOrderLT K] [OrderedRing K] in
theorem holds_nought : N.Holds (Interval.int 0) (0 : K) := by
  have h := N.holds_point (dyadic (Int.ofNat 0))
  rwa [Reach.toRat_nat, show ((0 : Nat) : Rat) = 0 from rfl, N.ofRat_zero] at h

omit [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] in
theorem factor_exact {r : Reach m} {x : K} (h : Contains N r x) : ∀ l, factor r = some l → N.Holds l.exact x := by
  intro l hl
  unfold factor at hl
  split at hl <;> cases hl
  exact h ‹_›

theorem minus_exact : ∀ l, minusOne = some l → N.Holds l.exact (-1 : K) := by
  intro l hl
  cases hl
  exact holds_neg holds_unit

theorem quotient_exact {r s : Reach m} {y : K} (hs : Contains N s y) :
    ∀ l, (quotientLocals r s).map (fun d => d.1) = some l → N.Holds l.exact (1 / y) := by
  intro l hl
  unfold quotientLocals at hl
  split at hl
  · rename_i hok hE _
    cases hl
    have hok := Bool.and_eq_true _ _ ▸ hok
    exact (holds_div hE holds_unit (hs hok.2)).2
  · cases hl

theorem divisor_exact {r s : Reach m} {x y : K} (hr : Contains N r x) (hs : Contains N s y) :
    ∀ l, (quotientLocals r s).map (fun d => d.2) = some l → N.Holds l.exact (-(x * (1 / y) * (1 / y))) := by
  intro l hl
  unfold quotientLocals at hl
  split at hl
  · rename_i hok hE _
    cases hl
    have hok := Bool.and_eq_true _ _ ▸ hok
    have hi := (holds_div hE holds_unit (hs hok.2)).2
    exact holds_neg (holds_mul (holds_mul (hr hok.1) hi) hi)
  · cases hl

theorem choice_exact {r s : Reach m} {x y tie : K} (h0 : 0 ≤ tie) (h1 : tie ≤ 1) (hr : Contains N r x)
    (hs : Contains N s y) : ∀ l, choice r s = some l → N.Holds l.exact (Dual.share tie x y) := by
  intro l hl
  unfold choice at hl
  split at hl <;> cases hl
  rename_i hok
  have hok := Bool.and_eq_true _ _ ▸ hok
  obtain ⟨hr1, hr2⟩ := hr hok.1
  obtain ⟨hs1, hs2⟩ := hs hok.2
  have apart {a b : Dyadic} (h : a < b) : N.ofRat a.toRat < N.ofRat b.toRat := by
    have h := Dyadic.toRat_lt_toRat_iff.mpr h
    have h1 := N.ofRat_le (x := a.toRat) (y := b.toRat)
    have h2 := N.ofRat_le (x := b.toRat) (y := a.toRat)
    grind
  show N.Holds (larger r.exact s.exact) _
  unfold larger Dual.share
  split
  · rename_i h
    have := apart h
    rw [if_neg (by grind)]
    exact holds_unit
  · split
    · rename_i h
      have := apart h
      rw [if_pos (by grind), if_neg (by grind)]
      exact holds_nought
    · have hone : N.ofRat (dyadic (Int.ofNat 1)).toRat = 1 := N.ofRat_one
      have hzero : N.ofRat Dyadic.zero.toRat = 0 := N.ofRat_zero
      have h01 := N.ofRat_nonneg (show (0 : Rat) ≤ 1 by decide)
      rw [N.ofRat_one] at h01
      unfold Rationals.Holds
      simp only [hone, hzero]
      split
      · split <;> constructor <;> grind
      · constructor <;> grind

omit [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] in
theorem derivative_exact {f : Interval → Option (Interval × Interval)} {g z : K → K} (hf : Parts N f g z) (ulps : Nat)
    {r : Reach m} {x : K} (h : Contains N r x) : ∀ l, derivative m f ulps r = some l → N.Holds l.exact (g x) := by
  intro l hl
  unfold derivative at hl
  split at hl
  · rename_i hok hE _
    cases hl
    exact (hf hE (h hok)).1
  · cases hl

namespace Told

theorem product {x y : Tangent m} {a b : Dual K} (hx : Told N x a) (hy : Told N y b) :
    Tells N (Tangent.product x y) (Dual.product a b) := by
  have h := tells_join (tells_through hx.2 (factor_exact hy.1)) (tells_through hy.2 (factor_exact hx.1))
  unfold Tangent.product
  split
  · rename_i h1 h2
    rw [h1, h2] at h
    exact h
  · exact h

theorem sumLoop {xs : List (Tangent m)} {ds : List (Dual K)} (h : Each (Told N) xs ds) :
    ∀ {s : Option Slope} {a : K}, Tells N s a → Tells N (Tangent.sumLoop xs s) (a + total (ds.map fun d => d.slope)) := by
  induction h with
  | nil => intro s a hs; simpa only [List.map_nil, total, List.foldr_nil, show a + (0 : K) = a by grind] using hs
  | @cons x d _ ds h _ ih =>
    intro s a hs
    have h := ih (tells_join hs (tells_onward h.2))
    rw [show a + d.slope + total (ds.map fun d => d.slope) = a + (d.slope + total (ds.map fun d => d.slope)) by grind] at h
    exact h

theorem dotLoop {xs : List (Tangent m × Tangent m)} {ds : List (Dual K × Dual K)}
    (h : Each (fun p q => Told N p.1 q.1 ∧ Told N p.2 q.2) xs ds) : ∀ {s : Option Slope} {a : K}, Tells N s a →
      Tells N (Tangent.dotLoop xs s) (a + total (ds.map fun d => Dual.product d.1 d.2)) := by
  induction h with
  | nil => intro s a hs; simpa only [List.map_nil, total, List.foldr_nil, show a + (0 : K) = a by grind] using hs
  | @cons x d _ ds h _ ih =>
    intro s a hs
    have h := ih (tells_join hs (product h.1 h.2))
    rw [show a + Dual.product d.1 d.2 + total (ds.map fun d => Dual.product d.1 d.2) =
      a + (Dual.product d.1 d.2 + total (ds.map fun d => Dual.product d.1 d.2)) by grind] at h
    exact h

theorem apply {x : Tangent m} {a : Dual K} {value : Reach m} {f : Interval → Option (Interval × Interval)} {g z : K → K}
    (hf : Parts N f g z) (ulps : Nat) (hx : Told N x a) :
    Tells N (Tangent.apply value f ulps x).slope (g a.value * a.slope) := by
  have h := tells_through hx.2 (derivative_exact hf ulps hx.1)
  unfold Tangent.apply
  simp only
  split
  · rename_i h1; rw [h1] at h; exact h
  · rename_i h1; rw [h1] at h; exact h

end Told

omit [LE K] [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] in
theorem zero_plus (a : K) : 0 + a = a := by grind

theorem rest_bounded (h0 : 0 ≤ a) (h1 : a ≤ 1) : 0 ≤ 1 - a ∧ 1 - a ≤ 1 := by constructor <;> grind

/-- Every operation keeps the value and the derivative enclosed; so does every layer. -/
theorem told_preserved [Max K] [LawfulOrderMax K] (hN : N.Enclosing) (G : Normal N) {tie : K} (h0 : 0 ≤ tie) (h1 : tie ≤ 1) :
    letI := Dual.scalar G tie
    Preserved (Told (m := m) N) :=
  letI := N.scalar
  letI := Dual.scalar G tie
  have values := contains_preserved (m := m) hN
  { add := fun hx hy => ⟨values.add hx.1 hy.1, tells_join (tells_onward hx.2) (tells_onward hy.2)⟩
    sub := fun hx hy => ⟨values.sub hx.1 hy.1, tells_join (tells_onward hx.2) (tells_through hy.2 minus_exact)⟩
    mul := fun hx hy => ⟨values.mul hx.1 hy.1, hx.product hy⟩
    div := fun {x y _ _} hx hy => ⟨values.div hx.1 hy.1, by
      have h := tells_join (tells_through hx.2 (quotient_exact (r := x.value) hy.1))
        (tells_through hy.2 (divisor_exact hx.1 hy.1))
      show Tells N (match x.slope, y.slope with | none, none => none | s, t => _) _
      split
      · rename_i h1 h2; rw [h1, h2] at h; exact h
      · exact h⟩
    neg := fun hx => ⟨values.neg hx.1, tells_through hx.2 minus_exact⟩
    max := fun {x y _ _} hx hy => ⟨values.max hx.1 hy.1, by
      have h := tells_join (tells_through hx.2 (choice_exact h0 h1 hx.1 hy.1))
        (tells_through hy.2 (choice_exact (tie := 1 - tie) (rest_bounded h0 h1).1 (rest_bounded h0 h1).2 hy.1 hx.1))
      show Tells N (match x.slope, y.slope with | none, none => none | s, t => _) _
      split
      · rename_i h1 h2; rw [h1, h2] at h; exact h
      · exact h⟩
    const := fun n d => ⟨values.const n d, rfl⟩
    sum := fun hs => ⟨values.sum (hs.map fun _ _ h => h.1), by
      have h := Told.sumLoop hs (s := none) (a := 0) rfl
      rw [zero_plus] at h
      exact h⟩
    dot := fun hs => ⟨values.dot (hs.map fun _ _ h => ⟨h.1.1, h.2.1⟩), by
      have h := Told.dotLoop hs (s := none) (a := 0) rfl
      rw [zero_plus] at h
      exact h⟩
    squares := fun hs => ⟨values.squares (hs.map fun _ _ h => h.1), by
      have h := Told.dotLoop (hs.map (f := fun x => (x, x)) (g := fun d => (d, d)) fun _ _ h => ⟨h, h⟩) (s := none) (a := 0) rfl
      rw [List.map_map, zero_plus] at h
      exact h⟩
    step := fun ha hh hb => ⟨values.step ha.1 hh.1 hb.1, tells_join (ha.product hh) (tells_onward hb.2)⟩
    exp := fun hx => ⟨values.exp hx.1, tells_through hx.2 (factor_exact (values.exp hx.1))⟩
    sqrt := fun {x _} hx => ⟨values.sqrt hx.1, by
      have h := tells_through hx.2 (quotient_exact (r := Scalar.sqrt x.value)
        (values.mul (values.const (Int.ofNat 2) 1) (values.sqrt hx.1)))
      show Tells N (match x.slope with | none => none | s => _) _
      split
      · rename_i h1; rw [h1] at h; exact h
      · exact h⟩
    sigmoid := fun hx => ⟨values.sigmoid hx.1, tells_through hx.2 fun l hl => by
      split at hl <;> cases hl
      rename_i hok
      have hs := values.sigmoid hx.1 hok
      exact holds_mul hs (holds_sub holds_unit hs)⟩
    tanh := fun hx => ⟨values.tanh hx.1, tells_through hx.2 fun l hl => by
      split at hl <;> cases hl
      rename_i hok
      have ht := values.tanh hx.1 hok
      exact holds_sub holds_unit (holds_mul ht ht)⟩
    softplus := fun hx => ⟨values.softplus hx.1, hx.apply (parts_softplus hN) _⟩
    silu := fun hx => ⟨values.silu hx.1, hx.apply (parts_silu hN) _⟩
    gelu := fun hx => ⟨values.gelu hx.1, hx.apply (parts_gelu G) _⟩
    either := fun {x y a b} hx hy => ⟨values.either hx.1 hy.1, by
      have hs := hx.2
      show Tells N (match x.slope, y.slope with | none, none => none | s, t => _) a.slope
      split
      · rename_i h1 h2; rw [h1] at hs; exact hs
      · intro hok
        simp only [Slope.either, Bool.and_eq_true] at hok
        show N.Holds (x.slope.getD Slope.zero).exact _
        generalize x.slope = s at hs hok ⊢
        cases s with
        | none => rw [show a.slope = 0 from hs]; exact holds_nought
        | some s => exact hs hok.1⟩ }

end Tangent

namespace Gradient
open Tangent
variable [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K]

theorem tells_block {g : Tensor} {b : Array (Tangent m)} {c : Array (Dual K)} (h : Each (Told N) b.toList c.toList)
    (first i fuel : Nat) {s : Option Slope} {a : K} (hs : Tells N s a) :
    Tells N (blockLoop g b first i fuel s) (Dual.blockLoop N g c first i fuel a) := by
  induction fuel generalizing i s a with
  | zero => exact hs
  | succ fuel ih =>
    refine ih (i + 1) ?_
    have hentry : Tells N (b.getD i ⟨Reach.undefined, some Slope.undefined⟩).slope (c.getD i ⟨0, 0⟩).slope := by
      have hi := h.getElem? i
      simp only [Array.getElem?_toList] at hi
      rw [Array.getD_eq_getD_getElem?, Array.getD_eq_getD_getElem?]
      rcases hi with ⟨h1, h2⟩ | ⟨x, y, h1, h2, hxy⟩
      · rw [h1, h2]
        intro hok
        cases hok
      · rw [h1, h2]
        exact hxy.2
    generalize b.getD i ⟨Reach.undefined, some Slope.undefined⟩ = y at *
    have hj := tells_join hs (tells_through (d := some ⟨Interval.point (g.format.decode (g.bits.getD (first + i) 0)),
      Interval.point (g.format.decode (g.bits.getD (first + i) 0)), 1⟩)
      (e := N.ofRat (g.format.decode (g.bits.getD (first + i) 0)).toRat) hentry
      fun l hl => by cases hl; exact N.holds_point _)
    unfold weigh
    split
    · rename_i h1
      rw [h1] at hj
      cases s <;> exact hj
    · rename_i t h1
      rw [h1] at hj
      exact hj

theorem tells_loop {p : Prediction (Tangent m)} {q : Prediction (Dual K)} (h : p.Alike (Told N) q) (g : Tensor)
    (b fuel : Nat) {s : Option Slope} {a : K} (hs : Tells N s a) : Tells N (loop p g b fuel s) (Dual.loop N q g b fuel a) := by
  induction fuel generalizing b s a with
  | zero => exact hs
  | succ fuel ih =>
    refine ih (b + 1) ?_
    rw [h.size]
    exact tells_block (h.block b) _ _ _ hs

/-- The derivative is enclosed. -/
theorem entry_exact {uses : Nat} {p : Prediction (Tangent m)} {q : Prediction (Dual K)} (h : p.Alike (Told N) q) {g : Tensor}
    (hok : (entry p g uses).ok = true) : N.Holds (entry p g uses).exact (Dual.derivative N q g) := by
  have hl := tells_loop h g 0 (if p.size = 0 then 0 else g.bits.size / p.size) (s := none) (a := 0) rfl
  unfold Dual.derivative
  rw [← h.size]
  generalize Dual.loop N q g 0 (if p.size = 0 then 0 else g.bits.size / p.size) 0 = d at *
  unfold entry at hok ⊢
  simp only at hok ⊢
  generalize loop p g 0 (if p.size = 0 then 0 else g.bits.size / p.size) none = s at *
  cases s with
  | none =>
    rw [show d = 0 from hl, ← N.ofRat_zero]
    exact N.holds_point Dyadic.zero
  | some s =>
    unfold Slope.finish at hok ⊢
    simp only at hok ⊢
    split at hok
    · cases hok
    · rename_i hg
      simp only [Reach.rounded, Reach.ok, Bool.and_eq_true] at hok
      exact hl hok.1.1

end Gradient

/-- A gradient that is called EXACT is the derivative: each judged entry is what the specification's text gives for it by dual numbers
in exact arithmetic, however the derivative of a maximum of equal numbers is shared between them. -/
theorem eq_of_gradient_exact [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] [Max K] [LawfulOrderMax K]
    (hN : N.Enclosing) (G : Normal N) {tie : K} (h0 : 0 ≤ tie) (h1 : tie ≤ 1) {point : Point} (hpoint : Parametric point)
    {r : Request} {wrt : String} {p : Prediction (Reach m)} (hp : Gradient.predict point m r wrt = .ok p) {out : Tensor}
    {g : Tensor} (hg : r.tensor Gradient.cotangent = .ok g) {indices : List Nat}
    (hword : ("verdict", Lean.Json.str "EXACT") ∈ judge p out indices) {i : Nat} (hi : i ∈ indices) (hsize : i < out.bits.size)
    {q : Prediction (Dual K)} (hq : @point (Dual K) (Dual.scalar G tie) (Dual.seeded N wrt i) r = .ok q) :
    ∃ v, out.number? i = some v ∧ Dual.derivative N q g = N.ofRat v.toRat := by
  have hexact : (tally p out indices).inexact = 0 := by
    unfold judge at hword
    split at hword
    · simp only [List.mem_cons, Prod.mk.injEq, List.not_mem_nil, or_false] at hword
      rcases hword with h | h | h | h | h | h | h | h | h
      · exact Tally.word_eq_exact (Lean.Json.str.inj h.2).symm
      all_goals exact absurd h.1 (by decide)
    · simp only [List.mem_cons, Prod.mk.injEq, List.not_mem_nil, or_false] at hword
      rcases hword with h | h
      · exact absurd (Lean.Json.str.inj h.2) (by decide)
      · exact absurd h.1 (by decide)
  obtain ⟨_, hall⟩ := judgeLoop_exact _ _ _ _ _ hexact
  obtain ⟨v, hv, hok, hlo, hhi⟩ := hall i hi hsize
  refine ⟨v, hv, ?_⟩
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
        simp only [Nat.div_one, Nat.mod_one] at hok hlo hhi
        letI := Dual.scalar G tie
        have agree := @hpoint (Tangent m) (Dual K) _ _ (Gradient.seeded wrt i) (Dual.seeded N wrt i) (Tangent.Told N)
          (Tangent.told_preserved hN G h0 h1) (fun name j x => ⟨Contains.recorded x, by
            show Tangent.Tells N (if j = i && name == wrt then some Slope.seed else none)
              (if j = i && name == wrt then (1 : K) else 0)
            split
            · exact fun _ => Tangent.holds_unit
            · rfl⟩) r
        rw [hq] at agree
        generalize @point (Tangent m) _ (Gradient.seeded wrt i) r = a at agree hok hlo hhi
        cases agree with
        | ok h =>
          have hin : N.Holds _ _ := Gradient.entry_exact h hok
          unfold Rationals.Holds at hin
          have hlo : (Gradient.entry _ g (Gradient.uses r)).exact.lo = v := hlo
          have hhi : (Gradient.entry _ g (Gradient.uses r)).exact.hi = v := hhi
          rw [hlo, hhi] at hin
          exact IsPartialOrder.le_antisymm _ _ hin.2 hin.1
      · cases hp

end Spec
