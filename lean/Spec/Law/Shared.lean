module
public import Spec.Check.Shared

/-!
# Outputs that share a prediction

Evaluating the blocks of a prediction once, for several outputs, changes nothing in what they are judged by.
-/

@[expose] public noncomputable section
namespace Spec.Prediction
variable {α : Type}

/-- Every block of the list is the prediction's. -/
def Genuine (p : Prediction α) (known : List (Nat × Array α)) : Prop := ∀ b ∈ known, b.2 = p.block b.1

theorem blocks_genuine (p : Prediction α) (indices : List Nat) (known : List (Nat × Array α)) (h : p.Genuine known) :
    p.Genuine (p.blocks indices known) := by
  induction indices generalizing known with
  | nil => exact h
  | cons i rest ih =>
    cases known with
    | nil => exact ih _ (by intro b hb; simp at hb; subst hb; rfl)
    | cons k ks =>
      unfold blocks
      apply ih
      split
      · exact h
      · intro b hb
        rcases List.mem_cons.mp hb with rfl | hb
        · rfl
        · exact h b hb

theorem known_eq (p : Prediction α) (number : Nat) (known : List (Nat × Array α)) (h : p.Genuine known) :
    p.known number known = p.block number := by
  induction known with
  | nil => rfl
  | cons k ks ih =>
    unfold Prediction.known
    split
    · next e => rw [← e]; exact h k (List.mem_cons_self ..)
    · exact ih fun b hb => h b (List.mem_cons_of_mem _ hb)

/-- A prediction whose blocks are shared is the same prediction. -/
theorem shared_eq (p : Prediction α) (indices : List Nat) : p.shared indices = p := by
  have h : (fun i => p.known i (p.blocks indices [(0, p.block 0)])) = p.block :=
    funext fun i => known_eq _ _ _ (blocks_genuine _ _ _ (by intro b hb; simp at hb; subst hb; rfl))
  show (⟨p.shape, p.size, fun i => p.known i (p.blocks indices [(0, p.block 0)])⟩ : Prediction α) = p
  rw [h]

end Spec.Prediction
