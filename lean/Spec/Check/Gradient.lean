module
public import Spec.Check.Point
public import Spec.Num.Tangent

/-!
# Gradients

What a spec point's specification says of the gradient of `Σⱼ gⱼ yⱼ`, for its outputs `y` and recorded weights `g`.
-/

@[expose] public noncomputable section
namespace Spec.Gradient
variable {m : Rounding}

/-- The name of the recorded weights of the outputs. -/
def cotangent : String := "output_grad"

/-- Recorded numbers with the derivative with respect to entry `i` of the input called `name`. -/
@[reducible] def seeded (name : String) (i : Nat) : Recorded (Tangent m) :=
  ⟨fun n j x => ⟨.recorded x, if j = i && n == name then some Slope.seed else none⟩⟩

/-- The paths through one output, weighted. -/
def weigh (g : Tensor) (j : Nat) (y : Tangent m) (s : Option Slope) : Option Slope :=
  match y.slope with
  | none => s
  | some t =>
    let w := Interval.point (g.format.decode (g.bits.getD j 0))
    Tangent.join s (some (t.scale ⟨w, w, 1⟩))

/-- The loop over the entries of a block whose first one has the flat index `first`. -/
def blockLoop (g : Tensor) (block : Array (Tangent m)) (first i : Nat) (fuel : Nat) (s : Option Slope) : Option Slope :=
  match fuel with
  | 0 => s
  | fuel + 1 => blockLoop g block first (i + 1) fuel (weigh g (first + i) (block.getD i ⟨Reach.undefined, some Slope.undefined⟩) s)

/-- The loop over the blocks of a prediction. -/
def loop (p : Prediction (Tangent m)) (g : Tensor) (b : Nat) (fuel : Nat) (s : Option Slope) : Option Slope :=
  match fuel with
  | 0 => s
  | fuel + 1 => loop p g (b + 1) fuel (blockLoop g (p.block b) (b * p.size) 0 p.size s)

/-- Entries of the largest slice of a tensor along one axis; all, if it has no other. -/
def slice : List Nat → Nat
  | [] => 1
  | [n] => n
  | n :: rest => Request.volume (n :: rest) / rest.foldl (init := n) fun k l => Nat.min k l

/-- How often a number of a specification is used, at most: as often as the largest slice of a recorded tensor has entries. -/
def uses (r : Request) : Nat := r.inputs.foldl (init := 1) fun n t => Nat.max n (slice t.shape)

/-- One entry of a gradient: 0 if no output depends on that entry. -/
def entry (p : Prediction (Tangent m)) (g : Tensor) (uses : Nat) : Reach m :=
  let blocks := if p.size = 0 then 0 else g.bits.size / p.size
  match loop p g 0 blocks none with
  | none => .recorded Dyadic.zero
  | some s => s.finish m uses

/-- The gradient with respect to the input called `wrt`. -/
def predict (point : Point) (m : Rounding) (r : Request) (wrt : String) : Except String (Prediction (Reach m)) := do
  let x ← r.tensor wrt
  let g ← r.tensor cotangent
  let y ← point (Reach m) r
  if y.shape == g.shape then
    return ⟨x.shape, 1, fun i =>
      match @point (Tangent m) _ (seeded wrt i) r with
      | .error _ => #[]
      | .ok p => #[entry p g (uses r)]⟩
  else throw s!"{r.point}: the output's gradient has shape {Request.showShape g.shape}, the output {Request.showShape y.shape}"

end Spec.Gradient
