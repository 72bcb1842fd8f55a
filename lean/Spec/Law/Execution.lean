module
public import Spec.Law.Numbers
public import Spec.Law.Reach.Sums
public import Spec.Law.Each

/-!
# What an implementation may compute

An execution of a specification under a rounding model: each number of the specification becomes the set of values that an
implementation may have in its place, if each of its operations meets the model as long as it does not overflow. A value is `none`
where it is infinite or NaN; what is computed from such a value may be anything, and so may the result of an operation that can
overflow. The specification's own text, run on such sets, says what an implementation of it may compute.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
open Rounding (Rounded States Meets Given)
open Reach (unit under Casts Sums)

variable {K : Type} [Field K] [LE K]

/-- `v` is `y` rounded, if no rounding of `y` overflows. -/
def Rounding.Rounds (m : Rounding) (y : Rat) (v : Option Rat) : Prop :=
  Meets m.largest.toRat (Rounded (unit m) (under m) y) v

/-- `v` misses `y` by at most `r |y| + s`, if nothing that does overflows. -/
def Rounding.Misses (m : Rounding) (N : Numbers K) (r s : Rat) (y : K) (v : Option Rat) : Prop :=
  Meets m.largest.toRat (N.Misses r s y) v

/-- The values that an implementation may compute for one number of a specification. -/
structure Execution (m : Rounding) (N : Numbers K) where
  /-- `v` can come out. If the number is a state of a recurrence, it is the state after the steps `ss`, of which the first sets the
  initial state. -/
  after : (v : Option Rat) → (ss : List (AffineStep Rat)) → Prop

namespace Execution
variable {m : Rounding} {N : Numbers K}

/-- `v` can come out. -/
def Computes (e : Execution m N) (v : Option Rat) : Prop := ∃ ss, e.after v ss

/-- The values with a property, none of them the state of a recurrence so far. -/
def of (p : Option Rat → Prop) : Execution m N := ⟨fun v ss => p v ∧ Given v fun z => ss = [⟨0, z⟩]⟩

/-- A recorded number. -/
def recorded (x : Dyadic) : Execution m N := of fun v => v = some x.toRat

/-- A result `v` of one number. -/
def unary (a : Execution m N) (p : Rat → Option Rat → Prop) : Execution m N :=
  of fun v => ∃ x, a.Computes x ∧ Given x fun x => p x v

/-- A result `v` of two numbers. -/
def binary (a b : Execution m N) (p : Rat → Rat → Option Rat → Prop) : Execution m N :=
  of fun v => ∃ x y, a.Computes x ∧ b.Computes y ∧ Given x fun x => Given y fun y => p x y v

/-- A function, off by `ulps` units in the last place, each at most `2 u` of the value, and by `slack`. -/
def apply (f : K → K) (ulps : Nat) (slack : Rat) (a : Execution m N) : Execution m N :=
  a.unary fun x => m.Misses N ((2 * ulps : Nat) * unit m) (under m + slack) (f (N.ofRat x))

/-- One step `x h + y` of a recurrence: product and sum are rounded one after the other, or fused; or the steps since the initial
state are composed in a tree of the order class. -/
def step (a h b : Execution m N) : Execution m N :=
  if m.order = .sequential then
    of fun v => ∃ x s y p, a.Computes x ∧ h.Computes s ∧ b.Computes y ∧
      (Given x fun x => Given s fun s => m.Rounds (x * s) p) ∧ Given p fun p => Given y fun y => m.Rounds (p + y) v
  else
    ⟨fun v ss => ∃ x s y past, a.Computes x ∧ h.after s past ∧ b.Computes y ∧ Given x fun x => Given s fun _ => Given y fun y =>
      ss = past ++ [⟨x, y⟩] ∧ ∃ tree : ScanTree Rat, tree.toList = ss ∧ tree.depth ≤ m.order.depth ss.length ∧
        States m.largest.toRat (unit m) (under m) tree v⟩

/-- `x` is what a sum of products reads in the place of a number. -/
def Read (a : Execution m N) (x : Option Rat) : Prop := ∃ y, a.Computes y ∧ Given y fun y => Casts m y x

/-- Each operation of a network, rounded as the model allows. A sum of products reads its factors through `Casts`, so does a sum its
terms, and either adds them in any tree of the order class; a sum of squares does, and reads each number once. An integer is exact,
as is a sign and the larger of two numbers. A quotient by 0 and the root of a negative number may be anything. -/
instance : Scalar (Execution m N) where
  add a b := a.binary b fun x y => m.Rounds (x + y)
  sub a b := a.binary b fun x y => m.Rounds (x - y)
  mul a b := a.binary b fun x y => m.Rounds (x * y)
  div a b := a.binary b fun x y v => y ≠ 0 → m.Rounds (x / y) v
  neg a := a.unary fun x v => v = some (-x)
  max a b := a.binary b fun x y v => v = some (Max.max x y)
  const n d := of fun v => if d = 1 then Meets m.largest.toRat (· = n) v else m.Rounds (n / d) v
  sum as := of fun v => ∃ xs, Each Read as xs ∧ ∀ ys : List Rat, xs = ys.map some → Sums m (ys.map fun y => (y, 1)) v
  dot ps := of fun v => ∃ xs, Each (fun p x => p.1.Read x.1 ∧ p.2.Read x.2) ps xs ∧
    ∀ qs : List (Rat × Rat), xs = qs.map (fun q => (some q.1, some q.2)) → Sums m qs v
  squares as := of fun v => ∃ xs, Each Read as xs ∧
    ∀ ys : List Rat, xs = ys.map some → Sums m (ys.map fun y => (y, y)) v
  step := step
  exp := apply N.exp m.expUlp 0
  sqrt a := a.unary fun x v => 0 ≤ x → m.Misses N ((2 * m.sqrtUlp : Nat) * unit m) (under m) (N.sqrt (N.ofRat x)) v
  sigmoid := apply N.sigmoid m.sigmoidUlp 0
  tanh := apply N.tanh m.tanhUlp 0
  softplus := apply N.softplus m.softplusUlp 0
  silu := apply N.silu m.siluUlp (1024 * under m)
  gelu a := a.unary fun x =>
    m.Misses N (2 * unit m) (under m + (2 * m.geluUlp : Nat) * unit m * Rounding.size x) (N.gelu (N.ofRat x))
  either a b := of fun v => a.Computes v ∨ b.Computes v

end Execution
end Spec
