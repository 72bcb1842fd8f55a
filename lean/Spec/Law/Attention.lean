module
public import Spec.Law.Exact
public import Spec.Layer.Attention

/-!
# Laws of layer normalization and attention

They hold in exact arithmetic: in any field, ordered where it is said, with the named functions. The real numbers
are an example.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast

section Readings
variable {α : Type} [Field α] [Max α] (f : Functions α) (pick : α → α → α) (same : ∀ x, pick x x = x)
  {n S d : Nat}

include same

/-- A quotient is the product with the reciprocal, whichever is computed. -/
theorem ratio_exactly (x s : α) : @ratio α (exactly f pick) x s = x / s := by
  have h : x * (((1 : Int) : α) / ((1 : Nat) : α) / s) = x / s := by grind
  exact (congrArg (pick (x / s)) h).trans (same _)

theorem average_exactly (s : α) : @average α (exactly f pick) n s = s / (n : α) := by
  have h1 : s / (((Int.ofNat n : Int) : α) / ((1 : Nat) : α)) = s / (n : α) := by rw [int_exactly]
  have h2 : s * (((1 : Int) : α) / (n : α)) = s / (n : α) := by grind
  exact (congr (congrArg pick h1) h2).trans (same _)

/-- All readings of layer normalization, with quotients or with products by reciprocals in every place, are
equal. -/
theorem layerNorm_readings (w b : Vector α n) (eps : α) (x : Vector α n) :
    @layerNorm α (exactly f pick) n w b eps x = @layerNorm α (exactly f fun y _ => y) n w b eps x := by
  simp only [layerNorm, deviation, centred, mean, ratio_exactly f pick same,
    ratio_exactly f (fun y _ => y) (fun _ => rfl), average_exactly f pick same,
    average_exactly f (fun y _ => y) (fun _ => rfl)]
  rfl

/-- All readings of the scores are `Σᵢ qᵢ kᵢ / √d`: the scale can be applied to the sum or to the query. -/
theorem getElem_scoreRow (q : Vector α d) (k : Mat S d α) (s : Nat) (hs : s < S) :
    (@scoreRow α (exactly f pick) S d q k)[s] =
      total (List.ofFn fun i : Fin d => q[i] * k[s][i]) / f.sqrt (d : α) := by
  have hi (x : Vector α d) : @Scalar.inner α (exactly f pick) d x k[s] =
      total (List.ofFn fun i : Fin d => x[i] * k[s][i]) := by
    simp only [Scalar.inner, entries_eq_ofFn]
    exact congrArg total (map_ofFn _ _)
  have hr : @Scalar.sqrt α (exactly f pick) (@Scalar.int α (exactly f pick) (Int.ofNat d)) = f.sqrt (d : α) :=
    congrArg f.sqrt (int_exactly d)
  have hq : total (List.ofFn fun i : Fin d => q[i] / f.sqrt (d : α) * k[s][i]) =
      total (List.ofFn fun i : Fin d => q[i] * k[s][i]) / f.sqrt (d : α) := by
    rw [show (fun i : Fin d => q[i] / f.sqrt (d : α) * k[s][i]) =
      fun i : Fin d => q[i] * k[s][i] * (f.sqrt (d : α))⁻¹ from funext fun i => by grind, total_ofFn_mul]
    grind
  simp only [scoreRow, getElem_build, ratio_exactly f pick same, hi, hr, mapVec, Fin.getElem_fin]
  simp only [Fin.getElem_fin] at hq
  rw [hq]
  exact same _

end Readings

section Softmax
variable {α : Type} [Field α] [Max α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α]
  [OrderedRing α]
variable (f : Functions α) (pick : α → α → α) (same : ∀ x, pick x x = x) {n : Nat}

/-- What softmax needs of `exp`. -/
structure Exponential (exp : α → α) : Prop where
  /-- Sums become products. -/
  add : ∀ x y, exp (x + y) = exp x * exp y
  /-- Every value is positive. -/
  pos : ∀ x, 0 < exp x

