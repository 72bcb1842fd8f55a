module
public import Spec.Law.Enclosure
public import Spec.Law.Inside

/-!
# The exact value is enclosed

Beside what an implementation may compute, the evaluator gives an interval for the exact value. What real numbers give for a
specification lies in it: so it is for every operation, and therefore for every layer.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std
attribute [local instance] Semiring.natCast Ring.intCast

variable {m : Rounding} {K : Type} [Field K] [LE K]

/-- If the evaluator has a budget, the exact value is enclosed. -/
def Contains (N : Numbers K) (r : Reach m) (x : K) : Prop := r.ok = true → N.Holds r.exact x

/-- Exact arithmetic in the field. Of two ways to write one value, it takes the first. -/
@[reducible] def Numbers.scalar [Max K] (N : Numbers K) : Scalar K := exactly N.toFunctions fun x _ => x

variable {N : Numbers K}

namespace Contains
open Rationals

theorem undefined (x : K) : Contains N (Reach.undefined : Reach m) x := by
  intro hok
  cases hok

theorem rounded {E R : Interval} {ok : Bool} {x : K} (h : ok = true → N.Holds E x) :
    Contains N (Reach.rounded m E R ok) x := fun hok => h (by
  simp only [Reach.rounded, Reach.ok, Bool.and_eq_true] at hok
  exact hok.1)

theorem cast {r : Reach m} {x : K} (hr : Contains N r x) : Contains N (Reach.cast r) x := by
  unfold Reach.cast
  split
  · exact hr
  · exact rounded hr

theorem ofRat_nat (n : Nat) : N.ofRat n = (n : K) := by
  induction n with
  | zero =>
    have : ((0 : Nat) : Rat) = 0 := rfl
    rw [this, N.ofRat_zero]
    exact Semiring.natCast_zero.symm
  | succ n ih =>
    have : ((n + 1 : Nat) : Rat) = n + 1 := by rw [Rat.natCast_add]; rfl
    rw [this, N.ofRat_add, ih, N.ofRat_one]
    exact (Semiring.natCast_succ n).symm

variable [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K]

omit [LT K] [LawfulOrderLT K] [OrderedRing K] in
/-- A recorded number is exact. -/
theorem recorded (x : Dyadic) : Contains N (.recorded x : Reach m) (N.ofRat x.toRat) := fun _ => N.holds_point x

omit [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] in
theorem ofRat_int (n : Int) : N.ofRat n = (n : K) := by
  rcases Int.eq_nat_or_neg n with ⟨k, rfl | rfl⟩
  · rw [Rat.intCast_natCast, ofRat_nat, Ring.intCast_natCast]
  · rw [Rat.intCast_neg, Rat.intCast_natCast, N.ofRat_neg, ofRat_nat, Ring.intCast_neg, Ring.intCast_natCast]

omit [LT K] [LawfulOrderLT K] [OrderedRing K] in
theorem holds_int (n : Int) : N.Holds (Interval.point (dyadic n)) (n : K) := by
  have h := N.holds_point (dyadic n)
  rwa [Inside.toRat_int, ofRat_int] at h

theorem const (n : Int) (d : Nat) : Contains N (Reach.rational m n d) ((n : K) / (d : K)) := by
  unfold Reach.rational
  split
  · rename_i h
    subst h
    have : (n : K) / ((1 : Nat) : K) = (n : K) := by
      rw [Semiring.natCast_one]
      grind
    rw [this]
    split
    · exact fun _ => holds_int n
    · exact undefined _
  · split
    · rename_i q hq
      have hd := holds_int (N := N) (Int.ofNat d)
      rw [show ((Int.ofNat d : Int) : K) = (d : K) from Ring.intCast_natCast d] at hd
      exact rounded fun _ => (holds_div hq (holds_int n) hd).2
    · exact undefined _

variable {r s t : Reach m} {x y z : K}

theorem div (hr : Contains N r x) (hs : Contains N s y) : Contains N (r / s) (x / y) := by
  show Contains N (Reach.quotient m r s) _
  unfold Reach.quotient
  split
  · rename_i E R he hR
    exact rounded fun hok => by
      simp only [Bool.and_eq_true] at hok
      exact (holds_div he (hr hok.1) (hs hok.2)).2
  · exact undefined _

omit [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] in
theorem apply {f : Interval → Option Interval} {g : K → K} (hf : N.Enclosed f g) (k : Nat) (w : Dyadic)
    (hr : Contains N r x) : Contains N (Reach.apply m f k w r) (g x) := by
  unfold Reach.apply
  split
  · rename_i hok
    split
    · rename_i E R he hR
      exact rounded fun _ => hf he (hr hok)
    · exact undefined _
  · exact undefined _

