module
public import Spec.Law.Numbers
public import Spec.Law.ScanRounding
public import Spec.Law.Each

/-!
# What an implementation may compute

An execution of a specification under a rounding model: each number of the specification becomes the set of values that an
implementation may have in its place, if each of its operations meets the model and none overflows. The specification's own
text, run on such sets, says what an implementation of it may compute.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
open Rounding (Rounded State)
open Reach (unit under Cast Adds)

variable {K : Type} [Field K] [LE K]

/-- The values that an implementation may compute for one number of a specification. -/
structure Execution (m : Rounding) (N : Numbers K) where
  /-- `v` can come out. If the number is a state of a recurrence, it is the state after the steps `ss`, of which the first sets the
  initial state. -/
  after : (v : Rat) → (ss : List (AffineStep Rat)) → Prop

namespace Execution
variable {m : Rounding} {N : Numbers K}

/-- `v` can come out. -/
def Computes (e : Execution m N) (v : Rat) : Prop := ∃ ss, e.after v ss

/-- The values with a property, none of them the state of a recurrence so far. -/
def of (p : Rat → Prop) : Execution m N := ⟨fun v ss => p v ∧ ss = [⟨0, v⟩]⟩

/-- A recorded number. -/
def recorded (x : Dyadic) : Execution m N := of fun v => v = x.toRat

/-- A function, off by `ulps` units in the last place, each at most `2 u` of the value, and by `slack`. -/
def apply (f : K → K) (ulps : Nat) (slack : Rat) (a : Execution m N) : Execution m N :=
  of fun v => ∃ x, a.Computes x ∧ N.Misses ((2 * ulps : Nat) * unit m) (under m + slack) (f (N.ofRat x)) v

/-- One step `x h + y` of a recurrence: product and sum are rounded one after the other, or fused; or the steps since the initial
state are composed in a tree of the order class. -/
def step (a h b : Execution m N) : Execution m N :=
  if m.order = .sequential then
    of fun v => ∃ x s y p, a.Computes x ∧ h.Computes s ∧ b.Computes y ∧
      Rounded (unit m) (under m) (x * s) p ∧ Rounded (unit m) (under m) (p + y) v
  else
    ⟨fun v ss => ∃ x s y past tree, a.Computes x ∧ h.after s past ∧ b.Computes y ∧ ss = past ++ [⟨x, y⟩] ∧
      tree.toList = ss ∧ tree.depth ≤ m.order.depth ss.length ∧ State (unit m) (under m) tree v⟩

/-- Each operation of a network, rounded as the model allows. A sum of products reads its factors through `Cast`, so does a sum its
terms, and either adds them in any tree of the order class; an integer is exact, as is a sign and the larger of two numbers. A
quotient by 0 and the root of a negative number may be anything. -/
instance : Scalar (Execution m N) where
  add a b := of fun v => ∃ x y, a.Computes x ∧ b.Computes y ∧ Rounded (unit m) (under m) (x + y) v
  sub a b := of fun v => ∃ x y, a.Computes x ∧ b.Computes y ∧ Rounded (unit m) (under m) (x - y) v
  mul a b := of fun v => ∃ x y, a.Computes x ∧ b.Computes y ∧ Rounded (unit m) (under m) (x * y) v
  div a b := of fun v => ∃ x y, a.Computes x ∧ b.Computes y ∧ (y ≠ 0 → Rounded (unit m) (under m) (x / y) v)
  neg a := of fun v => ∃ x, a.Computes x ∧ v = -x
  max a b := of fun v => ∃ x y, a.Computes x ∧ b.Computes y ∧ v = Max.max x y
  const n d := of fun v => if d = 1 then v = n else Rounded (unit m) (under m) (n / d) v
  sum as := of fun v => ∃ xs, Each (fun a x' => ∃ x, a.Computes x ∧ Cast m x x') as xs ∧
    Adds m (xs.map fun x => (x, 1)) v
  dot ps := of fun v => ∃ qs, Each (fun p q => (∃ x, p.1.Computes x ∧ Cast m x q.1) ∧
    ∃ y, p.2.Computes y ∧ Cast m y q.2) ps qs ∧ Adds m qs v
  step := step
  exp := apply N.exp m.expUlp 0
  sqrt a := of fun v => ∃ x, a.Computes x ∧
    (0 ≤ x → N.Misses ((2 * m.sqrtUlp : Nat) * unit m) (under m) (N.sqrt (N.ofRat x)) v)
  sigmoid := apply N.sigmoid m.sigmoidUlp 0
  tanh := apply N.tanh m.tanhUlp 0
  softplus := apply N.softplus m.softplusUlp 0
  silu := apply N.silu m.siluUlp (1024 * under m)
  gelu a := of fun v => ∃ x, a.Computes x ∧
    N.Misses (2 * unit m) (under m + (2 * m.geluUlp : Nat) * unit m * Rounding.size x) (N.gelu (N.ofRat x)) v
  either a b := of fun v => a.Computes v ∨ b.Computes v

end Execution
end Spec
