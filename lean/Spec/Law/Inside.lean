module
public import Spec.Law.Execution
public import Spec.Law.Preserved
public import Spec.Law.Trail

/-!
# Every execution stays inside its reach

Whatever an implementation computes for a number of a specification, if each of its operations meets the rounding model, lies in the
interval that the specification's evaluation gives: so it is for every operation, and therefore for every layer.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std
open Rounding (Rounded)
open Reach (unit under)

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K}

/-- If the evaluator has a budget, every value that an execution may compute is in reach; and the steps of a recurrence are those
that the evaluator followed. -/
def Inside (r : Reach m) (e : Execution m N) : Prop :=
  r.ok = true → ∀ v ss, e.after v ss → r.run.Holds v ∧ ∃ bs, Trail.Follows m r.trail ss bs

namespace Inside

theorem computes {r : Reach m} {e : Execution m N} (h : Inside r e) (hok : r.ok = true) {v : Rat} (hv : e.Computes v) :
    r.run.Holds v := by
  obtain ⟨ss, hs⟩ := hv
  exact (h hok v ss hs).1

theorem of_enclosed {E R : Interval} {ok : Bool} {p : Rat → Prop} (h : ok = true → ∀ v, p v → R.Holds v) :
    Inside (.enclosed E R ok : Reach m) (Execution.of p : Execution m N) := by
  rintro hok v ss ⟨hv, rfl⟩
  exact ⟨h hok v hv, _, Trail.follows_start (h hok v hv)⟩

theorem of_rounded {E R : Interval} {ok : Bool} {p : Rat → Prop} (h : ok = true → ∀ v, p v → R.Holds v) :
    Inside (Reach.rounded m E R ok) (Execution.of p : Execution m N) :=
  of_enclosed fun hok => h (by simp only [Bool.and_eq_true] at hok; exact hok.1)

theorem undefined (e : Execution m N) : Inside (Reach.undefined : Reach m) e := by
  intro hok
  cases hok

/-- A recorded number is what was recorded. -/
theorem recorded (x : Dyadic) : Inside (.recorded x : Reach m) (Execution.recorded x : Execution m N) := by
  rintro _ v ss ⟨rfl, rfl⟩
  exact ⟨Interval.holds_point x, _, Trail.follows_start (Interval.holds_point x)⟩

variable {r s t : Reach m} {a b c : Execution m N}

theorem add (hr : Inside r a) (hs : Inside s b) : Inside (r + s) (a + b) :=
  of_rounded fun hok _ ⟨_, _, hx, hy, hv⟩ => by
    simp only [Bool.and_eq_true] at hok
    exact Reach.holds_round (Interval.holds_add (hr.computes hok.1 hx) (hs.computes hok.2 hy)) hv

theorem sub (hr : Inside r a) (hs : Inside s b) : Inside (r - s) (a - b) :=
  of_rounded fun hok _ ⟨_, _, hx, hy, hv⟩ => by
    simp only [Bool.and_eq_true] at hok
    exact Reach.holds_round (Interval.holds_sub (hr.computes hok.1 hx) (hs.computes hok.2 hy)) hv

theorem mul (hr : Inside r a) (hs : Inside s b) : Inside (r * s) (a * b) :=
  of_rounded fun hok _ ⟨_, _, hx, hy, hv⟩ => by
    simp only [Bool.and_eq_true] at hok
    exact Reach.holds_round (Interval.holds_mul (hr.computes hok.1 hx) (hs.computes hok.2 hy)) hv

theorem div (hr : Inside r a) (hs : Inside s b) : Inside (r / s) (a / b) := by
  show Inside (Reach.quotient m r s) _
  unfold Reach.quotient
  split
  · rename_i E R he hR
    exact of_rounded fun hok _ ⟨_, _, hx, hy, hv⟩ => by
      simp only [Bool.and_eq_true] at hok
      obtain ⟨h0, h⟩ := Interval.holds_div hR (hr.computes hok.1 hx) (hs.computes hok.2 hy)
      exact Reach.holds_round h (hv h0)
  · exact undefined _

