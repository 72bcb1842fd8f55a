module
public import Spec.Model.GPT
public import Spec.Law.Causal

/-!
# Laws of the GPT

They hold for every scalar, floating point included, so bit for bit: a decoder with a cache, a prompt that is read in
parts, and the whole text at once have one specification.
-/

@[expose] public noncomputable section
namespace Spec.GPT
open Spec.ViT
variable {α : Type} [Scalar α] {V C M H d P T N : Nat} (turn : Turn d α) (a : Activation) (eps : α)

theorem addRows_part {n : Nat} {x y : Mat T n α} {X Y : Mat N n α} (hx : Part P x X) (hy : Part P y Y) :
    Part P (addRows x y) (addRows X Y) := by
  intro t ht hn
  simp only [addRows, getElem_build, Fin.getElem_fin, hx t ht hn, hy t ht hn]

/-- A block in parts: tokens that follow those of a cache have the outputs of the whole sequence. -/
theorem block_part (p : Block (H * d) M α) {c : Cache H P d α} {x : Mat T (H * d) α} {X : Mat N (H * d) α}
    (holds : c.Holds turn (project p.attention (p.norm1.apply eps X))) (part : Part P x X) :
    Part P (block turn a eps p c x).1 (block turn a eps p Cache.empty X).1 ∧
      (block turn a eps p c x).2.Holds turn (project p.attention (p.norm1.apply eps X)) := by
  have h1 := causalAttention_part turn p.attention (x := p.norm1.apply eps x) holds (mapVec_part _ part)
  have h2 := addRows_part part h1.1
  exact ⟨addRows_part h2 (mapVec_part _ (mapVec_part _ h2)), h1.2⟩

/-- Each cache holds the first `P` tokens of what its block sees of the sequence `X`. -/
def StackHolds : List (Block (H * d) M α) → List (Cache H P d α) → Mat N (H * d) α → Prop
  | [], [], _ => True
  | p :: blocks, c :: caches, X =>
    c.Holds turn (project p.attention (p.norm1.apply eps X)) ∧ StackHolds blocks caches (block turn a eps p Cache.empty X).1
  | _, _, _ => False

/-- Before the first token. -/
abbrev empties (blocks : List (Block (H * d) M α)) : List (Cache H 0 d α) := blocks.map fun _ => Cache.empty

theorem empties_hold (blocks : List (Block (H * d) M α)) (X : Mat N (H * d) α) :
    StackHolds turn a eps blocks (empties blocks) X := by
  induction blocks generalizing X with
  | nil => trivial
  | cons p blocks ih => exact ⟨Cache.empty_holds _ _, ih _⟩

/-- All blocks in parts. -/
theorem stack_part (blocks : List (Block (H * d) M α)) (caches : List (Cache H P d α)) {x : Mat T (H * d) α}
    {X : Mat N (H * d) α} (holds : StackHolds turn a eps blocks caches X) (part : Part P x X) :
    Part P (stack turn a eps blocks caches x).1 (stack turn a eps blocks (empties blocks) X).1 ∧
      StackHolds turn a eps blocks (stack turn a eps blocks caches x).2 X := by
  induction blocks generalizing caches x X with
  | nil =>
    cases caches with
    | nil => exact ⟨part, trivial⟩
    | cons => exact holds.elim
  | cons p blocks ih =>
    cases caches with
    | nil => exact holds.elim
    | cons c caches =>
      have h1 := block_part turn a eps p holds.1 part
      have h2 := ih caches holds.2 h1.1
      exact ⟨h2.1, h1.2, h2.2⟩

/-- The blocks are causal: inputs that agree up to row `i` have outputs that agree up to row `i`. -/
theorem stack_causal (blocks : List (Block (H * d) M α)) (x y : Mat T (H * d) α) (i : Nat)
    (agree : ∀ t (_ : t < T), t ≤ i → x[t] = y[t]) (t : Nat) (ht : t < T) (hi : t ≤ i) :
    (stack turn a eps blocks (empties blocks) x).1[t] = (stack turn a eps blocks (empties blocks) y).1[t] := by
  have h1 := (stack_part turn a eps blocks _ (T := t + 1) (x := build (t + 1) fun s => x[s.1]) (empties_hold turn a eps blocks x)
    (fun s hs hn => by simp)).1 t (by omega) (by omega)
  have h2 := (stack_part turn a eps blocks _ (T := t + 1) (x := build (t + 1) fun s => x[s.1]) (empties_hold turn a eps blocks y)
    (fun s hs hn => by simpa using agree s (by omega) (by omega))).1 t (by omega) (by omega)
  simp only [Nat.zero_add] at h1 h2
  rw [← h1, ← h2]

