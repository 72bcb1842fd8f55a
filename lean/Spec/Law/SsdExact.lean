module
public import Spec.Law.Recurrent
public import Spec.Law.Ssd
public import Spec.Law.SsdChunks

/-!
# The chunks of a state space give what its recurrence gives

In exact arithmetic, whatever the length of the chunks: `Spec.Ssd.chunked_eq_recurrent` for the texts that judge runs.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind

section Sums
variable {α : Type}

theorem sumTo_append [CommRing α] (f : Nat → α) (m n : Nat) :
    sumTo (m + n) f = sumTo m f + sumTo n fun i => f (m + i) := by
  induction n with
  | zero => simp only [Nat.add_zero, sumTo]; grind
  | succ n ih => rw [← Nat.add_assoc, sumTo, ih, sumTo]; grind

theorem decayOver_congr [CommRing α] {a b : Nat → α} {s t n : Nat} (h : ∀ r, a (s + r) = b (t + r)) :
    decayOver a s n = decayOver b t n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [decayOver, decayOver, ih, h]

theorem mul_left_swap [CommRing α] (a b c : α) : a * b * c = b * (a * c) := by grind

theorem mul_right_swap [CommRing α] (a b c : α) : a * b * c = a * (c * b) := by grind

theorem add_turned [CommRing α] (a b c : α) : a + (b * 1 + c) = c + b + a := by grind

variable [Field α] {n : Nat}

theorem total_entries (F : Fin n → α) (G : Nat → α) (h : ∀ i : Fin n, F i = G i.1) : total (entries n F) = sumTo n G := by
  rw [entries_eq_ofFn]
  induction n with
  | zero => rfl
  | succ n ih =>
    rw [List.ofFn_succ_last, total_append, ih (fun i => F i.castSucc) fun i => h i.castSucc, sumTo]
    simp only [total, List.foldr_cons, List.foldr_nil]
    rw [h (Fin.last n), Fin.val_last]
    grind

theorem total_products (F : Fin n → α × α) (G : Nat → α) (h : ∀ i : Fin n, (F i).1 * (F i).2 = G i.1) :
    total ((entries n F).map fun p => p.1 * p.2) = sumTo n G := by
  rw [entries_eq_ofFn, map_ofFn, ← entries_eq_ofFn]
  exact total_entries _ _ h

end Sums

namespace Mamba2
variable {H P N Q : Nat}

section Exact
attribute [local instance] Semiring.natCast Ring.intCast
variable {α : Type} [Field α] [Max α] (f : Functions α) (pick : α → α → α)
local notation "ℰ" => exactly f pick

/-- An entry of a vector, or 0 beyond it. -/
def padded (x : Vector α N) (n : Nat) : α := if h : n < N then x[n] else 0

omit [Max α] in
theorem padded_eq (x : Vector α N) (n : Nat) (h : n < N) : padded x n = x[n] := dif_pos h

/-- One channel of a head on a sequence, as `Spec.Ssd` follows it. -/
def channel (xs : Array (Reading H P N α)) (k : Fin H) (p : Fin P) : Ssd α where
  a t := f.exp (xs.getD t (@Reading.nothing α ℰ H P N)).g[k]
  B t := padded (xs.getD t (@Reading.nothing α ℰ H P N)).b
  C t := padded (xs.getD t (@Reading.nothing α ℰ H P N)).c
  x t := (xs.getD t (@Reading.nothing α ℰ H P N)).v[k][p]

theorem zero_exactly : @Scalar.zero α ℰ = 0 := by
  show ((0 : Int) : α) / ((1 : Nat) : α) = 0
  grind

theorem inner_padded (x y : Vector α N) : @Scalar.inner α ℰ N x y = sumTo N fun n => padded x n * padded y n := by
  rw [inner_exactly, product, ← entries_eq_ofFn]
  exact total_entries _ _ fun i => by rw [padded_eq x i.1 i.2, padded_eq y i.1 i.2]; rfl

