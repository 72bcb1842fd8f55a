module
public import Spec.Law.OnlineSoftmax
public import Spec.Layer.CrossEntropy

/-!
# Laws of the cross-entropy

`log Σⱼ exp xⱼ - xᵢ` of the logits `x` and the label `i`, in exact arithmetic: in any ordered field with an exponential
function and a logarithm.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind

variable {α : Type} [Field α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] {n : Nat}

/-- What the cross-entropy needs of `exp` and `log`. -/
structure Logarithm (exp log : α → α) : Prop extends Exponential exp where
  /-- The exponential is above its tangent at 0. -/
  tangent : ∀ x, 1 + x ≤ exp x
  /-- The logarithm inverts it. -/
  exp_log : ∀ x, 0 < x → exp (log x) = x

section
variable {exp log : α → α} (L : Logarithm exp log)
include L

theorem Logarithm.le_of_exp_le {x y : α} (h : exp x ≤ exp y) : x ≤ y := by
  apply Classical.byContradiction
  intro hn
  have h1 := L.tangent (x - y)
  have h2 := L.toExponential.sub_mul x y
  have h3 := L.pos y
  have h4 := OrderedRing.mul_pos (show 0 < exp (x - y) - 1 by grind) h3
  grind

theorem exp_logSumExp (m : α) (x : Vector α n) (hn : 0 < n) :
    exp (m + log (total (List.ofFn fun j : Fin n => exp (x[j] - m)))) = total (List.ofFn fun j : Fin n => exp x[j]) := by
  have h1 : 0 < total (List.ofFn fun j : Fin n => exp (x[j] - m)) := by
    have := total_exp_pos L.toExponential (build n fun j => x[j] - m) hn
    simpa only [Fin.getElem_fin, getElem_build] using this
  have h2 : (fun j : Fin n => exp x[j]) = fun j => exp (x[j] - m) * exp m :=
    funext fun j => (L.toExponential.sub_mul _ _).symm
  rw [L.add, L.exp_log _ h1, h2, total_ofFn_mul]
  grind

end

variable [Max α] (f : Functions α) (pick : α → α → α) {log : α → α} (L : Logarithm f.exp log)

omit [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α] in
theorem crossEntropy_exactly (m : α) (x : Vector α n) (i : Fin n) : @crossEntropy α (exactly f pick) n log m x i =
    m + log (total (List.ofFn fun j : Fin n => f.exp (x[j] - m))) - x[i] := by
  unfold crossEntropy
  rw [entries_eq_ofFn]
  rfl

include L

/-- The reference does not matter. -/
theorem crossEntropy_shift (m k : α) (x : Vector α n) (i : Fin n) :
    @crossEntropy α (exactly f pick) n log m x i = @crossEntropy α (exactly f pick) n log k x i := by
  have hn : 0 < n := by have := i.2; omega
  have h1 := exp_logSumExp L m x hn
  have h2 := exp_logSumExp L k x hn
  have le (a b : α) (e : f.exp a = f.exp b) : a ≤ b := L.le_of_exp_le (by rw [e]; exact Std.le_refl _)
  have h3 := le _ _ (h1.trans h2.symm)
  have h4 := le _ _ (h2.trans h1.symm)
  rw [crossEntropy_exactly, crossEntropy_exactly]
  grind

/-- The cross-entropy is not negative: the logarithm of the sum is at least every logit. -/
theorem crossEntropy_nonneg (m : α) (x : Vector α n) (i : Fin n) : 0 ≤ @crossEntropy α (exactly f pick) n log m x i := by
  have hn : 0 < n := by have := i.2; omega
  have member (xs : List α) (pos : ∀ y ∈ xs, 0 < y) (y : α) (hy : y ∈ xs) : y ≤ total xs := by
    induction xs with
    | nil => simp at hy
    | cons z xs ih =>
      have h1 := pos z (by simp)
      have h2 := total_nonneg xs fun y hy => pos y (by simp [hy])
      rcases List.mem_cons.mp hy with rfl | hy
      · simp only [total, List.foldr_cons] at h2 ⊢; grind
      · have h3 := ih (fun y hy => pos y (by simp [hy])) hy
        simp only [total, List.foldr_cons] at h3 ⊢; grind
  have h1 := member (List.ofFn fun j : Fin n => f.exp x[j])
    (by simp only [List.mem_ofFn]; rintro _ ⟨j, rfl⟩; exact L.pos _) (f.exp x[i])
    (by simp only [List.mem_ofFn]; exact ⟨i, rfl⟩)
  rw [← exp_logSumExp L m x hn] at h1
  have h2 := L.le_of_exp_le h1
  rw [crossEntropy_exactly]
  grind

end Spec
