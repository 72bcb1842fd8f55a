module
public import Lean.Data.Json
public import Spec.Check.Format

/-!
# Requests

One recorded call of a spec point: its integers, its input tensors and its output, as bits.
-/

@[expose] public noncomputable section
namespace Spec
open Lean (Json)

/-- A recorded tensor in row-major order. -/
structure Tensor where
  /-- What it is called: the keyword of an input. -/
  name : String
  /-- The size of each axis, outermost first. -/
  shape : List Nat
  /-- The entries' format. -/
  format : Format
  /-- The entries' bits. -/
  bits : Array Nat

namespace Tensor

/-- The entry at a flat index, exactly; `none` for infinities and NaN. -/
def number? (t : Tensor) (i : Nat) : Option Dyadic :=
  let b := t.bits.getD i 0
  if t.format.finite b then some (t.format.decode b) else none

/-- The loop of `firstInfinite`. -/
def firstInfiniteLoop (t : Tensor) (i : Nat) : Nat → Option Nat
  | 0 => none
  | fuel + 1 => if t.format.finite (t.bits.getD i 0) then firstInfiniteLoop t (i + 1) fuel else some i

/-- The first entry that is NaN or infinite. -/
def firstInfinite (t : Tensor) : Option Nat := firstInfiniteLoop t 0 t.bits.size

end Tensor

/-- A recorded call of a spec point. -/
structure Request where
  /-- The spec point, for example `mamba.conv`. -/
  point : String
  /-- Integer arguments, such as a stride. -/
  ints : List (String × Nat)
  /-- Input tensors. -/
  inputs : List Tensor

namespace Request

/-- A shape as text, `[2, 3]`. -/
def showShape : List Nat → String
  | [] => "[]"
  | n :: rest => rest.foldl (init := s!"[{n}") (fun s k => s!"{s}, {k}") ++ "]"

/-- The value stored under `name`. -/
def lookup.{u} {β : Type u} (name : String) : List (String × β) → Option β
  | [] => none
  | (key, value) :: rest => if key == name then some value else lookup name rest

/-- An integer argument. -/
def int (r : Request) (name : String) : Except String Nat :=
  match lookup name r.ints with
  | some n => .ok n
  | none => .error s!"{r.point}: the integer '{name}' is missing"

/-- The loop of `find`. -/
def findLoop (name : String) : List Tensor → Option Tensor
  | [] => none
  | t :: rest => if t.name == name then some t else findLoop name rest

/-- An input tensor by its name. -/
def find (r : Request) (name : String) : Option Tensor := findLoop name r.inputs

/-- Whether an input was recorded. -/
def has (r : Request) (name : String) : Bool := (r.find name).isSome

/-- An input tensor, whatever its shape. -/
def tensor (r : Request) (name : String) : Except String Tensor :=
  match r.find name with
  | some t => .ok t
  | none => .error s!"{r.point}: the input '{name}' is missing"

/-- An input tensor that must have the given shape. -/
def shaped (r : Request) (name : String) (shape : List Nat) : Except String Tensor := do
  let t ← r.tensor name
  if t.shape == shape then return t
  else throw s!"{r.point}: the input '{name}' has shape {showShape t.shape}, the specification needs {showShape shape}"

/-- The product of the sizes. -/
def volume (shape : List Nat) : Nat := shape.foldl (init := 1) fun n k => n * k

/-- A field of a JSON object. -/
def field (j : Json) (name : String) : Except String Json := j.getObjVal? name

/-- The loop of `numbers`. -/
def numbersLoop (name : String) (xs : Array Json) (i : Nat) (fuel : Nat) (acc : Array Nat) :
    Except String (Array Nat) :=
  match fuel with
  | 0 => .ok acc
  | fuel + 1 =>
    match (xs.getD i Json.null).getNat? with
    | .error _ => .error s!"'{name}' entry {i} is not a bit pattern"
    | .ok bits => numbersLoop name xs (i + 1) fuel (acc.push bits)

/-- The loop of `sizes`. -/
def sizesLoop (xs : Array Json) : (i : Nat) → List Nat → Except String (List Nat)
  | 0, acc => .ok acc
  | i + 1, acc =>
    match (xs.getD i Json.null).getNat? with
    | .error e => .error e
    | .ok n => sizesLoop xs i (n :: acc)

/-- A JSON array of natural numbers. -/
def nats (j : Json) : Except String (List Nat) := do
  let xs ← j.getArr?
  sizesLoop xs xs.size []