omit [Max α] in
theorem total_nonneg (xs : List α) (h : ∀ x ∈ xs, 0 < x) : 0 ≤ total xs := by
  induction xs with
  | nil => simp only [total, List.foldr_nil]; grind
  | cons x xs ih =>
    have h1 := h x (by simp)
    have h2 := ih fun y hy => h y (by simp [hy])
    simp only [total, List.foldr_cons] at h2 ⊢
    grind

omit [Max α] in
/-- The sum of the exponentials of at least one number is positive. -/
theorem total_exp_pos {exp : α → α} (E : Exponential exp) (x : Vector α n) (hn : 0 < n) :
    0 < total (List.ofFn fun i : Fin n => exp x[i]) := by
  obtain ⟨m, rfl⟩ : ∃ m, n = m + 1 := ⟨n - 1, by omega⟩
  rw [List.ofFn_succ]
  have h1 := E.pos x[(0 : Fin (m + 1))]
  have h2 := total_nonneg (List.ofFn fun i : Fin m => exp x[i.succ])
    (by simp only [List.mem_ofFn]; rintro _ ⟨i, rfl⟩; exact E.pos _)
  simp only [total, List.foldr_cons] at h2 ⊢
  grind

variable (E : Exponential f.exp)
include same E

/-- Subtracting the largest entry changes nothing: softmax is `exp(xᵢ) / Σⱼ exp(xⱼ)`. -/
theorem getElem_softmax (x : Vector α n) (i : Nat) (hi : i < n) :
    (@softmax α (exactly f pick) n x)[i] = f.exp x[i] / total (List.ofFn fun j : Fin n => f.exp x[j]) := by
  simp only [softmax, getElem_build, ratio_exactly f pick same, entries_eq_ofFn, Fin.getElem_fin]
  let top := @largest α (exactly f pick) (List.ofFn fun j : Fin n => x[j.1])
  change f.exp (x[i] - top) / total (List.ofFn fun j : Fin n => f.exp (x[j.1] - top)) = _
  have he (y : α) : f.exp (y - top) = f.exp y * f.exp (-top) := by
    rw [← E.add, show y - top = y + -top by grind]
  have hp := E.pos (-top)
  simp only [he, total_ofFn_mul]
  generalize f.exp (-top) = c at hp ⊢
  grind

/-- The entries of a softmax sum to 1. -/
theorem total_softmax (x : Vector α n) (hn : 0 < n) :
    total (List.ofFn fun i : Fin n => (@softmax α (exactly f pick) n x)[i]) = 1 := by
  have hs := total_exp_pos E x hn
  have h : (fun i : Fin n => (@softmax α (exactly f pick) n x)[i]) =
      fun i : Fin n => f.exp x[i] * (total (List.ofFn fun j : Fin n => f.exp x[j]))⁻¹ := funext fun i => by
    rw [Fin.getElem_fin, getElem_softmax f pick same E x i i.2]; simp only [Fin.getElem_fin]; grind
  rw [h, total_ofFn_mul]
  generalize total (List.ofFn fun j : Fin n => f.exp x[j]) = s at hs ⊢
  grind

/-- Every entry of a softmax is positive. -/
theorem softmax_pos (x : Vector α n) (i : Nat) (hi : i < n) : 0 < (@softmax α (exactly f pick) n x)[i] := by
  rw [getElem_softmax f pick same E x i hi]
  have h1 := E.pos x[i]
  have h2 := total_exp_pos E x (by omega)
  generalize total (List.ofFn fun j : Fin n => f.exp x[j]) = s at h2 ⊢
  have h3 := Field.IsOrdered.inv_pos_iff.mpr h2
  rw [Field.div_eq_mul_inv]
  exact OrderedRing.mul_pos h1 h3

/-- Adding the same number to every entry leaves a softmax unchanged. -/
theorem softmax_shift (x : Vector α n) (c : α) :
    @softmax α (exactly f pick) n (build n fun i => x[i] + c) = @softmax α (exactly f pick) n x := by
  apply Vector.ext; intro i hi
  rw [getElem_softmax f pick same E _ i hi, getElem_softmax f pick same E x i hi]
  simp only [Fin.getElem_fin, getElem_build, E.add, total_ofFn_mul]
  have hc := E.pos c
  generalize f.exp c = k at hc ⊢
  grind

end Softmax
end Spec
