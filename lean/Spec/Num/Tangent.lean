module
public import Spec.Num.Reach

/-!
# Derivatives

A dual number carries a value and its derivative with respect to one input, so the specification of a layer is also that of its
gradient. A backward pass adds, over all paths from the input to the outputs, the products of the local derivatives along the path,
as they were computed; how far it can be off follows from the sizes of these products and from the roundings that a path meets.
-/

@[expose] public noncomputable section
namespace Spec

namespace Interval

/-- The derivative of the logistic function, from its value. -/
def sigmoidSlope (s : Interval) : Interval := mul s (sub (int 1) s)

/-- The derivative of the hyperbolic tangent, from its value. -/
def tanhSlope (t : Interval) : Interval := sub (int 1) (mul t t)

/-- The derivative of SiLU, from its argument and the logistic function there. -/
def siluSlope (x s : Interval) : Interval := mul s (add (int 1) (mul x (sub (int 1) s)))

/-- The density of the standard normal distribution. -/
def density (x : Interval) : Option Interval :=
  (exp (neg (mul (mul x x) (point (twoPowNeg (Int.ofNat 1)))))).map fun e => mul e invSqrtTwoPi

/-- The standard normal distribution function. -/
def normalCdf (x : Interval) : Option Interval := increasing normalCdfPoint x

end Interval

/-- The paths from the seed to a value: sums, over all of them, of the products of local derivatives. -/
structure Slope where
  /-- Contains the sum of the exact products: the derivative. -/
  exact : Interval
  /-- Contains the sum of the products of local derivatives as computed. -/
  run : Interval
  /-- A bound on the sum of their absolute values. -/
  mags : Dyadic
  /-- The same, with every factor below 1 counted as 1: how underflow may be amplified. -/
  spread : Dyadic
  /-- The number of paths. -/
  paths : Nat
  /-- The most roundings of products along a path. -/
  roundings : Nat
  /-- The most numbers along a path. -/
  length : Nat
  /-- Whether every local derivative is defined. -/
  ok : Bool

/-- A local derivative: its exact value and the values that an implementation may have in its place. -/
structure Local where
  /-- Contains the exact local derivative. -/
  exact : Interval
  /-- Contains every computed one. -/
  run : Interval
  /-- The roundings of a product with it. -/
  roundings : Nat

namespace Slope

/-- The seed's own derivative, 1. -/
def seed : Slope := ⟨Interval.int 1, Interval.int 1, dyadic (Int.ofNat 1), dyadic (Int.ofNat 1), 1, 0, 1, true⟩

/-- The derivative of what does not depend on the seed: there are no paths. -/
def zero : Slope :=
  ⟨Interval.int 0, Interval.int 0, Dyadic.zero, Dyadic.zero, 0, 0, 0, true⟩

/-- No derivative. -/
def undefined : Slope := { seed with ok := false }

/-- All paths through one more operation. -/
def scale (d : Local) (s : Slope) : Slope :=
  let size := Dy.up 32 d.run.mag
  { s with
    exact := Interval.mul d.exact s.exact
    run := Interval.mul d.run s.run
    mags := Dy.up 32 (size * s.mags)
    spread := Dy.up 32 (Dy.max (dyadic (Int.ofNat 1)) size * s.spread)
    roundings := s.roundings + d.roundings
    length := s.length + 1 }

/-- All paths to one more number, whose local derivative is 1. -/
def onward (s : Slope) : Slope := { s with length := s.length + 1 }

/-- The paths of both. -/
def both (s t : Slope) : Slope :=
  ⟨Interval.add s.exact t.exact, Interval.add s.run t.run, s.mags + t.mags, s.spread + t.spread, s.paths + t.paths,
    Nat.max s.roundings t.roundings, Nat.max s.length t.length, s.ok && t.ok⟩

/-- The paths of either of two readings; the first is exact. -/
def either (s t : Slope) : Slope :=
  ⟨s.exact, Interval.hull s.run t.run, Dy.max s.mags t.mags, Dy.max s.spread t.spread, Nat.max s.paths t.paths,
    Nat.max s.roundings t.roundings, Nat.max s.length t.length, s.ok && t.ok⟩