/-- A tensor from its JSON form `{"dtype", "shape", "bits"}`. -/
def parseTensor (name : String) (j : Json) : Except String Tensor := do
  let dtype ← (← field j "dtype").getStr?
  let shape ← nats (← field j "shape")
  let xs ← (← field j "bits").getArr?
  match Format.named dtype with
  | none => throw s!"'{name}' has the dtype {dtype}, which has no format here"
  | some f =>
    if xs.size = volume shape then return ⟨name, shape, f, ← numbersLoop name xs 0 xs.size #[]⟩
    else throw s!"'{name}' has {xs.size} entries, its shape {showShape shape} needs {volume shape}"

/-- An input tensor: every entry must be finite. -/
def parseInput (name : String) (j : Json) : Except String Tensor := do
  let t ← parseTensor name j
  match t.firstInfinite with
  | none => return t
  | some i => throw s!"'{name}' entry {i} is NaN or infinite"

/-- The inputs: a JSON array of objects with a `name`. -/
def inputsLoop (xs : Array Json) : (i : Nat) → List Tensor → Except String (List Tensor)
  | 0, acc => .ok acc
  | i + 1, acc => do
    let j := xs.getD i Json.null
    let name ← (← field j "name").getStr?
    let t ← parseInput name j
    inputsLoop xs i (t :: acc)

/-- The integers: a JSON array of objects with `name` and `value`. -/
def intsLoop (xs : Array Json) : (i : Nat) → List (String × Nat) → Except String (List (String × Nat))
  | 0, acc => .ok acc
  | i + 1, acc => do
    let j := xs.getD i Json.null
    let name ← (← field j "name").getStr?
    let value ← (← field j "value").getNat?
    intsLoop xs i ((name, value) :: acc)

/-- A request from its JSON form. -/
def parse (j : Json) : Except String Request := do
  let point ← (← field j "point").getStr?
  let ints ← (← field j "ints").getArr?
  let inputs ← (← field j "inputs").getArr?
  return ⟨point, ← intsLoop ints ints.size [], ← inputsLoop inputs inputs.size []⟩

/-- The order class called `name`; `size` is the depth of a tree, or the size of a chunk. -/
def orderOf (name : String) (size : Nat) : Option OrderClass :=
  if name == "any" then some .any
  else if name == "sequential" then some .sequential
  else if name == "tree" then some (.tree size)
  else if name == "chunks" then some (.chunks size)
  else none

/-- The rounding model from its JSON form; none if its order class is unknown. -/
def parseRounding (j : Json) : Except String (Option Rounding) := do
  let get (name : String) : Except String Nat := do (← field j name).getNat?
  match orderOf (← (← field j "order").getStr?) (← get "size") with
  | none => return none
  | some order => return some {
    order
    sumPrecision := ← get "sum_precision"
    sumSmallest := ← get "sum_smallest"
    castPrecision := ← get "cast_precision"
    precision := ← get "precision"
    smallest := ← get "smallest"
    limit := ← get "limit"
    expUlp := ← get "exp"
    sqrtUlp := ← get "sqrt"
    sigmoidUlp := ← get "sigmoid"
    softplusUlp := ← get "softplus"
    siluUlp := ← get "silu"
    geluUlp := ← get "gelu"
    tanhUlp := ← get "tanh" }

end Request

/-- Numbers that a recorded one can be read as. -/
class Recorded (α : Type) where
  /-- Entry `i` of the input called `name`, whose value is `x`. -/
  read : (name : String) → (i : Nat) → (x : Dyadic) → α

/-- A recorded number is exact. -/
instance {m : Rounding} : Recorded (Reach m) := ⟨fun _ _ x => .recorded x⟩

namespace Tensor
variable {α : Type} [Recorded α]

/-- The entry at a flat index, as a recorded number. -/
def entry (t : Tensor) (i : Nat) : α := Recorded.read t.name i (t.format.decode (t.bits.getD i 0))

/-- `n` entries from `offset` on. -/
def vec (t : Tensor) (n : Nat) (offset : Nat := 0) : Vector α n :=
  build n fun i => t.entry (offset + i.val)

/-- A matrix of `r` rows and `c` columns from `offset` on. -/
def mat (t : Tensor) (r c : Nat) (offset : Nat := 0) : Mat r c α :=
  build r fun i => t.vec c (offset + i.val * c)

/-- An image from `offset` on. -/
def image (t : Tensor) (c h w : Nat) (offset : Nat := 0) : Image c h w α :=
  build c fun i => t.mat h w (offset + i.val * (h * w))

/-- `k` images: the weight of a convolution. -/
def kernels (t : Tensor) (k c h w : Nat) : Vector (Image c h w α) k :=
  build k fun i => t.image c h w (i.val * (c * (h * w)))

/-- A sequence of `l` vectors from `offset` on. -/
def rows (t : Tensor) (l n : Nat) (offset : Nat := 0) : List (Vector α n) :=
  entries l fun i => t.vec n (offset + i.val * n)

end Tensor
end Spec
