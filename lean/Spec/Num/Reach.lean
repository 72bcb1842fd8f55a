module
public import Spec.Num.Scalar
public import Spec.Num.Elementary

/-!
# What a faithful implementation can compute

A `Reach` follows two things through a specification: the exact value, and every value that an implementation
can arrive at when each of its operations meets the rounding model. A run is judged by the second; the first
gives the error.
-/

@[expose] public noncomputable section
namespace Spec

/-- What is assumed of a device's arithmetic: `|fl(x) - x| ≤ 2 ^ -precision * |x| + 2 ^ -smallest`, and for each
transcendental function the number of units in the last place by which it may miss the exact value. -/
structure Rounding where
  /-- `2 ^ -precision` is the unit roundoff; 24 for fp32. -/
  precision : Nat
  /-- `2 ^ -smallest` is the absolute error that underflow may leave: the smallest normal number where subnormals may be
  flushed to zero, 126 for fp32. -/
  smallest : Nat
  /-- The largest number is `2 ^ limit (1 - 2 ^ -precision)`; 128 for fp32. -/
  limit : Nat
  /-- Units in the last place of exp. -/
  expUlp : Nat
  /-- Units in the last place of the square root. -/
  sqrtUlp : Nat
  /-- Units in the last place of the logistic function. -/
  sigmoidUlp : Nat
  /-- Units in the last place of softplus. -/
  softplusUlp : Nat
  /-- Units in the last place of SiLU. -/
  siluUlp : Nat
  /-- Units in the last place of the argument by which GELU may be off: its factor `1 + erf` cancels for negative arguments. -/
  geluUlp : Nat

/-- The exact value and the values in reach of an implementation under the rounding model `m`. -/
inductive Reach (m : Rounding) where
  /-- A recorded number: it is exact, since the specification is applied to the recorded inputs. -/
  | recorded (x : Dyadic)
  /-- An interval that contains the exact value, one that contains every value that an implementation can compute, and
  whether both are defined: no division by an interval around 0, no root of a negative number, no overflow. -/
  | enclosed (exact run : Interval) (ok : Bool)

namespace Reach
variable {m : Rounding}

/-- Contains the exact value. -/
def exact : Reach m → Interval
  | recorded x => Interval.point x
  | enclosed e _ _ => e

/-- Contains every value that an implementation can compute. -/
def run : Reach m → Interval
  | recorded x => Interval.point x
  | enclosed _ r _ => r

/-- Whether both are defined. -/
def ok : Reach m → Bool
  | recorded _ => true
  | enclosed _ _ ok => ok

/-- The bits that the ends of `run` keep. -/
def runBits : Nat := 72

/-- Shorten `run` outward. -/
def shorten (x : Interval) : Interval := ⟨Dy.down runBits x.lo, Dy.up runBits x.hi⟩

/-- No value. -/
def undefined : Reach m := .enclosed (Interval.point Dyadic.zero) (Interval.point Dyadic.zero) false

/-- `2 ^ -smallest`. -/
def tiny (m : Rounding) : Dyadic := twoPowNeg (Int.ofNat m.smallest)

/-- Whether no number of the interval overflows. -/
def fits (m : Rounding) (x : Interval) : Bool :=
  x.mag ≤ twoPowNeg (-(Int.ofNat m.limit)) - twoPowNeg (Int.ofNat m.precision - Int.ofNat m.limit)

/-- An exact value and the values in reach of its rounding; without a bound where they may overflow. -/
def rounded (m : Rounding) (exact run : Interval) (ok : Bool) : Reach m := .enclosed exact run (ok && fits m run)

/-- All results of rounding a number of the interval, `k` roundings wide: `k 2^-precision |x| + 2^-smallest`. -/
def round (m : Rounding) (k : Nat) (x : Interval) : Interval :=
  shorten (x.widen (Dy.up 32 x.mag * dyadic (Int.ofNat k) * twoPowNeg (Int.ofNat m.precision) + tiny m))

/-- `(1 + u)ⁿ - 1` from above: `n u (1 + 2 n u)` for `n u ≤ 1/2`. -/
def gamma (m : Rounding) (n : Nat) : Option Dyadic :=
  let nu := dyadic (Int.ofNat n) * twoPowNeg (Int.ofNat m.precision)
  if nu ≤ twoPowNeg (Int.ofNat 1) then some (nu + nu * nu * dyadic (Int.ofNat 2)) else none

