module
public import Spec.Law.Recurrent
public import Spec.Law.Ssd
public import Spec.Law.SsdChunks

/-!
# The chunks of a state space give what its recurrence gives

In exact arithmetic, whatever the length of the chunks: `Spec.Ssd.chunked_eq_recurrent` for the texts that runs are judged by.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind

section Sums
variable {α : Type}

theorem sumTo_append [CommRing α] (f : Nat → α) (m n : Nat) : sumTo (m + n) f = sumTo m f + sumTo n fun i => f (m + i) := by
  induction n with
  | zero => simp only [Nat.add_zero, sumTo]; grind
  | succ n ih => rw [← Nat.add_assoc, sumTo, ih, sumTo]; grind

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
    rw [upTo_exactly f pick g G hG, upTo_exactly f pick g G hG, show i.1 + 1 = j.1 + 1 + (i.1 - j.1) by omega, sumTo_append]
    grind
  have h1 : @between α ℰ Q g i j = f.exp (pick (total (entries (i.1 - j.1) fun r => g[j.1 + 1 + r.1]'(by
      have := r.2; have := i.2; omega))) (@upTo α ℰ Q g i - @upTo α ℰ Q g j)) := rfl
  rw [h1, h2, total_entries _ (fun r => G (j.1 + 1 + r)) fun r => hG (j.1 + 1 + r.1) _, same]

variable [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] (E : Exponential f.exp)
include E

omit same [Max α] in
theorem decayOver_logs (G : Nat → α) (s n : Nat) :
    decayOver (fun t => f.exp (G t)) s n = f.exp (sumTo n fun j => G (s + j)) := by
  simpa only [Semiring.one_mul] using decayOver_exp E 1 G s n

variable (xs : Array (Reading H P N α)) (k : Fin H) (p : Fin P)

omit same in
theorem decay_channel (s n : Nat) : decayOver (channel f pick xs k p).a s n =
    f.exp (sumTo n fun r => (xs.getD (s + r) (@Reading.nothing α ℰ H P N)).g[k]) :=
  decayOver_logs f E (fun t => (xs.getD t (@Reading.nothing α ℰ H P N)).g[k]) s n

omit same E [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] in
theorem logs_chunk (m r : Nat) (h : r < Q) : (logs (@chunk α ℰ H P N Q xs m) k)[r] =
    (fun r => (xs.getD (m * Q + r) (@Reading.nothing α ℰ H P N)).g[k]) r := by
  simp only [logs, chunk, getElem_build, Fin.getElem_fin]

theorem between_chunk (m : Nat) (i j : Fin Q) (h : j.1 ≤ i.1) :
    @between α ℰ Q (logs (@chunk α ℰ H P N Q xs m) k) i j =
      decayOver (channel f pick xs k p).a (m * Q + j.1 + 1) (i.1 - j.1) := by
  rw [between_exactly f pick same _ _ (logs_chunk f pick xs k m) i j h]
  refine Eq.trans ?_ (decayOver_logs f E _ _ _).symm
  congr 1
  refine sumTo_congr _ fun r _ => ?_
  show (xs.getD (m * Q + (j.1 + 1 + r)) _).g[k] = _
  rw [show m * Q + (j.1 + 1 + r) = m * Q + j.1 + 1 + r by omega]

/-- Over a chunk, an entry of the state decays by the chunk's decay, and the chunk's own state is added. -/
theorem absorb_exactly (m : Nat) (h : Image H P N α) (n : Fin N) :
    (@absorb α ℰ H P N Q (@chunk α ℰ H P N Q xs m) h)[k][p][n] =
      decayOver (channel f pick xs k p).a (m * Q) Q * h[k][p][n] + (channel f pick xs k p).chunkState (m * Q) Q n.1 := by
  have e : (@absorb α ℰ H P N Q (@chunk α ℰ H P N Q xs m) h)[k][p][n] =
      f.exp (total (entries Q fun i => (logs (@chunk α ℰ H P N Q xs m) k)[i])) * h[k][p][n] +
        total ((entries Q fun j => ((@chunk α ℰ H P N Q xs m)[j].b[n] *
          (@toEnd α ℰ Q (logs (@chunk α ℰ H P N Q xs m) k))[j], (@chunk α ℰ H P N Q xs m)[j].v[k][p])).map
            fun q => q.1 * q.2) := by
    simp only [absorb, getElem_build, Fin.getElem_fin]
    rfl
  have whole : total (entries Q fun i => (logs (@chunk α ℰ H P N Q xs m) k)[i]) =
      sumTo Q fun r => (xs.getD (m * Q + r) (@Reading.nothing α ℰ H P N)).g[k] :=
    total_entries _ _ fun i => logs_chunk f pick xs k m i.1 i.2
  have outer : f.exp (total (entries Q fun i => (logs (@chunk α ℰ H P N Q xs m) k)[i])) =
      decayOver (channel f pick xs k p).a (m * Q) Q := by rw [whole, decay_channel f pick E xs k p]
  have inner : total ((entries Q fun j => ((@chunk α ℰ H P N Q xs m)[j].b[n] *
      (@toEnd α ℰ Q (logs (@chunk α ℰ H P N Q xs m) k))[j], (@chunk α ℰ H P N Q xs m)[j].v[k][p])).map
        fun q => q.1 * q.2) = (channel f pick xs k p).chunkState (m * Q) Q n.1 := by
    refine total_products _ (fun j => decayOver (channel f pick xs k p).a (m * Q + j + 1) (Q - 1 - j) *
      ((channel f pick xs k p).B (m * Q + j) n.1 * (channel f pick xs k p).x (m * Q + j))) fun j => ?_
    have hj := j.2
    have hw : (@toEnd α ℰ Q (logs (@chunk α ℰ H P N Q xs m) k))[j] =
        decayOver (channel f pick xs k p).a (m * Q + j.1 + 1) (Q - 1 - j.1) := by
      simp only [toEnd, Fin.getElem_fin, getElem_build]
      exact between_chunk f pick same E xs k p m ⟨Q - 1, by omega⟩ j (by simp only; omega)
    simp only [hw]
    rw [mul_left_swap]
    simp only [channel, chunk, Fin.getElem_fin, getElem_build, padded_eq _ n.1 n.2]
  rw [e, outer, inner]

