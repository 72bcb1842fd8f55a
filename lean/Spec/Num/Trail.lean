module
public import Spec.Num.Rounding

/-!
# Recurrences whose steps are composed in any tree

A parallel scan composes the steps `h ↦ a h + b` in a tree and so rounds products of decays, which a loop never forms. How far its
states can be off needs a few numbers that are carried along the sequence (`Spec.Rounding.State.error`).
-/

@[expose] public noncomputable section
namespace Spec

/-- What is carried along a recurrence, with `q = 1 + u` for the unit roundoff `u`, and magnitudes of the decays and the
inputs in the place of `a` and `b`. -/
structure Trail where
  /-- Steps so far, and one for the initial state. -/
  terms : Nat
  /-- The state without any rounding inside the recurrence. -/
  plain : Interval
  /-- `S ← q a S + b`. -/
  grown : Dyadic
  /-- `S - T`, where `T ← a T + b`. -/
  excess : Dyadic
  /-- `B ← B + b`. -/
  inputs : Dyadic
  /-- `W ← q max(1, a) W`. -/
  spread : Dyadic

namespace Trail

/-- Bits that bounds keep. -/
def bits : Nat := 32

/-- `1 + u`. -/
def growth (m : Rounding) : Dyadic := dyadic (Int.ofNat 1) + twoPowNeg (Int.ofNat m.precision)

/-- Before the first step. -/
def start (m : Rounding) (h : Interval) : Trail :=
  let b := Dy.up bits h.mag
  ⟨1, h, b, Dyadic.zero, b, growth m⟩

/-- One step `h ↦ a h + b`. -/
def next (m : Rounding) (s : Trail) (a b : Interval) : Trail :=
  let u := twoPowNeg (Int.ofNat m.precision)
  let x := Dy.up bits a.mag
  let y := Dy.up bits b.mag
  let p := x * s.grown
  ⟨s.terms + 1, Interval.add (Interval.mul a s.plain) b, Dy.up bits (p + p * u + y),
    Dy.up bits (x * s.excess + p * u), Dy.up bits (s.inputs + y),
    Dy.up bits (s.spread * growth m * Dy.max (dyadic (Int.ofNat 1)) x)⟩

/-- How far a composed state can be from the plain one: `qᵈ (S + t W n (4 q n B + 4)) - T` for trees of depth `d` over `n` steps,
if the underflow error `t` is so small that `4 q t n² ≤ 1`. -/
def slack (m : Rounding) (s : Trail) : Option Dyadic :=
  let n := dyadic (Int.ofNat s.terms)
  let four := dyadic (Int.ofNat 4)
  let q := growth m
  match Rounding.gamma m.precision (m.order.depth s.terms) with
  | none => none
  | some g =>
    let under := m.tiny * (s.spread * (n * (four * q * n * s.inputs + four)))
    if four * q * m.tiny * (n * n) ≤ dyadic (Int.ofNat 1) then some (g * s.grown + s.excess + (under + g * under)) else none

/-- A number that no intermediate result of a composition exceeds (`Spec.Trail.finite_state`). -/
def ceiling (s : Trail) : Dyadic := s.spread * (s.inputs + dyadic (Int.ofNat 1)) * dyadic (Int.ofNat 4)

end Trail
end Spec