theorem step (hr : Contains N r x) (hs : Contains N s y) (ht : Contains N t z) :
    Contains N (Scalar.step r s t) (x * y + z) := by
  show Contains N (Reach.step r s t) _
  unfold Reach.step
  split
  · exact rounded fun hok => by
      simp only [Bool.and_eq_true] at hok
      exact holds_add (holds_mul (hr hok.1.1.1) (hs hok.1.1.2)) (ht hok.1.2)
  · simp only
    split
    · exact undefined _
    · intro hok
      simp only [Reach.ok, Bool.and_eq_true] at hok
      exact holds_add (holds_mul (hr hok.1.1.1) (hs hok.1.1.2)) (ht hok.1.2)

theorem enclose {p : Reach.Partial} {e : K} (he : N.Holds p.exact e) {E : Interval} (R : Interval) (ok : Bool) {z : K}
    (hz : N.Holds E z) : ∃ e', N.Holds (p.enclose E R ok).exact e' ∧
      N.ofRat (p.enclose E R ok).known.toRat + e' = N.ofRat p.known.toRat + e + z :=
  ⟨e + z, holds_add he hz, by simp only [Reach.Partial.enclose]; grind⟩

omit [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] in
theorem record {p : Reach.Partial} {e : K} (he : N.Holds p.exact e) (z : Dyadic) :
    ∃ e', N.Holds (p.record z).exact e' ∧
      N.ofRat (p.record z).known.toRat + e' = N.ofRat p.known.toRat + e + N.ofRat z.toRat := by
  refine ⟨e, he, ?_⟩
  simp only [Reach.Partial.record, ofRat_toRat_add]
  grind

omit [LT K] [LawfulOrderLT K] [OrderedRing K] in
theorem eq_recorded {a : Dyadic} (h : N.Holds (Reach.recorded a : Reach m).exact x) : x = N.ofRat a.toRat := by
  unfold Holds at h
  simp only [Reach.exact, Interval.point] at h
  grind

theorem push {p : Reach.Partial} {e : K} (he : N.Holds p.exact e) (hr : r.ok = true → N.Holds r.exact x)
    (hs : s.ok = true → N.Holds s.exact y) (hok : (p.push r s).ok = true) :
    ∃ e', N.Holds (p.push r s).exact e' ∧
      N.ofRat (p.push r s).known.toRat + e' = N.ofRat p.known.toRat + e + x * y := by
  obtain ⟨_, hr', hs'⟩ := Inside.push_ok hok
  have hr := hr hr'
  have hs := hs hs'
  have enclosed := enclose he (Interval.mul r.run s.run) (r.ok && s.ok) (holds_mul hr hs)
  cases r with
  | enclosed => exact enclosed
  | state => exact enclosed
  | recorded a =>
    cases s with
    | enclosed => exact enclosed
    | state => exact enclosed
    | recorded b =>
      have h := record he (a * b)
      rw [ofRat_toRat_mul, ← eq_recorded hr, ← eq_recorded hs] at h
      exact h

theorem square {p : Reach.Partial} {e : K} (he : N.Holds p.exact e) (hr : r.ok = true → N.Holds r.exact x)
    (hok : (p.square r).ok = true) : ∃ e', N.Holds (p.square r).exact e' ∧
      N.ofRat (p.square r).known.toRat + e' = N.ofRat p.known.toRat + e + x * x := by
  have hr := hr (Inside.square_ok hok).2
  have enclosed := enclose he (Interval.square r.run) r.ok (holds_square hr)
  cases r with
  | enclosed => exact enclosed
  | state => exact enclosed
  | recorded a =>
    have h := record he (a * a)
    rw [ofRat_toRat_mul, ← eq_recorded hr] at h
    exact h

