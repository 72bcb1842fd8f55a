module
public import Spec.Layer.Causal
public import Spec.Law.Attention
public import Spec.Law.Recurrent

/-!
# Laws of causal attention

The first section holds for every scalar, floating point included, so bit for bit. The one on weights holds in exact
arithmetic.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast

section AnyScalar
variable {α : Type} [Scalar α] {P T N S H d : Nat}

/-- The weight of a key that a token doesn't see is 0. -/
theorem causalWeights_unseen (x : Mat T (P + T) α) (t s : Nat) (ht : t < T) (hs : s < P + T) (later : P + t < s) :
    (causalWeights x)[t][s] = Scalar.zero := by
  simp only [causalWeights, softmaxFirst, getElem_build, seen]
  rw [dif_neg (by omega)]

/-- Queries, keys and values of all tokens. -/
def project (p : AttentionParams (H * d) α) (x : Mat T (H * d) α) : Mat T (3 * (H * d)) α :=
  mapVec (linearBias p.qkvW p.qkvB) x

/-- The cache holds the turned keys and the values of the first `P` of `N` tokens. -/
def Cache.Holds (turn : Turn d α) (c : Cache H P d α) (y : Mat N (3 * (H * d)) α) : Prop :=
  ∀ (h : Nat) (hh : h < H) (s : Nat) (_ : s < P) (hn : s < N),
    c.k[h][s] = turn s (headOf 1 ⟨h, hh⟩ y)[s] ∧ c.v[h][s] = (headOf 2 ⟨h, hh⟩ y)[s]

/-- `x` is the tokens `P`, `P + 1`, ... of `X`. -/
def Part {n : Nat} (P : Nat) (x : Mat T n α) (X : Mat N n α) : Prop :=
  ∀ (t : Nat) (_ : t < T) (hn : P + t < N), x[t] = X[P + t]

omit [Scalar α] in
theorem Cache.empty_holds (turn : Turn d α) (y : Mat N (3 * (H * d)) α) : (Cache.empty : Cache H 0 d α).Holds turn y := by
  intro h hh s hs; omega

omit [Scalar α] in
theorem headOf_part {y : Mat T (3 * (H * d)) α} {Y : Mat N (3 * (H * d)) α} (part : Part P y Y) (i : Fin 3) (h : Fin H)
    (t : Nat) (ht : t < T) (hn : P + t < N) : (headOf i h y)[t] = (headOf i h Y)[P + t] := by
  have := part t ht hn
  simp only [headOf, getElem_build, Fin.getElem_fin, this]

omit [Scalar α] in
/-- A cache that holds a prefix of the tokens holds the longer one once the next tokens are pushed. -/
theorem Cache.push_holds {turn : Turn d α} {c : Cache H P d α} {y : Mat T (3 * (H * d)) α} {Y : Mat N (3 * (H * d)) α}
    (holds : c.Holds turn Y) (part : Part P y Y) : (c.push turn y).Holds turn Y := by
  intro h hh s hs hn
  simp only [Cache.push, followedBy, Turn.rows, getElem_build, Fin.getElem_fin]
  by_cases e : s < P
  · simp only [e, ↓reduceDIte]
    exact holds h hh s e hn
  · simp only [e, ↓reduceDIte]
    have h1 (i : Fin 3) := headOf_part part i ⟨h, hh⟩ (s - P) (by omega) (by omega)
    simp only [show P + (s - P) = s by omega] at h1
    simp only [show P + (s - P) = s by omega]
    exact ⟨congrArg (turn s) (h1 1), h1 2⟩

theorem attendRow_congr {q q' : Vector α d} {k v : Mat S d α} {k' v' : Mat T d α} (size : S = T) (hq : q = q')
    (hk : ∀ s (h1 : s < S) (h2 : s < T), k[s] = k'[s]) (hv : ∀ s (h1 : s < S) (h2 : s < T), v[s] = v'[s]) :
    attendRow q k v = attendRow q' k' v' := by
  subst size hq
  rw [show k = k' from Vector.ext fun s hs => hk s hs hs, show v = v' from Vector.ext fun s hs => hv s hs hs]