theorem upTo_exactly (g : Vector α Q) (G : Nat → α) (hG : ∀ r (h : r < Q), g[r] = G r) (i : Fin Q) :
    @upTo α ℰ Q g i = sumTo (i.1 + 1) G := by
  unfold upTo
  exact total_entries _ _ fun r => hG r.1 _

variable (same : ∀ x, pick x x = x)
include same

theorem between_exactly (g : Vector α Q) (G : Nat → α) (hG : ∀ r (h : r < Q), g[r] = G r) (i j : Fin Q) (h : j.1 ≤ i.1) :
    @between α ℰ Q g i j = f.exp (sumTo (i.1 - j.1) fun r => G (j.1 + 1 + r)) := by
  have h2 : @upTo α ℰ Q g i - @upTo α ℰ Q g j = sumTo (i.1 - j.1) fun r => G (j.1 + 1 + r) := by
    rw [upTo_exactly f pick g G hG, upTo_exactly f pick g G hG, show i.1 + 1 = j.1 + 1 + (i.1 - j.1) by omega,
      sumTo_append]
    grind
  have h1 : @between α ℰ Q g i j = f.exp (pick (total (entries (i.1 - j.1) fun r => g[j.1 + 1 + r.1]'(by
      have := r.2; have := i.2; omega))) (@upTo α ℰ Q g i - @upTo α ℰ Q g j)) := rfl
  rw [h1, h2, total_entries _ (fun r => G (j.1 + 1 + r)) fun r => hG (j.1 + 1 + r.1) _, same]

variable [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] (E : Exponential f.exp)
include E

/-- In exact arithmetic the decay between two places of a chunk is the product of the decays of the steps between them,
whether the text's sum is taken or the difference of two sums from the chunk's start. -/
theorem between_eq_decayOver (g : Vector α Q) (G : Nat → α) (hG : ∀ r (h : r < Q), g[r] = G r) (i j : Fin Q) (h : j.1 ≤ i.1) :
    @between α ℰ Q g i j = decayOver (fun t => f.exp (G t)) (j.1 + 1) (i.1 - j.1) := by
  have one := decayOver_exp E 1 G (j.1 + 1) (i.1 - j.1)
  simp only [Semiring.one_mul] at one
  rw [between_exactly f pick same g G hG i j h, one]

variable (xs : Array (Reading H P N α)) (k : Fin H) (p : Fin P)

omit same in
theorem decay_channel (s n : Nat) : decayOver (channel f pick xs k p).a s n =
    f.exp (sumTo n fun r => (xs.getD (s + r) (@Reading.nothing α ℰ H P N)).g[k]) := by
  simpa only [Semiring.one_mul] using decayOver_exp E 1 (fun t => (xs.getD t (@Reading.nothing α ℰ H P N)).g[k]) s n

omit same E [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] in
theorem logs_chunk (m r : Nat) (h : r < Q) : (logs (@chunk α ℰ H P N Q xs m) k)[r] =
    (fun r => (xs.getD (m * Q + r) (@Reading.nothing α ℰ H P N)).g[k]) r := by
  simp only [logs, chunk, getElem_build, Fin.getElem_fin]

theorem between_chunk (m : Nat) (i j : Fin Q) (h : j.1 ≤ i.1) :
    @between α ℰ Q (logs (@chunk α ℰ H P N Q xs m) k) i j =
      decayOver (channel f pick xs k p).a (m * Q + j.1 + 1) (i.1 - j.1) := by
  rw [between_eq_decayOver f pick same E _ _ (logs_chunk f pick xs k m) i j h]
  refine decayOver_congr fun r => ?_
  show f.exp (xs.getD (m * Q + (j.1 + 1 + r)) _).g[k] = _
  rw [show m * Q + (j.1 + 1 + r) = m * Q + j.1 + 1 + r by omega]
  rfl

