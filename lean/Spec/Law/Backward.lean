module
public import Spec.Check.Gradient
public import Spec.Law.Verdict
public import Spec.Law.Tangent

/-!
# What a backward pass may compute

A backward pass of a specification's text takes, at each operation, the local derivatives with respect to its operands, at values that
an execution may have there; the products of them along each path from an input to an output; and the sum of the paths. Each number of
the text becomes the values that it may have and the paths that may lead to it, so the text itself, run on them, says what a backward
pass of it may compute.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std
open Rounding (Bounded size)
open Reach (unit under)

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K}

/-- A path before it is rounded. -/
structure Track where
  /-- The product of its local derivatives as they were computed. -/
  product : Rat
  /-- The product of those above 1 in size. -/
  wide : Rat
  /-- The most roundings that products along it meet. -/
  rounds : Nat
  /-- The numbers along it. -/
  length : Nat

namespace Track

/-- Through one more operation, whose local derivative `w` is computed and multiplied with `k` roundings. -/
def times (w : Rat) (k : Nat) (t : Track) : Track := ⟨w * t.product, Max.max 1 (size w) * t.wide, t.rounds + k, t.length + 1⟩

/-- The seed's own path. -/
def seed : Track := ⟨1, 1, 0, 1⟩

/-- To one more number, whose local derivative is 1. -/
def onward (t : Track) : Track := { t with length := t.length + 1 }

/-- Every local derivative that `D` allows, along every path. -/
def Through (D : Rat → Prop) (k : Nat) (T : List Track → Prop) (ts : List Track) : Prop :=
  ∃ w us, D w ∧ T us ∧ ts = us.map (times w k)

/-- Every path goes on to one more number, with the local derivative 1. -/
def Onward (T : List Track → Prop) (ts : List Track) : Prop := ∃ us, T us ∧ ts = us.map onward

/-- Paths through the one operand and paths through the other. -/
def Both (S T : List Track → Prop) (ts : List Track) : Prop := ∃ us vs, S us ∧ T vs ∧ ts = us ++ vs

end Track
open Track

/-- A number of a specification in a backward pass. -/
structure Backward (m : Rounding) (N : Numbers K) where
  /-- The values that it may have. -/
  value : Execution m N
  /-- The paths from the seed that may lead to it. -/
  tracks : List Track → Prop

/-- The functions of a field that the derivative of GELU is made of. -/
structure Normal (N : Numbers K) where
  /-- The distribution function of the standard normal distribution. -/
  cdf : K → K
  /-- Its density. -/
  density : K → K
  /-- The enclosure of the one is right. -/
  cdf_enclosed : N.Enclosed Interval.normalCdf cdf
  /-- So is that of the other. -/
  density_enclosed : N.Enclosed Interval.density density

open Classical in
/-- The absolute value. -/
def Numbers.size (_ : Numbers K) (x : K) : K := if 0 ≤ x then x else -x

/-- `w` is off `y` by at most `r z`. -/
def Numbers.Off (N : Numbers K) (r : Rat) (z y : K) (w : Rat) : Prop :=
  ∃ e : K, (N.ofRat (-r) ≤ e ∧ e ≤ N.ofRat r) ∧ N.ofRat w = y + e * z

namespace Backward

/-- A computed value, which is a number. -/
def Has (e : Execution m N) (w : Rat) : Prop := e.Computes (some w)

/-- The local derivative `g` of a function, at a value as it was computed, off by so many units in the last place of `z`. -/
def Slopes (g z : K → K) (ulps : Nat) (x : Execution m N) (w : Rat) : Prop :=
  ∃ a, Has x a ∧ N.Off ((2 * ulps : Nat) * unit m) (z (N.ofRat a)) (g (N.ofRat a)) w

/-- 1 if the one number is larger than the other, 0 if it is smaller, and anything between if they are equal. -/
def Chosen (x y : Execution m N) (w : Rat) : Prop :=
  ∃ a b, Has x a ∧ Has y b ∧ (b < a → w = 1) ∧ (a < b → w = 0) ∧ 0 ≤ w ∧ w ≤ 1

/-- The paths through a product: the local derivative is the other factor. -/
def product (x y : Backward m N) : List Track → Prop :=
  Both (Through (Has y.value) 1 x.tracks) (Through (Has x.value) 1 y.tracks)

/-- The loop of a sum of products. -/
def dotLoop : List (Backward m N × Backward m N) → (List Track → Prop) → List Track → Prop
  | [], T => T
  | p :: rest, T => dotLoop rest (Both T (product p.1 p.2))

/-- The loop of a sum. -/
def sumLoop : List (Backward m N) → (List Track → Prop) → List Track → Prop
  | [], T => T
  | x :: rest, T => sumLoop rest (Both T (Onward x.tracks))

/-- The derivative of SiLU. -/
def siluSlope (N : Numbers K) (x : K) : K := N.sigmoid x * (N.ofRat 1 + x * (N.ofRat 1 - N.sigmoid x))

/-- `σ(x) (1 + |x|)`. -/
def siluSize (N : Numbers K) (x : K) : K := N.sigmoid x * (N.ofRat 1 + N.size x)

/-- The derivative of GELU, `Φ(x) + x φ(x)`. -/
def geluSlope (G : Normal N) (x : K) : K := G.cdf x + x * G.density x

/-- `1 + |x φ(x)|`. -/
def geluSize (G : Normal N) (x : K) : K := N.ofRat 1 + N.size (x * G.density x)

