module
public import Spec.Model.Mamba

/-!
# The selective scan as one kernel

Step sizes, recurrence, readout, skip connection and gate of a Mamba mixer in one pass, as kernels compute it: with
exponentials in base 2, products in another order, and the gate's product taken apart. Channel `e` has rows `b[e]` and `c[e]`
of its own here; channels of one group share theirs.
-/

@[expose] public noncomputable section
namespace Spec.Mamba
open Scalar
variable {α : Type} [Scalar α] {E N : Nat}

/-- `x`, or `x` as the argument of an exponential in base 2: multiplied by fp32's `log₂ e`, which the power of 2 undoes. -/
def rescaled (x : α) : α := either x (x * const 12102203 8388608 * const 8388608 12102203)

/-- What a selective scan reads at one step. -/
structure ScanInput (E N : Nat) (α : Type) where
  /-- The activation. -/
  u : Vector α E
  /-- The step size before its bias and softplus. -/
  dt : Vector α E
  /-- The gate. -/
  z : Vector α E
  /-- The input matrix. -/
  b : Mat E N α
  /-- The output matrix. -/
  c : Mat E N α

/-- `exp(Δ a)`, where `a` may have been multiplied by `log₂ e` beforehand. -/
def scanDecayAt (dt a : α) : α :=
  exp (either (dt * a) (dt * (a * const 12102203 8388608) * const 8388608 12102203))

/-- The step sizes of one step, from their bias. -/
def scanSizes (bias : Vector α E) (x : ScanInput E N α) : Vector α E :=
  build E fun e => softplus (rescaled (x.dt[e] + bias[e]))

/-- The decay and the input of one step, from the transition `a` and the step sizes. -/
def scanStep (a : Mat E N α) (dt : Vector α E) (x : ScanInput E N α) : Mat E N α × Mat E N α :=
  (build E fun e => build N fun n => scanDecayAt dt[e] a[e][n],
    build E fun e => build N fun n => either (dt[e] * x.b[e][n] * x.u[e]) (dt[e] * x.u[e] * x.b[e][n]))

/-- `y silu(z)`. -/
def scanGate (y z : α) : α := either (y * silu z) (y * z * sigmoid (rescaled z))

/-- The output of one step, from its state. -/
def scanOutput (d : Vector α E) (x : ScanInput E N α) (h : Mat E N α) : Vector α E :=
  build E fun e => scanGate (dot ((d[e], x.u[e]) :: entries N fun n => (x.c[e][n], h[e][n]))) x.z[e]

/-- The next state and its output. -/
def scanNext (a : Mat E N α) (d bias : Vector α E) (s : Mat E N α × Vector α E) (x : ScanInput E N α) :
    Mat E N α × Vector α E :=
  let m := scanStep a (scanSizes bias x) x
  let h := stateStep s.1 m.1 m.2
  (h, scanOutput d x h)

/-- The outputs of a selective scan that starts at `h0`. -/
def selectiveScan (a : Mat E N α) (d bias : Vector α E) (h0 : Mat E N α) (xs : List (ScanInput E N α)) : List (Vector α E) :=
  (scanWith (scanNext a d bias) (h0, d) xs).map Prod.snd

/-! ### Chunks of time side by side

A kernel may run each chunk from the zero state and hand on the state before it by one exponential of all its step sizes. -/

/-- What such a kernel has of a chunk, up to some step of it. -/
structure Chunk (E N : Nat) (α : Type) where
  /-- All its steps. -/
  length : Nat
  /-- Its steps to come. -/
  left : Nat
  /-- The state before it. -/
  start : Mat E N α
  /-- The state that its steps leave from zero. -/
  own : Mat E N α
  /-- The step sizes of each channel, the latest first. -/
  sizes : Vector (List α) E

/-- A chunk before its first step. -/
def Chunk.begin (length : Nat) (h : Mat E N α) : Chunk E N α :=
  ⟨length, length, h, build E fun _ => build N fun _ => zero, build E fun _ => []⟩

/-- One more step. -/
def Chunk.next (dt : Vector α E) (m : Mat E N α × Mat E N α) (c : Chunk E N α) : Chunk E N α :=
  ⟨c.length, c.left - 1, c.start, stateStep c.own m.1 m.2, build E fun e => dt[e] :: c.sizes[e]⟩

/-- The state `h` after the steps of a chunk, or in its place what the chunk hands on. -/
def Chunk.carry (a : Mat E N α) (c : Chunk E N α) (h : Mat E N α) : Mat E N α :=
  build E fun e =>
    let all := Scalar.sum c.sizes[e]
    build N fun n => either h[e][n] (Scalar.step (scanDecayAt all a[e][n]) c.start[e][n] c.own[e][n])

/-- The state after a step, handed on by those chunks that end there. -/
def handed (a : Mat E N α) (h : Mat E N α) (chunks : List (Chunk E N α)) : Mat E N α :=
  chunks.foldl (init := h) fun h c => if c.left = 0 then c.carry a h else h

/-- The next state, its output, and the chunks up to it. -/
def chunkedNext (a : Mat E N α) (d bias : Vector α E) (s : Mat E N α × Vector α E × List (Chunk E N α)) (x : ScanInput E N α) :
    Mat E N α × Vector α E × List (Chunk E N α) :=
  let dt := scanSizes bias x
  let m := scanStep a dt x
  let h := stateStep s.1 m.1 m.2
  let chunks := s.2.2.map fun c => c.next dt m
  let after := handed a h chunks
  (after, scanOutput d x h, chunks.map fun c => if c.left = 0 then .begin c.length after else c)

/-- The outputs of a selective scan that starts at `h0`, whose passes run chunks of these lengths side by side. -/
def chunkedScan (lengths : List Nat) (a : Mat E N α) (d bias : Vector α E) (h0 : Mat E N α) (xs : List (ScanInput E N α)) :
    List (Vector α E) :=
  (scanWith (chunkedNext a d bias) (h0, d, lengths.map fun n => .begin n h0) xs).map fun s => s.2.1

/-! ### Mixers whose scan is one kernel -/

variable {D R K : Nat}

/-- What the scan of a mixer reads at one step, from its input `x` and its activation `u`. -/
def scanInput (p : Params D E N R K α) (x : Vector α D) (u : Vector α E) : ScanInput E N α :=
  let b := linear p.projB u
  let c := linear p.projC u
  ⟨u, linear p.dtW (linear p.projDt u), linear p.inZ x, build E fun _ => b, build E fun _ => c⟩

/-- `mixer` whose scan is one kernel, with chunks of these lengths. -/
def fusedMixer (lengths : List Nat) (p : Params D E N R K α) (xs : List (Vector α D)) : List (Vector α D) :=
  (chunkedScan lengths (transition p.aLog) p.d p.dtB (build E fun _ => zeros N)
    (List.zipWith (scanInput p) xs (activations p xs))).map (linear p.outProj)

/-- `step` whose scan is one kernel. -/
def fusedStep (p : Params D E N R K α) (s : State E N K α) (x : Vector α D) : State E N K α × Vector α D :=
  let c := convStep p.convW p.convB s.window (linear p.inX x)
  let r := scanNext (transition p.aLog) p.d p.dtB (s.h, p.d) (scanInput p x (mapVec (fun v => silu v) c.2))
  (⟨c.1, r.1⟩, linear p.outProj r.2)

end Spec.Mamba