theorem foldl {ps : List (Reach m × Reach m)} {qs : List (K × K)}
    (h : Each (fun p q => Contains N p.1 q.1 ∧ Contains N p.2 q.2) ps qs) {p : Reach.Partial} {e : K}
    (he : p.ok = true → N.Holds p.exact e) (hok : (ps.foldl (init := p) fun s p => s.push p.1 p.2).ok = true) :
    p.ok = true ∧ ∃ e', N.Holds (ps.foldl (init := p) fun s p => s.push p.1 p.2).exact e' ∧
      N.ofRat (ps.foldl (init := p) fun s p => s.push p.1 p.2).known.toRat + e' =
        N.ofRat p.known.toRat + e + total (qs.map fun q => q.1 * q.2) := by
  induction h generalizing p e with
  | nil =>
    refine ⟨hok, e, he hok, ?_⟩
    simp only [List.map_nil, total, List.foldr_nil, List.foldl_nil]
    grind
  | @cons a q ps qs h hs ih =>
    have hpush : (p.push a.1 a.2).ok = true := by
      have start : ∀ (ps : List (Reach m × Reach m)) (p : Reach.Partial),
          (ps.foldl (init := p) fun s p => s.push p.1 p.2).ok = true → p.ok = true := by
        intro ps
        induction ps with
        | nil => exact fun _ h => h
        | cons a ps ih => exact fun p h => (Inside.push_ok (ih _ h)).1
      exact start ps _ hok
    have hp := (Inside.push_ok hpush).1
    obtain ⟨e1, h1, h2⟩ := push (he hp) h.1 h.2 hpush
    obtain ⟨_, e2, h3, h4⟩ := ih (fun _ => h1) hok
    refine ⟨hp, e2, h3, ?_⟩
    simp only [List.foldl_cons, List.map_cons, total, List.foldr_cons] at *
    rw [h4, h2]
    grind

theorem foldl_squares {rs : List (Reach m)} {xs : List K} (h : Each (Contains N) rs xs) {p : Reach.Partial} {e : K}
    (he : p.ok = true → N.Holds p.exact e) (hok : (rs.foldl (init := p) fun s x => s.square x).ok = true) :
    p.ok = true ∧ ∃ e', N.Holds (rs.foldl (init := p) fun s x => s.square x).exact e' ∧
      N.ofRat (rs.foldl (init := p) fun s x => s.square x).known.toRat + e' =
        N.ofRat p.known.toRat + e + total (xs.map fun x => x * x) := by
  induction h generalizing p e with
  | nil =>
    refine ⟨hok, e, he hok, ?_⟩
    simp only [List.map_nil, total, List.foldr_nil, List.foldl_nil]
    grind
  | @cons r x rs xs h hs ih =>
    have hsquare : (p.square r).ok = true := by
      have start : ∀ (rs : List (Reach m)) (p : Reach.Partial),
          (rs.foldl (init := p) fun s x => s.square x).ok = true → p.ok = true := by
        intro rs
        induction rs with
        | nil => exact fun _ h => h
        | cons r rs ih => exact fun p h => (Inside.square_ok (ih _ h)).1
      exact start rs _ hok
    have hp := (Inside.square_ok hsquare).1
    obtain ⟨e1, h1, h2⟩ := square (he hp) h hsquare
    obtain ⟨_, e2, h3, h4⟩ := ih (fun _ => h1) hok
    refine ⟨hp, e2, h3, ?_⟩
    simp only [List.foldl_cons, List.map_cons, total, List.foldr_cons] at *
    rw [h4, h2]
    grind

omit [LT K] [LawfulOrderLT K] [OrderedRing K] in
theorem holds_empty : N.Holds Reach.Partial.empty.exact (0 : K) := by
  have := N.holds_point Dyadic.zero
  rwa [show Dyadic.zero.toRat = 0 from rfl, N.ofRat_zero] at this

