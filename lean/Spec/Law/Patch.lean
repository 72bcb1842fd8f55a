module
public import Spec.Layer.Patch

/-!
# Laws of patches

They hold for entries of any type: cutting into patches moves entries and computes nothing.
-/

@[expose] public noncomputable section
namespace Spec

@[simp] theorem rowOf_join {m n : Nat} (i : Fin m) (j : Fin n) : rowOf (join i j) = i := by
  have h : 0 < n := Nat.zero_lt_of_lt j.2
  simp [rowOf, join, Nat.mul_comm i.1 n, Nat.mul_add_div h, Nat.div_eq_of_lt j.2]

@[simp] theorem colOf_join {m n : Nat} (i : Fin m) (j : Fin n) : colOf (join i j) = j := by
  simp [colOf, join, Nat.mul_comm i.1 n, Nat.mod_eq_of_lt j.2]

@[simp] theorem join_rowOf_colOf {m n : Nat} (k : Fin (m * n)) : join (rowOf k) (colOf k) = k := by
  simp [rowOf, colOf, join, Nat.mul_comm (k.1 / n) n, Nat.div_add_mod]

/-- `getElem_build` with an index below `n`. -/
@[simp] theorem getElem_build_fin {β : Type} {n : Nat} (f : Fin n → β) (i : Fin n) : (build n f)[i] = f i :=
  getElem_build f i.1 i.2

variable {α : Type} {c gh gw p : Nat}

/-- Entry `(ch, r, s)` of patch `(a, b)` is the pixel of channel `ch` in row `a p + r`, column `b p + s`. -/
theorem getElem_patchify (x : Image c (gh * p) (gw * p) α) (a : Fin gh) (b : Fin gw) (ch : Fin c)
    (r s : Fin p) :
    (patchify p x)[join a b][join ch (join r s)] = x[ch][join a r][join b s] := by
  simp [patchify]

/-- Patches put together give the image back. -/
theorem unpatchify_patchify (x : Image c (gh * p) (gw * p) α) : unpatchify p (patchify p x) = x := by
  apply Vector.ext; intro ch hc
  apply Vector.ext; intro i hi
  apply Vector.ext; intro j hj
  simp only [unpatchify, getElem_build]
  rw [getElem_patchify x (rowOf ⟨i, hi⟩) (rowOf ⟨j, hj⟩) ⟨ch, hc⟩ (colOf ⟨i, hi⟩) (colOf ⟨j, hj⟩)]
  simp

/-- An image put together from patches is cut into the same patches. -/
theorem patchify_unpatchify (y : Mat (gh * gw) (c * (p * p)) α) :
    patchify p (unpatchify p y : Image c (gh * p) (gw * p) α) = y := by
  apply Vector.ext; intro n hn
  apply Vector.ext; intro k hk
  simp only [patchify, unpatchify, getElem_build, getElem_build_fin, rowOf_join, colOf_join, join_rowOf_colOf]
  rfl

/-- Different images have different patches. -/
theorem patchify_injective : Function.Injective (patchify p : Image c (gh * p) (gw * p) α → _) :=
  fun x y h => by rw [← unpatchify_patchify x, h, unpatchify_patchify]

/-- Everything of the right size is the patches of an image. -/
theorem patchify_surjective : Function.Surjective (patchify p : Image c (gh * p) (gw * p) α → _) :=
  fun y => ⟨unpatchify p y, patchify_unpatchify y⟩

end Spec
