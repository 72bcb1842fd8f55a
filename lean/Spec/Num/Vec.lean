module
public import Spec.Num.Loops

/-!
# Finite sequences

Building vectors and lists from functions of an index. Both loops are tail-recursive and use nothing
but `Array.push` and `List.cons`, so that every build of Lean can evaluate them.
-/

@[expose] public noncomputable section
namespace Spec

/-- The loop of `build`: entries `i`, `i + 1`, ..., `n - 1` are appended to `acc`. -/
@[specialize] def build.go {α : Type} (n : Nat) (f : Fin n → α) (i : Nat) (acc : Array α) : Array α :=
  if h : i < n then build.go n f (i + 1) (acc.push (f ⟨i, h⟩)) else acc
termination_by n - i

theorem build.size_go {α : Type} (n : Nat) (f : Fin n → α) (i : Nat) (acc : Array α) (hs : acc.size = i)
    (hi : i ≤ n) : (build.go n f i acc).size = n := by
  fun_induction build.go n f i acc with
  | case1 i acc h ih => exact ih (by simp [hs]) h
  | case2 i acc h => omega

/-- The vector `(f 0, f 1, ..., f (n - 1))`; every entry is computed once. -/
@[inline] def build {α : Type} (n : Nat) (f : Fin n → α) : Vector α n :=
  ⟨build.go n f 0 #[], build.size_go n f 0 #[] rfl (Nat.zero_le n)⟩

/-- The loop of `entries`: entries `0`, ..., `i - 1` are put before `acc`. -/
@[specialize] def entries.go {α : Type} (n : Nat) (f : Fin n → α) :
    (i : Nat) → i ≤ n → List α → List α
  | 0, _, acc => acc
  | i + 1, h, acc => entries.go n f i (Nat.le_of_succ_le h) (f ⟨i, h⟩ :: acc)

/-- The list `[f 0, f 1, ..., f (n - 1)]`. -/
@[inline] def entries {α : Type} (n : Nat) (f : Fin n → α) : List α :=
  entries.go n f n (Nat.le_refl n) []

/-- A matrix with `m` rows and `n` columns. -/
abbrev Mat (m n : Nat) (α : Type) := Vector (Vector α n) m

/-- `c` channels of `h` rows and `w` columns. -/
abbrev Image (c h w : Nat) (α : Type) := Vector (Mat h w α) c

theorem build.getElem_go {α : Type} (n : Nat) (f : Fin n → α) (i : Nat) (acc : Array α)
    (hs : acc.size = i) (hi : i ≤ n) (hacc : ∀ (j : Nat) (hj : j < acc.size), acc[j] = f ⟨j, by omega⟩)
    (j : Nat) (hj : j < n) (hj' : j < (build.go n f i acc).size) :
    (build.go n f i acc)[j] = f ⟨j, hj⟩ := by
  fun_induction build.go n f i acc with
  | case1 i acc h ih =>
    refine ih (by simp [hs]) h (fun k hk => ?_) hj'
    rw [Array.getElem_push]
    split
    · exact hacc k _
    · simp only [Array.size_push] at hk
      congr 2
      omega
  | case2 i acc h => exact hacc j hj'

@[simp] theorem getElem_build {α : Type} {n : Nat} (f : Fin n → α) (j : Nat) (hj : j < n) :
    (build n f)[j] = f ⟨j, hj⟩ :=
  build.getElem_go n f 0 #[] rfl (Nat.zero_le n) (by simp) j hj _

theorem entries.go_eq {α : Type} (n : Nat) (f : Fin n → α) (i : Nat) (h : i ≤ n) (acc : List α) :
    entries.go n f i h acc = List.ofFn (fun j : Fin i => f ⟨j.1, by omega⟩) ++ acc := by
  induction i generalizing acc with
  | zero => simp [entries.go]
  | succ i ih => rw [entries.go, ih, List.ofFn_succ_last]; simp

/-- `entries` is core's `List.ofFn`, so all its laws apply. -/
theorem entries_eq_ofFn {α : Type} (n : Nat) (f : Fin n → α) : entries n f = List.ofFn f := by
  simp [entries, entries.go_eq]

@[simp] theorem length_entries {α : Type} (n : Nat) (f : Fin n → α) : (entries n f).length = n := by
  simp [entries_eq_ofFn]

end Spec