theorem finished {s : Reach.Partial} {e z : K} (he : N.Holds s.exact e)
    (hsum : N.ofRat s.known.toRat + e = N.ofRat Reach.Partial.empty.known.toRat + 0 + z)
    (hok : (Reach.Partial.finish m s).ok = true) : N.Holds (Reach.Partial.finish m s).exact z := by
  have hz : N.ofRat Reach.Partial.empty.known.toRat = 0 := N.ofRat_zero
  rw [hz] at hsum
  have hx := holds_add (N.holds_point s.known) he
  rw [hsum] at hx
  have hx' : (0 : K) + 0 + z = z := by grind
  rw [hx'] at hx
  unfold Reach.Partial.finish at hok ⊢
  split
  · rename_i hg; rw [hg] at hok; cases hok
  · exact hx

theorem finish {ps : List (Reach m × Reach m)} {qs : List (K × K)}
    (h : Each (fun p q => Contains N p.1 q.1 ∧ Contains N p.2 q.2) ps qs) :
    Contains N (Reach.Partial.finish m (ps.foldl (init := Reach.Partial.empty) fun s p => s.push p.1 p.2))
      (total (qs.map fun q => q.1 * q.2)) := by
  intro hok
  obtain ⟨_, e, he, hsum⟩ := foldl h (fun _ => holds_empty) (Inside.finish_ok hok)
  exact finished he hsum hok

theorem squares {rs : List (Reach m)} {xs : List K} (h : Each (Contains N) rs xs) :
    Contains N (Scalar.squares rs) (total (xs.map fun x => x * x)) := by
  show Contains N (Reach.Partial.finish m (rs.foldl (init := Reach.Partial.empty) fun s x => s.square (Reach.cast x))) _
  rw [← List.foldl_map (f := Reach.cast) (g := fun (s : Reach.Partial) x => s.square x)]
  have h' : Each (Contains N) (rs.map Reach.cast) (xs.map fun x => x) := h.map fun _ _ h => h.cast
  rw [List.map_id'] at h'
  intro hok
  obtain ⟨_, e, he, hsum⟩ := foldl_squares h' (fun _ => holds_empty) (Inside.finish_ok hok)
  exact finished he hsum hok

theorem sum {xs : List (Reach m)} {xs' : List K} (h : Each (Contains N) xs xs') :
    Contains N (Scalar.sum xs) (total xs') := by
  have one : Contains N (.recorded (dyadic (Int.ofNat 1)) : Reach m) (1 : K) := fun _ => by
    have h := N.holds_point (dyadic (Int.ofNat 1))
    rwa [show (dyadic (Int.ofNat 1)).toRat = 1 from rfl, N.ofRat_one] at h
  have pairs : Each (fun (p : Reach m × Reach m) (q : K × K) => Contains N p.1 q.1 ∧ Contains N p.2 q.2)
      (xs.map fun x => (Reach.cast x, .recorded (dyadic (Int.ofNat 1)))) (xs'.map fun x => (x, 1)) :=
    h.map fun _ _ h => ⟨h.cast, one⟩
  have h' := finish pairs
  have products : ((xs'.map fun x => (x, (1 : K))).map fun q => q.1 * q.2) = xs' := by
    have one : (fun x : K => x * 1) = id := by
      funext x
      show x * 1 = x
      grind
    rw [List.map_map]
    exact (congrArg (fun f => xs'.map f) one).trans (List.map_id _)
  rw [products, List.foldl_map] at h'
  exact h'

theorem dot {ps : List (Reach m × Reach m)} {qs : List (K × K)}
    (h : Each (fun p q => Contains N p.1 q.1 ∧ Contains N p.2 q.2) ps qs) :
    Contains N (Scalar.dot ps) (total (qs.map fun q => q.1 * q.2)) := by
  have pairs : Each (fun (p : Reach m × Reach m) (q : K × K) => Contains N p.1 q.1 ∧ Contains N p.2 q.2)
      (ps.map fun p => (Reach.cast p.1, Reach.cast p.2)) (qs.map fun q => q) :=
    h.map fun _ _ h => ⟨h.1.cast, h.2.cast⟩
  rw [List.map_id'] at pairs
  have h' := finish pairs
  rwa [List.foldl_map] at h'

end Contains

/-- Every operation keeps the exact value enclosed. -/
theorem contains_preserved [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K] [Max K] [LawfulOrderMax K]
    (hN : N.Enclosing) :
    letI := N.scalar
    Preserved (Contains (m := m) N) :=
  letI := N.scalar
  { add := fun hx hy => Contains.rounded fun hok => by
      simp only [Bool.and_eq_true] at hok
      exact Rationals.holds_add (hx hok.1) (hy hok.2)
    sub := fun hx hy => Contains.rounded fun hok => by
      simp only [Bool.and_eq_true] at hok
      exact Rationals.holds_sub (hx hok.1) (hy hok.2)
    mul := fun hx hy => Contains.rounded fun hok => by
      simp only [Bool.and_eq_true] at hok
      exact Rationals.holds_mul (hx hok.1) (hy hok.2)
    div := Contains.div
    neg := fun hx hok => Rationals.holds_neg (hx hok)
    max := fun hx hy hok => by
      have hok := Bool.and_eq_true _ _ ▸ hok
      exact Rationals.holds_max (hx hok.1) (hy hok.2)
    const := Contains.const
    sum := Contains.sum
    dot := Contains.dot
    squares := Contains.squares
    step := Contains.step
    exp := Contains.apply hN.exp _ _
    sqrt := Contains.apply N.enclosed_sqrt _ _
    sigmoid := Contains.apply hN.sigmoid _ _
    tanh := Contains.apply hN.tanh _ _
    softplus := Contains.apply hN.softplus _ _
    silu := Contains.apply hN.silu _ _
    gelu := Contains.apply hN.gelu _ _
    either := fun hx _ hok => by
      have hok := Bool.and_eq_true _ _ ▸ hok
      exact hx hok.1 }

end Spec
