module
public import Spec.Law.Exact
public import Spec.Layer.Conv2d

/-!
# Laws of convolution
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast

/-- An output has an index exactly if its window fits into the padded input. -/
theorem lt_outSize_iff (size kernel stride padding i : Nat) (hs : 0 < stride) :
    i < outSize size kernel stride padding ↔ i * stride + kernel ≤ size + 2 * padding := by
  have h := Nat.le_div_iff_mul_le (x := i) (y := size + 2 * padding - kernel) hs
  simp only [outSize]
  split
  · omega
  · split
    · have := Nat.zero_le (i * stride)
      omega
    · omega

section Exact
variable {α : Type} [Field α] [Max α] (f : Functions α) (pick : α → α → α) {c k h w r s : Nat}

omit [Max α] in
theorem total_foldl_cons {β γ : Type} (g : γ → α) (e : β → γ) (ys : List β) (acc : List γ) :
    total ((ys.foldl (init := acc) fun acc y => e y :: acc).map g) =
      total (ys.map fun y => g (e y)) + total (acc.map g) := by
  induction ys generalizing acc with
  | nil => simp only [List.foldl_nil, List.map_nil, total, List.foldr_nil]; grind
  | cons y ys ih =>
    rw [List.foldl_cons, ih]
    simp only [List.map_cons, total, List.foldr_cons]
    grind

omit [Max α] in
theorem total_pairs {β γ : Type} (g : β × γ → α) (xs : List β) (ys : List γ) :
    total ((pairs xs ys).map g) = total (xs.map fun x => total (ys.map fun y => g (x, y))) := by
  have step (acc : List (β × γ)) :
      total ((xs.foldl (init := acc) fun acc x => ys.foldl (init := acc) fun acc y => (x, y) :: acc).map g) =
        total (xs.map fun x => total (ys.map fun y => g (x, y))) + total (acc.map g) := by
    induction xs generalizing acc with
    | nil => simp only [List.foldl_nil, List.map_nil, total, List.foldr_nil]; grind
    | cons x xs ih =>
      rw [List.foldl_cons, ih, total_foldl_cons g (fun y => (x, y))]
      simp only [List.map_cons, total, List.foldr_cons]
      grind
  rw [pairs, step]
  simp only [List.map_nil, total, List.foldr_nil]
  grind

omit [Max α] in
theorem total_axisTaps (size kernel start padding : Nat) (g : Fin kernel × Fin size → α) :
    total ((axisTaps size kernel start padding).map g) = total (List.ofFn fun u : Fin kernel =>
      if h : padding ≤ start + u.1 ∧ start + u.1 - padding < size then g (u, ⟨start + u.1 - padding, h.2⟩) else 0) := by
  have step (us : List (Fin kernel)) (acc : List (Fin kernel × Fin size)) :
      total ((us.foldl (init := acc) fun acc u =>
        if h : start + u.1 - padding < size then
          if padding ≤ start + u.1 then (u, ⟨start + u.1 - padding, h⟩) :: acc else acc
        else acc).map g) =
      total (us.map fun u => if h : padding ≤ start + u.1 ∧ start + u.1 - padding < size then
        g (u, ⟨start + u.1 - padding, h.2⟩) else 0) + total (acc.map g) := by
    induction us generalizing acc with
    | nil => simp only [List.foldl_nil, List.map_nil, total, List.foldr_nil]; grind
    | cons u us ih =>
      rw [List.foldl_cons, ih]
      by_cases h1 : start + u.1 - padding < size <;> by_cases h2 : padding ≤ start + u.1 <;>
        simp only [h1, h2, dite_true, dite_false, if_true, if_false, and_true, and_false,
          List.map_cons, total, List.foldr_cons] <;> grind
  rw [axisTaps, step, entries_eq_ofFn, map_ofFn]
  simp only [List.map_nil, total, List.foldr_nil]
  grind

/-- An entry of an image with a border of zeros `padding` wide. -/
def padded (x : Image c h w α) (padding : Nat) (ch : Fin c) (i j : Nat) : α :=
  if hi : padding ≤ i ∧ i - padding < h then
    if hj : padding ≤ j ∧ j - padding < w then x[ch][i - padding][j - padding] else 0
  else 0

/-- Leaving out the taps over the padding is the textbook's sum over the whole kernel on an image with a border of
zeros: `Σ weight[o][ch][u][v] padded x[ch][i stride + u][j stride + v]`. -/
theorem conv2dAt_exactly (weight : Vector (Image c r s α) k) (x : Image c h w α) (stride padding : Nat) (o : Fin k)
    (i j : Nat) :
    @conv2dAt α (exactly f pick) c k h w r s weight x stride padding o i j =
      total (List.ofFn fun ch : Fin c => total (List.ofFn fun u : Fin r => total (List.ofFn fun v : Fin s =>
        weight[o][ch][u][v] * padded x padding ch (i * stride + u.1) (j * stride + v.1)))) := by
  have hd (ps : List (α × α)) : @Scalar.dot α (exactly f pick) ps = total (ps.map fun p => p.1 * p.2) := rfl
  have hz (n : Nat) : total (List.ofFn fun _ : Fin n => (0 : α)) = 0 := by
    induction n with
    | zero => rfl
    | succ n ih => rw [List.ofFn_succ]; simp only [total, List.foldr_cons] at ih ⊢; rw [ih]; grind
  unfold conv2dAt taps
  rw [hd, List.map_map, total_pairs, entries_eq_ofFn, map_ofFn]
  congr 1; congr 1; funext ch
  rw [total_pairs, total_axisTaps]
  congr 1; congr 1; funext u
  split
  · rename_i hu
    rw [total_axisTaps]
    congr 1; congr 1; funext v
    simp only [padded, hu, and_self, dite_true, Function.comp]
    split
    · rfl
    · grind
  · rename_i hu
    simp only [padded, hu, dite_false]
    rw [show (fun v : Fin s => weight[o][ch][u][v] * (0 : α)) = fun _ => 0 from funext fun v => by grind, hz]

end Exact
end Spec