theorem neg (hr : Inside r a) : Inside (-r) (-a) :=
  of_enclosed fun hok _ ⟨_, hx, hv⟩ => hv ▸ Interval.holds_neg (hr.computes hok hx)

theorem max (hr : Inside r a) (hs : Inside s b) : Inside (Max.max r s) (Max.max a b) :=
  of_enclosed fun hok _ ⟨_, _, hx, hy, hv⟩ => by
    simp only [Bool.and_eq_true] at hok
    exact hv ▸ Interval.holds_max (hr.computes hok.1 hx) (hs.computes hok.2 hy)

theorem either (hr : Inside r a) (hs : Inside s b) : Inside (Scalar.either r s) (Scalar.either a b) :=
  of_enclosed fun hok _ hv => by
    simp only [Bool.and_eq_true] at hok
    exact hv.elim (fun h => Interval.holds_hull_left (hr.computes hok.1 h))
      fun h => Interval.holds_hull_right (hs.computes hok.2 h)

theorem toRat_int (n : Int) : (dyadic n).toRat = n := by
  unfold dyadic
  rw [Dyadic.toRat_ofIntWithPrec_eq_mul_two_pow]
  show (n : Rat) * 2 ^ (-0 : Int) = n
  rw [Int.neg_zero, Rat.zpow_zero, Rat.mul_one]

theorem const (n : Int) (d : Nat) : Inside (Scalar.const n d : Reach m) (Scalar.const n d : Execution m N) := by
  show Inside (Reach.rational m n d) (Execution.of _)
  unfold Reach.rational
  split
  · rename_i h
    rintro _ v ss ⟨hv, rfl⟩
    have hv : v = n := by simpa [h] using hv
    have h : (Interval.point (dyadic n)).Holds v := by rw [hv, ← toRat_int]; exact Interval.holds_point _
    exact ⟨h, _, Trail.follows_start h⟩
  · rename_i h
    split
    · rename_i q hq
      exact of_enclosed fun _ v hv => by
        have hd : (Interval.int d).Holds d := by
          have := Interval.holds_point (dyadic (Int.ofNat d))
          rwa [Reach.toRat_nat] at this
        have hn := Interval.holds_point (dyadic n)
        rw [toRat_int] at hn
        exact Reach.holds_round (Interval.holds_div hq hn hd).2 hv
    · exact undefined _

/-! ### Functions -/

section Functions
variable [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K]

theorem holds_function {I : Interval} {y : K} {k : Nat} {slack : Rat} {w : Dyadic} {v : Rat} (hy : N.Holds I y)
    (hv : N.Misses ((k : Rat) * unit m) (under m + slack) y v) (hw : slack ≤ w.toRat) :
    ((Reach.round m k I).widen w).Holds v := by
  have h0 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up 32 I.mag)
  have hk : 0 ≤ (k : Rat) * unit m := Rat.mul_nonneg (by exact_mod_cast Nat.zero_le k) Reach.unit_nonneg
  have h1 := Rat.mul_le_mul_of_nonneg_right h0 hk
  have h : (I.widen (Dy.up 32 I.mag * dyadic (Int.ofNat k) * twoPowNeg (Int.ofNat m.precision) +
      twoPowNeg (Int.ofNat m.smallest) + w)).Holds v := by
    refine N.holds_misses hy hv ?_
    simp only [Dyadic.toRat_add, Dyadic.toRat_mul, Reach.toRat_nat]
    show _ ≤ (Dy.up 32 I.mag).toRat * k * unit m + under m + w.toRat
    grind
  have h2 := Dyadic.toRat_le_toRat_iff.mpr (Dy.down_le Reach.runBits
    (I.widen (Dy.up 32 I.mag * dyadic (Int.ofNat k) * twoPowNeg (Int.ofNat m.precision) +
      twoPowNeg (Int.ofNat m.smallest))).lo)
  have h3 := Dyadic.toRat_le_toRat_iff.mpr (Dy.le_up Reach.runBits
    (I.widen (Dy.up 32 I.mag * dyadic (Int.ofNat k) * twoPowNeg (Int.ofNat m.precision) +
      twoPowNeg (Int.ofNat m.smallest))).hi)
  unfold Interval.Holds Reach.round Reach.roundTo Reach.shorten Interval.widen at *
  simp only [Dyadic.toRat_add, Dyadic.toRat_sub] at *
  grind

