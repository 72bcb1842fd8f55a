module
public import Spec.Layer.Ssd
public import Spec.Law.Scan
public import Spec.Law.OnlineSoftmax

/-!
# Laws of state-space duality

The recurrence, the masked matrix and the chunked form have the same outputs, over any commutative ring. The whole decay of a
chunk is one exponential, in any ordered field with an exponential function.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind

section Ring
variable {α : Type} [CommRing α]

theorem sumTo_congr {f g : Nat → α} (n : Nat) (h : ∀ i, i < n → f i = g i) : sumTo n f = sumTo n g := by
  induction n with
  | zero => rfl
  | succ n ih => rw [sumTo, sumTo, ih fun i hi => h i (by omega), h n (by omega)]

theorem sumTo_add (f g : Nat → α) (n : Nat) : sumTo n (fun i => f i + g i) = sumTo n f + sumTo n g := by
  induction n with
  | zero => simp only [sumTo]; grind
  | succ n ih => simp only [sumTo, ih]; grind

theorem mul_sumTo (c : α) (f : Nat → α) (n : Nat) : sumTo n (fun i => c * f i) = c * sumTo n f := by
  induction n with
  | zero => simp only [sumTo]; grind
  | succ n ih => simp only [sumTo, ih]; grind

theorem sumTo_mul (f : Nat → α) (c : α) (n : Nat) : sumTo n (fun i => f i * c) = sumTo n f * c := by
  induction n with
  | zero => simp only [sumTo]; grind
  | succ n ih => simp only [sumTo, ih]; grind

theorem sumTo_zero (n : Nat) : sumTo n (fun _ => (0 : α)) = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => simp only [sumTo, ih]; grind

theorem sumTo_swap (f : Nat → Nat → α) (m n : Nat) :
    sumTo m (fun i => sumTo n fun j => f i j) = sumTo n fun j => sumTo m fun i => f i j := by
  induction m with
  | zero => simp only [sumTo, sumTo_zero]
  | succ m ih => simp only [sumTo, ih, sumTo_add]

theorem stateAfter_succ (h : α) (a b : Nat → α) (n : Nat) :
    stateAfter h a b (n + 1) = a n * stateAfter h a b n + b n := by
  simp only [stateAfter, firstSteps, List.range_succ, List.map_append, scanFold_append]
  rfl

/-- The state `n` steps after time `s`: the state at `s`, decayed, and each input, decayed since it came in. -/
theorem stateAfter_add (h : α) (a b : Nat → α) (s n : Nat) :
    stateAfter h a b (s + n) = decayOver a s n * stateAfter h a b s +
      sumTo n fun j => decayOver a (s + j + 1) (n - 1 - j) * b (s + j) := by
  induction n with
  | zero => simp only [Nat.add_zero, decayOver, sumTo]; grind
  | succ n ih =>
    have h1 : sumTo n (fun j => decayOver a (s + j + 1) (n + 1 - 1 - j) * b (s + j)) =
        a (s + n) * sumTo n fun j => decayOver a (s + j + 1) (n - 1 - j) * b (s + j) := by
      rw [← mul_sumTo]
      refine sumTo_congr n fun j hj => ?_
      rw [show n + 1 - 1 - j = n - 1 - j + 1 by omega, decayOver, show s + j + 1 + (n - 1 - j) = s + n by omega]
      grind
    rw [← Nat.add_assoc, stateAfter_succ, ih, sumTo, h1, show n + 1 - 1 - n = 0 by omega, decayOver, decayOver]
    grind

namespace Ssd
variable (p : Ssd α) (N : Nat)

