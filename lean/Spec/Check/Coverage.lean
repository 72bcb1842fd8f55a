module
public import Spec.Check.Places
public import Spec.Check.Shared
public import Spec.Num.Marked

/-!
# Coverage

Which branches of the specification the compared entries of a recorded call depend on.
-/

@[expose] public noncomputable section
namespace Spec
open Lean (Json)
variable {m : Rounding}

/-- A recorded number depends on nothing. -/
instance : Recorded (Marked m) := ⟨fun _ _ x => ⟨.recorded x, 0⟩⟩

namespace Prediction

/-- The numbers of a block without their marks. -/
def unmarked (block : Array (Marked m)) : Array (Reach m) :=
  (entries block.size fun i => block[i]).foldl (init := #[]) fun a x => a.push x.value

/-- The prediction without marks, by which a call is judged (`Spec.values_eq`). -/
def values (p : Prediction (Marked m)) : Prediction (Reach m) := ⟨p.shape, p.size, fun i => unmarked (p.block i)⟩

/-- The marks of the entries at the given flat indices. -/
def marks (p : Prediction (Marked m)) (indices : List Nat) : Nat :=
  indices.foldl (init := 0) fun n i => n ||| ((p.block (i / p.size)).getD (i % p.size) ⟨Reach.undefined, 0⟩).marks

end Prediction

namespace Coverage

/-- The branches of an operation by name. -/
def names : Branching → List String
  | .max => ["max(a, b): a > b", "max(a, b): a < b"]
  | .sigmoid => zoneNames "sigmoid"
  | .tanh => zoneNames "tanh"
  | .softplus => zoneNames "softplus"
  | .silu => zoneNames "silu"
  | .gelu => zoneNames "gelu"
where
  /-- Those of a function. -/
  zoneNames (f : String) : List String := [f ++ "(x): x ≪ 0", f ++ "(x): x < 0", f ++ "(x): x ≥ 0", f ++ "(x): x ≫ 0"]

/-- All operations that leave marks. -/
def operations : List Branching := [.max, .sigmoid, .tanh, .softplus, .silu, .gelu]

/-- Whether a mark is among others. -/
def has (marks mark : Nat) : Bool := marks &&& mark != 0

/-- The branches of an operation, from number `k` on, each with whether it was taken. -/
def branchesFrom (marks : Nat) (f : Branching) : (k : Nat) → List String → List (String × Bool) → List (String × Bool)
  | _, [], acc => acc
  | k, name :: rest, acc => branchesFrom marks f (k + 1) rest ((name, has marks (f.branch k)) :: acc)

/-- Every branch of the operations that were evaluated, with whether it was taken. -/
def branches (marks : Nat) : List (String × Bool) :=
  operations.foldl (init := []) fun acc f => if has marks f.evaluated then branchesFrom marks f 0 (names f) acc else acc

/-- Branches as JSON. -/
def report (bs : List (String × Bool)) : String × Json :=
  ("branches", Json.mkObj (bs.map fun b => (b.1, Json.bool b.2)))

/-- Judge a recorded output at the given flat indices, and say which branches its entries depend on. -/
def judge (r : Request) (p : Prediction (Marked m)) (out : Tensor) (indices : List Nat) : List (String × Json) :=
  if p.shape == out.shape then
    let p := p.shared indices
    let all := Places.both (branches (p.marks indices)) (Places.reached r p.size indices)
    report all :: Spec.judge p.values out indices
  else Spec.judge p.values out indices

end Coverage
end Spec
