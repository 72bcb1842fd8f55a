module
public import Spec.Num.Turn

/-!
# Rotary positions

Su et al., arXiv 2104.09864. Entry `i` of the first half and entry `i` of the second half are a pair, as in the LLaMA
models; the paper's pairs are neighbours, a permutation of these. Sizes: `d` pairs, `C` positions.
-/

@[expose] public noncomputable section
namespace Spec
variable {α : Type} [Scalar α] {C T d : Nat}

/-- Every pair of `x` rotated by its angle, of which `c` has the cosines and `s` the sines (equation 34). -/
def rotate (c s : Vector α d) (x : Vector α (d + d)) : Vector α (d + d) :=
  build (d + d) fun i =>
    if h : i.1 < d then x[i.1] * c[i.1] - x[d + i.1] * s[i.1] else x[i.1] * c[i.1 - d] + x[i.1 - d] * s[i.1 - d]

/-- What a position does to a query or a key of `d` entries. -/
abbrev Turn (d : Nat) (α : Type) := Nat → Vector α d → Vector α d

namespace Turn

/-- Positions that change nothing. -/
def still : Turn d α := fun _ x => x

/-- The rows of tokens that follow `past` others, each turned by its position. -/
def rows (turn : Turn d α) (past : Nat) (x : Mat T d α) : Mat T d α := build T fun t => turn (past + t.1) x[t]

end Turn

/-- The rotations at `C` positions of a head of `d` entries. -/
structure Rotation (C d : Nat) (α : Type) where
  /-- Pairs of a head. -/
  pairs : Nat
  /-- They are all its entries. -/
  even : d = pairs + pairs
  /-- The cosine of each pair's angle at each position. -/
  cosines : Mat C pairs α
  /-- The sines. -/
  sines : Mat C pairs α

/-- A row rotated by its position; there is none beyond the tables. -/
def Rotation.turn (r : Rotation C d α) : Turn d α := fun n x =>
  if h : n < C then (rotate r.cosines[n] r.sines[n] (x.cast r.even)).cast r.even.symm else x

/-- Roundings that an angle goes through before its cosine and sine are taken, at most: half of `log 10000` times two of the exponent,
and six of the power, the quotient and the product. -/
def angleRoundings : Int := Int.ofNat 16

/-- The cosine and the sine by which position `n` rotates pair `i` (section 3.2.2): those of `n 10000^(-i / pairs)`, to 24 digits. Both
are off by as much as the angle, which may be a thousand times as large as its cosine; the cosine by two roundings of its own. -/
def rotaryAngle (pairs n i : Nat) : α × α :=
  let angle := Fixed.angle pairs n i
  let (c, s) := Fixed.circle angle
  let size := angleRoundings * angle
  (knownWith (ofFixed (size + Fixed.one + Fixed.one)) (ofFixed c), knownWith (ofFixed size) (ofFixed s))

end Spec