theorem output_from (t s : Nat) (hs : s ≤ t) :
    p.recurrent N t = sumTo (t - s + 1) (fun j => p.matrix N t (s + j) * p.x (s + j)) +
      sumTo N fun n => p.C t n * (decayOver p.a s (t - s + 1) * stateAfter 0 p.a (fun r => p.B r n * p.x r) s) := by
  have h1 (n : Nat) : p.C t n * stateAfter 0 p.a (fun r => p.B r n * p.x r) (t + 1) =
      sumTo (t - s + 1) (fun j => p.C t n * (decayOver p.a (s + j + 1) (t - s - j) * (p.B (s + j) n * p.x (s + j)))) +
        p.C t n * (decayOver p.a s (t - s + 1) * stateAfter 0 p.a (fun r => p.B r n * p.x r) s) := by
    rw [show t + 1 = s + (t - s + 1) by omega, stateAfter_add, show t - s + 1 - 1 = t - s by omega, mul_sumTo]
    grind
  unfold recurrent
  simp only [h1, sumTo_add]
  rw [sumTo_swap]
  congr 1
  refine sumTo_congr _ fun j hj => ?_
  rw [matrix, if_pos (by omega), show t - (s + j) = t - s - j by omega, ← sumTo_mul, ← sumTo_mul]
  exact sumTo_congr N fun n _ => by grind

/-- The recurrence is the product with the masked matrix, which has a row for each of `T` times and a column for each. -/
theorem recurrent_eq_matrix (t T : Nat) (ht : t < T) :
    p.recurrent N t = sumTo T fun s => p.matrix N t s * p.x s := by
  have h1 : p.recurrent N t = sumTo (t + 1) fun s => p.matrix N t s * p.x s := by
    have h0 : (fun n => p.C t n * (decayOver p.a 0 (t - 0 + 1) * stateAfter 0 p.a (fun r => p.B r n * p.x r) 0)) =
        fun _ => 0 := by
      funext n
      rw [show stateAfter 0 p.a (fun r => p.B r n * p.x r) 0 = 0 from rfl]
      grind
    rw [output_from p N t 0 (by omega), h0, sumTo_zero]
    simp only [Nat.zero_add, Nat.sub_zero]
    grind
  have h2 (m : Nat) : sumTo (t + 1 + m) (fun s => p.matrix N t s * p.x s) =
      sumTo (t + 1) fun s => p.matrix N t s * p.x s := by
    induction m with
    | zero => rfl
    | succ m ih =>
      rw [← Nat.add_assoc, sumTo, ih, matrix, if_neg (by omega)]
      grind
  rw [h1, ← h2 (T - (t + 1)), show t + 1 + (T - (t + 1)) = T by omega]

/-- The state that is passed to chunk `k` is that of the recurrence. -/
theorem passed_eq (Q k n : Nat) :
    p.passed Q n k = stateAfter 0 p.a (fun r => p.B r n * p.x r) (k * Q) := by
  induction k with
  | zero => rw [Nat.zero_mul]; rfl
  | succ k ih => rw [passed, Nat.add_mul, Nat.one_mul, stateAfter_add, ih]; rfl

/-- The chunked form is the recurrence, for every length of the chunks. -/
theorem chunked_eq_recurrent (Q k i : Nat) : p.chunked N Q k i = p.recurrent N (k * Q + i) := by
  rw [output_from p N (k * Q + i) (k * Q) (by omega), chunked, show k * Q + i - k * Q = i by omega]
  simp only [passed_eq]

end Ssd

end Ring

section Exponential
variable {α : Type} [Field α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α]
variable {exp : α → α} (E : Exponential exp)
include E

/-- The whole decay of `n` steps of lengths `Δ` is `exp(A ΣΔ)`. -/
theorem decayOver_exp (A : α) (Δ : Nat → α) (s n : Nat) :
    decayOver (fun t => exp (A * Δ t)) s n = exp (A * sumTo n fun j => Δ (s + j)) := by
  induction n with
  | zero => rw [decayOver, sumTo, show A * (0 : α) = 0 by grind, E.zero]
  | succ n ih => rw [decayOver, ih, sumTo, ← E.add, ← Semiring.left_distrib]

/-- A chunk of `n` steps may take the sums of the lengths of its steps, and one exponential each, in the place of products of
decays. -/
theorem stateAfter_exp (h A : α) (Δ b : Nat → α) (s n : Nat) :
    stateAfter h (fun t => exp (A * Δ t)) b (s + n) =
      exp (A * sumTo n fun j => Δ (s + j)) * stateAfter h (fun t => exp (A * Δ t)) b s +
        sumTo n fun j => exp (A * sumTo (n - 1 - j) fun i => Δ (s + j + 1 + i)) * b (s + j) := by
  simp only [stateAfter_add, decayOver_exp E]

end Exponential
end Spec