/-- The most roundings that a path meets: those of its products, and of the additions. In each number along the path meet the paths
through its uses, of which there are at most `uses`; in all of them together, no more than there are paths. -/
def rounds (s : Slope) (uses : Nat) : Nat := s.roundings + Nat.min s.paths (uses * s.length)

/-- What a backward pass may compute: no path meets more than `N` roundings, so the result is within `((1 + u)ᴺ - 1) Σ |products|` of
the sum of the products, and a term for underflow. -/
def finish (m : Rounding) (uses : Nat) (s : Slope) : Reach m :=
  let n := s.rounds uses
  match Rounding.gamma m.precision n with
  | none => Reach.undefined
  | some g =>
    let under := m.tiny * dyadic (Int.ofNat n) * s.spread
    Reach.rounded m s.exact (Reach.shorten (s.run.widen (g * s.mags + (under + g * under))))
      (s.ok && m.fits (Interval.point (s.spread + s.spread)))

end Slope

/-- A value and its derivative; none if it does not depend on the seed. -/
structure Tangent (m : Rounding) where
  /-- The value. -/
  value : Reach m
  /-- The derivative. -/
  slope : Option Slope

namespace Tangent
variable {m : Rounding}

/-- The paths through both operands of an operation. -/
def join : Option Slope → Option Slope → Option Slope
  | some s, some t => some (s.both t)
  | some s, none => some s
  | none, t => t

/-- The paths through an operand whose local derivative is 1. -/
def onward (s : Option Slope) : Option Slope := s.map Slope.onward

/-- The paths through one operand of an operation; undefined where its local derivative is. -/
def through (d : Option Local) (s : Option Slope) : Option Slope :=
  match s, d with
  | none, _ => none
  | some s, some d => some (s.scale d)
  | some _, none => some Slope.undefined

/-- The local derivative of a product: the other factor. -/
def factor (x : Reach m) : Option Local := if x.ok then some ⟨x.exact, x.run, 1⟩ else none

/-- The paths through a product. -/
def product (x y : Tangent m) : Option Slope :=
  match x.slope, y.slope with
  | none, none => none
  | s, t => join (through (factor y.value) s) (through (factor x.value) t)

/-- The local derivative of a function: the first part of `f` at the argument as it was computed, off by `ulps` units in the last
place of the second part. -/
def derivative (m : Rounding) (f : Interval → Option (Interval × Interval)) (ulps : Nat) (x : Reach m) : Option Local :=
  match x.ok, f x.exact, f x.run with
  | true, some (e, _), some (r, size) =>
    some ⟨e, r.widen (Dy.up 32 size.mag * dyadic (Int.ofNat (2 * ulps)) * twoPowNeg (Int.ofNat m.precision)), 2⟩
  | _, _, _ => none

/-- A function of one argument. -/
def apply (value : Reach m) (f : Interval → Option (Interval × Interval)) (ulps : Nat) (x : Tangent m) : Tangent m :=
  ⟨value, match x.slope with
    | none => none
    | some s => through (derivative m f ulps x.value) (some s)⟩

/-- A derivative whose error is in relation to itself. -/
def relative (f : Interval → Option Interval) (x : Interval) : Option (Interval × Interval) := (f x).map fun y => (y, y)

/-- The derivative of SiLU, and `σ(x) (1 + |x|)`, in relation to which it may be off. -/
def siluParts (x : Interval) : Option (Interval × Interval) :=
  (Interval.sigmoid x).map fun s =>
    (Interval.siluSlope x s, Interval.point (s.mag * (dyadic (Int.ofNat 1) + x.mag)))

/-- The derivative of GELU, `Φ(x) + x φ(x)`, and `1 + |x| φ(x)`, in relation to which it may be off. -/
def geluParts (x : Interval) : Option (Interval × Interval) :=
  (Interval.normalCdf x).bind fun c => (Interval.density x).map fun d =>
    let y := Interval.mul x d
    (Interval.add c y, Interval.point (dyadic (Int.ofNat 1) + y.mag))

/-- The local derivatives of a quotient. -/
def quotientLocals (x y : Reach m) : Option (Local × Local) :=
  match x.ok && y.ok, Interval.div (Interval.int 1) y.exact, Interval.div (Interval.int 1) y.run with
  | true, some e, some r =>
    let by_ (x i : Interval) := Interval.neg (Interval.mul (Interval.mul x i) i)
    some (⟨e, r, 2⟩, ⟨by_ x.exact e, by_ x.run r, 4⟩)
  | _, _, _ => none