/-- The state of a sum of products. -/
structure Partial where
  /-- Number of products. -/
  terms : Nat
  /-- The exact sum of the products of recorded numbers. -/
  known : Dyadic
  /-- The exact sum of the others. -/
  exact : Interval
  /-- The sum of the others as computed, before it is rounded. -/
  run : Interval
  /-- A bound on the sum of the computed products' absolute values. -/
  mags : Dyadic
  /-- Whether every product is defined. -/
  ok : Bool

/-- Nothing added yet. -/
def Partial.empty : Partial :=
  ⟨0, Dyadic.zero, Interval.point Dyadic.zero, Interval.point Dyadic.zero, Dyadic.zero, true⟩

/-- Add one product. -/
def Partial.push (s : Partial) : Reach m → Reach m → Partial
  | .recorded x, .recorded y =>
    let p := x * y
    { s with terms := s.terms + 1, known := s.known + p, mags := s.mags + Dy.abs p }
  | x, y =>
    let run := Interval.mul x.run y.run
    ⟨s.terms + 1, s.known, Interval.add s.exact (Interval.mul x.exact y.exact), Interval.add s.run run,
      s.mags + run.mag, s.ok && x.ok && y.ok⟩

/-- Round a sum of `n` products in any order, each product rounded or fused: `((1 + u)ⁿ - 1) Σ |xᵢ yᵢ|`. -/
def Partial.finish (m : Rounding) (s : Partial) : Reach m :=
  match gamma m s.terms with
  | none => undefined
  | some g =>
    let known := Interval.point s.known
    let slack := g * s.mags + tiny m * dyadic (Int.ofNat (4 * s.terms))
    rounded m (Interval.add known s.exact) (shorten ((Interval.add known s.run).widen slack))
      (s.ok && fits m (Interval.point (s.mags + s.mags)))

/-- A function whose exact extension is `f`, computed to `ulps` units in the last place, with an absolute error `slack` beside. -/
def apply (m : Rounding) (f : Interval → Option Interval) (ulps : Nat) (slack : Dyadic) (x : Reach m) : Reach m :=
  if x.ok then
    match f x.exact, f x.run with
    | some e, some r => rounded m e ((round m (2 * ulps) r).widen slack) true
    | _, _ => undefined
  else undefined

/-- A quotient; undefined where the divisor may be 0. -/
def quotient (m : Rounding) (x y : Reach m) : Reach m :=
  match Interval.div x.exact y.exact, Interval.div x.run y.run with
  | some e, some r => rounded m e (round m 1 r) (x.ok && y.ok)
  | _, _ => undefined

/-- The rational `n / d`, rounded once unless it is an integer. -/
def rational (m : Rounding) (n : Int) (d : Nat) : Reach m :=
  if d = 1 then .recorded (dyadic n)
  else match Interval.div (Interval.point (dyadic n)) (Interval.int d) with
    | some q => .enclosed q (round m 1 q) true
    | none => undefined

instance (m : Rounding) : Scalar (Reach m) where
  add x y := rounded m (Interval.add x.exact y.exact) (round m 1 (Interval.add x.run y.run)) (x.ok && y.ok)
  sub x y := rounded m (Interval.sub x.exact y.exact) (round m 1 (Interval.sub x.run y.run)) (x.ok && y.ok)
  mul x y := rounded m (Interval.mul x.exact y.exact) (round m 1 (Interval.mul x.run y.run)) (x.ok && y.ok)
  div x y := quotient m x y
  neg x := .enclosed (Interval.neg x.exact) (Interval.neg x.run) x.ok
  max x y := .enclosed (Interval.max x.exact y.exact) (Interval.max x.run y.run) (x.ok && y.ok)
  const n d := rational m n d
  sum xs := Partial.finish m (xs.foldl (init := Partial.empty) fun s x => s.push x (rational m (Int.ofNat 1) 1))
  dot xs := Partial.finish m (xs.foldl (init := Partial.empty) fun s p => s.push p.1 p.2)
  exp x := apply m Interval.exp m.expUlp Dyadic.zero x
  sqrt x := apply m Interval.sqrt m.sqrtUlp Dyadic.zero x
  sigmoid x := apply m Interval.sigmoid m.sigmoidUlp Dyadic.zero x
  softplus x := apply m Interval.softplus m.softplusUlp Dyadic.zero x
  silu x := apply m Interval.silu m.siluUlp (tiny m * dyadic (Int.ofNat 1024)) x
  gelu x := apply m Interval.gelu 1 (x.run.mag * dyadic (Int.ofNat (2 * m.geluUlp)) * twoPowNeg (Int.ofNat m.precision)) x
  either x y := .enclosed x.exact (Interval.hull x.run y.run) (x.ok && y.ok)

end Reach
end Spec