theorem apply {f : Interval → Option Interval} {g : K → K} (hf : N.Enclosed f g) (k : Nat) {slack : Rat} {w : Dyadic}
    (hw : slack ≤ w.toRat) (hr : Inside r a) : Inside (Reach.apply m f k w r) (Execution.apply g k slack a) := by
  unfold Reach.apply
  split
  · rename_i hok
    split
    · rename_i E R he hR
      exact of_rounded fun _ v ⟨x, hx, hv⟩ =>
        holds_function (hf hR ((N.holds_ofRat).mpr (hr.computes hok hx))) hv hw
    · exact undefined _
  · exact undefined _

theorem sqrt (hr : Inside r a) : Inside (Scalar.sqrt r) (Scalar.sqrt a) := by
  show Inside (Reach.apply m Interval.sqrt m.sqrtUlp Dyadic.zero r) _
  unfold Reach.apply
  split
  · rename_i hok
    split
    · rename_i E R he hR
      exact of_rounded fun _ v ⟨x, hx, hv⟩ => by
        have hx := hr.computes hok hx
        have h0 := (Interval.sqrt_sq hR ⟨Rat.le_refl, Rat.le_trans hx.1 hx.2⟩)
        have h1 := Rat.mul_nonneg h0.1 h0.1
        refine holds_function (slack := 0) (N.enclosed_sqrt hR ((N.holds_ofRat).mpr hx)) ?_ Rat.le_refl
        rw [Rat.add_zero]
        exact hv (by have := hx.1; grind)
    · exact undefined _
  · exact undefined _

theorem gelu (hN : N.Enclosing) (hr : Inside r a) : Inside (Scalar.gelu r) (Scalar.gelu a) := by
  show Inside (Reach.apply m Interval.gelu 1
    (r.run.mag * dyadic (Int.ofNat (2 * m.geluUlp)) * twoPowNeg (Int.ofNat m.precision)) r) _
  unfold Reach.apply
  split
  · rename_i hok
    split
    · rename_i E R he hR
      exact of_rounded fun _ v ⟨x, hx, hv⟩ => by
        have hx := hr.computes hok hx
        refine holds_function (k := 2) (hN.gelu hR ((N.holds_ofRat).mpr hx)) hv ?_
        have h1 := Rounding.size_le (Reach.bounded_mag hx)
        have h2 : 0 ≤ ((2 * m.geluUlp : Nat) : Rat) * unit m :=
          Rat.mul_nonneg (by exact_mod_cast Nat.zero_le _) Reach.unit_nonneg
        have h3 := Rat.mul_le_mul_of_nonneg_right h1 h2
        simp only [Dyadic.toRat_mul, Reach.toRat_nat]
        show _ ≤ r.run.mag.toRat * _ * unit m
        grind
    · exact undefined _
  · exact undefined _

end Functions

/-! ### Sums and recurrences -/

theorem step (hr : Inside r a) (hs : Inside s b) (ht : Inside t c) : Inside (Scalar.step r s t) (Scalar.step a b c) := by
  show Inside (Reach.step r s t) (Execution.step a b c)
  unfold Execution.step
  split
  · rename_i horder
    unfold Reach.step
    rw [if_pos horder]
    exact of_rounded fun hok v ⟨x, y, z, p, hx, hy, hz, hp, hv⟩ => by
      simp only [Bool.and_eq_true] at hok
      exact Reach.holds_round (Interval.holds_add (Reach.holds_round (Interval.holds_mul (hr.computes hok.1.1.1 hx)
        (hs.computes hok.1.1.2 hy)) hp) (ht.computes hok.1.2 hz)) hv
  · rename_i horder
    rintro hok v ss ⟨x, y, z, past, tree, hx, hy, hz, rfl, htree, hd, hv⟩
    have hoks : r.ok = true ∧ s.ok = true ∧ t.ok = true := by
      unfold Reach.step at hok
      rw [if_neg horder] at hok
      simp only at hok
      split at hok
      · cases hok
      · simp only [Reach.ok, Bool.and_eq_true] at hok
        exact ⟨hok.1.1.1, hok.1.1.2, hok.1.2⟩
    obtain ⟨_, bs, hbs⟩ := hs hoks.2.1 y past hy
    exact Trail.holds_step horder hbs (hr.computes hoks.1 hx) (ht.computes hoks.2.2 hz) htree hv
      (by rw [htree]; exact hd) hok

