module
public import Spec.Num.Scalar
public import Spec.Num.Elementary
public import Spec.Num.Trail

/-!
# What a faithful implementation can compute

A `Reach` follows two things through a specification: the exact value, and every value that an implementation
can arrive at when each of its operations meets the rounding model. A run is judged by the second; the first
gives the error.
-/

@[expose] public noncomputable section
namespace Spec

/-- The exact value and the values in reach of an implementation under the rounding model `m`. -/
inductive Reach (m : Rounding) where
  /-- A recorded number: it is exact, since the specification is applied to the recorded inputs. -/
  | recorded (x : Dyadic)
  /-- An interval that contains the exact value, one that contains every value that an implementation can compute, and
  whether both are defined: no division by an interval around 0, no root of a negative number, no overflow. -/
  | enclosed (exact run : Interval) (ok : Bool)
  /-- A state of a recurrence whose steps may be composed in a tree: as `enclosed`, and what the next step needs. -/
  | state (exact run : Interval) (ok : Bool) (trail : Trail)

namespace Reach
variable {m : Rounding}

/-- Contains the exact value. -/
def exact : Reach m → Interval
  | recorded x => Interval.point x
  | enclosed e _ _ => e
  | state e _ _ _ => e

/-- Contains every value that an implementation can compute. -/
def run : Reach m → Interval
  | recorded x => Interval.point x
  | enclosed _ r _ => r
  | state _ r _ _ => r

/-- Whether both are defined. -/
def ok : Reach m → Bool
  | recorded _ => true
  | enclosed _ _ ok => ok
  | state _ _ ok _ => ok

/-- The bits that the ends of `run` keep. -/
def runBits : Nat := 72

/-- Shorten `run` outward. -/
def shorten (x : Interval) : Interval := ⟨Dy.down runBits x.lo, Dy.up runBits x.hi⟩

/-- No value. -/
def undefined : Reach m := .enclosed (Interval.point Dyadic.zero) (Interval.point Dyadic.zero) false

/-- An exact value and the values in reach of its rounding; without a bound where they may overflow. -/
def rounded (m : Rounding) (exact run : Interval) (ok : Bool) : Reach m := .enclosed exact run (ok && m.fits run)

/-- All results of rounding a number of the interval with the relative error `k 2^-precision`, which moves each end by its
own size if it is at most 1, and the absolute error `2^-smallest`. -/
def roundTo (precision smallest k : Nat) (x : Interval) : Interval :=
  let r := dyadic (Int.ofNat k) * twoPowNeg (Int.ofNat precision)
  let size (e : Dyadic) := if r ≤ dyadic (Int.ofNat 1) then Dy.abs e else x.mag
  let error (e : Dyadic) := Dy.up 32 (size e) * r + twoPowNeg (Int.ofNat smallest)
  shorten (x.stretch (error x.lo) (error x.hi))

/-- All results of rounding a number of the interval, `k` roundings wide. -/
def round (m : Rounding) (k : Nat) (x : Interval) : Interval := roundTo m.precision m.smallest k x

/-- A factor of a sum of products as the implementation reads it. -/
def cast (x : Reach m) : Reach m :=
  if m.castPrecision = 0 then x else rounded m x.exact (roundTo m.castPrecision m.sumSmallest 1 x.run) x.ok

/-- The state of a sum of products. -/
structure Partial where
  /-- Number of products. -/
  terms : Nat
  /-- The exact sum of the products of recorded numbers. -/
  known : Dyadic
  /-- The sum of their absolute values. -/
  size : Dyadic
  /-- The exact sum of the others. -/
  exact : Interval
  /-- The sum of the others as computed, before it is rounded. -/
  run : Interval
  /-- The sum of the absolute values of their lower ends. -/
  lows : Dyadic
  /-- The sum of the absolute values of their upper ends. -/
  highs : Dyadic
  /-- A bound on the sum of their absolute values. -/
  mags : Dyadic
  /-- Whether every product is defined. -/
  ok : Bool

/-- Nothing added yet. -/
def Partial.empty : Partial :=
  let zero := Interval.point Dyadic.zero
  ⟨0, Dyadic.zero, Dyadic.zero, zero, zero, Dyadic.zero, Dyadic.zero, Dyadic.zero, true⟩

/-- Add one product of recorded numbers. -/
def Partial.record (s : Partial) (p : Dyadic) : Partial :=
  { s with terms := s.terms + 1, known := s.known + p, size := s.size + Dy.abs p }

/-- Add one product, by the intervals of its exact value and of its computed one. -/
def Partial.enclose (s : Partial) (exact run : Interval) (ok : Bool) : Partial :=
  ⟨s.terms + 1, s.known, s.size, Interval.add s.exact exact, Interval.add s.run run, s.lows + Dy.abs run.lo,
    s.highs + Dy.abs run.hi, s.mags + run.mag, s.ok && ok⟩