theorem mapVec_part {β γ : Type} (f : β → γ) {x : Vector β T} {X : Vector β N}
    (part : ∀ (t : Nat) (_ : t < T) (hn : P + t < N), x[t] = X[P + t]) (t : Nat) (ht : t < T) (hn : P + t < N) :
    (mapVec f x)[t] = (mapVec f X)[P + t] := by
  simp only [mapVec, getElem_build, Fin.getElem_fin, part t ht hn]

theorem project_part (p : AttentionParams (H * d) α) {x : Mat T (H * d) α} {X : Mat N (H * d) α} (part : Part P x X) :
    Part P (project p x) (project p X) := fun t ht hn => mapVec_part _ part t ht hn

/-- Causal attention in parts: tokens that follow those of a cache have the outputs of the whole sequence, and leave the cache
of a longer prefix. With `P = 0` it says that no output depends on a later token; with `T = 1` that a cache may serve
token after token. -/
theorem causalAttention_part (turn : Turn d α) (p : AttentionParams (H * d) α) {c : Cache H P d α} {x : Mat T (H * d) α}
    {X : Mat N (H * d) α} (holds : c.Holds turn (project p X)) (part : Part P x X) :
    Part P (causalAttention turn p c x).1 (causalAttention turn p Cache.empty X).1 ∧
      (causalAttention turn p c x).2.Holds turn (project p X) := by
  have hp := project_part p part
  have next := Cache.push_holds holds hp
  have full := Cache.push_holds (P := 0) (Cache.empty_holds turn (project p X)) (y := project p X)
    (fun t ht hn => by simp only [Nat.zero_add])
  refine ⟨fun t ht hn => mapVec_part _ (fun t ht hn => ?_) t ht hn, next⟩
  simp only [concatHeads, getElem_build, Fin.getElem_fin]
  congr 1
  funext k
  congr 1
  simp only [causalAttend, Turn.rows, getElem_build, Fin.getElem_fin, Nat.zero_add]
  refine attendRow_congr (by simp only [seen]; omega) (congrArg _ (headOf_part hp 0 _ t ht hn)) (fun s h1 h2 => ?_)
    (fun s h1 h2 => ?_)
  · simp only [seen] at h1 h2
    simp only [firstOf, getElem_build]
    exact (next _ (rowOf k).2 s (by omega) (by omega)).1.trans (full _ (rowOf k).2 s (by omega) (by omega)).1.symm
  · simp only [seen] at h1 h2
    simp only [firstOf, getElem_build]
    exact (next _ (rowOf k).2 s (by omega) (by omega)).2.trans (full _ (rowOf k).2 s (by omega) (by omega)).2.symm

/-- Causal attention is causal: inputs that agree up to row `i` have outputs that agree up to row `i`. -/
theorem causalAttention_causal (turn : Turn d α) (p : AttentionParams (H * d) α) (x y : Mat T (H * d) α) (i : Nat)
    (agree : ∀ t (_ : t < T), t ≤ i → x[t] = y[t]) (t : Nat) (ht : t < T) (hi : t ≤ i) :
    (causalAttention turn p Cache.empty x).1[t] = (causalAttention turn p Cache.empty y).1[t] := by
  have h1 := (causalAttention_part turn p (P := 0) (T := t + 1) (X := x) (x := build (t + 1) fun s => x[s.1])
    (Cache.empty_holds turn _) (fun s hs hn => by simp)).1 t (by omega) (by omega)
  have h2 := (causalAttention_part turn p (P := 0) (T := t + 1) (X := y) (x := build (t + 1) fun s => x[s.1])
    (Cache.empty_holds turn _) (fun s hs hn => by simpa using agree s (by omega) (by omega))).1 t (by omega) (by omega)
  simp only [Nat.zero_add] at h1 h2
  rw [← h1, ← h2]