/-- Over a chunk, an entry of the state decays by the chunk's decay, and the chunk's own state is added. -/
theorem absorb_exactly (m : Nat) (h : Image H P N α) (n : Fin N) :
    (@absorb α ℰ H P N Q (@chunk α ℰ H P N Q xs m) h)[k][p][n] =
      decayOver (channel f pick xs k p).a (m * Q) Q * h[k][p][n] + (channel f pick xs k p).chunkState (m * Q) Q n.1 := by
  rw [@getElem_absorb α ℰ H P N Q]
  refine congr (congrArg HAdd.hAdd (congrArg (· * h[k][p][n]) ?_)) ?_
  · rw [decay_channel f pick E xs k p]
    exact congrArg f.exp (total_entries _ _ fun i => logs_chunk f pick xs k m i.1 i.2)
  · refine total_products _ _ fun j => ?_
    have hj := j.2
    rw [between_chunk f pick same E xs k p m ⟨Q - 1, by omega⟩ j (by simp only; omega), mul_left_swap]
    simp only [Fin.getElem_fin, @getElem_chunk α ℰ H P N Q, channel, padded_eq _ n.1 n.2]

/-- The state before a chunk is what `Spec.Ssd` passes to it. -/
theorem before_exactly (m : Nat) (n : Fin N) :
    (@before α ℰ H P N Q xs m)[k][p][n] = (channel f pick xs k p).passed Q n.1 m := by
  induction m with
  | zero =>
    simp only [before, noState, zeros, Fin.getElem_fin, getElem_build, Ssd.passed]
    exact zero_exactly f pick
  | succ m ih =>
    have next : @before α ℰ H P N Q xs (m + 1) =
      @absorb α ℰ H P N Q (@chunk α ℰ H P N Q xs m) (@before α ℰ H P N Q xs m) := rfl
    rw [next, absorb_exactly f pick same E, ih, Ssd.passed]

/-- An output of a chunk is that of `Spec.Ssd`, and the skip connection. -/
theorem emit_exactly (d : Vector α H) (m : Nat) (i : Fin Q) :
    (@emit α ℰ H P N Q d (@chunk α ℰ H P N Q xs m) (@before α ℰ H P N Q xs m) i)[k][p] =
      (channel f pick xs k p).chunked N Q m i.1 +
        d[k] * (xs.getD (m * Q + i.1) (@Reading.nothing α ℰ H P N)).x[k][p] := by
  have hi := i.2
  have left : f.exp (@upTo α ℰ Q (logs (@chunk α ℰ H P N Q xs m) k) i) =
      decayOver (channel f pick xs k p).a (m * Q) (i.1 + 1) := by
    rw [decay_channel f pick E xs k p]
    exact congrArg f.exp (upTo_exactly f pick _ _ (logs_chunk f pick xs k m) i)
  have outside : @Scalar.inner α ℰ N (@chunk α ℰ H P N Q xs m)[i].c (@before α ℰ H P N Q xs m)[k][p] *
      f.exp (@upTo α ℰ Q (logs (@chunk α ℰ H P N Q xs m) k) i) =
        sumTo N fun n => (channel f pick xs k p).C (m * Q + i.1) n *
        (decayOver (channel f pick xs k p).a (m * Q) (i.1 + 1) * (channel f pick xs k p).passed Q n m) := by
    rw [left, inner_padded, ← sumTo_mul]
    refine sumTo_congr _ fun n hn => ?_
    rw [padded_eq (@before α ℰ H P N Q xs m)[k][p] n hn, ← before_exactly f pick same E xs k p (Q := Q) m ⟨n, hn⟩,
      ← mul_right_swap]
    simp only [Fin.getElem_fin, @getElem_chunk α ℰ H P N Q, channel]
  rw [@getElem_emit α ℰ H P N Q, Ssd.chunked, ← outside]
  refine Eq.trans (congrArg (fun v => _ + (_ * @Scalar.int α ℰ 1 + v)) (total_products _ (fun j =>
    (channel f pick xs k p).matrix N (m * Q + i.1) (m * Q + j) * (channel f pick xs k p).x (m * Q + j)) fun j => ?_)) ?_
  · have hj := j.2
    simp only [between_chunk f pick same E xs k p m i ⟨j.1, by omega⟩ (by simp only; omega), inner_padded]
    rw [Ssd.matrix, if_pos (by omega), show m * Q + i.1 - (m * Q + j.1) = i.1 - j.1 by omega]
    simp only [channel, Fin.getElem_fin, @getElem_chunk α ℰ H P N Q]
  · rw [int_one f pick, ← @getElem_chunk α ℰ H P N Q xs m i.1 i.2]
    exact add_turned _ _ _