/-- Add one product. -/
def Partial.push (s : Partial) : Reach m → Reach m → Partial
  | .recorded x, .recorded y => s.record (x * y)
  | x, y => s.enclose (Interval.mul x.exact y.exact) (Interval.mul x.run y.run) (x.ok && y.ok)

/-- Add one square. -/
def Partial.square (s : Partial) : Reach m → Partial
  | .recorded x => s.record (x * x)
  | x => s.enclose (Interval.square x.exact) (Interval.square x.run) x.ok

/-- Round a sum of `n` products, each product rounded or fused, added in a tree of depth `d`: `((1 + u)ᵈ⁺¹ - 1) Σ |xᵢ yᵢ|`, and
a last rounding where sums are accumulated in another format. The lowest sum has the products at their lower ends, the
highest at their upper ones. No part of the sum overflows if `Σ |xᵢ yᵢ|` and this error do not. -/
def Partial.finish (m : Rounding) (s : Partial) : Reach m :=
  match Rounding.gamma m.sumPrecision (m.order.depth s.terms + 1) with
  | none => undefined
  | some g =>
    let known := Interval.point s.known
    let slack (size : Dyadic) := g * (s.size + size) + m.tinySum * dyadic (Int.ofNat (4 * s.terms))
    let run := shorten ((Interval.add known s.run).stretch (slack s.lows) (slack s.highs))
    rounded m (Interval.add known s.exact) (if m.accumulatesItself then run else round m 1 run)
      (s.ok && m.fits (Interval.point (s.size + s.mags + slack s.mags)))

/-- What a recurrence carries along after the state, or from the start. -/
def trail : Reach m → Trail
  | .state _ _ _ t => t
  | h => Trail.start m h.run

/-- One step `a h + b` of a recurrence: rounded where it stands if steps run one after the other, else with the reach of every tree. -/
def step (a h b : Reach m) : Reach m :=
  if m.order = .sequential then
    let run := round m 1 (Interval.mul a.run h.run)
    rounded m (Interval.add (Interval.mul a.exact h.exact) b.exact) (round m 1 (Interval.add run b.run))
      (a.ok && h.ok && b.ok && m.fits run)
  else
    let trail := h.trail.next m a.run b.run
    match trail.slack m with
    | none => undefined
    | some slack =>
      .state (Interval.add (Interval.mul a.exact h.exact) b.exact) (shorten (trail.plain.widen slack))
        (a.ok && h.ok && b.ok && m.fits (Interval.point trail.ceiling)) trail

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
  if d = 1 then if m.fits (Interval.point (dyadic n)) then .recorded (dyadic n) else undefined
  else match Interval.div (Interval.point (dyadic n)) (Interval.int d) with
    | some q => rounded m q (round m 1 q) true
    | none => undefined

instance (m : Rounding) : Scalar (Reach m) where
  add x y := rounded m (Interval.add x.exact y.exact) (round m 1 (Interval.add x.run y.run)) (x.ok && y.ok)
  sub x y := rounded m (Interval.sub x.exact y.exact) (round m 1 (Interval.sub x.run y.run)) (x.ok && y.ok)
  mul x y := rounded m (Interval.mul x.exact y.exact) (round m 1 (Interval.mul x.run y.run)) (x.ok && y.ok)
  div x y := quotient m x y
  neg x := .enclosed (Interval.neg x.exact) (Interval.neg x.run) x.ok
  max x y := .enclosed (Interval.max x.exact y.exact) (Interval.max x.run y.run) (x.ok && y.ok)
  const n d := rational m n d
  sum xs := Partial.finish m (xs.foldl (init := Partial.empty) fun s x => s.push (cast x) (.recorded (dyadic (Int.ofNat 1))))
  dot xs := Partial.finish m (xs.foldl (init := Partial.empty) fun s p => s.push (cast p.1) (cast p.2))
  squares xs := Partial.finish m (xs.foldl (init := Partial.empty) fun s x => s.square (cast x))
  step a h b := step a h b
  exp x := apply m Interval.exp m.expUlp Dyadic.zero x
  sqrt x := apply m Interval.sqrt m.sqrtUlp Dyadic.zero x
  sigmoid x := apply m Interval.sigmoid m.sigmoidUlp Dyadic.zero x
  tanh x := apply m Interval.tanh m.tanhUlp Dyadic.zero x
  softplus x := apply m Interval.softplus m.softplusUlp Dyadic.zero x
  silu x := apply m Interval.silu m.siluUlp (m.tiny * dyadic (Int.ofNat 1024)) x
  gelu x := apply m Interval.gelu 1 (x.run.mag * dyadic (Int.ofNat (2 * m.geluUlp)) * twoPowNeg (Int.ofNat m.precision)) x
  either x y := .enclosed x.exact (Interval.hull x.run y.run) (x.ok && y.ok)

end Reach
end Spec