/-- 1 if `x` is larger than `y`, 0 if it is smaller, and anything between if they may be equal. -/
def larger (x y : Interval) : Interval :=
  if y.hi < x.lo then Interval.int 1
  else if x.hi < y.lo then Interval.int 0
  else ⟨Dyadic.zero, dyadic (Int.ofNat 1)⟩

/-- The local derivative of a maximum. -/
def choice (x y : Reach m) : Option Local :=
  if x.ok && y.ok then some ⟨larger x.exact y.exact, larger x.run y.run, 0⟩ else none

/-- The loop of a sum of products. -/
def dotLoop : List (Tangent m × Tangent m) → Option Slope → Option Slope
  | [], s => s
  | p :: rest, s => dotLoop rest (join s (product p.1 p.2))

/-- The loop of a sum. -/
def sumLoop : List (Tangent m) → Option Slope → Option Slope
  | [], s => s
  | x :: rest, s => sumLoop rest (join s (onward x.slope))

/-- `-1`. -/
def minusOne : Option Local := some ⟨Interval.neg (Interval.int 1), Interval.neg (Interval.int 1), 0⟩

instance (m : Rounding) : Scalar (Tangent m) where
  add x y := ⟨x.value + y.value, join (onward x.slope) (onward y.slope)⟩
  sub x y := ⟨x.value - y.value, join (onward x.slope) (through minusOne y.slope)⟩
  mul x y := ⟨x.value * y.value, product x y⟩
  div x y := ⟨x.value / y.value,
    match x.slope, y.slope with
    | none, none => none
    | s, t =>
      let d := quotientLocals x.value y.value
      join (through (d.map fun d => d.1) s) (through (d.map fun d => d.2) t)⟩
  neg x := ⟨-x.value, through minusOne x.slope⟩
  max x y := ⟨Max.max x.value y.value,
    match x.slope, y.slope with
    | none, none => none
    | s, t => join (through (choice x.value y.value) s) (through (choice y.value x.value) t)⟩
  const n d := ⟨Scalar.const n d, none⟩
  sum xs := ⟨Scalar.sum (xs.map fun x => x.value), sumLoop xs none⟩
  dot xs := ⟨Scalar.dot (xs.map fun p => (p.1.value, p.2.value)), dotLoop xs none⟩
  squares xs := ⟨Scalar.squares (xs.map fun x => x.value), dotLoop (xs.map fun x => (x, x)) none⟩
  step a h b := ⟨Scalar.step a.value h.value b.value, join (product a h) (onward b.slope)⟩
  exp x := let y := Scalar.exp x.value; ⟨y, through (factor y) x.slope⟩
  sqrt x :=
    let y := Scalar.sqrt x.value
    ⟨y, match x.slope with
      | none => none
      | s => through ((quotientLocals y (Scalar.const (Int.ofNat 2) 1 * y)).map fun d => d.1) s⟩
  sigmoid x :=
    let y := Scalar.sigmoid x.value
    ⟨y, through (if y.ok then some ⟨Interval.sigmoidSlope y.exact, Interval.sigmoidSlope y.run, 3⟩ else none) x.slope⟩
  tanh x :=
    let y := Scalar.tanh x.value -- `1 - y²` keeps the rounding of `y²`, however small it is
    let run := (Interval.tanhSlope y.run).widen (twoPowNeg (Int.ofNat m.precision - Int.ofNat 1))
    ⟨y, through (if y.ok then some ⟨Interval.tanhSlope y.exact, run, 2⟩ else none) x.slope⟩
  softplus x := apply (Scalar.softplus x.value) (relative Interval.sigmoid) m.softplusUlp x
  silu x := apply (Scalar.silu x.value) siluParts m.siluUlp x
  gelu x := apply (Scalar.gelu x.value) geluParts m.geluUlp x
  either x y := ⟨Scalar.either x.value y.value,
    match x.slope, y.slope with
    | none, none => none
    | s, t => some ((s.getD Slope.zero).either (t.getD Slope.zero))⟩

end Tangent
end Spec