omit same E [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] in
/-- The state after `t` steps is the recurrence's. -/
theorem state_exactly (ss : List (Reading H P N α)) (n : Fin N) (t : Nat) (ht : t ≤ ss.length) :
    ((ss.take t).foldl (@advance α ℰ H P N) (@noState α ℰ H P N))[k][p][n] =
      stateAfter 0 (channel f pick ss.toArray k p).a
        (fun r => (channel f pick ss.toArray k p).B r n.1 * (channel f pick ss.toArray k p).x r) t := by
  induction t with
  | zero =>
    simp only [List.take_zero, List.foldl_nil, noState, zeros, Fin.getElem_fin, getElem_build]
    exact zero_exactly f pick
  | succ t ih =>
    have ht' : t < ss.length := ht
    have at_ : ss.toArray.getD t (@Reading.nothing α ℰ H P N) = ss[t] := by simp [ht']
    rw [List.take_add_one, List.foldl_append, stateAfter_succ, ← ih (by omega)]
    simp only [ht', List.getElem?_eq_getElem, Option.toList_some, List.foldl_cons, List.foldl_nil]
    rw [@getElem_advance α ℰ H P N]
    simp only [channel, at_, padded_eq _ n.1 n.2]
    rw [CommSemiring.mul_comm (ss[t].b[n.1])]
    rfl

/-- In exact arithmetic a state space computed in chunks has the outputs of its recurrence, for every length of the
chunks. -/
theorem chunked_eq_recurrent (hQ : 0 < Q) (d : Vector α H) (ss : List (Reading H P N α)) :
    @chunked α ℰ H P N Q hQ d ss = @recurrent α ℰ H P N d (@noState α ℰ H P N) ss := by
  apply List.ext_getElem
  · rw [@length_chunked α ℰ, @length_recurrent α ℰ]
  intro t h1 h2
  have ht : t < ss.length := by rwa [@length_chunked α ℰ] at h1
  rw [@getElem_chunked α ℰ _ _ _ _ hQ d ss t ht, @getElem_recurrent α ℰ _ _ _ d _ ss t ht]
  apply Vector.ext
  intro k hk
  apply Vector.ext
  intro p hp
  have emitted := emit_exactly f pick same E ss.toArray ⟨k, hk⟩ ⟨p, hp⟩ d (t / Q) ⟨t % Q, Nat.mod_lt _ hQ⟩
  have read := @getElem_readout α ℰ H P N d ss[t] ((ss.take (t + 1)).foldl (@advance α ℰ H P N) (@noState α ℰ H P N))
    ⟨k, hk⟩ ⟨p, hp⟩
  have place : t / Q * Q + t % Q = t := by rw [Nat.mul_comm]; exact Nat.div_add_mod t Q
  have at_ : ss.toArray.getD t (@Reading.nothing α ℰ H P N) = ss[t] := by simp [ht]
  rw [Ssd.chunked_eq_recurrent, place, at_] at emitted
  refine emitted.trans (Eq.trans ?_ read.symm)
  refine Eq.trans (Semiring.add_comm _ _) (congrArg (d[k] * ss[t].x[k][p] + ·) ?_)
  refine (total_products _ _ fun n => ?_).symm
  have h := state_exactly f pick ⟨k, hk⟩ ⟨p, hp⟩ ss n (t + 1) ht
  simp only [h]
  simp only [channel, at_, padded_eq _ n.1 n.2]
  rfl

end Exact
end Mamba2
end Spec
