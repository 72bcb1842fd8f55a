module
public import Spec.Model.ViT
public import Spec.Law.Patch

/-!
# Laws of the vision transformer
-/

@[expose] public noncomputable section
namespace Spec.ViT

namespace Config

/-- Every published network is well formed. -/
theorem standard_wellFormed : ∀ x ∈ standard, x.2.WellFormed := by decide

/-- The numbers of parameters of the published networks. -/
theorem standard_paramCount : standard.map (fun x => (x.1, x.2.paramCount)) =
    [("ViT-Ti/16", 5717416), ("ViT-Ti/14", 5694376), ("ViT-S/16", 22050664), ("ViT-S/14", 22004584),
     ("ViT-B/16", 86567656), ("ViT-B/14", 86475496), ("ViT-L/16", 304326632), ("ViT-L/14", 304203752),
     ("ViT-H/16", 632199400), ("ViT-H/14", 632045800)] := by rfl

/-- A published network sees 197 tokens with patches of 16, and 257 with patches of 14. -/
theorem standard_tokens : ∀ x ∈ standard, x.2.tokens = if x.2.patch = 16 then 197 else 257 := by decide

/-- The patches of an image of `gh` by `gw` patches. -/
theorem patches_eq (c : Config) (gh gw : Nat) (hp : 0 < c.patch) (hh : c.imageHeight = gh * c.patch)
    (hw : c.imageWidth = gw * c.patch) : c.patches = gh * gw := by
  simp [patches, hh, hw, Nat.mul_div_cancel _ hp]

/-- No pixel is lost or used twice: all patches together have as many entries as the image. -/
theorem patches_volume (c : Config) (h : c.WellFormed) :
    c.patches * (c.channels * (c.patch * c.patch)) = c.channels * (c.imageHeight * c.imageWidth) := by
  obtain ⟨_, _, _, _, _, _, _, _, _, hh, hw, _⟩ := h
  have hh : c.imageHeight / c.patch * c.patch = c.imageHeight :=
    Nat.div_mul_cancel (Nat.dvd_of_mod_eq_zero hh)
  have hw : c.imageWidth / c.patch * c.patch = c.imageWidth :=
    Nat.div_mul_cancel (Nat.dvd_of_mod_eq_zero hw)
  calc c.patches * (c.channels * (c.patch * c.patch))
      = c.channels * ((c.imageHeight / c.patch * c.patch) * (c.imageWidth / c.patch * c.patch)) := by
        simp only [patches]; ac_rfl
    _ = _ := by rw [hh, hw]

/-- Every head has the same number of entries, and none is left over. -/
theorem heads_mul (c : Config) (h : c.WellFormed) : c.heads * (c.width / c.heads) = c.width :=
  Nat.mul_div_cancel' (Nat.dvd_of_mod_eq_zero h.2.2.2.2.2.2.2.2.2.2.2)

/-- A well-formed network has at least one patch beside the class token. -/
theorem two_le_tokens (c : Config) (h : c.WellFormed) : 2 ≤ c.tokens := by
  obtain ⟨_, _, _, hp, hh, hw, _, _, _, dh, dw, _⟩ := h
  have := Nat.mul_pos
    (Nat.div_pos (Nat.le_of_dvd hh (Nat.dvd_of_mod_eq_zero dh)) hp)
    (Nat.div_pos (Nat.le_of_dvd hw (Nat.dvd_of_mod_eq_zero dw)) hp)
  simp only [tokens, patches]
  omega

end Config

variable {α : Type} [Scalar α] {D N : Nat} (cls : Vector α D) (pos : Mat (N + 1) D α) (x : Mat N D α)

/-- The first token is the class token at the first position. -/
theorem tokensOf_zero : (tokensOf cls pos x)[0] = add cls pos[0] := by simp [tokensOf]

/-- Patch `t` is token `t + 1`, at the position of that number. -/
theorem tokensOf_succ (t : Nat) (ht : t < N) : (tokensOf cls pos x)[t + 1] = add x[t] pos[t + 1] := by
  simp [tokensOf]

end Spec.ViT