/-- Outputs of tokens that come one after the other, with a cache. -/
def decodeAttention (turn : Turn d α) (p : AttentionParams (H * d) α) :
    {P : Nat} → Cache H P d α → List (Vector α (H * d)) → List (Vector α (H * d))
  | _, _, [] => []
  | _, c, x :: xs => let (y, next) := causalAttention turn p c (build 1 fun _ => x); y[0] :: decodeAttention turn p next xs

theorem decodeAttention_from (turn : Turn d α) (p : AttentionParams (H * d) α) (X : Mat N (H * d) α) (xs : List (Vector α (H * d)))
    (c : Cache H P d α) (holds : c.Holds turn (project p X)) (rest : X.toList.drop P = xs) :
    decodeAttention turn p c xs = (causalAttention turn p Cache.empty X).1.toList.drop P := by
  induction xs generalizing P with
  | nil =>
    rw [decodeAttention, List.drop_eq_nil_of_le]
    simpa using rest
  | cons x xs ih =>
    have hP : P < N := by
      apply Classical.byContradiction
      intro h
      rw [List.drop_eq_nil_of_le (by simp; omega)] at rest
      cases rest
    rw [List.drop_eq_getElem_cons (by simpa using hP), List.cons.injEq] at rest
    have step := causalAttention_part turn p (x := build 1 fun _ => x) holds (fun t ht hn => by
      obtain rfl : t = 0 := by omega
      simpa using rest.1.symm)
    rw [List.drop_eq_getElem_cons (by simpa using hP), decodeAttention]
    exact List.cons_eq_cons.mpr ⟨step.1 0 (by omega) (by omega), ih _ step.2 rest.2⟩

/-- Decoding with a cache, token after token, gives exactly the rows of causal attention on the whole sequence. -/
theorem decodeAttention_eq (turn : Turn d α) (p : AttentionParams (H * d) α) (X : Mat N (H * d) α) :
    decodeAttention turn p (Cache.empty : Cache H 0 d α) X.toList = (causalAttention turn p Cache.empty X).1.toList :=
  decodeAttention_from turn p X X.toList Cache.empty (Cache.empty_holds turn _) rfl

end AnyScalar

section Exact
variable {α : Type} [Field α] [Max α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α]
variable (f : Functions α) (pick : α → α → α) (same : ∀ x, pick x x = x) (E : Exponential f.exp) {P T : Nat}
include same E

/-- The weights of every token sum to 1. -/
theorem total_causalWeights (x : Mat T (P + T) α) (t : Nat) (ht : t < T) :
    total (List.ofFn fun s : Fin (P + T) => (@causalWeights α (exactly f pick) P T x)[t][s]) = 1 := by
  have pad {n S : Nat} (le : n ≤ S) (w : Vector α n) :
      total (List.ofFn fun s : Fin S => if h : s.1 < n then w[s.1] else 0) = total (List.ofFn fun i : Fin n => w[i]) := by
    obtain ⟨m, rfl⟩ : ∃ m, S = n + m := ⟨S - n, by omega⟩
    have zeros (m : Nat) : total (List.replicate m (0 : α)) = 0 := by
      induction m with
      | zero => rfl
      | succ m ih => simp only [List.replicate_succ, total, List.foldr_cons] at ih ⊢; rw [ih]; grind
    rw [List.ofFn_add, total_append]
    have h1 : (List.ofFn fun i : Fin m => if h : (Fin.natAdd n i).1 < n then w[(Fin.natAdd n i).1] else 0) =
        List.replicate m (0 : α) := by
      apply List.ext_getElem
      · simp
      · intro i _ _
        simp only [List.getElem_ofFn, List.getElem_replicate, Fin.val_natAdd]
        rw [dif_neg (by omega)]
    simp only [h1, zeros]
    simp
    grind
  have h0 : @Scalar.zero α (exactly f pick) = 0 := by
    show ((0 : Int) : α) / ((1 : Nat) : α) = 0
    grind
  simp only [causalWeights, softmaxFirst, getElem_build, Fin.getElem_fin, h0]
  rw [pad (seen_le P ⟨t, ht⟩)]
  exact total_softmax f pick same E _ (by simp only [seen]; omega)

end Exact
end Spec