/-- The state before a chunk is what `Spec.Ssd` passes to it. -/
theorem before_exactly (m : Nat) (n : Fin N) :
    (@before H P N α ℰ Q xs m)[k][p][n] = (channel f pick xs k p).passed Q n.1 m := by
  induction m with
  | zero =>
    simp only [before, noState, zeros, Fin.getElem_fin, getElem_build, Ssd.passed]
    exact zero_exactly f pick
  | succ m ih =>
    have next : @before H P N α ℰ Q xs (m + 1) =
      @absorb α ℰ H P N Q (@chunk α ℰ H P N Q xs m) (@before H P N α ℰ Q xs m) := rfl
    rw [next, absorb_exactly f pick same E, ih, Ssd.passed]

/-- An output of a chunk is that of `Spec.Ssd`, and the skip connection. -/
theorem emit_exactly (d : Vector α H) (m : Nat) (i : Fin Q) :
    (@emit α ℰ H P N Q d (@chunk α ℰ H P N Q xs m) (@before H P N α ℰ Q xs m) i)[k][p] =
      (channel f pick xs k p).chunked N Q m i.1 +
        d[k] * (xs.getD (m * Q + i.1) (@Reading.nothing α ℰ H P N)).x[k][p] := by
  have hi := i.2
  have e : (@emit α ℰ H P N Q d (@chunk α ℰ H P N Q xs m) (@before H P N α ℰ Q xs m) i)[k][p] =
      d[k] * (@chunk α ℰ H P N Q xs m)[i].x[k][p] +
        (@Scalar.inner α ℰ N (@chunk α ℰ H P N Q xs m)[i].c (@before H P N α ℰ Q xs m)[k][p] *
          f.exp (@upTo α ℰ Q (logs (@chunk α ℰ H P N Q xs m) k) i) * @Scalar.int α ℰ 1 +
        total ((entries (i.1 + 1) fun j =>
          (@Scalar.inner α ℰ N (@chunk α ℰ H P N Q xs m)[i].c ((@chunk α ℰ H P N Q xs m)[j.1]'(by have := j.2; omega)).b *
            @between α ℰ Q (logs (@chunk α ℰ H P N Q xs m) k) i ⟨j.1, by have := j.2; omega⟩,
            ((@chunk α ℰ H P N Q xs m)[j.1]'(by have := j.2; omega)).v[k][p])).map fun q => q.1 * q.2)) := by
    simp only [emit, getElem_build, Fin.getElem_fin]
    rfl
  have left : f.exp (@upTo α ℰ Q (logs (@chunk α ℰ H P N Q xs m) k) i) =
      decayOver (channel f pick xs k p).a (m * Q) (i.1 + 1) := by
    rw [decay_channel f pick E xs k p]
    exact congrArg f.exp (upTo_exactly f pick _ _ (logs_chunk f pick xs k m) i)
  have inside : total ((entries (i.1 + 1) fun j =>
      (@Scalar.inner α ℰ N (@chunk α ℰ H P N Q xs m)[i].c ((@chunk α ℰ H P N Q xs m)[j.1]'(by have := j.2; omega)).b *
        @between α ℰ Q (logs (@chunk α ℰ H P N Q xs m) k) i ⟨j.1, by have := j.2; omega⟩,
        ((@chunk α ℰ H P N Q xs m)[j.1]'(by have := j.2; omega)).v[k][p])).map fun q => q.1 * q.2) =
      sumTo (i.1 + 1) fun j => (channel f pick xs k p).matrix N (m * Q + i.1) (m * Q + j) *
        (channel f pick xs k p).x (m * Q + j) := by
    refine total_products _ _ fun j => ?_
    have hj := j.2
    simp only [between_chunk f pick same E xs k p m i ⟨j.1, by omega⟩ (by simp only; omega), inner_padded]
    rw [Ssd.matrix, if_pos (by omega), show m * Q + i.1 - (m * Q + j.1) = i.1 - j.1 by omega]
    simp only [channel, chunk, Fin.getElem_fin, getElem_build]
  have outside : @Scalar.inner α ℰ N (@chunk α ℰ H P N Q xs m)[i].c (@before H P N α ℰ Q xs m)[k][p] *
      decayOver (channel f pick xs k p).a (m * Q) (i.1 + 1) = sumTo N fun n => (channel f pick xs k p).C (m * Q + i.1) n *
        (decayOver (channel f pick xs k p).a (m * Q) (i.1 + 1) * (channel f pick xs k p).passed Q n m) := by
    rw [inner_padded, ← sumTo_mul]
    refine sumTo_congr _ fun n hn => ?_
    have h := before_exactly f pick same E xs k p (Q := Q) m ⟨n, hn⟩
    rw [padded_eq (@before H P N α ℰ Q xs m)[k][p] n hn, ← h, ← mul_right_swap]
    simp only [channel, chunk, Fin.getElem_fin, getElem_build]
  rw [e, left, inside, outside, int_one f pick, Ssd.chunked, add_turned]
  simp only [chunk, Fin.getElem_fin, getElem_build]

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
    have e (h : Image H P N α) (s : Reading H P N α) : (@advance α ℰ H P N h s)[k][p][n] =
        f.exp s.g[k] * h[k][p][n] + s.v[k][p] * s.b[n] := by
      simp only [advance, getElem_build, Fin.getElem_fin]
      rfl
    rw [List.take_add_one, List.foldl_append, stateAfter_succ, ← ih (by omega)]
    simp only [ht', List.getElem?_eq_getElem, Option.toList_some, List.foldl_cons, List.foldl_nil]
    rw [e]
    simp only [channel, at_, padded_eq _ n.1 n.2]
    rw [CommSemiring.mul_comm ss[t].v[k][p]]
    rfl

/-- In exact arithmetic a state space computed in chunks has the outputs of its recurrence, for every length of the chunks. -/
theorem chunked_eq_recurrent (hQ : 0 < Q) (d : Vector α H) (ss : List (Reading H P N α)) :
    @chunked α ℰ H P N Q hQ d ss = @recurrent α ℰ H P N d (@noState α ℰ H P N) ss := by
  apply List.ext_getElem
  · rw [@length_chunked _ _ _ _ α ℰ, @length_recurrent _ _ _ α ℰ]
  intro t h1 h2
  have ht : t < ss.length := by rwa [@length_chunked _ _ _ _ α ℰ] at h1
  rw [@getElem_chunked _ _ _ _ α ℰ hQ d ss t ht, @getElem_recurrent _ _ _ α ℰ d _ ss t ht]
  apply Vector.ext
  intro k hk
  apply Vector.ext
  intro p hp
  have emitted := emit_exactly f pick same E ss.toArray ⟨k, hk⟩ ⟨p, hp⟩ d (t / Q) ⟨t % Q, Nat.mod_lt _ hQ⟩
  have place : t / Q * Q + t % Q = t := by rw [Nat.mul_comm]; exact Nat.div_add_mod t Q
  simp only [Fin.getElem_fin] at emitted
  rw [emitted, Ssd.chunked_eq_recurrent, place]
  have read : (@readout α ℰ H P N d ss[t] ((ss.take (t + 1)).foldl (@advance α ℰ H P N) (@noState α ℰ H P N)))[k][p] =
      d[k] * ss[t].x[k][p] + total ((entries N fun n => (ss[t].c[n],
        ((ss.take (t + 1)).foldl (@advance α ℰ H P N) (@noState α ℰ H P N))[k][p][n])).map fun q => q.1 * q.2) := by
    simp only [readout, getElem_build]
    rfl
  have at_ : ss.toArray.getD t (@Reading.nothing α ℰ H P N) = ss[t] := by simp [ht]
  rw [read, at_, Ssd.recurrent, total_products _ _ fun n => ?_]
  · exact Semiring.add_comm _ _
  · have h := state_exactly f pick ⟨k, hk⟩ ⟨p, hp⟩ ss n (t + 1) ht
    simp only [Fin.getElem_fin] at h
    simp only [Fin.getElem_fin]
    rw [h]
    simp only [channel, at_, padded_eq _ n.1 n.2]

end Exact
end Mamba2
end Spec
