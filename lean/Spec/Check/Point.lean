module
public import Spec.Layer.Linear
public import Spec.Check.Verdict

/-!
# Spec points

How a recorded call becomes a prediction: the shapes that most spec points share.
-/

@[expose] public noncomputable section
namespace Spec
/-- A spec point: what it predicts for a recorded call. -/
abbrev Point := (α : Type) → [Scalar α] → [Recorded α] → Request → Except String (Prediction α)

/-- A structural fact: the numbers that the specification computes from a request. -/
abbrev Fact := Lean.Json → Except String (List Nat)

/-- The verdict's word on a recorded call, as a certificate states it. -/
def verdict (points : List (String × Point)) (m : Rounding) (r : Request) (out : Tensor) (indices : List Nat) : String :=
  match Request.lookup r.point points with
  | none => "FAIL"
  | some point =>
    match point (Reach m) r with
    | .error _ => "FAIL"
    | .ok p => if p.shape == out.shape then (tally p out indices).word else "FAIL"

namespace Point

/-- Append the entries of a vector. -/
def pushVec {α : Type} {n : Nat} (acc : Array α) (v : Vector α n) : Array α :=
  (entries n fun i => v[i]).foldl (init := acc) fun a x => a.push x

/-- The entries of a vector. -/
def flatVec {α : Type} {n : Nat} (v : Vector α n) : Array α := pushVec #[] v

/-- Append the rows of a matrix. -/
def pushMat {α : Type} {r c : Nat} (acc : Array α) (x : Mat r c α) : Array α :=
  (entries r fun i => x[i]).foldl (init := acc) fun a v => pushVec a v

/-- The entries of a matrix, row by row. -/
def flatMat {α : Type} {r c : Nat} (x : Mat r c α) : Array α := pushMat #[] x

/-- The entries of an image. -/
def flatImage {α : Type} {c h w : Nat} (x : Image c h w α) : Array α :=
  (entries c fun i => x[i]).foldl (init := #[]) fun a v => pushMat a v

/-- The entries of a sequence of vectors. -/
def flatRows {α : Type} {n : Nat} (xs : List (Vector α n)) : Array α :=
  xs.foldl (init := #[]) fun a v => pushVec a v

/-- The entries of a sequence of matrices. -/
def flatMats {α : Type} {r c : Nat} (xs : List (Mat r c α)) : Array α :=
  xs.foldl (init := #[]) fun a v => pushMat a v

/-- The last entry, and the product of those before it. -/
def lastAxis : List Nat → Nat × Nat
  | [] => (1, 1)
  | [n] => (1, n)
  | k :: rest => let (lead, n) := lastAxis rest; (k * lead, n)

/-- A shape with another last entry. -/
def withLast (n : Nat) : List Nat → List Nat
  | [] => []
  | [_] => [n]
  | k :: rest => k :: withLast n rest

/-- A function of each entry of `x`. -/
def perEntry (f : {α : Type} → [Scalar α] → α → α) : Point := fun _ _ _ r => do
  let x ← r.tensor "x"
  return ⟨x.shape, 1, fun i => #[f (x.entry i)]⟩

/-- A function of the entries of `x` and `y` at the same place. -/
def perPair (f : {α : Type} → [Scalar α] → α → α → α) : Point := fun _ _ _ r => do
  let x ← r.tensor "x"
  let y ← r.shaped "y" x.shape
  return ⟨x.shape, 1, fun i => #[f (x.entry i) (y.entry i)]⟩

/-- A linear layer along the last axis, with a bias if one was recorded. -/
def linearLayer : Point := fun _ _ _ r => do
  let x ← r.tensor "x"
  let (_, n) := lastAxis x.shape
  let w ← r.tensor "weight"
  match w.shape with
  | [k, n'] =>
    if n = n' then
      if r.has "bias" then
        let bias ← r.shaped "bias" [k]
        return ⟨withLast k x.shape, 1, fun i =>
          #[linearBiasAt (w.vec n (i % k * n)) (bias.entry (i % k)) (x.vec n (i / k * n))]⟩
      else return ⟨withLast k x.shape, 1, fun i => #[linearAt (w.vec n (i % k * n)) (x.vec n (i / k * n))]⟩
    else throw s!"{r.point}: 'weight' has {n'} columns, 'x' has {n} features"
  | shape => throw s!"{r.point}: 'weight' has shape {Request.showShape shape}, the specification needs two axes"

end Point
end Spec