theorem embed_part (positions : Positions C H d α) (tokens : Mat V (H * d) α) {x : Vector (Fin V) T} {X : Vector (Fin V) N}
    (part : ∀ (t : Nat) (_ : t < T) (hn : P + t < N), x[t] = X[P + t]) (h : P + T ≤ C) (hN : 0 + N ≤ C) :
    Part P (positions.embed tokens P x h) (positions.embed tokens 0 X hN) := by
  intro t ht hn
  cases positions with
  | learned => simp only [Positions.embed, embed, getElem_build, Fin.getElem_fin, part t ht hn, Nat.zero_add]
  | rotary => exact mapVec_part _ part t ht hn

/-- The network in parts: tokens that follow those of the caches have the logits of the whole text, and leave the caches
of a longer prefix. -/
theorem forward_part (p : Params V C H d M α) {caches : List (Cache H P d α)} {x : Vector (Fin V) T}
    {X : Vector (Fin V) N} (h : P + T ≤ C) (hN : N ≤ C)
    (holds : StackHolds p.positions.turn a eps p.blocks caches (p.positions.embed p.tokens 0 X (by omega)))
    (part : ∀ (t : Nat) (_ : t < T) (hn : P + t < N), x[t] = X[P + t]) :
    Part P (forward a eps p caches x h).1 (logits a eps p X hN) ∧
      StackHolds p.positions.turn a eps p.blocks (forward a eps p caches x h).2 (p.positions.embed p.tokens 0 X (by omega)) := by
  have h1 := stack_part p.positions.turn a eps p.blocks caches holds (embed_part p.positions p.tokens part h (by omega))
  exact ⟨mapVec_part _ h1.1, h1.2⟩

/-- The logits after a token depend on the tokens up to it alone. -/
theorem logits_causal (p : Params V C H d M α) (x y : Vector (Fin V) T) (h : T ≤ C) (i : Nat)
    (agree : ∀ t (_ : t < T), t ≤ i → x[t] = y[t]) (t : Nat) (ht : t < T) (hi : t ≤ i) :
    (logits a eps p x h)[t] = (logits a eps p y h)[t] := by
  have h1 := (forward_part a eps p (T := t + 1) (x := build (t + 1) fun s => x[s.1]) (X := x) (P := 0) (by omega) h
    (empties_hold p.positions.turn a eps p.blocks _) (fun s hs hn => by simp)).1 t (by omega) (by omega)
  have h2 := (forward_part a eps p (T := t + 1) (x := build (t + 1) fun s => x[s.1]) (X := y) (P := 0) (by omega) h
    (empties_hold p.positions.turn a eps p.blocks _) (fun s hs hn => by simpa using agree s (by omega) (by omega))).1 t (by omega)
    (by omega)
  simp only [Nat.zero_add] at h1 h2
  rw [← h1, ← h2]

/-- The logits after each of the tokens that come one after the other, with a cache for each block. -/
def decode (p : Params V C H d M α) :
    {P : Nat} → List (Cache H P d α) → (xs : List (Fin V)) → P + xs.length ≤ C → List (Vector α V)
  | _, _, [], _ => []
  | P, caches, x :: xs, h =>
    let r := forward a eps p caches (build 1 fun _ => x) (by simp only [List.length_cons] at h; omega)
    r.1[0] :: decode p (P := P + 1) r.2 xs (by simp only [List.length_cons] at h; omega)

theorem decode_from (p : Params V C H d M α) (X : Vector (Fin V) N) (hN : N ≤ C) (xs : List (Fin V))
    (caches : List (Cache H P d α)) (h : P + xs.length ≤ C)
    (holds : StackHolds p.positions.turn a eps p.blocks caches (p.positions.embed p.tokens 0 X (by omega)))
    (rest : X.toList.drop P = xs) : decode a eps p caches xs h = (logits a eps p X hN).toList.drop P := by
  induction xs generalizing P with
  | nil =>
    rw [decode, List.drop_eq_nil_of_le]
    simpa using rest
  | cons x xs ih =>
    have hP : P < N := by
      apply Classical.byContradiction
      intro h
      rw [List.drop_eq_nil_of_le (by simp; omega)] at rest
      cases rest
    rw [List.drop_eq_getElem_cons (by simpa using hP), List.cons.injEq] at rest
    have step := forward_part a eps p (x := build 1 fun _ => x) (by omega) hN holds (fun t ht hn => by
      obtain rfl : t = 0 := by omega
      simpa using rest.1.symm)
    rw [List.drop_eq_getElem_cons (by simpa using hP), decode]
    exact List.cons_eq_cons.mpr ⟨step.1 0 (by omega) (by omega), ih _ _ step.2 rest.2⟩

/-- Decoding with a cache, token after token, gives exactly the logits of the whole text. -/
theorem decode_eq_logits (p : Params V C H d M α) (x : Vector (Fin V) N) (h : N ≤ C) :
    decode a eps p (empties p.blocks) x.toList (by simpa using h) = (logits a eps p x h).toList :=
  decode_from a eps p x h x.toList (empties p.blocks) (by simpa using h) (empties_hold p.positions.turn a eps p.blocks _) rfl

end Spec.GPT
