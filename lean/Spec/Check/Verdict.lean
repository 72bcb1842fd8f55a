module
public import Spec.Check.Request

/-!
# Verdicts

What a specification predicts for a recorded call, and the judgement of the recorded output.
-/

@[expose] public noncomputable section
namespace Spec
open Lean (Json)

/-- What a specification says of an output: its shape, and its entries in blocks of equal size, for example a row
each, in row-major order. -/
structure Prediction (α : Type) where
  /-- The shape that the output must have. -/
  shape : List Nat
  /-- Entries in a block. -/
  size : Nat
  /-- A block by its number. -/
  block : Nat → Array α

/-- The part of a verdict that is gathered entry by entry. -/
structure Tally where
  /-- Entries compared. -/
  compared : Nat
  /-- Entries outside the budget, NaN or infinite. -/
  failed : Nat
  /-- Entries for which the model gives no bound. -/
  unbounded : Nat
  /-- Those of them that are NaN or infinite. -/
  overflowed : Nat
  /-- Entries that are not the exact value itself. -/
  inexact : Nat
  /-- The largest error ÷ budget, in millionths. -/
  worst : Nat
  /-- The flat index where it was seen. -/
  worstIndex : Nat
  /-- Every error ÷ budget in millionths, newest first. -/
  ratios : List Nat
  /-- Every error in units of the output's last place, in millionths, newest first. -/
  ulps : List Nat

namespace Tally

/-- Nothing compared. -/
def empty : Tally := ⟨0, 0, 0, 0, 0, 0, 0, [], []⟩

/-- The largest error ÷ budget that is written out, in millionths. -/
def ratioLimit : Nat := 1000000000000

/-- `⌊10⁶ error / budget⌋`, at most `ratioLimit`. -/
def millionths (error budget : Dyadic) : Nat :=
  if error ≤ Dyadic.zero then 0
  else if budget ≤ Dyadic.zero then ratioLimit
  else
    let q := Dy.divDown 40 error budget
    let n := (Dy.mantissa q).natAbs * 1000000
    let k := Dy.scale q
    if Int.ofNat 0 ≤ k then Nat.min ratioLimit (n >>> k.toNat)
    else if Int.ofNat 64 < -k then ratioLimit
    else Nat.min ratioLimit (n <<< (-k).toNat)

/-- Error ÷ budget of a value: how far it is outside the exact value, over how far the run may be. -/
def ratio {m : Rounding} (r : Reach m) (y : Dyadic) : Nat :=
  if r.exact.hi < y then millionths (y - r.exact.hi) (r.run.hi - r.exact.hi)
  else if y < r.exact.lo then millionths (r.exact.lo - y) (r.exact.lo - r.run.lo)
  else 0

/-- The unit in the last place of a number, subnormal ones included. -/
def ulp (m : Rounding) (y : Dyadic) : Dyadic :=
  let lowest := Int.ofNat 3 - Int.ofNat m.limit - Int.ofNat m.precision
  let own := Int.ofNat (Dy.mantissa y).natAbs.log2 - Dy.scale y - Int.ofNat m.precision + Int.ofNat 1
  twoPowNeg (-(if y = Dyadic.zero then lowest else if own < lowest then lowest else own))

/-- How far a value is outside the exact value, in its units in the last place. -/
def inUlps {m : Rounding} (r : Reach m) (y : Dyadic) : Nat :=
  millionths (Dy.max (y - r.exact.hi) (r.exact.lo - y)) (ulp m y)

/-- Whether a value is in reach. -/
def within {m : Rounding} (r : Reach m) (y : Dyadic) : Bool := r.run.lo ≤ y && y ≤ r.run.hi

/-- Judge one entry. -/
def push {m : Rounding} (t : Tally) (index : Nat) (r : Reach m) (y : Option Dyadic) : Tally :=
  let t := { t with compared := t.compared + 1 }
  match r.ok, y with
  | false, _ =>
    { t with
      unbounded := t.unbounded + 1, inexact := t.inexact + 1
      overflowed := if y.isNone then t.overflowed + 1 else t.overflowed }
  | true, none =>
    { t with
      failed := t.failed + 1, inexact := t.inexact + 1
      worst := ratioLimit, worstIndex := if t.worst < ratioLimit then index else t.worstIndex }
  | true, some y =>
    let q := ratio r y
    let worse := t.worst < q || t.compared == 1
    { t with
      failed := if within r y then t.failed else t.failed + 1
      inexact := if r.exact.lo = y ∧ r.exact.hi = y then t.inexact else t.inexact + 1
      worst := if worse then q else t.worst
      worstIndex := if worse then index else t.worstIndex
      ratios := q :: t.ratios
      ulps := inUlps r y :: t.ulps }

/-- The verdict's word. -/
def word (t : Tally) : String :=
  if t.compared = 0 then "VACUOUS"
  else if 0 < t.failed then "FAIL"
  else if 0 < t.unbounded then "UNBOUNDED"
  else if t.inexact = 0 then "EXACT"
  else "WITHIN"

/-- What is said beside the word. -/
def message (t : Tally) : String :=
  if 0 < t.failed || t.unbounded = 0 then ""
  else if 0 < t.overflowed then s!"{t.overflowed} entries overflow, as any implementation in this dtype may"
  else s!"{t.unbounded} entries have no bound: a divisor may be 0, a root's argument negative, \
    a number too large for the dtype, or a sum too long for it"

end Tally

/-- A natural number as JSON. -/
def jsonNat (n : Nat) : Json := Json.num ⟨Int.ofNat n, 0⟩

/-- A list of natural numbers as JSON. -/
def jsonNats (ns : List Nat) : Json := Json.arr (ns.foldl (init := #[]) fun a n => a.push (jsonNat n))

/-- The loop of `judge`; `block` is the block numbered `current`, so that neighbours share the work. -/
def judgeLoop {m : Rounding} (p : Prediction (Reach m)) (out : Tensor) (current : Nat)
    (block : Array (Reach m)) : List Nat → Tally → Tally
  | [], t => t
  | i :: rest, t =>
    if i < out.bits.size then
      let wanted := i / p.size
      let block := if wanted = current then block else p.block wanted
      judgeLoop p out wanted block rest (t.push i (block.getD (i % p.size) Reach.undefined) (out.number? i))
    else judgeLoop p out current block rest t

/-- What is gathered over the given flat indices of a recorded output. -/
def tally {m : Rounding} (p : Prediction (Reach m)) (out : Tensor) (indices : List Nat) : Tally :=
  judgeLoop p out 0 (p.block 0) indices Tally.empty

/-- Judge a recorded output at the given flat indices. -/
def judge {m : Rounding} (p : Prediction (Reach m)) (out : Tensor) (indices : List Nat) : List (String × Json) :=
  if p.shape == out.shape then
    let t := tally p out indices
    [("verdict", Json.str t.word), ("message", Json.str t.message), ("compared", jsonNat t.compared), ("failed", jsonNat t.failed),
     ("unbounded", jsonNat t.unbounded), ("worst", jsonNat t.worst), ("worst_index", jsonNat t.worstIndex),
     ("ratios", jsonNats t.ratios), ("ulps", jsonNats t.ulps)]
  else
    [("verdict", Json.str "FAIL"),
     ("message", Json.str s!"the output has shape {Request.showShape out.shape}, the specification says {Request.showShape p.shape}")]

end Spec