theorem cast_ok (r : Reach m) : (Reach.cast r).ok = r.ok := by
  unfold Reach.cast
  split
  · rfl
  · rfl

theorem push_ok {s : Reach.Partial} {x y : Reach m} (h : (s.push x y).ok = true) :
    s.ok = true ∧ x.ok = true ∧ y.ok = true := by
  cases x with
  | recorded x => cases y <;> simp_all [Reach.Partial.push, Reach.ok]
  | enclosed => simp_all [Reach.Partial.push, Reach.ok]
  | state => simp_all [Reach.Partial.push, Reach.ok]

/-- The two factors of a product in reach, and values that they may have. -/
def Pairs (p : Reach m × Reach m) (q : Rat × Rat) : Prop :=
  p.1.ok = true → p.2.ok = true → p.1.run.Holds q.1 ∧ p.2.run.Holds q.2

/-- Products whose factors are defined and in reach. -/
theorem factors {ps : List (Reach m × Reach m)} {qs : List (Rat × Rat)}
    (h : Each Pairs ps qs) {s : Reach.Partial}
    (hok : (ps.foldl (init := s) fun s p => s.push p.1 p.2).ok = true) :
    s.ok = true ∧ ∃ ts : List (Reach.Factors m), ts.map (fun t => (t.r, t.s)) = ps ∧ ts.map (fun t => (t.x, t.y)) = qs := by
  induction h generalizing s with
  | nil => exact ⟨hok, [], rfl, rfl⟩
  | @cons p q ps qs h hs ih =>
    obtain ⟨h1, ts, h2, h3⟩ := ih hok
    obtain ⟨h4, h5, h6⟩ := push_ok h1
    obtain ⟨h7, h8⟩ := h h5 h6
    exact ⟨h4, ⟨p.1, p.2, q.1, q.2, h7, h8⟩ :: ts, by simp [h2], by simp [h3]⟩

theorem finish_ok {s : Reach.Partial} (h : (Reach.Partial.finish m s).ok = true) : s.ok = true := by
  unfold Reach.Partial.finish at h
  split at h
  · cases h
  · simp only [Reach.rounded, Reach.ok, Bool.and_eq_true] at h
    exact h.1.1

theorem finish {ps : List (Reach m × Reach m)} {p : Rat → Prop} (h : ∀ v, p v → ∃ qs,
    Each Pairs ps qs ∧ Reach.Adds m qs v) :
    Inside (Reach.Partial.finish m (ps.foldl (init := Reach.Partial.empty) fun s p => s.push p.1 p.2))
      (Execution.of p : Execution m N) := by
  have start (s : Reach.Partial) : (Reach.Partial.finish m s).trail = Trail.start m (Reach.Partial.finish m s).run := by
    unfold Reach.Partial.finish
    split <;> rfl
  rintro hok v ss ⟨hv, rfl⟩
  obtain ⟨qs, hqs, hv⟩ := h v hv
  obtain ⟨_, ts, rfl, rfl⟩ := factors hqs (finish_ok hok)
  have hrun := Reach.holds_adds ts hv hok
  rw [start]
  exact ⟨hrun, _, Trail.follows_start hrun⟩

