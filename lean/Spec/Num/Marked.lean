module
public import Spec.Num.Reach

/-!
# Which branches led to a value

A specification branches on numbers in two ways: a maximum takes one of its sides, and a function that flattens out is
steep or flat. A `Marked` number is a `Reach` with marks of both, from every operation that it depends on.
-/

@[expose] public noncomputable section
namespace Spec

/-- The operations that leave marks. -/
inductive Branching where
  /-- `max a b`. -/
  | max
  /-- The logistic function. -/
  | sigmoid
  /-- The hyperbolic tangent. -/
  | tanh
  /-- Softplus. -/
  | softplus
  /-- SiLU. -/
  | silu
  /-- GELU. -/
  | gelu

namespace Branching

/-- Its place among them. -/
def place : Branching → Nat
  | max => 0
  | sigmoid => 1
  | tanh => 2
  | softplus => 3
  | silu => 4
  | gelu => 5

/-- The mark of branch `k`, below 4. -/
def branch (f : Branching) (k : Nat) : Nat := 1 <<< (5 * f.place + k)

/-- The mark of having been evaluated, on whatever branch. -/
def evaluated (f : Branching) : Nat := f.branch 4

/-- The exponent `t` of the term `exp (-t)` by which the function at `x` differs from its asymptote. -/
def exponent (f : Branching) (x : Dyadic) : Dyadic :=
  match f with
  | tanh => Dy.abs x + Dy.abs x
  | gelu => x * x * twoPowNeg (Int.ofNat 1)
  | _ => Dy.abs x

/-- Which branch of a function `x` is on: 0 or 3 if it is so far below or above 0 that `exp (-t) ≤ 2^-precision`, which
`7/10 precision ≤ t` implies; else 1 or 2 if it is below 0 or not. -/
def zone (f : Branching) (precision : Nat) (x : Dyadic) : Nat :=
  let far := dyadic (Int.ofNat (7 * precision)) ≤ f.exponent x * dyadic (Int.ofNat 10)
  if x < Dyadic.zero then if far then 0 else 1 else if far then 3 else 2

end Branching

/-- A number with the marks of what it depends on, each a bit. -/
structure Marked (m : Rounding) where
  /-- The number. -/
  value : Reach m
  /-- The marks. -/
  marks : Nat

namespace Marked
variable {m : Rounding}

/-- Which side a maximum takes: 0 if the first number is larger, 1 if the second is, 2 if the exact values are equal or
too close to tell. -/
def side (x y : Reach m) : Nat :=
  if x.ok && y.ok then
    if y.exact.hi < x.exact.lo then 0 else if x.exact.hi < y.exact.lo then 1 else 2
  else 2

/-- The marks of a function at an exact value. -/
def zones (f : Branching) (x : Reach m) : Nat :=
  let k := f.zone m.precision x.exact.lo
  if x.ok ∧ k = f.zone m.precision x.exact.hi then f.evaluated ||| f.branch k else f.evaluated

/-- A function that leaves marks. -/
def apply (f : Branching) (g : Reach m → Reach m) (x : Marked m) : Marked m :=
  ⟨g x.value, x.marks ||| zones f x.value⟩

instance (m : Rounding) : Scalar (Marked m) where
  add x y := ⟨x.value + y.value, x.marks ||| y.marks⟩
  sub x y := ⟨x.value - y.value, x.marks ||| y.marks⟩
  mul x y := ⟨x.value * y.value, x.marks ||| y.marks⟩
  div x y := ⟨x.value / y.value, x.marks ||| y.marks⟩
  neg x := ⟨-x.value, x.marks⟩
  max x y := ⟨Max.max x.value y.value,
    x.marks ||| y.marks ||| Branching.max.evaluated ||| Branching.max.branch (side x.value y.value)⟩
  const n d := ⟨Scalar.const n d, 0⟩
  sum xs := ⟨Scalar.sum (xs.map fun x => x.value), xs.foldl (init := 0) fun n x => n ||| x.marks⟩
  dot xs := ⟨Scalar.dot (xs.map fun p => (p.1.value, p.2.value)),
    xs.foldl (init := 0) fun n p => n ||| p.1.marks ||| p.2.marks⟩
  squares xs := ⟨Scalar.squares (xs.map fun x => x.value), xs.foldl (init := 0) fun n x => n ||| x.marks⟩
  step a h b := ⟨Scalar.step a.value h.value b.value, a.marks ||| h.marks ||| b.marks⟩
  exp x := ⟨Scalar.exp x.value, x.marks⟩
  sqrt x := ⟨Scalar.sqrt x.value, x.marks⟩
  sigmoid x := apply .sigmoid Scalar.sigmoid x
  tanh x := apply .tanh Scalar.tanh x
  softplus x := apply .softplus Scalar.softplus x
  silu x := apply .silu Scalar.silu x
  gelu x := apply .gelu Scalar.gelu x
  either x y := ⟨Scalar.either x.value y.value, x.marks ||| y.marks⟩

end Marked
end Spec
