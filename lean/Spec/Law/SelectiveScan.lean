module
public import Spec.Model.SelectiveScan
public import Spec.Law.OnlineSoftmax
public import Spec.Law.Mamba

/-!
# Laws of the selective scan

A kernel may cut time in chunks: each one runs from the zero state, and the state before it decays by one exponential.
-/

@[expose] public noncomputable section
namespace Spec.Mamba
open Lean.Grind
attribute [local instance] Semiring.natCast Ring.intCast
variable {E N : Nat}

section AnyArithmetic
variable {α : Type} [Scalar α] (a : Mat E N α) (d bias : Vector α E)

/-- The state that a selective scan leaves. -/
def stateAfter (h0 : Mat E N α) (xs : List (ScanInput E N α)) : Mat E N α :=
  xs.foldl (fun h x => (scanNext a d bias (h, d) x).1) h0

theorem foldl_scanNext (s : Mat E N α × Vector α E) (xs : List (ScanInput E N α)) :
    (xs.foldl (scanNext a d bias) s).1 = stateAfter a d bias s.1 xs := by
  induction xs generalizing s with
  | nil => rfl
  | cons x xs ih => exact ih _

/-- A selective scan can be cut anywhere: the second part starts at the state that the first one leaves, bit for bit. -/
theorem selectiveScan_append (h0 : Mat E N α) (xs ys : List (ScanInput E N α)) :
    selectiveScan a d bias h0 (xs ++ ys) =
      selectiveScan a d bias h0 xs ++ selectiveScan a d bias (stateAfter a d bias h0 xs) ys := by
  have same (s t : Mat E N α × Vector α E) (h : s.1 = t.1) (zs : List (ScanInput E N α)) :
      scanWith (scanNext a d bias) s zs = scanWith (scanNext a d bias) t zs := by
    cases zs with
    | nil => rfl
    | cons z zs => simp only [scanWith, scanNext, h]
  simp only [selectiveScan, scanWith_append, List.map_append]
  rw [same _ (stateAfter a d bias h0 xs, d) (foldl_scanNext a d bias (h0, d) xs)]

end AnyArithmetic

section Exact
variable {α : Type} [Field α] [Max α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α]
omit [Max α] in
theorem foldl_carry {exp : α → α} (exponential : Exponential exp) {ι : Type} (δ b : ι → α) (y h : α) (xs : List ι) :
    xs.foldl (fun h x => exp (δ x * y) * h + b x) h =
      exp (total (xs.map δ) * y) * h + xs.foldl (fun h x => exp (δ x * y) * h + b x) 0 := by
  have zero : exp 0 = 1 := exponential.zero
  induction xs generalizing h with
  | nil =>
    simp only [List.foldl_nil, List.map_nil, total, List.foldr_nil]
    rw [show (0 : α) * y = 0 by grind, zero]
    grind
  | cons x xs ih =>
    simp only [List.foldl_cons]
    rw [ih (exp (δ x * y) * h + b x), ih (exp (δ x * y) * 0 + b x)]
    have add : exp (total ((x :: xs).map δ) * y) = exp (δ x * y) * exp (total (xs.map δ) * y) := by
      rw [← exponential.add]
      simp only [List.map_cons, total, List.foldr_cons]
      exact congrArg exp (by grind)
    rw [add]
    grind

variable (f : Functions α) (pick : α → α → α) (same : ∀ x, pick x x = x) (exponential : Exponential f.exp)
local notation "ℰ" => exactly f pick
include same exponential

/-- In exact arithmetic the state that a stretch of time leaves is the one that it leaves from zero, and the state before it times one
exponential of all its step sizes: what a kernel hands from chunk to chunk. -/
theorem stateAfter_carry (a : Mat E N α) (d bias : Vector α E) (h0 : Mat E N α) (xs : List (ScanInput E N α)) (e n : Nat) (he : e < E)
    (hn : n < N) :
    (@stateAfter E N α ℰ a d bias h0 xs)[e][n] =
      f.exp (total (xs.map fun x => f.softplus (@rescaled α ℰ (x.dt[e] + bias[e]))) * a[e][n]) * h0[e][n] +
        (@stateAfter E N α ℰ a d bias (build E fun _ => build N fun _ => 0) xs)[e][n] := by
  have one : (@Scalar.const α ℰ 12102203 8388608 : α) * @Scalar.const α ℰ 8388608 12102203 = 1 := by
    show ((12102203 : Int) : α) / ((8388608 : Nat) : α) * (((8388608 : Int) : α) / ((12102203 : Nat) : α)) = 1
    have x : ((12102203 : Int) : α) = ((12102203 : Nat) : α) := Ring.intCast_natCast 12102203
    have y : ((8388608 : Int) : α) = ((8388608 : Nat) : α) := Ring.intCast_natCast 8388608
    have pos (n : Nat) : (0 : α) < ((n + 1 : Nat) : α) := by
      induction n with
      | zero => rw [Semiring.natCast_succ, Semiring.natCast_zero]; grind
      | succ n ih => rw [Semiring.natCast_succ]; grind
    have p : ((12102203 : Nat) : α) ≠ 0 := fun h => by have := pos 12102202; rw [h] at this; grind
    have q : ((8388608 : Nat) : α) ≠ 0 := fun h => by have := pos 8388607; rw [h] at this; grind
    rw [x, y]
    generalize ((12102203 : Nat) : α) = x at p
    generalize ((8388608 : Nat) : α) = y at q
    grind
  have decay (x : ScanInput E N α) :
      (@scanStep α ℰ E N a bias x).1[e][n] = f.exp (f.softplus (@rescaled α ℰ (x.dt[e] + bias[e])) * a[e][n]) := by
    have twice (δ y : α) : δ * (y * @Scalar.const α ℰ 12102203 8388608) * @Scalar.const α ℰ 8388608 12102203 = δ * y := by
      rw [← Semiring.mul_assoc δ y, Semiring.mul_assoc (δ * y), one, Semiring.mul_one]
    simp only [scanStep, getElem_build, scanDecayAt]
    refine congrArg f.exp ?_
    show pick _ _ = _
    rw [show ∀ δ y : α, pick (δ * y) (δ * (y * @Scalar.const α ℰ 12102203 8388608) * @Scalar.const α ℰ 8388608 12102203) = δ * y from
      fun δ y => by rw [twice, same]]
    simp only [Fin.getElem_fin, getElem_build]
    rfl
  have step (h : Mat E N α) (x : ScanInput E N α) :
      (@scanNext α ℰ E N a d bias (h, d) x).1[e][n] =
        (@scanStep α ℰ E N a bias x).1[e][n] * h[e][n] + (@scanStep α ℰ E N a bias x).2[e][n] := by
    simp only [scanNext, stateStep, getElem_build]
    rfl
  have entry (h : Mat E N α) :
      (@stateAfter E N α ℰ a d bias h xs)[e][n] =
        xs.foldl (fun y x => f.exp (f.softplus (@rescaled α ℰ (x.dt[e] + bias[e])) * a[e][n]) * y +
          (@scanStep α ℰ E N a bias x).2[e][n]) h[e][n] := by
    clear h0 one
    induction xs generalizing h with
    | nil => rfl
    | cons x xs ih =>
      have next := ih (@scanNext α ℰ E N a d bias (h, d) x).1
      rw [step, decay] at next
      exact next
  rw [entry, entry, foldl_carry exponential]
  simp only [getElem_build]

end Exact
end Spec.Mamba
