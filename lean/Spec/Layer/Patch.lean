module
public import Spec.Num.Vec

/-!
# Patches

An image cut into square patches and put together again (Dosovitskiy et al., arXiv 2010.11929, section 3.1).
Sizes: `c` channels, `gh` rows of `gw` patches, patches of side `p`.
-/

@[expose] public noncomputable section
namespace Spec

/-- The flat place of entry `(i, j)` of `m` rows of `n`: `i n + j`. -/
def join {m n : Nat} (i : Fin m) (j : Fin n) : Fin (m * n) :=
  ⟨i.1 * n + j.1, calc
    i.1 * n + j.1 < i.1 * n + n := Nat.add_lt_add_left j.2 _
    _ = (i.1 + 1) * n := (Nat.succ_mul i.1 n).symm
    _ ≤ m * n := Nat.mul_le_mul_right n i.2⟩

/-- The row of a flat place. -/
def rowOf {m n : Nat} (k : Fin (m * n)) : Fin m :=
  ⟨k.1 / n, Nat.div_lt_of_lt_mul (Nat.mul_comm m n ▸ k.2)⟩

/-- The column of a flat place. -/
def colOf {m n : Nat} (k : Fin (m * n)) : Fin n :=
  ⟨k.1 % n, Nat.mod_lt _ (Nat.pos_of_ne_zero fun h => by have := k.2; simp [h] at this)⟩

variable {α : Type} {c gh gw p : Nat}

/-- The patches of an image, row by row; inside a patch channel by channel, then row by row, as in a flattened kernel
of a convolution. -/
def patchify (p : Nat) (x : Image c (gh * p) (gw * p) α) : Mat (gh * gw) (c * (p * p)) α :=
  build (gh * gw) fun n => build (c * (p * p)) fun k =>
    x[rowOf k][join (rowOf n) (rowOf (colOf k))][join (colOf n) (colOf (colOf k))]

/-- The image with the given patches. -/
def unpatchify (p : Nat) (y : Mat (gh * gw) (c * (p * p)) α) : Image c (gh * p) (gw * p) α :=
  build c fun ch => build (gh * p) fun i => build (gw * p) fun j =>
    y[join (rowOf i) (rowOf j)][join ch (join (colOf i) (colOf j))]

end Spec