/-- Each operation of a network, and the local derivatives along the paths through it: those that the chain rule names, at the values
that were computed, with the roundings that computing them and multiplying by them takes. The derivative of the hyperbolic tangent
keeps the rounding of `t²`. -/
@[reducible] def scalar (G : Normal N) : Scalar (Backward m N) where
  add x y := ⟨x.value + y.value, Both (Onward x.tracks) (Onward y.tracks)⟩
  sub x y := ⟨x.value - y.value, Both (Onward x.tracks) (Through (· = -1) 0 y.tracks)⟩
  mul x y := ⟨x.value * y.value, product x y⟩
  div x y := ⟨x.value / y.value, Both (Through (fun w => ∃ b, Has y.value b ∧ w = 1 / b) 2 x.tracks)
    (Through (fun w => ∃ a b, Has x.value a ∧ Has y.value b ∧ w = -(a * (1 / b) * (1 / b))) 4 y.tracks)⟩
  neg x := ⟨-x.value, Through (· = -1) 0 x.tracks⟩
  max x y := ⟨Max.max x.value y.value,
    Both (Through (Chosen x.value y.value) 0 x.tracks) (Through (Chosen y.value x.value) 0 y.tracks)⟩
  const n d := ⟨Scalar.const n d, (· = [])⟩
  sum xs := ⟨Scalar.sum (xs.map fun x => x.value), sumLoop xs (· = [])⟩
  dot xs := ⟨Scalar.dot (xs.map fun p => (p.1.value, p.2.value)), dotLoop xs (· = [])⟩
  squares xs := ⟨Scalar.squares (xs.map fun x => x.value), dotLoop (xs.map fun x => (x, x)) (· = [])⟩
  step a h b := ⟨Scalar.step a.value h.value b.value, Both (product a h) (Onward b.tracks)⟩
  exp x := ⟨Scalar.exp x.value, Through (Has (Scalar.exp x.value)) 1 x.tracks⟩
  sqrt x := ⟨Scalar.sqrt x.value,
    Through (fun w => ∃ b, Has (Scalar.const (Int.ofNat 2) 1 * Scalar.sqrt x.value) b ∧ w = 1 / b) 2 x.tracks⟩
  sigmoid x := ⟨Scalar.sigmoid x.value,
    Through (fun w => ∃ s, Has (Scalar.sigmoid x.value) s ∧ w = s * (1 - s)) 3 x.tracks⟩
  tanh x := ⟨Scalar.tanh x.value, Through (fun w => ∃ t, Has (Scalar.tanh x.value) t ∧
    Bounded (w - (1 - t * t)) (twoPowNeg (Int.ofNat m.precision - Int.ofNat 1)).toRat) 2 x.tracks⟩
  softplus x := ⟨Scalar.softplus x.value, Through (Slopes N.sigmoid N.sigmoid m.softplusUlp x.value) 2 x.tracks⟩
  silu x := ⟨Scalar.silu x.value, Through (Slopes (siluSlope N) (siluSize N) m.siluUlp x.value) 2 x.tracks⟩
  gelu x := ⟨Scalar.gelu x.value, Through (Slopes (geluSlope G) (geluSize G) m.geluUlp x.value) 2 x.tracks⟩
  either x y := ⟨Scalar.either x.value y.value, fun ts => x.tracks ts ∨ y.tracks ts⟩

/-- Recorded numbers; the entry `i` of the input called `name` is the seed. -/
@[reducible] def seeded (name : String) (i : Nat) : Recorded (Backward m N) :=
  ⟨fun n j x => ⟨.recorded x, if j = i && n == name then (· = [Track.seed]) else (· = [])⟩⟩

/-- The paths through one output, weighted. -/
def weigh (g : Tensor) (j : Nat) (y : Backward m N) (T : List Track → Prop) : List Track → Prop :=
  Both T (Through (· = (g.format.decode (g.bits.getD j 0)).toRat) 1 y.tracks)

/-- A number with no path. -/
def nothing : Backward m N := ⟨.of fun _ => False, fun _ => False⟩

/-- The loop over the entries of a block whose first one has the flat index `first`. -/
def blockLoop (g : Tensor) (block : Array (Backward m N)) (first i fuel : Nat) (T : List Track → Prop) : List Track → Prop :=
  match fuel with
  | 0 => T
  | fuel + 1 => blockLoop g block first (i + 1) fuel (weigh g (first + i) (block.getD i nothing) T)

/-- The loop over the blocks of a prediction. -/
def loop (p : Prediction (Backward m N)) (g : Tensor) (b fuel : Nat) (T : List Track → Prop) : List Track → Prop :=
  match fuel with
  | 0 => T
  | fuel + 1 => loop p g (b + 1) fuel (blockLoop g (p.block b) (b * p.size) 0 p.size T)

/-- The paths from the seed to the weighted sum of all outputs. -/
def paths (p : Prediction (Backward m N)) (g : Tensor) : List Track → Prop :=
  loop p g 0 (if p.size = 0 then 0 else g.bits.size / p.size) (· = [])

/-- A backward pass may compute `v` for an entry of a gradient: it rounds each path's product, and the paths' sums in any order. If none
of the numbers along a path has more than `uses` uses, whose paths are added up there, then the path meets no more roundings than its
products have, and `uses` for each of its numbers; and none more often than there are paths. -/
def Computes (p : Prediction (Backward m N)) (g : Tensor) (uses : Nat) (v : Rat) : Prop :=
  ∃ ts, paths p g ts ∧ ∃ vs, Each (fun t z => ∃ n, n ≤ t.rounds + Nat.min ts.length (uses * t.length) ∧
    Chain (unit m) (under m) n t.product t.wide z) ts vs ∧ v = Rounding.total (fun z => z) vs

end Backward

end Spec
