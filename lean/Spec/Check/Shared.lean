module
public import Spec.Check.Verdict

/-!
# Outputs that share a prediction

Several outputs of the same inputs are judged by blocks that are evaluated once.
-/

@[expose] public noncomputable section
namespace Spec
namespace Prediction
variable {α : Type}

/-- The blocks that hold the entries at the given flat indices, with their numbers; neighbours share one. -/
def blocks (p : Prediction α) : List Nat → List (Nat × Array α) → List (Nat × Array α)
  | [], known => known
  | i :: rest, known =>
    let wanted := i / p.size
    match known with
    | [] => blocks p rest [(wanted, p.block wanted)]
    | (number, _) :: _ => blocks p rest (if wanted = number then known else (wanted, p.block wanted) :: known)

/-- The block of that number, evaluated if it is not known. -/
def known (p : Prediction α) (number : Nat) : List (Nat × Array α) → Array α
  | [] => p.block number
  | (n, block) :: rest => if n = number then block else known p number rest

/-- The same prediction, with the blocks that hold the given entries evaluated once for all outputs that are judged by
it (`Spec.Prediction.shared_eq`). -/
def shared (p : Prediction α) (indices : List Nat) : Prediction α :=
  let blocks := p.blocks indices [(0, p.block 0)]
  ⟨p.shape, p.size, fun i => p.known i blocks⟩

end Prediction

end Spec