theorem reads_dot {ps : List (Reach m × Reach m)} {es : List (Execution m N × Execution m N)}
    (h : Each (fun p e => Inside p.1 e.1 ∧ Inside p.2 e.2) ps es) : ∀ {qs : List (Rat × Rat)},
    Each (fun e q => (∃ x, e.1.Computes x ∧ Reach.Cast m x q.1) ∧ ∃ y, e.2.Computes y ∧ Reach.Cast m y q.2) es qs →
    Each Pairs (ps.map fun p => (Reach.cast p.1, Reach.cast p.2)) qs := by
  induction h with
  | nil => intro qs hqs; cases hqs; exact .nil
  | cons h _ ih =>
    intro qs hqs
    cases hqs with
    | cons hq hqs =>
      obtain ⟨⟨x, hx, hx'⟩, y, hy, hy'⟩ := hq
      refine .cons (fun h1 h2 => ?_) (ih hqs)
      simp only [cast_ok] at h1 h2
      exact ⟨Reach.holds_cast (h.1.computes h1 hx) hx', Reach.holds_cast (h.2.computes h2 hy) hy'⟩

theorem dot {ps : List (Reach m × Reach m)} {es : List (Execution m N × Execution m N)}
    (h : Each (fun p e => Inside p.1 e.1 ∧ Inside p.2 e.2) ps es) : Inside (Scalar.dot ps) (Scalar.dot es) := by
  have h' := finish (N := N) (ps := ps.map fun p => (Reach.cast p.1, Reach.cast p.2))
    (p := fun v => ∃ qs, Each (fun e q => (∃ x, e.1.Computes x ∧ Reach.Cast m x q.1) ∧
      ∃ y, e.2.Computes y ∧ Reach.Cast m y q.2) es qs ∧ Reach.Adds m qs v)
    fun v ⟨qs, hqs, hv⟩ => ⟨qs, reads_dot h hqs, hv⟩
  rwa [List.foldl_map] at h'

theorem reads_sum {ps : List (Reach m)} {es : List (Execution m N)} (h : Each Inside ps es) : ∀ {qs : List Rat},
    Each (fun e q => ∃ x, e.Computes x ∧ Reach.Cast m x q) es qs →
    Each Pairs (ps.map fun x => (Reach.cast x, Reach.rational m (Int.ofNat 1) 1)) (qs.map fun x => (x, 1)) := by
  induction h with
  | nil => intro qs hqs; cases hqs; exact .nil
  | cons h _ ih =>
    intro qs hqs
    cases hqs with
    | cons hq hqs =>
      obtain ⟨x, hx, hx'⟩ := hq
      refine .cons (fun h1 _ => ?_) (ih hqs)
      simp only [cast_ok] at h1
      exact ⟨Reach.holds_cast (h.computes h1 hx) hx', Interval.holds_point (dyadic (Int.ofNat 1))⟩

theorem sum {ps : List (Reach m)} {es : List (Execution m N)} (h : Each Inside ps es) :
    Inside (Scalar.sum ps) (Scalar.sum es) := by
  have h' := finish (N := N) (ps := ps.map fun x => (Reach.cast x, Reach.rational m (Int.ofNat 1) 1))
    (p := fun v => ∃ xs, Each (fun e q => ∃ x, e.Computes x ∧ Reach.Cast m x q) es xs ∧
      Reach.Adds m (xs.map fun x => (x, 1)) v)
    fun v ⟨xs, hxs, hv⟩ => ⟨_, reads_sum h hxs, hv⟩
  rwa [List.foldl_map] at h'

end Inside

/-- Every operation keeps what it computes inside its reach. -/
theorem inside_preserved [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] (hN : N.Enclosing) :
    Preserved (Inside (m := m) (N := N)) where
  add := Inside.add
  sub := Inside.sub
  mul := Inside.mul
  div := Inside.div
  neg := Inside.neg
  max := Inside.max
  const := Inside.const
  sum := Inside.sum
  dot := Inside.dot
  step := Inside.step
  exp := Inside.apply hN.exp _ Rat.le_refl
  sqrt := Inside.sqrt
  sigmoid := Inside.apply hN.sigmoid _ Rat.le_refl
  tanh := Inside.apply hN.tanh _ Rat.le_refl
  softplus := Inside.apply hN.softplus _ Rat.le_refl
  silu := Inside.apply hN.silu _ (by
    rw [Dyadic.toRat_mul, Reach.toRat_nat, Rat.mul_comm]
    exact Rat.le_refl)
  gelu := Inside.gelu hN
  either := Inside.either

end Spec
